"""`music-cross`: what is learned from one data set, asked of another."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from pathlib import Path
from typing import Final

import numpy as np

from cloud_trainer.tables.frame import Column, Floats, Fold, Problem, Table
from cloud_trainer.tables.music.listening import HEARD
from cloud_trainer.tables.music.pieces import SETS, Music, listened, read
from cloud_trainer.tables.music.rivals import Voice, committee, features_row, learned, mean, row

__all__ = ["MUSIC_CROSS"]

_AXES: Final = ("arousal", "valence")
_PAIRS: Final = tuple(permutations(SETS, 2))
"""(set that is learned from, set that is asked)."""
_MEMBERS: Final[Mapping[str, Voice]] = {
    "descriptors and tones, ridge": learned("ridge", ("descriptors", "tones")),
    "heard, kernel": learned("kernel", HEARD),
}


def _load(data: Path, exam: Path | None, seed: int) -> Problem[Music]:
    """Return the pieces that are learned from, and behind them those that are asked, once for each that asks them."""
    sets = {name: read(name, data, exam) for name in SETS}
    parts = [(music, np.flatnonzero(~music.exam), -1) for music in sets.values()]
    for number, (_, asked) in enumerate(_PAIRS):
        wanted = sets[asked].exam if exam is not None else ~sets[asked].exam
        parts.append((sets[asked], np.flatnonzero(wanted), number))
    music = Music(
        pieces=tuple(part.pieces[place] for part, rows, _ in parts for place in rows),
        felt=np.concatenate([part.felt[rows] for part, rows, _ in parts]),
        exam=np.concatenate([part.exam[rows] for part, rows, _ in parts]),
    )
    pair = np.concatenate([np.full(len(rows), number) for _, rows, number in parts])
    truth = np.full((len(pair), len(_AXES) * len(_PAIRS)), np.nan)
    for number in range(len(_PAIRS)):
        here = np.flatnonzero(pair == number)
        truth[here, 2 * number : 2 * number + 2] = music.felt[here][:, ::-1]
    sources = np.array([piece.dataset for piece in music.pieces])
    folds = [
        Fold(
            name=name,
            train=np.flatnonzero((pair < 0) & (sources == name)),
            test=np.flatnonzero([number >= 0 and _PAIRS[number][0] == name for number in pair]),
            seed=seed,
        )
        for name in SETS
    ]
    group = np.array([f"{piece.dataset} {piece.group}" for piece in music.pieces])
    return Problem(truth=truth, group=group, data=music, folds=folds)


def _in_every_pair(felt: Floats) -> Floats:
    """Return arousal and valence under each pair; only the piece's own has a truth."""
    return np.asarray(np.tile(felt[:, ::-1], (1, len(_PAIRS))))


MUSIC_CROSS: Final = Table(
    name="music-cross",
    title="What music expresses: learned from one data set, asked of another",
    question="Does what is learned from rated game music, from signs of pop piano or from recordings hold elsewhere?",
    protocol=(
        "Trained and tuned on all of one set, scored on all of another. Correlation, since scales differ: EMOPIA has "
        "signs, Emotify induced emotions. EMOPIA and VGMIDI are rendered from scores with a sampled piano. Interval: "
        "songs, themes and tracks resampled."
    ),
    exam_protocol=(
        "Trained and tuned on all of one set of the data, scored once on the exam's part of another. Correlation, as "
        "without an exam. Interval: songs, themes and tracks resampled."
    ),
    group="song",
    sources=tuple(SETS),
    aids=("piano-samples",),
    columns=tuple(
        Column(name=f"{learnt} to {asked}, {axis} r", metric="correlation", output=2 * number + place)
        for number, (learnt, asked) in enumerate(_PAIRS)
        for place, axis in enumerate(_AXES)
    ),
    rows=(
        row("mean", "one answer for every piece", mean, _in_every_pair, baseline=True),
        features_row("descriptors, ridge", "ridge", ("descriptors",), _in_every_pair, "the contract's descriptors"),
        features_row(
            "descriptors and tones, ridge",
            "ridge",
            ("descriptors", "tones"),
            _in_every_pair,
            "descriptors and pitches heard",
        ),
        features_row("heard, kernel", "kernel", HEARD, _in_every_pair, "spectrum, descriptors and pitches heard"),
        row(
            "committee",
            "mean of ridge on descriptors and tones and of the kernel",
            committee(_MEMBERS),
            _in_every_pair,
            tuned="as its members",
        ),
    ),
    reference="descriptors, ridge",
    ours="committee",
    load=_load,
    prepare=listened,
    modules=tuple(
        f"cloud_trainer.tables.music.{name}" for name in ("cross", "listening", "notes", "pieces", "pitches", "rivals")
    ),
)

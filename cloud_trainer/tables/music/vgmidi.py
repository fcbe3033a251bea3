"""`vgmidi`: mean valence and arousal of game music, from the sound of its rendered scores."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from cloud_trainer.tables.frame import Column, Floats, Peer, Problem, Table
from cloud_trainer.tables.music.listening import HEARD
from cloud_trainer.tables.music.networks import RESIDUAL, RESIDUAL_NAME, network, network_rows
from cloud_trainer.tables.music.pieces import Music, aids_of, folded, listened, read
from cloud_trainer.tables.music.rivals import (
    BY_SIX,
    MUSIC_LEARNERS,
    committee,
    features_row,
    forest_on_notes,
    learned,
    lent,
    mean,
    row,
)

__all__ = ["VGMIDI"]

_FOLDS: Final = 10
_NOTES: Final = "documentation of the data: 15 note statistics, 10 folds of single pieces"
_MEMBERS: Final = {
    "heard, kernel": learned("kernel", HEARD),
    "descriptors and tones, ridge": learned("ridge", ("descriptors", "tones")),
    "lent, kernel": lent(HEARD, ("tones",)),
}


def _load(data: Path, exam: Path | None, seed: int) -> Problem[Music]:
    music = read("vgmidi", data, exam)
    return folded(music, music.felt, folds=_FOLDS, seed=seed)


def _as_it_is(felt: Floats) -> Floats:
    return np.clip(felt, -1.0, 1.0)


VGMIDI: Final = Table(
    name="vgmidi",
    title="What game music expresses: valence and arousal (VGMIDI)",
    question="How much of a piece's mean valence and arousal is heard from its rendered score?",
    protocol=(
        "Audio rendered from the scores with a sampled piano. Ten folds; all arrangements of a game's theme in one. "
        "Values in [-1, 1]. Interval: themes resampled."
    ),
    exam_protocol=(
        "Audio rendered from the scores with a sampled piano. Trained and tuned on all of the data but themes of the "
        "exam, scored once on the exam's pieces. Interval: themes resampled."
    ),
    group="theme",
    sources=("vgmidi",),
    aids=aids_of("vgmidi"),
    columns=(
        Column(name="arousal R²", metric="r2", output=1, target=0.75, peers=(Peer("forest on notes", 0.68, _NOTES),)),
        Column(name="valence R²", metric="r2", output=0, target=0.50, peers=(Peer("forest on notes", 0.42, _NOTES),)),
        Column(name="arousal RMSE", metric="rmse", output=1),
        Column(name="valence RMSE", metric="rmse", output=0),
    ),
    rows=(
        row("mean", "the training pieces' mean", mean, _as_it_is, baseline=True),
        row(
            "forest on notes",
            "random forest of 300 trees on 15 statistics of the score, untuned: reads what the others must hear",
            forest_on_notes,
            _as_it_is,
            baseline=True,
        ),
        features_row("descriptors, ridge", "ridge", ("descriptors",), _as_it_is, "the contract's audio descriptors"),
        features_row("descriptors, boosting", "boosting", ("descriptors",), _as_it_is, "the contract's descriptors"),
        features_row(
            "descriptors and tones, ridge",
            "ridge",
            ("descriptors", "tones"),
            _as_it_is,
            "descriptors and pitches heard",
        ),
        features_row("heard, kernel", "kernel", HEARD, _as_it_is, "spectrum, descriptors and pitches heard"),
        row(
            "lent, kernel",
            "the kernel on what other data sets taught to hear: the score's statistics, their valence and arousal",
            _MEMBERS["lent, kernel"],
            _as_it_is,
            tuned=BY_SIX,
            grid=MUSIC_LEARNERS["kernel"].grid,
        ),
        row(
            "committee",
            "mean of both kernels and of ridge on descriptors and tones; hears, reads no score",
            committee(_MEMBERS),
            _as_it_is,
            tuned="as its members",
        ),
        *network_rows(_as_it_is),
        row(
            "committee with the network",
            "mean of the committee's members and of the residual CNN",
            committee({**_MEMBERS, RESIDUAL_NAME: network(RESIDUAL)}),
            _as_it_is,
            tuned="as its members",
        ),
    ),
    reference="forest on notes",
    ours="committee",
    load=_load,
    prepare=listened,
    modules=tuple(
        f"cloud_trainer.tables.music.{name}"
        for name in ("listening", "networks", "notes", "patches", "pieces", "pitches", "rivals", "vgmidi")
    ),
)

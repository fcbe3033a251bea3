"""`emopia`: the quadrant of piano clips, from the sound of their rendered scores."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from cloud_trainer.tables.frame import Column, Floats, Fold, Peer, Problem, Table
from cloud_trainer.tables.music.listening import HEARD
from cloud_trainer.tables.music.pieces import Music, aids_of, examined, listened, read
from cloud_trainer.tables.music.rivals import features_row, mean, row
from cloud_trainer.tables.music.rows import forest_on_notes_row, listening_rows, modules

__all__ = ["EMOPIA"]

_PAPER: Final = "Hung et al. 2021: official test part, real recordings"
_NOTES: Final = "documentation of the data: 15 note statistics, official test part"


def _load(data: Path, exam: Path | None, seed: int) -> Problem[Music]:
    music = read("emopia", data, exam)
    if exam is None:
        side = np.array([piece.split for piece in music.pieces])
        train, test = np.flatnonzero(side != "test"), np.flatnonzero(side == "test")
        folds = [Fold(name="official", train=train, test=test, seed=seed)]
    else:
        folds = [examined(music, seed)]
    return Problem(truth=_classes(music.felt), group=music.groups, data=music, folds=folds)


def _classes(felt: Floats) -> Floats:
    """Return quadrant 0..3, arousal 0..1 and valence 0..1 of valence and arousal `(n, 2)`; 0 counts as positive."""
    pleasant, aroused = felt[:, 0] >= 0.0, felt[:, 1] >= 0.0
    quadrant = np.where(aroused, np.where(pleasant, 0, 1), np.where(pleasant, 3, 2))
    return np.asarray(np.stack([quadrant, aroused, pleasant], axis=1), np.float64)


EMOPIA: Final = Table(
    name="emopia",
    title="What piano music expresses: the quadrant (EMOPIA)",
    question="Are the quadrant of a clip, its arousal and its valence heard from its rendered score?",
    protocol=(
        "Audio rendered from the scores with a sampled piano. Trained and tuned on the official training part and on "
        "what the official split leaves out, scored on the official validation part (the official test part is not in "
        "the data). All clips of a song on one side. Interval: songs resampled."
    ),
    exam_protocol=(
        "Audio rendered from the scores with a sampled piano. Trained and tuned on all of the data but songs of the "
        "exam, scored once on the exam's clips. Interval: songs resampled."
    ),
    group="song",
    sources=("emopia",),
    aids=aids_of("emopia"),
    columns=(
        Column(
            name="quadrant accuracy",
            metric="accuracy_4",
            output=0,
            target=0.68,
            peers=(Peer("short-chunk ResNet", 0.677, _PAPER), Peer("forest on notes", 0.616, _NOTES)),
        ),
        Column(
            name="arousal accuracy",
            metric="accuracy_2",
            output=1,
            target=0.90,
            peers=(Peer("short-chunk ResNet", 0.887, _PAPER), Peer("forest on notes", 0.884, _NOTES)),
        ),
        Column(
            name="valence accuracy",
            metric="accuracy_2",
            output=2,
            target=0.72,
            peers=(Peer("short-chunk ResNet", 0.704, _PAPER), Peer("forest on notes", 0.709, _NOTES)),
        ),
        Column(name="quadrant macro-F1", metric="macro_f1_4", output=0),
    ),
    rows=(
        row("majority", "the more frequent sign of each axis", mean, _classes, baseline=True),
        forest_on_notes_row(_classes),
        *listening_rows(
            _classes,
            tones="ridge",
            together="mean of both kernels and of ridge on descriptors and tones; hears, reads no score",
            more=(features_row("heard, extra trees", "extra trees", HEARD, _classes, "the same"),),
        ),
    ),
    reference="forest on notes",
    ours="committee",
    load=_load,
    prepare=listened,
    modules=modules("emopia"),
)

"""`vgmidi`: mean valence and arousal of game music, from the sound of its rendered scores."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cloud_trainer.tables.frame import Problem, Table
from cloud_trainer.tables.music.pieces import Music, aids_of, folded, listened, read
from cloud_trainer.tables.music.rivals import mean, row
from cloud_trainer.tables.music.rows import as_it_is, forest_on_notes_row, listening_rows, modules, rated_columns

__all__ = ["VGMIDI"]

_FOLDS: Final = 10
_NOTES: Final = "documentation of the data: 15 note statistics, 10 folds of single pieces"


def _load(data: Path, exam: Path | None, seed: int) -> Problem[Music]:
    music = read("vgmidi", data, exam)
    return folded(music, music.felt, folds=_FOLDS, seed=seed)


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
    columns=rated_columns("forest on notes", _NOTES, arousal=(0.75, 0.68), valence=(0.50, 0.42)),
    rows=(
        row("mean", "the training pieces' mean", mean, as_it_is, baseline=True),
        forest_on_notes_row(as_it_is),
        *listening_rows(
            as_it_is,
            tones="ridge",
            together="half the Gaussian process, half the mean of both kernels and of ridge on descriptors and tones; "
            "hears, reads no score",
            process=True,
        ),
    ),
    reference="forest on notes",
    ours="committee",
    load=_load,
    prepare=listened,
    modules=modules("vgmidi"),
)

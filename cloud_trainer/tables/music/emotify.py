"""`emotify`: valence and arousal of induced emotions, from real recordings in four genres."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cloud_trainer.tables.frame import Problem, Table
from cloud_trainer.tables.music.pieces import Music, aids_of, folded, listened, read
from cloud_trainer.tables.music.rivals import kernel_on_spectrum, mean, row
from cloud_trainer.tables.music.rows import as_it_is, listening_rows, modules, rated_columns

__all__ = ["EMOTIFY"]

_FOLDS: Final = 5
_README: Final = "documentation of the data: log-mel mean, deviation and change, 5 folds of another seed"


def _load(data: Path, exam: Path | None, seed: int) -> Problem[Music]:
    music = read("emotify", data, exam)
    return folded(music, music.felt, folds=_FOLDS, seed=seed)


EMOTIFY: Final = Table(
    name="emotify",
    title="What recordings make people feel: valence and arousal (Emotify)",
    question="How much of the valence and arousal that recordings in four genres induce is heard?",
    protocol="Real recordings. Five folds over tracks. Values in [-1, 1]. Interval: tracks resampled.",
    exam_protocol=(
        "Real recordings. Trained and tuned on all of the data but the exam's tracks, scored once on the exam's. "
        "Interval: tracks resampled."
    ),
    group="track",
    sources=("emotify",),
    aids=aids_of("emotify"),
    columns=rated_columns("SVR on log-mel", _README, arousal=(0.45, 0.38), valence=(0.22, 0.16)),
    rows=(
        row("mean", "the training tracks' mean", mean, as_it_is, baseline=True),
        row(
            "SVR on log-mel",
            "support vectors on mean, deviation and change of the mel bands, untuned: the earlier figure, run again",
            kernel_on_spectrum,
            as_it_is,
            baseline=True,
        ),
        *listening_rows(
            as_it_is,
            tones="kernel",
            together="mean of the three kernels",
        ),
    ),
    reference="SVR on log-mel",
    ours="committee",
    load=_load,
    prepare=listened,
    modules=modules("emotify"),
    notes=(
        (
            "Valence and arousal are sums of nine induced emotions (cloud_trainer.data.labels). Half of the listeners "
            "agree with the other half at .69 in valence, .92 in arousal."
        ),
    ),
)

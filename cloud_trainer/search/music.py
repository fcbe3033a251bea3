"""What a search of `music_emotion` may choose: the residual CNN's training, scored on validation songs.

A trial sees half of the patches of a build for a third of its epochs, so that twenty trials take some two hours on two
idle cores.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import msgspec

from cloud_trainer.music_emotion.stage import MusicEmotionStage
from cloud_trainer.progress import ObservedProgress
from cloud_trainer.search.space import Number, Objective, Report, SearchContext, Settings, Space
from cloud_trainer.settings import MusicEmotionSection
from cloud_trainer.tables.provenance import configuration_hash

__all__ = ["MUSIC_EMOTION"]

_DEFAULT: Final = MusicEmotionSection()
_BRIEF: Final = msgspec.structs.replace(_DEFAULT, epochs=8, patches_per_piece=2)
_CHOSEN: Final = ("dropout", "learning_rate", "weight_decay", "auxiliary_weight", "mixed_share")


def _prepare(context: SearchContext) -> Objective:
    build = context.as_build()
    length = _DEFAULT if context.whole else _BRIEF

    def objective(settings: Settings, report: Report) -> float:
        scores: list[float] = []

        def observe(epoch: int, figures: Mapping[str, float]) -> None:
            scores.append(figures["validation"])
            report(epoch, max(scores))

        # A trial that was interrupted is repeated whole, or the median rule would miss the epochs done before.
        folder = context.work / f"trial-{configuration_hash(settings)}"
        shutil.rmtree(folder, ignore_errors=True)
        stage = MusicEmotionStage(settings=msgspec.structs.replace(length, **settings))
        try:
            stage.trained(
                replace(build, work=folder, progress=ObservedProgress(context.progress, observe)),
                training_seed=context.drawn_by,
            )
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return max(scores)

    return objective


MUSIC_EMOTION: Final = (
    Space(
        name="music_emotion",
        what="residual CNN on log-mel patches with metadata; mean of R² and 2 · accuracy − 1 over validation songs",
        ranges={
            "dropout": Number(0.0, 0.6),
            "learning_rate": Number(3e-4, 1e-2, log=True),
            "weight_decay": Number(1e-3, 0.3, log=True),
            "auxiliary_weight": Number(0.05, 2.0, log=True),
            "mixed_share": Number(0.0, 0.5),
        },
        start={name: getattr(_DEFAULT, name) for name in _CHOSEN},
        sources=("emopia", "vgmidi", "emotify", "piano-samples"),
        modules=(
            "cloud_trainer.search.music",
            "cloud_trainer.music_emotion.augmentation",
            "cloud_trainer.music_emotion.corpus",
            "cloud_trainer.music_emotion.evaluation",
            "cloud_trainer.music_emotion.examples",
            "cloud_trainer.music_emotion.network",
            "cloud_trainer.music_emotion.training",
        ),
        prepare=_prepare,
        needs=("metadata_vectors",),
        brief=True,
    ),
)

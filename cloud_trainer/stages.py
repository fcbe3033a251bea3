"""Which stages a build has. A stage's module is imported when the stage is asked for: most need TensorFlow's weight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import TopologicalSorter
from importlib import import_module
from typing import Final

from cloud_trainer.artefact import Stage
from cloud_trainer.settings import TrainerSettings
from models.errors import Reason, SettingsError

__all__ = ["STAGES", "in_order", "stages"]

STAGES: Final[Mapping[str, str]] = {
    "metadata_vectors": "cloud_trainer.recommenders.metadata_vectors:MetadataVectorsStage",
    "music_emotion": "cloud_trainer.music_emotion.stage:MusicEmotionStage",
    "user_emotion": "cloud_trainer.user_emotion.stage:UserEmotionStage",
    "sequence": "cloud_trainer.recommenders.sequence_stage:SequenceStage",
    "hybrid": "cloud_trainer.recommenders.hybrid_stage:HybridStage",
}
"""Name of a stage -> `module:class`. A class whose settings have a section of the stage's name takes that section."""


def stages(names: Iterable[str], settings: TrainerSettings) -> list[Stage]:
    """Return the named stages and those that they need, each after its needs.

    Raises:
        SettingsError: a name is none of `STAGES`.
    """
    chosen: dict[str, Stage] = {}
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in chosen:
            chosen[name] = _make(name, settings)
            pending.extend(chosen[name].needs)
    return in_order(chosen.values())


def in_order(chosen: Iterable[Stage]) -> list[Stage]:
    """Sort stages so that each comes after those that it needs.

    Raises:
        graphlib.CycleError: two stages need each other.
    """
    by_name = {stage.name: stage for stage in chosen}
    order = TopologicalSorter({name: stage.needs for name, stage in by_name.items()})
    return [by_name[name] for name in order.static_order()]


def _make(name: str, settings: TrainerSettings) -> Stage:
    if name not in STAGES:
        raise SettingsError(
            f"there is no stage {name!r}",
            reason=Reason.WRONG_VALUE,
            remedy=f"Name some of: {', '.join(STAGES)}",
        )
    module, _, attribute = STAGES[name].partition(":")
    factory = getattr(import_module(module), attribute)
    section = getattr(settings, name, None)
    stage: Stage = factory() if section is None else factory(settings=section)
    return stage

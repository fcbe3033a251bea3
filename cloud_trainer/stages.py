"""Which stages a build has. A stage's module is imported when the stage is asked for: most need TensorFlow's weight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from graphlib import TopologicalSorter
from importlib import import_module
from typing import Final

import msgspec

from cloud_trainer.artefact import Stage
from cloud_trainer.search.frozen import winner
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
    return _with_winner(stage)


def _with_winner(stage: Stage) -> Stage:
    """Return the stage with the frozen winner of its search in the settings that stand at their defaults.

    Raises:
        SettingsError: the winner has a setting that the stage does not know.
    """
    won, chosen = winner(stage.name, stage.name), getattr(stage, "settings", None)
    if won is None or chosen is None:
        return stage
    if unknown := sorted(name for name in won if not hasattr(chosen, name)):
        raise SettingsError(
            f"frozen/{stage.name}.json: {stage.name} has no setting {', '.join(unknown)}",
            reason=Reason.UNKNOWN_KEY,
            remedy=f"Run 'attune-trainer search {stage.name}' again",
        )
    default = type(chosen)()
    values = {name: value for name, value in won.items() if getattr(chosen, name) == getattr(default, name)}
    changed = (
        msgspec.structs.replace(chosen, **values) if isinstance(chosen, msgspec.Struct) else replace(chosen, **values)
    )
    tuned: Stage = replace(stage, settings=changed)  # type: ignore[type-var]  # stages with settings are dataclasses
    return tuned

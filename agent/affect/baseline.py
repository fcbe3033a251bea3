"""The listener's own baselines: what this body's numbers are when nothing particular happens.

Rules:

- Learned from steps at rest alone: what motion does to a heart is no feeling.
- Robust and slow: a running mean whose later steps are clipped at two of the feature's scales and whose memory is eight
  worn hours, so that neither an artefact nor a stressful hour becomes the norm.
- How far they count beside the population's norm is decided by how long they were learned
  (`models.physiology.baseline`): the model's input never jumps when calibration ends.
- A quantity in arbitrary units has no population norm: it stays unknown until the listener's own is known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from models.physiology.baseline import ARBITRARY, Own, own_levels
from models.physiology.schema import INDEX, PHYSIOLOGY, STEP_S, Feature
from models.physiology.windows import Floats

__all__ = ["CALIBRATION_STEPS", "Baseline", "Level"]

CALIBRATION_STEPS: Final = int(300 / STEP_S)
"""Five minutes: the shortest recording of heart rate variability at rest that the field accepts as a baseline."""
_MEMORY_STEPS: Final = int(8 * 3600 / STEP_S)
_SETTLING_STEPS: Final = 12
"""The first minute is averaged as it is: there is no centre yet to clip at."""
_CLIP_SCALES: Final = 2.0
_STILL: Final = 0.0
"""ln(m/s²): motion from 1 m/s² on is walking, not rest."""
_PERSONAL: Final = {feature.name: feature for feature in PHYSIOLOGY if feature.personal}


class Level(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The baseline of one feature.

    Attributes:
        centre: in the feature's unit.
        steps: how many steps at rest it was learned from.
    """

    centre: Annotated[float, Meta(ge=-1e6, le=1e6)]
    steps: Annotated[int, Meta(ge=1, le=10**9)]


class Baseline:
    """Baselines by feature.

    Args:
        levels: what was learned before, by feature; unknown names are left out.
    """

    def __init__(self, levels: Mapping[str, Level] | None = None) -> None:
        self.levels = {name: level for name, level in (levels or {}).items() if name in _PERSONAL}

    @property
    def calibrated(self) -> bool:
        """Whether the heart's own baseline is known."""
        heart = self.levels.get("heart_rate")
        return heart is not None and heart.steps >= CALIBRATION_STEPS

    def learn(self, physiology: Floats) -> None:
        """Take in one finished step, [len(PHYSIOLOGY)] in the schema's units, NaN where unknown."""
        if physiology[INDEX["motion"]] > _STILL:
            return
        for name, feature in _PERSONAL.items():
            value = float(physiology[INDEX[name]])
            if math.isfinite(value):
                self.levels[name] = _learned(self.levels.get(name), value, feature)

    def own(self) -> Own:
        """The listener's own levels, [F] each."""
        return own_levels({name: (level.centre, level.steps * STEP_S) for name, level in self.levels.items()})

    def unknown(self) -> list[int]:
        """Columns of features that mean nothing yet, because they have neither an own nor a population norm."""
        return [
            INDEX[name]
            for name in ARBITRARY
            if (level := self.levels.get(name)) is None or level.steps < _SETTLING_STEPS
        ]


def _learned(level: Level | None, value: float, feature: Feature) -> Level:
    if level is None:
        return Level(value, 1)
    away = value - level.centre
    if level.steps >= _SETTLING_STEPS:
        bound = _CLIP_SCALES * feature.scale
        away = min(bound, max(-bound, away))
    steps = level.steps + 1
    return Level(level.centre + away / min(steps, _MEMORY_STEPS), min(steps, 10**9))

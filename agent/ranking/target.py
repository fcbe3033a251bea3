"""The emotion that is wanted next: the goal seen from the affect state.

Rules:

- `match` wants the state itself, as unsure as it is.
- `lead` walks in a straight line from the state at the asking to the target, and arrives after the asked minutes: music
  first meets the listener where they are and then moves (the iso principle, Altshuler 1948; Starcke & von Georgi 2024).
- `hold` wants the emotion that the music had when it was asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from models.wire.messages import Goal

__all__ = ["ListenerGoal", "Target", "target_of"]

_WISH_SD: Final = 0.12
"""How exactly somebody means a point of the plane that they asked for: half the spacing of a nine-point scale."""


@dataclass(frozen=True, slots=True)
class ListenerGoal:
    """What the listener asked for.

    Attributes:
        mode: match, lead or hold.
        start: state when a lead was asked for, [2].
        target: where a lead goes, or what is held, [2].
        asked_at: seconds since the epoch.
        seconds: how long a lead takes.
    """

    mode: Literal["match", "lead", "hold"] = "match"
    start: tuple[float, float] = (0.0, 0.0)
    target: tuple[float, float] = (0.0, 0.0)
    asked_at: float = 0.0
    seconds: float = 0.0

    def wire(self) -> Goal:
        """The goal as the queue's message carries it."""
        if self.mode == "match":
            return Goal(mode="match")
        until = self.asked_at + self.seconds if self.mode == "lead" else None
        return Goal(mode=self.mode, valence=self.target[0], arousal=self.target[1], until=until)


@dataclass(frozen=True, slots=True)
class Target:
    """A distribution over the valence–arousal plane: mean [2] and covariance [2, 2]."""

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]


def target_of(goal: ListenerGoal, mean: NDArray[np.float64], covariance: NDArray[np.float64], *, now: float) -> Target:
    """The emotion that is wanted now.

    Args:
        goal: what the listener asked for.
        mean: affect state, [2].
        covariance: its covariance, [2, 2].
        now: seconds since the epoch.
    """
    if goal.mode == "match":
        return Target(mean, covariance)
    wished = np.asarray(goal.target, dtype=np.float64)
    if goal.mode == "lead" and goal.seconds > 0:
        travelled = min(1.0, max(0.0, (now - goal.asked_at) / goal.seconds))
        start = np.asarray(goal.start, dtype=np.float64)
        wished = start + travelled * (wished - start)
    return Target(wished, np.eye(2) * _WISH_SD**2)

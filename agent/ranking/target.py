"""The emotion that is wanted next: the goal seen from the affect state.

Rules:

- `match` wants the state itself, as unsure as it is.
- `lead` walks in a straight line from the state at the asking to the target, and arrives after the asked minutes: music
  first meets the listener where they are and then moves (the iso principle, Altshuler 1948; Starcke & von Georgi 2024).
- `hold` wants the emotion that the music had when it was asked.
- State and music are compared as deviations, each in units of its own spread: a state from what is usual for the
  listener, a track from the middle of the library. Both are estimates that shrink towards their means, the state's more
  than the music's, and plain distances would compare the two shrinkages.
- The coordinate that is better known counts more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from agent.ranking.tracks import EmotionScale
from models.wire.messages import Goal

__all__ = ["EMOTION_WIDTH", "ListenerGoal", "Target", "target_of"]

EMOTION_WIDTH: Final = 0.6
"""How far from what is wanted music may be and still fit, in the library's standard deviations: about the error of the
music's own estimated emotion, so a finer kernel would follow noise."""
_LEAST_SPREAD: Final = 0.2
"""Estimates that explain next to nothing still spread by so much; dividing by less would follow noise."""
_LEAST_KNOWN: Final = 0.02
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
    """The emotion that is wanted.

    Attributes:
        mean: [2], in the plane.
        covariance: [2, 2], likewise.
        relative: [2], on the library's scale.
        widths: [2], how far from it music may be and still fit, on that scale.
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    relative: NDArray[np.float64]
    widths: NDArray[np.float64]


def target_of(
    goal: ListenerGoal,
    mean: NDArray[np.float64],
    covariance: NDArray[np.float64],
    *,
    prior: tuple[NDArray[np.float64], NDArray[np.float64]],
    scale: EmotionScale,
    now: float,
) -> Target:
    """The emotion that is wanted now.

    Args:
        goal: what the listener asked for.
        mean: affect state, [2].
        covariance: its covariance, [2, 2].
        prior: mean [2] and covariance [2, 2] of the listener's usual state.
        scale: of the library.
        now: seconds since the epoch.
    """
    if goal.mode == "match":
        return _target(mean, covariance, prior)
    wished = np.asarray(goal.target, dtype=np.float64)
    sure = np.eye(2) * _WISH_SD**2
    if goal.mode == "hold":
        return Target(wished, sure, scale.relative(wished), np.full(2, EMOTION_WIDTH))
    if goal.seconds > 0:
        travelled = min(1.0, max(0.0, (now - goal.asked_at) / goal.seconds))
        start = np.asarray(goal.start, dtype=np.float64)
        wished = start + travelled * (wished - start)
    return _target(wished, sure, prior)


def _target(
    mean: NDArray[np.float64],
    covariance: NDArray[np.float64],
    prior: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> Target:
    """Put a state on the library's scale.

    By the law of total variance, estimates of a state with variance P that was p before spread by sqrt(p - P); so a
    certain state spreads as states do, and a guess hardly at all.
    """
    usual = np.diag(prior[1])
    explained = np.clip(usual - np.diag(covariance), 0.0, None)
    known = explained / usual + _LEAST_KNOWN
    widths = EMOTION_WIDTH * np.sqrt(np.sqrt(known.prod()) / known)
    return Target(mean, covariance, (mean - prior[0]) / np.sqrt(np.maximum(explained, _LEAST_SPREAD**2)), widths)

"""How the latent feeling moves: along a script, at random, or pulled by the music that is heard.

Rules:

- A course is asked with times that never go back; what it answers does not depend on how often it is asked.
- Every course stays inside the valence-arousal plane.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from firmware_sim.listener.affect import Affect
from firmware_sim.physiology.dynamics import Lag, OrnsteinUhlenbeck
from models.errors import Reason, SettingsError

__all__ = ["Course", "FollowingCourse", "Point", "RandomCourse", "ScriptedCourse"]


class Course(Protocol):
    """The latent feeling as a function of time."""

    def at(self, t_s: float) -> Affect:
        """What is felt `t_s` seconds after the start; `t_s` never decreases from call to call."""


@dataclass(frozen=True, slots=True)
class Point:
    """A feeling that a script reaches at a time, seconds after its start."""

    t_s: float
    affect: Affect


class ScriptedCourse:
    """Moves smoothly from point to point: 3x² − 2x³ between neighbours, so it neither jumps nor kinks nor overshoots.

    Args:
        points: at least one, at times that ascend strictly from 0 or later.
        repeats: begin again after the last point; else stay there.

    Raises:
        SettingsError: there is no point, times do not ascend, or a feeling lies outside of the plane.
    """

    def __init__(self, points: Sequence[Point], *, repeats: bool = False) -> None:
        _check(points)
        self.points = tuple(points)
        self.repeats = repeats
        self._times = [point.t_s for point in points]

    @property
    def length_s(self) -> float:
        """Seconds from the start to the last point."""
        return self._times[-1]

    def stretched(self, length_s: float) -> ScriptedCourse:
        """The same course in `length_s` seconds (above 0)."""
        factor = length_s / self.length_s if self.length_s > 0 else 1.0
        return ScriptedCourse([Point(p.t_s * factor, p.affect) for p in self.points], repeats=self.repeats)

    def at(self, t_s: float) -> Affect:
        """What is felt `t_s` seconds after the start."""
        if self.repeats and self.length_s > 0:
            t_s %= self.length_s
        after = int(np.searchsorted(self._times, t_s, side="right"))
        if after == 0:
            return self.points[0].affect
        if after == len(self.points):
            return self.points[-1].affect
        left, right = self.points[after - 1], self.points[after]
        x = (t_s - left.t_s) / (right.t_s - left.t_s)
        return left.affect.towards(right.affect, x * x * (3 - 2 * x))


def _check(points: Sequence[Point]) -> None:
    remedy = "Give points as seconds, valence, arousal with ascending seconds and values from -1 to 1"
    if not points:
        raise SettingsError("The script has no points", reason=Reason.EMPTY, remedy=remedy)
    for number, point in enumerate(points, start=1):
        before_s = points[number - 2].t_s if number > 1 else -math.inf
        inside = max(abs(point.affect.valence), abs(point.affect.arousal)) <= 1
        if not inside or not math.isfinite(point.t_s) or point.t_s < 0 or point.t_s <= before_s:
            where = (
                f"Point {number} of the script is ({point.t_s:g}, {point.affect.valence:g}, {point.affect.arousal:g})"
            )
            raise SettingsError(where, reason=Reason.WRONG_VALUE, remedy=remedy)


# Core affect wanders around a home base as an Ornstein-Uhlenbeck process (Kuppens, Oravecz & Tuerlinckx 2010, J. Pers.
# Soc. Psychol. 99:1042). The home base is slightly pleasant (Diener & Diener 1996, Psychol. Sci. 7:181). They measured
# over hours; the time constant here is that of an hour's listening, minutes, so that a session sees several moods.
_HOME = Affect(0.15, 0.0)
_SPREAD, _WANDER_S, _SMOOTH_S = 0.45, 90.0, 8.0
_GRID_S = 0.25


class RandomCourse:
    """Wanders around a home base: an Ornstein-Uhlenbeck process, smoothed over seconds because feelings do not jitter.

    Args:
        seed: of the wandering.
        wander_s: time constant of the wandering, seconds.
    """

    def __init__(self, seed: int, *, wander_s: float = _WANDER_S) -> None:
        generator = np.random.default_rng([seed, 0x636F75])
        self._noise = [OrnsteinUhlenbeck(wander_s, _SPREAD, generator) for _ in Affect._fields]
        self._smooth = [Lag(_SMOOTH_S, noise.value) for noise in self._noise]
        self._steps = 0

    def at(self, t_s: float) -> Affect:
        """What is felt `t_s` seconds after the start; it changes on a grid of a quarter of a second."""
        while self._steps < math.floor(t_s / _GRID_S + 1e-9):
            self._steps += 1
            for noise, smooth in zip(self._noise, self._smooth, strict=True):
                smooth.towards(noise.step(_GRID_S), _GRID_S)
        return Affect(_HOME.valence + self._smooth[0].value, _HOME.arousal + self._smooth[1].value).clipped()


# Listeners settle on the emotion of a piece after some ten seconds (Bachorik et al. 2009, Music Percept. 26:355), their
# bodies follow over the first minute (Krumhansl 1997, Can. J. Exp. Psychol. 51:336).
_PULL_S = 30.0


class FollowingCourse:
    """The listener's own course, pulled towards the emotion of the music that is heard.

    dx/dt = (s · heard + (1 − s) · own(t) − x) / τ while music plays, with susceptibility s; without music s is 0.

    Args:
        own: what would be felt without music.
        susceptibility: 0 (deaf to it) to 1 (all music).
        pull_s: the time constant τ, seconds.
    """

    def __init__(self, own: Course, susceptibility: float, *, pull_s: float = _PULL_S) -> None:
        start = own.at(0.0)
        self._own = own
        self.susceptibility = min(1.0, max(0.0, susceptibility))
        self._lags = [Lag(pull_s, coordinate) for coordinate in start]
        self._heard: Affect | None = None
        self._t_s = 0.0

    def hear(self, emotion: Affect | None) -> None:
        """From now on music of this emotion is heard; None is silence, or music that says nothing."""
        self._heard = emotion

    def at(self, t_s: float) -> Affect:
        """What is felt `t_s` seconds after the start."""
        own = self._own.at(t_s)
        target = own if self._heard is None else own.towards(self._heard, self.susceptibility)
        elapsed_s, self._t_s = t_s - self._t_s, t_s
        for lag, coordinate in zip(self._lags, target, strict=True):
            lag.towards(coordinate, elapsed_s)
        return Affect(self._lags[0].value, self._lags[1].value).clipped()

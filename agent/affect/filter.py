"""The state filter: what is believed of valence and arousal, between observations and after each.

The state is the sum of a mood that changes within the hour, an emotion that changes within minutes and ends with the
track that it came with, and what is of the day: three Ornstein–Uhlenbeck processes (Kuppens, Oravecz & Tuerlinckx 2010,
JPSP 99:1042), observed as a sum by a Kalman filter. When the evidence stops the emotion goes first, the day last.

Rules, which the tests hold:

- The covariance stays symmetric and positive definite, and never exceeds the prior's: to know nothing more is to know
  the prior.
- The mean stays in [-1, 1].
- Without observations the mean relaxes to the prior's and the covariance grows towards it.
- An estimate whose errors depend on what is believed already is pooled with the belief, never observed: the pool is
  what one may say of the moment, the belief stays what it was, and hearing the estimate again makes nobody surer.
- The listener's own word counts at once: what was believed before is as uncertain as the prior when it comes.
- What a track did to the listener ends with it.
- Time that stands still or goes backwards changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["PASSING", "Belief", "Prior", "listen", "observe", "pool", "predict", "renew", "start"]

MOOD_S: Final = 3600.0
EMOTION_S: Final = 120.0
DAY_S: Final = 86400.0
_MOOD_SHARE: Final = 0.78
_EMOTION_SHARE: Final = 0.07
_DAY_SHARE: Final = 0.15
"""Time constants, and the shares of the variance within a person. SiTunes: one's reports of mood correlate .62 over a
track, .24 within the hour, .05 over two to four hours. Fitted to the reports of HKU956 and SiTunes in four folds of
those who are not held out: the emotion's share is .05 to .07, a mood alone lasts 1.5 to 2.2 hours. With a day beside it
an hour is better, and the likelihood of the reports before music rises by .012."""
PASSING: Final[Mapping[str, float]] = {"mood": 0.08, "music": 1.2}
"""Variance of what a report says of the moment alone, by what it is of; from the same fits (.08 to .11, .8 to 1.2). A
word on how one feels is mostly mood; a word on what a song did to one is mostly the song: two songs' reports in a row
do not correlate."""
_MOOD, _EMOTION, _DAY = slice(0, 2), slice(2, 4), slice(4, 6)
_SUM: Final = np.hstack((np.eye(2), np.eye(2), np.eye(2)))

Matrix = NDArray[np.float64]


class Prior(NamedTuple):
    """What is known of a listener without any evidence of the day.

    Attributes:
        mean: float64 [2], valence and arousal.
        covariance: float64 [2, 2], positive definite.
    """

    mean: Matrix
    covariance: Matrix


class Belief(NamedTuple):
    """What is believed at a moment.

    Attributes:
        t: seconds since the epoch.
        parts: float64 [6]: valence and arousal of the mood, then of the emotion, then of the day.
        spread: float64 [6, 6], covariance of the parts.
    """

    t: float
    parts: Matrix
    spread: Matrix

    @property
    def mean(self) -> Matrix:
        """Valence and arousal, float64 [2]."""
        total: Matrix = _SUM @ self.parts
        return total

    @property
    def covariance(self) -> Matrix:
        """Covariance of valence and arousal, float64 [2, 2]."""
        visible: Matrix = _SUM @ self.spread @ _SUM.T
        return (visible + visible.T) / 2.0


def start(prior: Prior, now: float) -> Belief:
    """Believe the prior."""
    return Belief(now, _rest(prior), _stationary(prior))


def predict(belief: Belief, prior: Prior, now: float) -> Belief:
    """Let time pass: relax towards the prior, grow unsure."""
    passed = now - belief.t
    if not passed > 0.0:
        return belief
    kept = np.repeat([math.exp(-passed / constant) for constant in (MOOD_S, EMOTION_S, DAY_S)], 2)
    rest, stationary = _rest(prior), _stationary(prior)
    spread = stationary + kept[:, np.newaxis] * (belief.spread - stationary) * kept
    return Belief(now, _inside(rest + kept * (belief.parts - rest)), spread)


def observe(belief: Belief, mean: Matrix, covariance: Matrix) -> Belief:
    """Take in an observation of valence and arousal.

    Args:
        belief: at the moment of the observation.
        mean: float64 [2].
        covariance: float64 [2, 2], of the observation's error.
    """
    cross = belief.spread @ _SUM.T
    gain = cross @ np.linalg.inv(_SUM @ cross + covariance)
    # Joseph's form keeps the covariance positive.
    left = np.eye(6) - gain @ _SUM
    spread = left @ belief.spread @ left.T + gain @ covariance @ gain.T
    return Belief(belief.t, _inside(belief.parts + gain @ (mean - belief.mean)), (spread + spread.T) / 2.0)


def pool(belief: Belief, mean: Matrix, covariance: Matrix, share: float) -> tuple[Matrix, Matrix]:
    """Weigh the belief and another estimate of the same state whose error depends on it in an unknown way.

    The logarithmic pool of two normal opinions (Genest & Zidek 1986, Statistical Science 1:114), which is covariance
    intersection: P⁻¹ = (1 - w) P_a⁻¹ + w P_b⁻¹, the means weighed alike. The surer of the two counts more.

    Args:
        belief: at the moment of the estimate; it stays as it is.
        mean: float64 [2], the other estimate.
        covariance: float64 [2, 2], of its error.
        share: w, its weight in [0, 1).

    Returns:
        Mean [2] and covariance [2, 2].
    """
    own, other = (1.0 - share) * np.linalg.inv(belief.covariance), share * np.linalg.inv(covariance)
    pooled = np.linalg.inv(own + other)
    return pooled @ (own @ belief.mean + other @ mean), pooled


def listen(belief: Belief, prior: Prior, mean: Matrix, covariance: Matrix, *, passing: float) -> Belief:
    """Take in the listener's own word, which overrules what was believed before.

    Args:
        belief: at the moment of the word.
        prior: of the listener.
        mean: float64 [2], what was said.
        covariance: float64 [2, 2], of its error.
        passing: variance of what it says of the moment alone, from `PASSING`: the state follows the word either way,
            but the mood learns less from a word that is soon over.
    """
    spread = _stationary(prior)
    spread[_EMOTION, _EMOTION] += passing * np.eye(2)
    return observe(belief._replace(spread=spread), mean, covariance)


def renew(belief: Belief, prior: Prior) -> Belief:
    """Another track begins: what the last one did is over, the mood stays."""
    stationary = _stationary(prior)
    parts, spread = belief.parts.copy(), belief.spread.copy()
    parts[_EMOTION] = 0.0
    spread[_EMOTION, :] = stationary[_EMOTION, :]
    spread[:, _EMOTION] = stationary[:, _EMOTION]
    return Belief(belief.t, parts, spread)


def _rest(prior: Prior) -> Matrix:
    return np.concatenate((prior.mean, np.zeros(4)))


def _stationary(prior: Prior) -> Matrix:
    spread = np.zeros((6, 6))
    for part, share in ((_MOOD, _MOOD_SHARE), (_EMOTION, _EMOTION_SHARE), (_DAY, _DAY_SHARE)):
        spread[part, part] = share * prior.covariance
    return spread


def _inside(parts: Matrix) -> Matrix:
    """Keep the sum in [-1, 1], without the emotion too; what is too much is taken off the mood, then the emotion."""
    day = np.clip(parts[_DAY], -1.0, 1.0)
    mood = np.clip(parts[_MOOD] + day, -1.0, 1.0) - day
    return np.concatenate((mood, np.clip(mood + day + parts[_EMOTION], -1.0, 1.0) - mood - day, day))

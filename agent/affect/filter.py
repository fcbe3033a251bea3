"""The state filter: what is believed of valence and arousal, between observations and after each.

The state is the sum of a mood that changes within an hour or two and an emotion that changes within minutes and ends
with the track that it came with, both Ornstein–Uhlenbeck processes (Kuppens, Oravecz & Tuerlinckx 2010, JPSP 99:1042),
observed as a sum by a Kalman filter. When the evidence stops the emotion goes first.

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

MOOD_S: Final = 5400.0
EMOTION_S: Final = 120.0
_MOOD_SHARE: Final = 0.93
"""Time constants, and the share of the variance within a person that is mood. SiTunes: one's reports of mood correlate
.62 over a track, .24 within the hour, .05 over two to four hours. Fitted to the reports of HKU956 and SiTunes, in four
folds of those who are not held out: 5,400 to 7,900 s, and a share of .93 to .95."""
PASSING: Final[Mapping[str, float]] = {"mood": 0.08, "music": 1.2}
"""Variance of what a report says of the moment alone, by what it is of; from the same fits (.08 to .11, .8 to 1.2). A
word on how one feels is mostly mood; a word on what a song did to one is mostly the song: two songs' reports in a row
do not correlate."""
_SUM: Final = np.hstack((np.eye(2), np.eye(2)))

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
        parts: float64 [4]: valence and arousal of the mood, then of the emotion.
        spread: float64 [4, 4], covariance of the parts.
    """

    t: float
    parts: Matrix
    spread: Matrix

    @property
    def mean(self) -> Matrix:
        """Valence and arousal, float64 [2]."""
        return self.parts[:2] + self.parts[2:]

    @property
    def covariance(self) -> Matrix:
        """Covariance of valence and arousal, float64 [2, 2]."""
        visible: Matrix = _SUM @ self.spread @ _SUM.T
        return (visible + visible.T) / 2.0


def start(prior: Prior, now: float) -> Belief:
    """Believe the prior."""
    return Belief(now, np.concatenate((prior.mean, np.zeros(2))), _stationary(prior))


def predict(belief: Belief, prior: Prior, now: float) -> Belief:
    """Let time pass: relax towards the prior, grow unsure."""
    passed = now - belief.t
    if not passed > 0.0:
        return belief
    kept = np.repeat((math.exp(-passed / MOOD_S), math.exp(-passed / EMOTION_S)), 2)
    rest = np.concatenate((prior.mean, np.zeros(2)))
    stationary = _stationary(prior)
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
    left = np.eye(4) - gain @ _SUM
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
    spread[2:, 2:] += passing * np.eye(2)
    return observe(belief._replace(spread=spread), mean, covariance)


def renew(belief: Belief, prior: Prior) -> Belief:
    """Another track begins: what the last one did is over, the mood stays."""
    stationary = _stationary(prior)
    parts, spread = belief.parts.copy(), belief.spread.copy()
    parts[2:] = 0.0
    spread[2:, :] = stationary[2:, :]
    spread[:, 2:] = stationary[:, 2:]
    return Belief(belief.t, parts, spread)


def _stationary(prior: Prior) -> Matrix:
    spread = np.zeros((4, 4))
    spread[:2, :2] = _MOOD_SHARE * prior.covariance
    spread[2:, 2:] = (1.0 - _MOOD_SHARE) * prior.covariance
    return spread


def _inside(parts: Matrix) -> Matrix:
    """Keep mood and sum in [-1, 1]; what is too much is taken off the emotion."""
    mood = np.clip(parts[:2], -1.0, 1.0)
    return np.concatenate((mood, np.clip(parts[:2] + parts[2:], -1.0, 1.0) - mood))

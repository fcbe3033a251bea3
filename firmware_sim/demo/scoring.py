"""How well the queue followed the listener: pure functions of what was recorded.

Rules:

- Neither side of a distance comes from the agent: one is the listener's true state, the other the emotion that a piece
  was composed for.
- Distances are Euclidean in the valence-arousal plane, at most 2√2.
- What cannot be computed is None, never a made-up number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Truth", "best_distance", "correlation", "match_distance", "percentiles", "shuffled_distance"]

Points = NDArray[np.float64]
# The truth is told every second; what comes after its last word belongs to it.
_HOLDS_S = 1.5


@dataclass(frozen=True, slots=True)
class Truth:
    """What the listener truly felt: times [n] ascending, seconds since the epoch, and states [n, 2]."""

    times: NDArray[np.float64]
    states: NDArray[np.float64]

    def at(self, t: float) -> NDArray[np.float64] | None:
        """Valence and arousal at a time, linear between the records and steady shortly after the last; else None."""
        if not len(self.times) or not self.times[0] <= t <= self.times[-1] + _HOLDS_S:
            return None
        return np.array([np.interp(t, self.times, self.states[:, axis]) for axis in range(2)])


def match_distance(queues: Sequence[tuple[float, Points]], truth: Truth) -> float | None:
    """Mean over the queues of the mean distance between the true state at that time and each track's intended emotion.

    Args:
        queues: time of each queue and the intended emotions [k, 2] of its tracks.
        truth: of the listener.
    """
    return _mean(
        np.linalg.norm(emotions - state, axis=1).mean()
        for t, emotions in queues
        if len(emotions) and (state := truth.at(t)) is not None
    )


def shuffled_distance(
    queues: Sequence[tuple[float, Points]], catalogue: Points, truth: Truth, *, seed: int = 0, draws: int = 200
) -> float | None:
    """`match_distance` of queues drawn at random: as many tracks each, without repetition, averaged over many draws.

    Args:
        queues: time of each queue and the intended emotions of its tracks; only their number counts here.
        catalogue: [n, 2] intended emotions of all tracks.
        truth: of the listener.
        seed: of the draws.
        draws: how many queues are drawn for each one that was.
    """
    generator = np.random.default_rng(seed)
    distances = []
    for t, emotions in queues:
        state = truth.at(t)
        count = min(len(emotions), len(catalogue))
        if not count or state is None:
            continue
        away = np.linalg.norm(catalogue - state, axis=1)
        # The first `count` of a random order, for all draws at once.
        orders = generator.random((draws, len(catalogue))).argsort(axis=1)[:, :count]
        distances.append(away[orders].mean())
    return _mean(distances)


def best_distance(queues: Sequence[tuple[float, Points]], catalogue: Points, truth: Truth) -> float | None:
    """`match_distance` of the nearest tracks that the catalogue has: what nobody can do better."""
    distances = []
    for t, emotions in queues:
        state = truth.at(t)
        if len(emotions) and len(catalogue) and state is not None:
            away = np.sort(np.linalg.norm(catalogue - state, axis=1))
            distances.append(away[: len(emotions)].mean())
    return _mean(distances)


def correlation(estimates: Sequence[tuple[float, float]], truth: Truth, axis: int) -> float | None:
    """Pearson's correlation of an estimate with the truth.

    Args:
        estimates: time and estimated coordinate.
        truth: of the listener.
        axis: 0 for valence, 1 for arousal.

    Returns:
        None with fewer than three pairs, or where one side never changed.
    """
    pairs = [(value, float(state[axis])) for t, value in estimates if (state := truth.at(t)) is not None]
    if len(pairs) < 3:
        return None
    estimated, true = np.array(pairs).T
    if estimated.std() < 1e-9 or true.std() < 1e-9:
        return None
    return float(np.corrcoef(estimated, true)[0, 1])


def percentiles(values: Sequence[float]) -> dict[str, float | None]:
    """The 50th and 99th percentile as `p50` and `p99`; None of nothing."""
    if not values:
        return {"p50": None, "p99": None}
    p50, p99 = np.percentile(np.asarray(values, dtype=np.float64), [50, 99])
    return {"p50": float(p50), "p99": float(p99)}


def _mean(values: Iterable[float]) -> float | None:
    array = np.array(list(values), dtype=np.float64)
    return float(array.mean()) if len(array) else None

"""Samples as they come, made even: holes bridged or told, fast streams thinned, and time read from many samples.

Invariants:
    - What comes out does not depend on how the samples were cut into chunks.
    - Nothing is made up: a hole longer than `HOLE_S` ends the stretch, and the next one begins afresh.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.physiology.windows import Floats

__all__ = ["HOLE_S", "EvenSamples", "Piece", "usual_rate_hz"]

HOLE_S: Final = 0.25
"""Samples further apart than this (and than four periods) are a gap; no beat and no interval may lie across it."""
_BRIDGED: Final = 2.5
"""Periods from which a missing stretch is filled by a straight line; less than this is jitter of the time stamps."""


class Piece(NamedTuple):
    """A run of even samples.

    Attributes:
        fresh: whether a gap lies before it (or nothing): whatever was being filtered is over.
        times: float64 [n], seconds.
        values: float64 [n], the stream's unit, less an offset that stays the same until the next fresh piece.
    """

    fresh: bool
    times: NDArray[np.float64]
    values: NDArray[np.float64]


def usual_rate_hz(times: Floats) -> float:
    """Samples a second of a stream with gaps, to a hundredth, as a sender would state it. NaN below two samples.

    Stamps that jitter do not matter, and a few lost samples count as if they had come.
    """
    distances = np.diff(times)
    distances = distances[distances > 0.0]
    if not len(distances):
        return float("nan")
    usual = float(np.median(distances))
    near = distances[distances <= 4.0 * usual]
    return round(float(np.rint(near / usual).sum() / near.sum()), 2)


class EvenSamples:
    """Makes a stream even.

    Args:
        rate_hz: samples a second as stated by the sender.
        enough_hz: faster streams are thinned by averaging neighbours, down to no less than this.
    """

    def __init__(self, rate_hz: float, enough_hz: float) -> None:
        self._period = 1.0 / rate_hz
        self._hole = max(HOLE_S, 4.0 * self._period)
        self._thinning = max(1, int(rate_hz / enough_hz))
        self.rate_hz = rate_hz / self._thinning
        self._newest = -np.inf
        self._last = 0.0
        self._offset = 0.0
        self._times = self._values = np.empty(0)

    def add(self, times: Floats, values: Floats) -> list[Piece]:
        """Take samples and return the even ones that they complete; what is late, repeated or no number is left out."""
        times, values = np.asarray(times, dtype=np.float64), np.asarray(values, dtype=np.float64)
        if not len(times):
            return []
        distances = self._distances(times)
        # One sum tells whether all are numbers, one minimum whether all are later: the usual case costs little.
        if not (distances.min() > 0.0 and math.isfinite(values.sum()) and math.isfinite(times[-1])):
            times, values = self._new(times, values)
            if not len(times):
                return []
            distances = self._distances(times)
        if distances.max() < _BRIDGED * self._period:
            return [self._next(times, values)]
        wide = np.flatnonzero(distances > self._hole).tolist()
        edges = sorted({0, *wide, len(times)})
        return [self._piece(times[first:end], values[first:end], fresh=first in wide) for first, end in pairwise(edges)]

    def _distances(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of each sample from the one before."""
        line = np.concatenate(([self._newest], times))
        return np.asarray(line[1:] - line[:-1])

    def _new(self, times: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """What is a number, and later than all before it."""
        good = np.isfinite(values) & np.isfinite(times)
        times, values = times[good], values[good]
        if len(times):
            later = times > np.maximum.accumulate(np.concatenate(([self._newest], times)))[:-1]
            times, values = times[later], values[later]
        return times, values

    def _next(self, times: NDArray[np.float64], values: NDArray[np.float64], *, fresh: bool = False) -> Piece:
        """Samples that follow without a break."""
        self._newest, self._last = float(times[-1]), float(values[-1])
        return Piece(fresh, *self._thinned(times, values - self._offset))

    def _piece(self, times: NDArray[np.float64], values: NDArray[np.float64], *, fresh: bool) -> Piece:
        """Samples between two gaps, with what is missing filled."""
        if fresh:
            self._offset = float(values[0])
            self._times = self._values = np.empty(0)
            return self._next(*self._bridged(times, values), fresh=True)
        times, values = np.concatenate(([self._newest], times)), np.concatenate(([self._last], values))
        times, values = self._bridged(times, values)
        return self._next(times[1:], values[1:])

    def _bridged(self, times: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """Fill what is missing by straight lines."""
        distances = np.diff(times) / self._period
        if not len(distances) or distances.max() < _BRIDGED:
            return times, values
        missing = np.where(distances >= _BRIDGED, np.rint(distances) - 1.0, 0.0)
        places = np.concatenate(([0.0], np.cumsum(missing + 1.0)))
        every = np.arange(places[-1] + 1.0)
        return np.interp(every, places, times), np.interp(every, places, values)

    def _thinned(self, times: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        if self._thinning == 1:
            return times, values
        times, values = np.concatenate((self._times, times)), np.concatenate((self._values, values))
        whole = len(times) // self._thinning * self._thinning
        self._times, self._values = times[whole:], values[whole:]
        shape = (-1, self._thinning)
        return (
            np.add.reduce(times[:whole].reshape(shape) / self._thinning, axis=1),
            np.add.reduce(values[:whole].reshape(shape) / self._thinning, axis=1),
        )

"""Electrodermal activity: skin conductance split into a tonic level and phasic responses, in microsiemens.

Rules:

- Below 0.05 µS an electrode has no contact with skin. A response is a rise from trough to peak of at least 0.01 µS, the
  smallest that the field counts (Boucsein 2012, "Electrodermal Activity", section 2.3), within a few seconds; slower
  changes are tonic.
- The split is linear and shifts no phase, in the manner of the high-pass at 0.05 Hz that the field uses (Braithwaite et
  al. 2013, "A guide for analysing electrodermal activity"), but reaching less far: phasic is what an average of 5/4 s
  keeps above an eight-second one, which is 3 dB down at 0.09 Hz and 12 dB at 0.05 Hz. Both are centred, so that a split
  is certain 4.5 s after its samples. Ends are continued by their point reflection: a steady drift stays one.
- A stream (`Conductance`) and a window (`split`) find the same: one code on one 4 Hz grid, to which samples of whatever
  rate are integrated.
- A gap is not stitched shut: after it the split starts anew. Lost contact is a gap.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.physiology.windows import Floats, slope_per_minute

__all__ = [
    "NO_CONTACT_US",
    "RESPONSE_US",
    "Conductance",
    "Responses",
    "Split",
    "level_us",
    "responses_per_min",
    "slope_us_per_min",
    "split",
]

NO_CONTACT_US: Final = 0.05
RESPONSE_US: Final = 0.01
_NAN: Final = float("nan")
_GRID_HZ: Final = 4.0
"""The rate of the wristbands that research uses; a response takes 1–3 s to rise."""
_SMOOTH: Final = 2
"""Bins on either side of the average of 5/4 s: what is faster is the electrode."""
_TONIC: Final = 16
"""Bins on either side of the eight-second average: slower than a response and its recovery together."""
_REACH: Final = _SMOOTH + _TONIC
_GAP_S: Final = 2.5
"""A response may hide between samples further apart."""
_REVERSAL_US: Final = 0.001
"""A rise ends with a fall of more than this; less is the resolution of the converters."""
_EMPTY: Final = np.empty(0)


class Responses(NamedTuple):
    """Skin conductance responses.

    Attributes:
        onsets: float64 [k], when each began to rise, seconds, ascending.
        peaks: float64 [k], when each stood highest, seconds.
        amplitudes: float64 [k], trough to peak of the phasic part, µS, at least `RESPONSE_US`.
    """

    onsets: NDArray[np.float64]
    peaks: NDArray[np.float64]
    amplitudes: NDArray[np.float64]


class Split(NamedTuple):
    """A stretch of conductance in its two parts, which add up to the conductance averaged over 5/4 s.

    Attributes:
        times: float64 [n], the middles of the grid's bins, seconds.
        tonic: float64 [n], µS.
        phasic: float64 [n], µS.
        responses: what the phasic part shows.
    """

    times: NDArray[np.float64]
    tonic: NDArray[np.float64]
    phasic: NDArray[np.float64]
    responses: Responses


class Conductance:
    """Splits a stream in one pass, remembering ten seconds."""

    def __init__(self) -> None:
        self._stretch = _Stretch()

    def add(self, times: Floats, values: Floats) -> Split:
        """Take samples and return what became certain through them.

        Args:
            times: [n], seconds, ascending. What is not newer than all before it is passed over.
            values: [n], µS. What is below `NO_CONTACT_US` is passed over.
        """
        latest = np.maximum.accumulate(np.concatenate(([self._stretch.newest], times)))
        good = (values >= NO_CONTACT_US) & (times > latest[:-1])
        times, values = times[good], values[good]
        starts = np.flatnonzero(np.diff(times, prepend=self._stretch.newest) > _GAP_S).tolist()
        parts = [self._stretch.add(times[: starts[0]], values[: starts[0]])] if starts else []
        for first, last in zip(starts or [0], [*starts[1:], len(times)], strict=True):
            if starts:
                parts.append(self._stretch.end())
                self._stretch = _Stretch()
            parts.append(self._stretch.add(times[first:last], values[first:last]))
        return _joined(parts)

    def finish(self) -> Split:
        """Split what was still open, as if nothing followed; the next sample starts anew."""
        rest = self._stretch.end()
        self._stretch = _Stretch()
        return rest


class _Stretch:
    """Conductance without a gap."""

    def __init__(self) -> None:
        self.newest = -math.inf
        self._times: Floats = _EMPTY
        self._values: Floats = _EMPTY
        self._bins: Floats = _EMPTY
        self._next_bin = 0
        self._certain = 0
        self._is_open = False
        self._rises = _Rises()

    def add(self, times: Floats, values: Floats) -> Split:
        if len(times):
            self.newest = float(times[-1])
        return self._filter(self._integrate(times, values))

    def end(self) -> Split:
        """What the last reach holds; nothing of a stretch that is too short to be split."""
        if not self._is_open:
            return _joined([])
        rest = self._filter(2.0 * self._bins[-1] - self._bins[-2 : -_REACH - 2 : -1])
        return rest._replace(responses=_together([rest.responses, self._rises.end()]))

    def _integrate(self, times: Floats, values: Floats) -> NDArray[np.float64]:
        """Means of the bins that are complete, of the line through the samples."""
        self._times = np.concatenate((self._times, times))
        self._values = np.concatenate((self._values, values))
        if len(self._times) < 2:
            return _EMPTY
        if not self._next_bin:
            self._certain = self._next_bin = math.ceil(self._times[0] * _GRID_HZ)
        edges = np.arange(self._next_bin, math.floor(self._times[-1] * _GRID_HZ) + 1) / _GRID_HZ
        if len(edges) < 2:
            return _EMPTY
        steps = np.diff(self._times)
        area = np.concatenate(([0.0], np.cumsum(0.5 * steps * (self._values[1:] + self._values[:-1]))))
        before = np.minimum(np.searchsorted(self._times, edges, side="right") - 1, len(steps) - 1)
        since = edges - self._times[before]
        slopes = (np.diff(self._values) / steps)[before]
        until_edge = area[before] + since * (self._values[before] + 0.5 * slopes * since)
        self._next_bin += len(edges) - 1
        self._times, self._values = self._times[before[-1] :], self._values[before[-1] :]
        return np.asarray(np.diff(until_edge) * _GRID_HZ)

    def _filter(self, fresh: NDArray[np.float64]) -> Split:
        """Split the bins that the fresh ones make certain."""
        self._bins = np.concatenate((self._bins, fresh))
        if not self._is_open and len(self._bins) > _REACH:
            self._bins = np.concatenate((2.0 * self._bins[0] - self._bins[_REACH:0:-1], self._bins))
            self._is_open = True
        count = len(self._bins) - 2 * _REACH
        if not self._is_open or count <= 0:
            return _joined([])
        smooth = _average(self._bins, _SMOOTH)
        tonic = _average(smooth, _TONIC)
        phasic = smooth[_TONIC:-_TONIC] - tonic
        self._bins = self._bins[count:]
        times = (self._certain + 0.5 + np.arange(count)) / _GRID_HZ
        self._certain += count
        return Split(times, tonic, phasic, self._rises.take(times, phasic))


class _Rises:
    """Follows the phasic part from trough to peak and back."""

    def __init__(self) -> None:
        self._trough = (_NAN, math.inf)
        self._peak = (_NAN, -math.inf)
        self._is_rising = False

    def take(self, times: NDArray[np.float64], phasic: NDArray[np.float64]) -> Responses:
        """The rises that ended."""
        rising = np.diff(phasic) > 0.0
        # Between two turning points nothing is decided.
        points = np.concatenate(([True], rising[1:] != rising[:-1], [True]))[-len(phasic) :]
        found = map(self._turn, times[points].tolist(), phasic[points].tolist())
        return _responses([rise for rise in found if rise is not None])

    def end(self) -> Responses:
        """The rise that is still under way."""
        return _responses([self._rise()] if self._is_rising else [])

    def _turn(self, time: float, value: float) -> tuple[float, float, float] | None:
        if self._is_rising:
            if value > self._peak[1]:
                self._peak = (time, value)
            elif self._peak[1] - value > _REVERSAL_US:
                rise = self._rise()
                self._is_rising = False
                self._trough = (time, value)
                return rise
        elif value < self._trough[1]:
            self._trough = (time, value)
        elif value - self._trough[1] > _REVERSAL_US:
            self._is_rising = True
            self._peak = (time, value)
        return None

    def _rise(self) -> tuple[float, float, float]:
        return self._trough[0], self._peak[0], self._peak[1] - self._trough[1]


def split(times: Floats, values: Floats) -> Split:
    """Split a window, its ends included.

    Args:
        times: [n], seconds, ascending; at least two samples a second.
        values: [n], µS.
    """
    conductance = Conductance()
    return _joined([conductance.add(times, values), conductance.finish()])


def level_us(times: Floats, values: Floats) -> float:
    """Median conductance of a 10 s window, µS; NaN without contact, below 3 samples or below 3 s."""
    if len(times) < 3 or times[-1] - times[0] < 3.0:
        return _NAN
    level = float(np.median(values))
    return level if level >= NO_CONTACT_US else _NAN


def slope_us_per_min(times: Floats, values: Floats) -> float:
    """Least-squares slope of a 30 s window, µS per minute; NaN without contact, below 8 samples or below 15 s."""
    if not len(values) or float(np.median(values)) < NO_CONTACT_US:
        return _NAN
    return slope_per_minute(times, values, least=8, span_s=15.0)


def responses_per_min(times: Floats, values: Floats) -> float:
    """Responses per minute in a 60 s window.

    NaN without contact, below 30 s, and below two samples a second, where a response can hide between samples.
    """
    if len(times) < 60 or not (span := float(times[-1] - times[0])) >= 30.0 or len(times) < 1.8 * span:
        return _NAN
    if float(np.median(values)) < NO_CONTACT_US:
        return _NAN
    return 60.0 * len(split(times, values).responses.peaks) / span


def _average(values: Floats, half: int) -> NDArray[np.float64]:
    """Average over `half` values on either side, where there are as many: [n - 2 half]."""
    total = np.concatenate(([0.0], np.cumsum(values - values[0])))
    width = 2 * half + 1
    average: NDArray[np.float64] = (total[width:] - total[:-width]) / width + values[0]
    return average


def _responses(rises: list[tuple[float, float, float]]) -> Responses:
    table = np.array([rise for rise in rises if rise[2] >= RESPONSE_US]).reshape(-1, 3)
    return Responses(table[:, 0], table[:, 1], table[:, 2])


def _together(parts: list[Responses]) -> Responses:
    return Responses(*(np.concatenate((_EMPTY, *column)) for column in zip(*parts, strict=True)))


def _joined(parts: list[Split]) -> Split:
    if not parts:
        return Split(_EMPTY, _EMPTY, _EMPTY, Responses(_EMPTY, _EMPTY, _EMPTY))
    if len(parts) == 1:
        return parts[0]
    arrays = [np.concatenate(column) for column in zip(*(part[:3] for part in parts), strict=True)]
    return Split(arrays[0], arrays[1], arrays[2], _together([part.responses for part in parts]))

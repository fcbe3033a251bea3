"""Beats of one ECG or PPG stream, found while it comes: every sample is looked at once.

Rules:

- The rate is the stream's own, told by its first seconds. When samples keep coming at another one the detector starts
  anew.
- Samples that are no newer than those before them are passed over: a detector cannot go back, and the beats of a minute
  do not suffer from a late pack.
- Memory is bounded: the beats of the longest window, and the samples until the rate is known.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np

from agent.sensing.ring import Ring
from models.physiology.ecg import EcgBeats
from models.physiology.features import LONGEST_WINDOW_S
from models.physiology.pulse import Pulse, PulseBeats
from models.physiology.waveforms.samples import usual_rate_hz
from models.physiology.windows import Floats, window

__all__ = ["BeatTrack"]

_MOST_BEATS: Final = 6 * 70
"""Six a second, faster than any heart, over the longest window and what may lie ahead of it."""
_LEARN_S: Final = 3.0
_MOST_LEARNING: Final = 4096
_RATES_HZ: Final = {"ecg": (95.0, 1050.0), "ppg": (16.0, 1050.0)}
"""What the detectors are made for. Below, a QRS complex or a systole has too few samples."""
_OTHER_RATE: Final = 0.2
_STRIKES: Final = 5
"""Packs in a row at another rate, after which the rate has changed and not the radio stuttered."""
_LOOKED_AT: Final = 10
"""One pack in this many is asked for its rate, which takes a median; once one is at another rate, every pack is."""
_SILENT_S: Final = 8.0
"""A detector that finds no pulse in this time has none to find."""
_DETECTORS: Final[dict[str, Callable[[float], EcgBeats | PulseBeats]]] = {
    "ecg": EcgBeats,
    "ppg": partial(PulseBeats, remembered_s=LONGEST_WINDOW_S),
}
_JUDGE_EVERY_S: Final = 2.0
"""A quality that looks back a minute changes slowly."""
_EMPTY: Final = np.empty(0)
_NAN: Final = float("nan")


class BeatTrack:
    """Follows the beats of a stream.

    Args:
        quantity: `ecg` or `ppg`.

    Attributes:
        quality: how far the newest ten seconds of the waveform are to be trusted, [0, 1]; NaN until that can be told.
    """

    def __init__(self, quantity: str) -> None:
        self.quality = _NAN
        self._quantity = quantity
        self._ring = Ring(_MOST_BEATS, 2)
        self._detector: EcgBeats | PulseBeats | None = None
        self._rate_hz = _NAN
        self._strikes = 0
        self._packs = 0
        self._newest = -np.inf
        self._began = _NAN
        self._minute = (-np.inf, _NAN)
        self._times: Floats = _EMPTY
        self._values: Floats = _EMPTY

    def add(self, times: Floats, values: Floats) -> None:
        """Take samples.

        Args:
            times: [n], seconds, ascending.
            values: [n], in the stream's unit.
        """
        latest = np.maximum.accumulate(np.concatenate(([self._newest], times)))
        times, values = times[times > latest[:-1]], values[times > latest[:-1]]
        if not len(times):
            return
        self._watch_rate(times)
        self._newest = float(times[-1])
        if np.isnan(self._began):
            self._began = float(times[0])
        if self._detector is None:
            times, values = self._learn(times, values)
        if self._detector is not None:
            self._find(self._detector, times, values)
        if np.isnan(self.quality) and self._newest - self._began > _SILENT_S:
            self.quality = 0.0

    def pulse(self, now: float) -> Pulse:
        """The beats of the last minute, and how far all of them are to be trusted, as training asks it."""
        times, table = window(self._ring.times, self._ring.values, at=now, seconds=LONGEST_WINDOW_S)
        columns = np.asarray(table, dtype=np.float64)
        return Pulse(np.asarray(times, dtype=np.float64), columns[:, 0], columns[:, 1], self._quality_of_minute())

    def _quality_of_minute(self) -> float:
        """Some seconds old at most."""
        if self._detector is None:
            return self.quality
        judged_at, quality = self._minute
        if not 0.0 <= self._newest - judged_at < _JUDGE_EVERY_S:
            quality = self._detector.quality_over(LONGEST_WINDOW_S)
            self._minute = self._newest, quality
        return quality

    def _find(self, detector: EcgBeats | PulseBeats, times: Floats, values: Floats) -> None:
        found = detector.add(times, values)
        self._ring.add(found.times, np.column_stack((found.intervals, found.heights)))
        if not np.isnan(found.quality):
            self.quality = found.quality

    def _learn(self, times: Floats, values: Floats) -> tuple[Floats, Floats]:
        """Gather samples until the rate is known; return those that the new detector has to see."""
        self._times = np.concatenate((self._times, times))[-_MOST_LEARNING:]
        self._values = np.concatenate((self._values, values))[-_MOST_LEARNING:]
        if self._times[-1] - self._times[0] < _LEARN_S:
            return _EMPTY, _EMPTY
        self._rate_hz = usual_rate_hz(self._times)
        low, high = _RATES_HZ[self._quantity]
        gathered = self._times, self._values
        self._times = self._values = _EMPTY
        if not low <= self._rate_hz <= high:
            return _EMPTY, _EMPTY
        self._detector = _DETECTORS[self._quantity](self._rate_hz)
        return gathered

    def _watch_rate(self, times: Floats) -> None:
        if self._detector is None or len(times) < 4:
            return
        self._packs += 1
        if not self._strikes and self._packs % _LOOKED_AT:
            return
        other = abs(usual_rate_hz(times) / self._rate_hz - 1.0) > _OTHER_RATE
        self._strikes = self._strikes + 1 if other else 0
        if self._strikes >= _STRIKES:
            self._detector = None
            self._strikes = 0
            self._began = _NAN
            self.quality = _NAN

"""When each sample of a frame was taken, on the host's clock.

Rules:

- The wearable's clock runs evenly but shows any time at all: unless an application sets it, it starts somewhere in
  2019 (Polar SDK, documentation/TimeSystemExplained.md). Only its differences are used.
- A frame cannot arrive before its last sample was taken. The frame that waited least on its way shows how far the two
  clocks are apart; that difference may grow by `_DRIFT` of the time that passes, more than two crystals differ.
- Frames that follow each other without a gap share one grid.
- A clock that stands still, jumps, or was never there costs accuracy, never sanity: no sample is later than the arrival
  of its frame, none earlier than `_LONGEST_WAIT_S` before what the samples of the frame need.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["FrameTimes"]

_DRIFT: Final = 200e-6
_LONGEST_WAIT_S: Final = 2.0
_SLACK: Final = 0.2
"""By so much a sensor's true rate may differ from its nominal one: Polar's acceleration runs at 52 Hz for 50."""

_SQUEEZED: Final = 0.5
"""In the first seconds the clocks are still found to lie closer together, so a frame may seem shorter than it is."""


class FrameTimes:
    """Places the frames of one measurement.

    Args:
        rate_hz: nominal rate of the samples.
    """

    def __init__(self, rate_hz: float) -> None:
        self._period_s = 1.0 / rate_hz
        self._offset_s: float | None = None
        self._sensor_s = 0.0
        self._arrived = 0.0
        self._end = -np.inf

    def is_repeat(self, sensor_s: float) -> bool:
        """Whether a frame of this time has been placed just before."""
        return sensor_s != 0.0 and sensor_s == self._sensor_s

    def place(self, count: int, sensor_s: float, arrived: float) -> NDArray[np.float64]:
        """Times of the samples of a frame.

        Args:
            count: of samples, at least 1.
            sensor_s: time of the last one on the wearable's clock, 0 where it has none.
            arrived: seconds since the epoch.

        Returns:
            float64 [count], ascending, seconds since the epoch.
        """
        end = self._host(sensor_s, arrived) if sensor_s else arrived
        elapsed = end - self._end
        nominal = count * self._period_s
        if _SQUEEZED * nominal < elapsed <= (1.0 + _SLACK) * nominal:
            # Nothing was lost in between: the samples fill the time since the frame before.
            times = self._end + elapsed * np.arange(1, count + 1) / count
        else:
            times = end - self._period_s * np.arange(count - 1, -1, -1, dtype=np.float64)
        self._end, self._sensor_s = end, sensor_s
        return times

    def _host(self, sensor_s: float, arrived: float) -> float:
        apart = arrived - sensor_s
        if self._offset_s is not None:
            allowed = self._offset_s + _DRIFT * max(0.0, arrived - self._arrived)
            if -_LONGEST_WAIT_S < apart - allowed < _LONGEST_WAIT_S:
                apart = min(apart, allowed)
        self._offset_s, self._arrived = apart, arrived
        return min(sensor_s + apart, arrived)

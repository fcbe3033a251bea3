"""A bounded buffer of timed samples that hands out contiguous, time-ordered views.

Rules:

- Memory is set at construction: twice the capacity. Samples are written behind each other; when the end is reached the
  newest `capacity` move to the front, so that a view never wraps and an append costs constant time on average.
- Times are ascending. Samples that come late are inserted where they belong; of equal times the first to come stands
  first.
- A view is valid until the next append.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.physiology.windows import Floats

__all__ = ["Ring"]


class Ring:
    """The newest samples of a stream.

    Args:
        capacity: how many samples it holds at most.
        channels: values per sample; 1 gives one-dimensional views.
    """

    def __init__(self, capacity: int, channels: int = 1) -> None:
        self.capacity = capacity
        self._times = np.empty(2 * capacity)
        shape = (2 * capacity,) if channels == 1 else (2 * capacity, channels)
        self._values = np.empty(shape, dtype=np.float32)
        self._start = 0
        self._end = 0

    def __len__(self) -> int:
        return self._end - self._start

    @property
    def times(self) -> NDArray[np.float64]:
        """View of the times, ascending, seconds."""
        return self._times[self._start : self._end]

    @property
    def values(self) -> NDArray[np.float32]:
        """View of the values beside `times`: [n] or [n, channels]."""
        return self._values[self._start : self._end]

    @property
    def newest(self) -> float:
        """Time of the newest sample; minus infinity when there is none."""
        return float(self._times[self._end - 1]) if self._end > self._start else float("-inf")

    def since(self, time: float) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Views of the samples after `time`."""
        first = self._start + int(np.searchsorted(self.times, time, side="right"))
        return self._times[first : self._end], self._values[first : self._end]

    def add(self, times: NDArray[np.float64], values: Floats) -> None:
        """Add samples, whose times ascend among themselves."""
        times, values = times[-self.capacity :], values[-self.capacity :]
        if not len(times):
            return
        if times[0] < self.newest:
            times, values = self._take_back(times, values)
        self._append(times, values)

    def _append(self, times: NDArray[np.float64], values: Floats) -> None:
        if self._end + len(times) > len(self._times):
            kept = min(len(self), self.capacity)
            self._times[:kept] = self._times[self._end - kept : self._end]
            self._values[:kept] = self._values[self._end - kept : self._end]
            self._start, self._end = 0, kept
        last = self._end + len(times)
        self._times[self._end : last] = times
        self._values[self._end : last] = values
        self._end = last
        self._start = max(self._start, last - self.capacity)

    def _take_back(
        self,
        times: NDArray[np.float64],
        values: Floats,
    ) -> tuple[NDArray[np.float64], Floats]:
        """Remove the samples that are newer than the first late one, and merge both."""
        first = self._start + int(np.searchsorted(self.times, times[0], side="right"))
        merged_times = np.concatenate((self._times[first : self._end], times))
        merged_values = np.concatenate((self._values[first : self._end], values))
        self._end = first
        order = np.argsort(merged_times, kind="stable")[-self.capacity :]
        return merged_times[order], merged_values[order]

"""Candidates for beats: the crests of an activity signal, the higher of any two that stand too close together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Crests"]


class Crests:
    """Finds crests as the signal comes.

    Args:
        apart: samples; of two crests closer than this the higher stays.
    """

    def __init__(self, apart: int) -> None:
        self._apart = apart
        self._seen = 0
        self._tail = np.empty(0)
        self._pending: tuple[int, float] | None = None

    @property
    def known(self) -> int:
        """Place up to which every crest has been returned."""
        return self._pending[0] if self._pending is not None else self._seen - 1

    def push(self, samples: NDArray[np.float64]) -> list[tuple[int, float]]:
        """Take the next samples and return place and height of the crests that became certain."""
        line = np.concatenate((self._tail, samples))
        start = self._seen - len(self._tail)
        self._seen += len(samples)
        self._tail = line[-2:]
        if len(line) < 3:
            return []
        middle = line[1:-1]
        places = np.flatnonzero((middle > line[:-2]) & (middle >= line[2:]))
        heights = middle[places]
        certain = self._merge((places + (start + 1)).tolist(), heights.tolist())
        if self._pending is not None and self._pending[0] + self._apart < self._seen - 1:
            certain.append(self._pending)
            self._pending = None
        return certain

    def finish(self) -> list[tuple[int, float]]:
        """The crest that was not certain yet; numbering begins anew."""
        last = [self._pending] if self._pending is not None else []
        self._seen = 0
        self._tail = np.empty(0)
        self._pending = None
        return last

    def _merge(self, places: list[int], heights: list[float]) -> list[tuple[int, float]]:
        certain: list[tuple[int, float]] = []
        pending = self._pending
        for place, height in zip(places, heights, strict=True):
            if pending is None or place - pending[0] > self._apart:
                if pending is not None:
                    certain.append(pending)
                pending = (place, height)
            elif height > pending[1]:
                pending = (place, height)
        self._pending = pending
        return certain

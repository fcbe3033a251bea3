"""The newest samples of a stream, addressed by how many came before them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["History"]


class History:
    """Keeps at least the newest `keep` samples.

    Args:
        keep: samples.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._first = 0
        self._samples = np.empty(0)

    @property
    def end(self) -> int:
        """Samples so far: the address of the next one."""
        return self._first + len(self._samples)

    def push(self, samples: NDArray[np.float64]) -> None:
        """Take the next samples."""
        self._samples = np.concatenate((self._samples, samples))

    def trim(self) -> None:
        """Let go of what is older than `keep` samples."""
        if (surplus := len(self._samples) - self._keep) > 0:
            self._samples = self._samples[surplus:]
            self._first += surplus

    def between(self, first: int, end: int) -> NDArray[np.float64]:
        """The samples with addresses from `first` to before `end`, as far as they are kept."""
        return self._samples[max(first - self._first, 0) : max(end - self._first, 0)]

    def clear(self) -> None:
        """Begin at address 0."""
        self._first = 0
        self._samples = np.empty(0)

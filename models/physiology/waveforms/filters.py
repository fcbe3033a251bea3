"""Filters of a stream: symmetric, with memory, and the same to the last bit however the stream is cut into chunks.

Every output is one product of the kernel with the samples around it, so nothing depends on where a chunk ends. A
recursive filter would be shorter, but NumPy has none, and importing SciPy's takes 60 MB and most of a second.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Filter", "above_mean", "bump", "curvature", "gaussian", "slope"]

_REACH: Final = 2.5
"""Standard deviations after which a Gaussian is cut: 4 % of its height."""
_NOTHING: Final = np.empty(0)


class Filter:
    """A symmetric window over a stream; output i belongs to input i, and comes `half` samples later.

    Before its first and after its last sample the stream is taken to rest.

    Args:
        kernel: float64 [2 half + 1].
    """

    def __init__(self, kernel: NDArray[np.float64]) -> None:
        self.half = len(kernel) // 2
        self._kernel = kernel
        self._tail: NDArray[np.float64] | None = None

    def push(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take samples and return the outputs that they complete."""
        if not len(samples):
            return _NOTHING
        if self._tail is None:
            self._tail = np.full(self.half, samples[0])
        line = np.concatenate((self._tail, samples))
        if len(line) < len(self._kernel):
            self._tail = line
            return _NOTHING
        self._tail = line[len(line) - 2 * self.half :].copy()
        return np.correlate(line, self._kernel, "valid")

    def finish(self) -> NDArray[np.float64]:
        """The outputs of the last samples; the filter is as new afterwards."""
        last, self._tail = self._tail, None
        if last is None or not len(last):
            return _NOTHING
        line = np.concatenate((last, np.full(self.half, last[-1])))
        return np.correlate(line, self._kernel, "valid") if len(line) >= len(self._kernel) else _NOTHING


def gaussian(spread: float) -> NDArray[np.float64]:
    """A low-pass: unit sum, standard deviation `spread` in samples."""
    weights = np.exp(-0.5 * np.square(_positions(spread) / spread))
    return np.asarray(weights / weights.sum())


def slope(spread: float) -> NDArray[np.float64]:
    """The derivative of a Gaussian: positive where the stream rises."""
    positions = _positions(spread)
    weights = positions * gaussian(spread)
    weights -= weights.mean()
    return np.asarray(weights / np.abs(weights).sum())


def curvature(spread: float) -> NDArray[np.float64]:
    """The second derivative of a Gaussian with the sign turned: positive on a crest."""
    positions = _positions(spread) / spread
    weights = (1.0 - np.square(positions)) * gaussian(spread)
    weights -= weights.mean()
    return np.asarray(weights / np.abs(weights).sum())


def above_mean(fine: float, wide: float) -> NDArray[np.float64]:
    """A Gaussian of `fine` samples less one of `wide`: how far the stream stands above its own local mean."""
    positions = _positions(wide)
    weights = np.exp(-0.5 * np.square(positions / fine))
    around = np.exp(-0.5 * np.square(positions / wide))
    return np.asarray(weights / weights.sum() - around / around.sum())


def bump(width: float) -> NDArray[np.float64]:
    """A raised cosine of unit sum, `width` samples wide at half height."""
    half = max(1, round(width))
    weights = np.hanning(2 * half + 3)[1:-1]
    return np.asarray(weights / weights.sum())


def _positions(spread: float) -> NDArray[np.float64]:
    half = max(1, int(np.ceil(_REACH * spread)))
    return np.arange(-half, half + 1, dtype=np.float64)

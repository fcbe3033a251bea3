"""Quantiles of the neighbourhood of every value."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["rolling_quantiles"]

_ROWS: Final = 2048
"""Windows that are sorted at once: a megabyte and a half of 91 beats each, however long the series."""

Array = NDArray[np.float64]
Places = tuple[NDArray[np.int64], NDArray[np.int64], Array]


def rolling_quantiles(values: Array, width: int, shares: tuple[float, ...]) -> Array:
    """Quantiles of the centred window around every value, in O(n) time.

    Args:
        values: [..., n], n ≥ 1, finite: one or several series.
        width: of the window, odd; at the ends it holds what there is.
        shares: of the sorted window, in [0, 1]; between two values the quantile is interpolated linearly.

    Returns:
        float64 [len(shares), ..., n].
    """
    *series, n = values.shape
    half = min(width // 2, n - 1)
    padded = np.full((*series, n + 2 * half), np.inf)
    padded[..., half : half + n] = values
    # The view of overlapping windows, without NumPy's helpers, which cost more than the sorting of a short series.
    width = 2 * half + 1
    strides = (*padded.strides, padded.strides[-1])
    windows: Array = np.ndarray((*series, n, width), np.float64, padded, strides=strides)
    quantiles = np.empty((len(shares), *series, n))
    for start in range(0, n, _ROWS):
        rows = slice(start, min(n, start + _ROWS))
        ordered = np.sort(windows[..., rows, :], axis=-1).reshape(*series, -1)
        for share, quantile in zip(shares, quantiles, strict=True):
            lower, upper, part = _places(rows.start, rows.stop, n, half, share)
            low = ordered.take(lower, axis=-1)
            quantile[..., rows] = low + part * (ordered.take(upper, axis=-1) - low)
    return quantiles


@lru_cache(maxsize=128)
def _places(start: int, stop: int, n: int, half: int, share: float) -> Places:
    """Where in the sorted windows of these rows, laid end to end, a quantile lies: between which two, and how far."""
    position = np.arange(start, stop)
    last = np.minimum(position + half, n - 1) - np.maximum(position - half, 0)
    place = share * last
    lower = place.astype(np.int64)
    row = (position - start) * (2 * half + 1)
    return row + lower, row + np.minimum(lower + 1, last), place - lower

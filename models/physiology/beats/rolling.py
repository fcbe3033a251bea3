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
    # The view of overlapping windows, without the checks of `sliding_window_view`, which cost more than the sorting.
    windows = np.lib.stride_tricks.as_strided(
        padded, (*series, n, 2 * half + 1), (*padded.strides, padded.strides[-1]), writeable=False
    )
    quantiles = np.empty((len(shares), *series, n))
    for start in range(0, n, _ROWS):
        rows = slice(start, min(n, start + _ROWS))
        ordered = np.sort(windows[..., rows, :], axis=-1)
        for share, quantile in zip(shares, quantiles, strict=True):
            lower, upper, part = _places(rows.start, rows.stop, n, half, share)
            line = np.arange(len(lower))
            low = ordered[..., line, lower]
            quantile[..., rows] = low + part * (ordered[..., line, upper] - low)
    return quantiles


@lru_cache(maxsize=32)
def _places(start: int, stop: int, n: int, half: int, share: float) -> Places:
    """Where in the sorted windows of these rows a quantile lies: between which two places, and how far."""
    position = np.arange(start, stop)
    last = np.minimum(position + half, n - 1) - np.maximum(position - half, 0)
    place = share * last
    lower = place.astype(np.int64)
    return lower, np.minimum(lower + 1, last), place - lower

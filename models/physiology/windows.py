"""Windows of a stream, and the two statistics that every quantity needs: its level and its slope.

A stream is a pair of arrays: `times` float64 [n], seconds, ascending; `values` float [n] or [n, channels]. A window of
`seconds` that ends at `at` holds the samples with `at - seconds < time <= at`. Whatever cannot be computed honestly
from what a window holds is NaN, never a guess.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats", "mean", "slope_per_minute", "window"]

Floats = NDArray[np.floating[Any]]
"""An array of real numbers of either precision."""

_EMPTY: Final = np.empty(0)


def window(times: Floats, values: Floats, *, at: float, seconds: float) -> tuple[Floats, Floats]:
    """The samples with `at - seconds < time <= at`, as views."""
    if not len(times):
        return _EMPTY, values[:0]
    first = int(np.searchsorted(times, at - seconds, side="right"))
    last = int(np.searchsorted(times, at, side="right"))
    return times[first:last], values[first:last]


def mean(values: Floats, *, least: int = 1) -> float:
    """Mean, or NaN when there are fewer than `least` values."""
    return float(np.add.reduce(values, dtype=np.float64) / len(values)) if len(values) >= least else float("nan")


def slope_per_minute(times: Floats, values: Floats, *, least: int, span_s: float) -> float:
    """Least-squares slope in units per minute.

    NaN when there are fewer than `least` samples or when they span less than `span_s` seconds: over a short stretch the
    slope of noise is steeper than that of any physiology.
    """
    if len(times) < least or times[-1] - times[0] < span_s:
        return float("nan")
    centred = times - mean(times)
    level = np.asarray(values, dtype=np.float64)
    return float(60.0 * (centred @ (level - mean(level))) / (centred @ centred))

"""Electrodermal activity: tonic level, slope and responses of the skin conductance, in microsiemens.

Below 0.05 µS an electrode has no contact with skin. A response is a rise from trough to peak of at least 0.01 µS, the
smallest that the field counts (Boucsein 2012, "Electrodermal Activity", section 2.3), within a few seconds; slower
changes are tonic.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.physiology.windows import Floats, slope_per_minute

__all__ = ["NO_CONTACT_US", "RESPONSE_US", "level_us", "responses_per_min", "slope_us_per_min"]

NO_CONTACT_US: Final = 0.05
RESPONSE_US: Final = 0.01
_NAN: Final = float("nan")
_SMOOTH_S: Final = 1.0
"""A response takes 1–3 s to rise; what is faster than a second is the electrode."""
_TONIC_S: Final = 8.0
"""What moves slower than a response and its recovery together is tonic."""


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
    phasic = _phasic(times, values)
    rises = _rises(phasic)
    return 60.0 * float(np.count_nonzero(rises >= RESPONSE_US)) / span


def _phasic(times: Floats, values: Floats) -> NDArray[np.float64]:
    """The conductance smoothed over a second, less its tonic part."""
    rate = (len(times) - 1) / float(times[-1] - times[0])
    smooth = _average(np.asarray(values, dtype=np.float64), rate * _SMOOTH_S)
    return smooth - _average(smooth, rate * _TONIC_S)


def _average(values: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """Centred moving average; the ends are continued by their point reflection, so that a steady drift stays one."""
    half = min(max(1, math.floor(width / 2)), len(values) - 1)
    longer = np.concatenate(
        (2 * values[0] - values[half:0:-1], values, 2 * values[-1] - values[-2 : -half - 2 : -1]),
    )
    total = np.concatenate(([0.0], np.cumsum(longer)))
    average: NDArray[np.float64] = (total[2 * half + 1 :] - total[: -2 * half - 1]) / (2 * half + 1)
    return average


def _rises(series: NDArray[np.float64]) -> NDArray[np.float64]:
    """Height of each rise from a trough to the next peak."""
    direction = np.sign(np.diff(series))
    turning = np.flatnonzero(direction[1:] * direction[:-1] < 0) + 1
    ends = np.concatenate(([0], turning, [len(series) - 1]))
    heights = np.diff(series[ends])
    return heights[heights > 0.0]

"""Skin temperature at the wrist: level and slope, degrees Celsius.

Skin at rest lies between 25 and 38 °C; a band that reads less lies on a table, and one that reads more on a heater.
Values outside 25–40 °C are left out, so that a band taken off fades to unknown instead of to a feeling. A band that has
just been put on warms by degrees a minute: that is the band's heat capacity, not the listener.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.physiology.windows import Floats, mean, slope_per_minute

__all__ = ["SKIN_CEL", "has_settled", "on_skin", "skin_temperature", "skin_temperature_slope"]

SKIN_CEL: Final = (25.0, 40.0)
_SETTLED_CEL_PER_MIN: Final = 0.6
"""Stress and warmth move the skin of a wrist by some tenths of a degree a minute (Vinkers et al. 2013, Stress 16:520);
what is faster is the sensor coming to the temperature of its place."""


def on_skin(values: Floats) -> NDArray[np.bool_]:
    """Which values can be skin."""
    low, high = SKIN_CEL
    inside: NDArray[np.bool_] = (values >= low) & (values <= high)
    return inside


def has_settled(times: Floats, values: Floats) -> bool:
    """Whether a 60 s window moves no faster than skin does; true where it is too short to say."""
    slope = slope_per_minute(times, values, least=8, span_s=20.0)
    return not abs(slope) > _SETTLED_CEL_PER_MIN


def skin_temperature(values: Floats) -> float:
    """Mean of a 30 s window, °C; NaN unless at least half of the samples can be skin."""
    good = on_skin(values)
    return mean(values[good]) if 2 * np.count_nonzero(good) >= len(values) > 0 else float("nan")


def skin_temperature_slope(times: Floats, values: Floats) -> float:
    """Least-squares slope of a 60 s window, °C per minute; NaN below 8 samples of skin or below 30 s."""
    good = on_skin(values)
    return slope_per_minute(times[good], values[good], least=8, span_s=30.0)

"""The frozen list of what `hybrid` may know of the situation: time of day, activity, weather.

Situation is what surrounds the listener; it is not *context*, the word for metadata (see the design). What is unknown
is 0, and its `…_known` neighbour says so.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["SITUATION", "situation_vector"]

SITUATION: Final = (
    "hour_sin",
    "hour_cos",
    "weekend",
    "activity_known",
    "activity",
    "weather_known",
    "rain",
    "temperature",
)
"""hour_*: the local time of day on a circle; weekend: 1 on Saturday and Sunday; activity: 0 lying or still, 0.5
walking, 1 running; rain: 1 when it rains; temperature: degrees Celsius outside divided by 20, minus 0.5."""


def situation_vector(
    *,
    hour: float,
    weekday: int,
    activity: float | None = None,
    rain: bool | None = None,
    temperature_c: float | None = None,
) -> NDArray[np.float32]:
    """Encode a situation in the order of `SITUATION`.

    Args:
        hour: local time of day, hours in [0, 24).
        weekday: 0 is Monday, as in `datetime.weekday`.
        activity: 0 still, 0.5 walking, 1 running; None where no motion sensor tells.
        rain: whether it rains; None where nobody told.
        temperature_c: degrees Celsius outside; counts only beside `rain`.

    Returns:
        Array of shape (8,).
    """
    angle = 2 * math.pi * hour / 24
    weather_known = rain is not None
    return np.array(
        [
            math.sin(angle),
            math.cos(angle),
            float(weekday >= 5),
            float(activity is not None),
            activity if activity is not None else 0.0,
            float(weather_known),
            float(bool(rain)),
            temperature_c / 20 - 0.5 if weather_known and temperature_c is not None else 0.0,
        ],
        dtype=np.float32,
    )

"""What is normal for a listener's body, and how far their own short past says so.

A body's level is the population's centre plus what is the person's own. After `s` seconds of own data their mean holds
the person's part, a slow part that changes from hour to hour and day to day, and a fast part that a minute averages
out. The best linear guess of the level therefore lies at

    centre + w (own - centre),   w = 1 / (1 + slow T_slow / (T_slow + s) + fast T_fast / (T_fast + s))

where `slow` and `fast` are the variances of these parts in units of the variance between people (James & Stein's
shrinkage with known variances). One's own heart rate gets nearly half of the weight with the first window, half of it
after a minute, and more than nine tenths after a day.

The figures stand in docs/tables/body_and_feeling.md, which `python -m benchmarks.body_and_feeling` writes.

- `fast`: fitted to HKU956 (24 people with a wristband), the regression of a person's level over the next half hour on
  the mean of the `s` seconds before, for s from 5 to 600.
- `slow`: SiTunes' half hours before listening, minutes at rest (30 people): the heart rate's mean differs from one to
  the other by 8.4 beats a minute within a person, nearly as much as people differ (HKU956: 10.1). Between the three
  sessions of the exam recordings (8 people) skin conductance differs by .52 in ln(µS) and skin temperature by .73 °C
  (between people of HKU956: 1.2 and 1.5). The others lie between.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.physiology.schema import FEATURES, INDEX
from models.physiology.windows import Floats

__all__ = ["ARBITRARY", "PERSONAL", "POPULATION_CENTRES", "WITHIN", "Own", "centres", "own_levels", "weight"]

POPULATION_CENTRES: Final = np.array([feature.centre for feature in FEATURES])
"""float64 [F]."""
PERSONAL: Final = np.array([feature.personal for feature in FEATURES])
"""bool [F]: where the listener's own level moves the centre."""
ARBITRARY: Final = ("pulse_amplitude",)
"""Features in units that differ from sensor to sensor: no population's centre means anything, one's own is all."""
WITHIN: Final[Mapping[str, tuple[float, float]]] = {
    # feature: (slow, fast), variances within a person in units of the variance between people
    "heart_rate": (0.70, 0.45),
    "rmssd": (0.60, 0.95),
    "sdnn": (0.60, 1.05),
    "respiration_rate": (0.50, 0.70),
    "eda_level": (0.20, 0.00),
    "eda_responses": (0.40, 0.12),
    "skin_temperature": (0.20, 0.00),
}
_SLOW_S: Final = 3600.0
"""How long one slow state lasts: an hour, our reading of how postures, meals and moods go."""
_FAST_S: Final = 40.0


def _column(place: int) -> NDArray[np.float64]:
    parts = np.zeros(len(FEATURES))
    for name, within in WITHIN.items():
        parts[INDEX[name]] = within[place]
    return parts


_SLOW: Final = _column(0)
_FAST: Final = _column(1)


class Own(NamedTuple):
    """A listener's own levels.

    Attributes:
        level: float64 [..., F], mean of the listener's own values at rest, in the features' units; NaN where there are
            none. What is given for a feature that is not personal is not looked at.
        seconds: float64 [..., F], how long a stretch each mean is of.
    """

    level: NDArray[np.float64]
    seconds: NDArray[np.float64]


def own_levels(levels: Mapping[str, tuple[float, float]]) -> Own:
    """Own levels, [F] each, from (level, seconds) by feature; names that are no feature are left out."""
    own = Own(np.full(len(FEATURES), np.nan), np.zeros(len(FEATURES)))
    for name, (level, seconds) in levels.items():
        if name in INDEX:
            own.level[INDEX[name]], own.seconds[INDEX[name]] = level, seconds
    return own


def weight(seconds: Floats) -> NDArray[np.float64]:
    """How much the mean of so many seconds says about a person's level, [..., F] in (0, 1]."""
    s = np.asarray(seconds, dtype=np.float64)
    shrunk: NDArray[np.float64] = 1.0 / (1.0 + _SLOW * _SLOW_S / (_SLOW_S + s) + _FAST * _FAST_S / (_FAST_S + s))
    return shrunk


def centres(own: Own | None) -> NDArray[np.float64]:
    """The centres to normalise with, float64 [..., F]: the population's, moved towards one's own where it is known."""
    if own is None:
        return POPULATION_CENTRES
    known = PERSONAL & np.isfinite(own.level)
    away = np.where(known, own.level, POPULATION_CENTRES) - POPULATION_CENTRES
    moved: NDArray[np.float64] = POPULATION_CENTRES + weight(own.seconds) * away
    return moved

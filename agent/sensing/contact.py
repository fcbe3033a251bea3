"""Whether a wearable is worn: three signs of an empty strap, of which one may err and two do not.

Signs, each of what the wearable itself measures; what it does not measure says nothing:

Cold:   the thermometer reads no skin, or falls faster than skin does. Cold wrists and bands just put on do so, too.
Dry:    no conductance. Some are as dry as air for a song (HKU956: 3 of 24 listeners, 16 of 790 songs), so on a skin
        that is warm this alone says nothing; in a warm room it does.
Still:  no motion for a minute. A worn wrist moves with breath and pulse: in none of 430 minutes of two exams less than
        what lies on a table (exam-stress S1 and S10). A coarse sensor on a sleeper may, so alone it says nothing, nor
        beside dryness while a thermometer reads warm skin that stays warm.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from models.physiology.electrodermal import NO_CONTACT_US
from models.physiology.motion import MOTION_S, motion
from models.physiology.temperature import SKIN_CEL
from models.physiology.windows import Floats, slope_per_minute, window

__all__ = ["OFF", "ON", "UNSURE", "Signs", "contact", "cooling", "feels_skin", "level", "stirring"]

ON: Final = 1.0
UNSURE: Final = 0.25
OFF: Final = 0.02
"""Below everything that a stream needs in order to count, and above 0: it is sent, and seen."""

_LEVEL_S: Final = 30.0
_MINUTE_S: Final = 60.0
_WARM_CEL: Final = 30.0
"""Warmer than rooms are. Worn wrists read 31 to 35 °C in HKU956, 25 to 34 in exam-stress."""
_COOLS_CEL_PER_MIN: Final = -0.6
"""Faster than stress or weather moves skin (Vinkers et al. 2013, Stress 16:520): the band comes to the temperature of
a room."""
_STILL_MS2: Final = 0.02
"""Standard deviation of the acceleration in ten seconds. On a table sensors show their noise, .002 to .015 m/s²; a worn
wrist is below in one second of a thousand."""
_LEAST_WINDOWS: Final = 4
_NAN: Final = float("nan")


class Signs(NamedTuple):
    """What a wearable measures of its own place; NaN where it does not, or not lately.

    Attributes:
        cel: temperature, °C.
        cel_per_min: its slope.
        us: conductance, µS.
        ms2: motion, m/s².
    """

    cel: float = _NAN
    cel_per_min: float = _NAN
    us: float = _NAN
    ms2: float = _NAN


def level(times: Floats, values: Floats, now: float) -> float:
    """Median of the last half minute; NaN without a sample.

    Args:
        times: [n], seconds, ascending.
        values: [n], of conductance or temperature.
        now: seconds.
    """
    _, recent = window(times, values, at=now, seconds=_LEVEL_S)
    return float(np.median(recent)) if len(recent) else _NAN


def cooling(times: Floats, values: Floats, now: float) -> float:
    """Slope of the last minute's temperature, °C per minute; NaN below 8 samples or 20 s.

    Args:
        times: [n], seconds, ascending.
        values: [n], °C.
        now: seconds.
    """
    return slope_per_minute(*window(times, values, at=now, seconds=_MINUTE_S), least=8, span_s=20.0)


def stirring(times: Floats, values: Floats, now: float) -> float:
    """Usual motion of the last minute: the median over its windows of ten seconds, m/s².

    Half of the windows must be still for the whole to be: a table that is bumped into is a table.

    Args:
        times: [n], seconds, ascending.
        values: [n, 3], m/s².
        now: seconds.

    Returns:
        NaN where less than forty seconds can be judged.
    """
    ends = now - MOTION_S * np.arange(round(_MINUTE_S / MOTION_S))
    found = np.array([motion(*window(times, values, at=float(end), seconds=MOTION_S)) for end in ends])
    known = found[~np.isnan(found)]
    return float(np.median(known)) if len(known) >= _LEAST_WINDOWS else _NAN


def contact(signs: Signs) -> float:
    """Trust in the contact with the skin: `ON`, `UNSURE` or `OFF`."""
    cold = not SKIN_CEL[0] <= signs.cel <= SKIN_CEL[1] and not np.isnan(signs.cel)
    cools = signs.cel_per_min < _COOLS_CEL_PER_MIN
    dry = signs.us < NO_CONTACT_US
    still = signs.ms2 < _STILL_MS2
    warm = signs.cel >= _WARM_CEL and not cold and not cools
    if (cold or cools) + dry + still >= 2 and not warm:
        return OFF
    if cold or (dry and signs.cel < _WARM_CEL):
        return UNSURE
    return ON


def feels_skin(signs: Signs) -> bool:
    """Whether some sign says that it is worn, rather than none that it is not."""
    touches = SKIN_CEL[0] <= signs.cel <= SKIN_CEL[1] or signs.us >= NO_CONTACT_US or signs.ms2 >= _STILL_MS2
    return touches and contact(signs) >= ON

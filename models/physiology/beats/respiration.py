"""Breathing from the beats: respiratory sinus arrhythmia lengthens the intervals as one breathes out.

The intervals are sampled evenly, freed of their trend, and where the Hann periodogram has one clear peak between 0.1
and 0.5 Hz (6 to 30 breaths a minute), that is the breath (the spectral method in Charlton et al. 2018, IEEE Rev Biomed
Eng 11:2). The quality is the share of the band's power that lies around the peak. Below the band stands the Mayer wave
near 0.1 Hz: a slope that only rises towards it is no breath.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.physiology.beats.series import Beats
from models.physiology.windows import mean

__all__ = ["VALID_FROM_S", "Respiration", "respiration", "respiration_per_min"]

VALID_FROM_S: Final = 30.0
"""Three of the slowest breaths."""
_LEAST: Final = 20
_GRID_HZ: Final = 4.0
_BAND_HZ: Final = (0.1, 0.5)
_PEAK_HALF_WIDTH_HZ: Final = 0.035
"""Half the main lobe of a Hann window over 60 s: the power of one steady breath lies within."""
_CLEAR: Final = 0.5
"""Share of the band's power from which a peak is clear; white noise gives about a sixth."""
_HOLE_S: Final = 3.0
"""Longest stretch without a beat that may be bridged: less than half of the slowest breath."""
_SIZE: Final = 1024
"""256 s at 4 Hz: zero padding to a resolution of a quarter breath a minute. Longer windows have longer transforms."""
_NAN: Final = float("nan")


class Respiration(NamedTuple):
    """What the beats say about the breath.

    Attributes:
        per_min: breaths a minute; NaN where the spectrum has no peak or there are too few beats.
        quality: share of the band's power around the peak, [0, 1]; NaN with `per_min`.
    """

    per_min: float
    quality: float


_NOTHING: Final = Respiration(_NAN, _NAN)


def respiration_per_min(beats: Beats) -> float:
    """Breaths a minute where the peak is clear; NaN otherwise."""
    found = respiration(beats)
    return found.per_min if found.quality >= _CLEAR else _NAN


def respiration(beats: Beats) -> Respiration:
    """The largest peak of the band, however clear; nothing below 30 s or where more than 3 s of beats are missing."""
    times = beats.times
    if len(times) < _LEAST or times[-1] - times[0] < VALID_FROM_S or np.diff(times).max() > _HOLE_S:
        return _NOTHING
    grid = np.arange(times[0], times[-1], 1.0 / _GRID_HZ)
    series = np.interp(grid, times, beats.intervals)
    centred = np.linspace(-1.0, 1.0, len(series))
    series -= mean(series)
    series -= centred * (centred @ series / (centred @ centred))
    return _peak(series * np.hanning(len(series)))


def _peak(series: NDArray[np.float64]) -> Respiration:
    size = max(_SIZE, 1 << (len(series) - 1).bit_length())
    power = np.abs(np.fft.rfft(series, size)) ** 2
    width = _GRID_HZ / size
    first, last = (round(edge / width) for edge in _BAND_HZ)
    peak = first + int(np.argmax(power[first : last + 1]))
    half = round(_PEAK_HALF_WIDTH_HZ / width)
    around = float(power[max(first - half, peak - half) : peak + half + 1].sum())
    band = float(power[first - half : last + half + 1].sum())
    inside = first < peak < last and power[peak] >= power[peak - 1]
    if not inside or power[peak - 1] > power[peak] or not band > 0.0:
        return _NOTHING
    left, middle, right = (float(power[i]) for i in (peak - 1, peak, peak + 1))
    curvature = left - 2.0 * middle + right
    place = peak + (0.5 * (left - right) / curvature if curvature else 0.0)
    return Respiration(60.0 * place * width, around / band)

"""Breathing from the beats: respiratory sinus arrhythmia lengthens the intervals as one breathes out.

The trouble is the Mayer wave: at 0.1 Hz the blood pressure sways the heart as well, often more than the breath does,
and slow breath lies in the same place. So four estimates are made of the intervals, sampled evenly and freed of their
trend: the peak of their spectrum; their zero crossings; and the breaths counted in them (maxima with one trough
between, Schäfer & Kratky 2008, Ann Biomed Eng 36:476), with and without the band of the Mayer wave. Spectrum and
crossings agree on a slow and steady breath, the two counts on one that is faster than the Mayer wave. There is an
answer where a pair agrees (in the manner of Karlen et al. 2013, IEEE Trans Biomed Eng 60:1946); its quality is the
share of the power that lies there.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.physiology.beats.series import Beats
from models.physiology.beats.spline import resample
from models.physiology.windows import mean

__all__ = ["VALID_FROM_S", "Respiration", "respiration", "respiration_per_min"]

VALID_FROM_S: Final = 30.0
"""Three of the slowest breaths."""
_LEAST: Final = 20
_GRID_HZ: Final = 4.0
_SLOWEST_HZ: Final = 0.1
_FASTEST_HZ: Final = 0.5
_ABOVE_MAYER_HZ: Final = 0.15
_CROSSINGS_FROM_HZ: Final = 0.08
_STEEPNESS: Final = 8
_AGREED: Final = 0.1
"""Two estimates agree when they differ by less than this share: a breath and a half a minute at fifteen."""
_AROUND_HZ: Final = 0.05
"""Half a band around the breath: the main lobe of a Hann window over 60 s, and what a breath's rate itself varies."""
_CLEAR: Final = 0.4
"""Quality from which an answer counts: nine of ten windows of white noise stay below."""
_THRESHOLD: Final = 0.2
"""Share of the upper quartile of the maxima that a breath must reach (Schäfer & Kratky)."""
_HOLE_S: Final = 3.0
"""Longest stretch without a beat that may be bridged: less than half of the slowest breath."""
_EDGE_S: Final = 20.0
"""The ends are continued by their point reflection for two slow breaths, so that no filter rings there."""
_SIZE: Final = 1024
"""256 s at 4 Hz: zero padding to a resolution of a quarter breath a minute. Longer windows have longer transforms."""
_NAN: Final = float("nan")

Array = NDArray[np.float64]


class Respiration(NamedTuple):
    """What the beats say about the breath.

    Attributes:
        per_min: breaths a minute; NaN where the estimates disagree or there are too few beats.
        quality: share of the band's power around the breath, [0, 1]; NaN with `per_min`.
    """

    per_min: float
    quality: float


_NOTHING: Final = Respiration(_NAN, _NAN)


def respiration_per_min(beats: Beats) -> float:
    """Breaths a minute where they are clear; NaN otherwise."""
    found = respiration(beats)
    return found.per_min if found.quality >= _CLEAR else _NAN


def respiration(beats: Beats) -> Respiration:
    """The breath that two estimates agree on; nothing below 30 s or where more than 3 s of beats are missing."""
    times = _steady(beats)
    if len(times) < _LEAST or times[-1] - times[0] < VALID_FROM_S or np.diff(times).max() > _HOLE_S:
        return _NOTHING
    series = resample(times, beats.intervals, np.arange(times[0], times[-1], 1.0 / _GRID_HZ))
    centred = np.linspace(-1.0, 1.0, len(series))
    series -= mean(series)
    series -= centred * (centred @ series / (centred @ centred))
    power = _power(series)
    slow = _agreed(_peak_hz(power), _crossings_hz(_band_pass(series, _CROSSINGS_FROM_HZ)))
    fast = _agreed(_counted_hz(_band_pass(series, _SLOWEST_HZ)), _counted_hz(_band_pass(series, _ABOVE_MAYER_HZ)))
    apart, rate = min(slow, fast)
    return Respiration(60.0 * rate, _share(power, rate)) if apart < _AGREED else _NOTHING


def _steady(beats: Beats) -> Array:
    """The beats' times, in a run their intervals' sums: packets stamp two beats at once."""
    steps = beats.intervals.copy()
    loose = np.flatnonzero(~beats.joined[1:]) + 1
    steps[loose] = np.maximum(steps[loose], beats.times[loose] - beats.times[loose - 1])
    return np.cumsum(steps)


def _agreed(one: float, other: float) -> tuple[float, float]:
    """How far two estimates differ, as a share, and their mean; infinitely where one is absent."""
    middle = 0.5 * (one + other)
    return (abs(one - other) / middle, middle) if middle > 0.0 else (np.inf, _NAN)


def _power(series: Array) -> Array:
    size = max(_SIZE, 1 << (len(series) - 1).bit_length())
    return np.asarray(np.abs(np.fft.rfft(series * np.hanning(len(series)), size)) ** 2)


def _bin_hz(power: Array) -> float:
    return 0.5 * _GRID_HZ / (len(power) - 1)


def _peak_hz(power: Array) -> float:
    """The largest peak of the spectrum. Below the band, a slope that only rises towards the Mayer wave is none."""
    width = _bin_hz(power)
    first, last = round(_SLOWEST_HZ / width), round(_FASTEST_HZ / width)
    peak = first + int(np.argmax(power[first : last + 1]))
    left, middle, right = (float(power[i]) for i in (peak - 1, peak, peak + 1))
    if not first < peak < last or left > middle:
        return _NAN
    curvature = left - 2.0 * middle + right
    return (peak + (0.5 * (left - right) / curvature if curvature else 0.0)) * width


def _share(power: Array, rate: float) -> float:
    """Of the power of the band in which the rate lies, what lies around it."""
    width = _bin_hz(power)
    lowest = _ABOVE_MAYER_HZ if rate >= _ABOVE_MAYER_HZ else _CROSSINGS_FROM_HZ
    first, last = round((lowest - _AROUND_HZ) / width), round(_FASTEST_HZ / width)
    around = power[max(first, round((rate - _AROUND_HZ) / width)) : min(last, round((rate + _AROUND_HZ) / width)) + 1]
    band = float(power[first : last + 1].sum())
    return float(around.sum()) / band if band > 0.0 else 0.0


def _band_pass(series: Array, lowest_hz: float) -> Array:
    """The series between a frequency and 0.5 Hz, without delay."""
    edge = min(int(_EDGE_S * _GRID_HZ), len(series) - 1)
    head, tail = 2.0 * series[0] - series[edge:0:-1], 2.0 * series[-1] - series[-2 : -edge - 2 : -1]
    longer = np.concatenate((head, series, tail))
    response = _response(len(longer), lowest_hz)
    return np.fft.irfft(np.fft.rfft(longer) * response, len(longer))[edge : edge + len(series)]


@lru_cache(maxsize=32)
def _response(size: int, lowest_hz: float) -> Array:
    frequency = np.fft.rfftfreq(size, 1.0 / _GRID_HZ)
    with np.errstate(divide="ignore"):
        rising = 1.0 / (1.0 + (lowest_hz / frequency) ** _STEEPNESS)
    return np.asarray(rising / (1.0 + (frequency / _FASTEST_HZ) ** _STEEPNESS))


def _crossings_hz(wave: Array) -> float:
    crossings = np.flatnonzero(np.diff(wave > 0.0))
    if len(crossings) < 5:
        return _NAN
    return 0.5 * _GRID_HZ * (len(crossings) - 1) / float(crossings[-1] - crossings[0])


def _counted_hz(wave: Array) -> float:
    """Breaths from maximum to maximum, where exactly one trough below zero lies between."""
    before, here, after = wave[:-2], wave[1:-1], wave[2:]
    tops = np.flatnonzero((here > before) & (here >= after)) + 1
    troughs = np.flatnonzero((here < before) & (here <= after) & (here < 0.0)) + 1
    if len(tops) < 4:
        return _NAN
    tops = tops[wave[tops] > _THRESHOLD * np.sort(wave[tops])[3 * len(tops) // 4]]
    breaths = np.diff(tops)[np.diff(np.searchsorted(troughs, tops)) == 1]
    return _GRID_HZ / float(breaths.mean()) if len(breaths) >= 3 else _NAN

"""Pulse: beats, amplitude and quality of a photoplethysmogram (PPG).

Beats are found as Elgendi et al. 2013 (PLoS ONE 8:e76585) do: band-pass 0.5–8 Hz, clip, square, and where a moving
average of one systole exceeds that of one beat there is a beat. The band-pass is a zero-phase Butterworth response of
second order applied in the frequency domain, so neither SciPy nor a loop over samples is needed.

A PPG comes in arbitrary units: amplitudes mean something only against others of the same wearable.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.physiology.waveforms.found import NOTHING, Found
from models.physiology.windows import Floats

__all__ = ["Pulse", "PulseBeats", "amplitude", "analyse", "band_pass"]

_BAND_HZ: Final = (0.5, 8.0)
_SYSTOLE_S: Final = 0.111
_BEAT_S: Final = 0.667
_OFFSET: Final = 0.02
"""Elgendi's parameters W1, W2 and beta."""
_LEAST_RATE_HZ: Final = 16.0
"""Below this a systole has fewer than two samples."""
_LEAST_S: Final = 5.0
_REFRACTORY_S: Final = 0.3
_HOLE_S: Final = 0.25
"""Samples further apart than this (and than four periods) are a gap; no beat and no interval may lie across it."""
_EDGE_S: Final = 1.0
_NAN: Final = float("nan")


class Pulse(NamedTuple):
    """What a stretch of PPG shows.

    Attributes:
        times: float64 [b], the beats' systolic peaks, seconds.
        intervals: float64 [b], seconds since the peak before; NaN for the first and across a gap.
        heights: float64 [b], each peak above the foot before it, in the stream's unit; NaN for the first.
        quality: how much the beats look alike, in [0, 1]: 0 where there is no pulse, NaN below 5 s of signal.
    """

    times: NDArray[np.float64]
    intervals: NDArray[np.float64]
    heights: NDArray[np.float64]
    quality: float


_NOTHING: Final = Pulse(np.empty(0), np.empty(0), np.empty(0), _NAN)


class PulseBeats:
    """Finds systolic peaks in one pass.

    Args:
        rate_hz: samples a second as the wearable states it, at least 16.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz

    def add(self, times: Floats, values: Floats) -> Found:
        """Take samples, ascending in time, and return the beats that became certain through them.

        Args:
            times: [n], seconds.
            values: [n], arbitrary units, larger for more blood.
        """
        return NOTHING

    def finish(self) -> Found:
        """The beats that were still open; the detector is as new afterwards."""
        return NOTHING


def analyse(times: Floats, values: Floats) -> Pulse:
    """Find the beats of a window.

    Args:
        times: [n], seconds, ascending; nearly even but for gaps. At least 16 Hz and 5 s, else nothing is found.
        values: [n], arbitrary units, larger for more blood.
    """
    if len(times) < _LEAST_RATE_HZ * _LEAST_S or times[-1] - times[0] < _LEAST_S:
        return _NOTHING
    period = float(np.median(np.diff(times)))
    if not 0.0 < period <= 1.0 / _LEAST_RATE_HZ:
        return _NOTHING
    grid = np.arange(times[0], times[-1], period)
    raw = np.interp(grid, times, values)
    wave = band_pass(raw, 1.0 / period)
    if not np.ptp(raw) > 0.0:
        return _NOTHING._replace(quality=0.0)
    peaks = _peaks(wave, 1.0 / period)
    peaks = peaks[~_in_hole(times, grid[peaks], period)]
    if len(peaks) < 2:
        return _NOTHING._replace(quality=0.0)
    beat_times = grid[peaks] + period * _vertex(wave, peaks)
    intervals = np.empty(len(peaks))
    intervals[0] = _NAN
    intervals[1:] = np.where(_across_hole(times, beat_times, period), _NAN, np.diff(beat_times))
    return Pulse(beat_times, intervals, _heights(wave, peaks), _likeness(wave, peaks, 1.0 / period))


def amplitude(pulse: Pulse, *, since: float) -> float:
    """Median height of the beats after `since`; NaN below 5 of them."""
    heights = pulse.heights[(pulse.times > since) & ~np.isnan(pulse.heights)]
    return float(np.median(heights)) if len(heights) >= 5 else _NAN


def band_pass(values: Floats, rate_hz: float) -> NDArray[np.float64]:
    """Zero-phase band-pass 0.5–8 Hz.

    The ends are continued by their point reflection, as is usual for zero-phase filters, so that no step rings there.
    """
    edge = min(int(_EDGE_S * rate_hz), len(values) - 1)
    x = np.asarray(values, dtype=np.float64)
    longer = np.concatenate((2 * x[0] - x[edge:0:-1], x, 2 * x[-1] - x[-2 : -edge - 2 : -1]))
    # The trend between the ends would leak through the transform's wrap-around.
    longer -= np.linspace(longer[0], longer[-1], len(longer))
    size = _fast_size(len(longer))
    response = _response(size, round(rate_hz, 3))
    return np.fft.irfft(np.fft.rfft(longer, size) * response, size)[edge : edge + len(x)]


@lru_cache(maxsize=64)
def _fast_size(least: int) -> int:
    """The next length with small prime factors alone, which the transform likes."""
    size = least
    while True:
        rest = size
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return size
        size += 1


@lru_cache(maxsize=32)
def _response(size: int, rate_hz: float) -> NDArray[np.float64]:
    """Squared magnitude of a second-order Butterworth band-pass at the transform's frequencies."""
    frequency = np.fft.rfftfreq(size, 1.0 / rate_hz)
    low, high = _BAND_HZ
    with np.errstate(divide="ignore"):
        return 1.0 / (1.0 + (low / frequency) ** 4) / (1.0 + (frequency / high) ** 4)


def _moving_average(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Centred moving average of odd width; at the ends over what there is."""
    half = width // 2
    total = np.concatenate(([0.0], np.cumsum(values)))
    position = np.arange(len(values))
    first = np.maximum(position - half, 0)
    last = np.minimum(position + half + 1, len(values))
    average: NDArray[np.float64] = (total[last] - total[first]) / (last - first)
    return average


def _peaks(wave: NDArray[np.float64], rate_hz: float) -> NDArray[np.int64]:
    """Positions of the systolic peaks."""
    squared: NDArray[np.float64] = np.square(np.maximum(wave, 0.0))
    systole = _moving_average(squared, 2 * int(_SYSTOLE_S * rate_hz / 2) + 1)
    beat = _moving_average(squared, 2 * int(_BEAT_S * rate_hz / 2) + 1)
    inside = systole > beat + _OFFSET * squared.mean()
    edges = np.flatnonzero(np.diff(inside.astype(np.int8), prepend=0, append=0))
    starts, ends = edges[::2], edges[1::2]
    wide = ends - starts >= int(_SYSTOLE_S * rate_hz)
    # Within a beat's length of either end the averages lack one side, and a second wave passes for a beat.
    margin = int(_BEAT_S * rate_hz)
    wide &= (starts >= margin) & (ends <= len(wave) - margin)
    starts, ends = starts[wide], ends[wide]
    if not len(starts):
        return np.empty(0, dtype=np.int64)
    width = int((ends - starts).max())
    columns = starts[:, np.newaxis] + np.arange(width)
    blocks = np.where(columns < ends[:, np.newaxis], wave[np.minimum(columns, len(wave) - 1)], -np.inf)
    peaks = starts + blocks.argmax(axis=1)
    return _systolic(_apart(peaks.astype(np.int64), wave, int(_REFRACTORY_S * rate_hz)), wave)


def _systolic(peaks: NDArray[np.int64], wave: NDArray[np.float64]) -> NDArray[np.int64]:
    """Drop the diastolic waves of a slow pulse: they rise less than a third of either neighbour."""
    if len(peaks) < 4:
        return peaks
    rises = _heights(wave, peaks)[1:]
    around = np.concatenate(([rises[1]], np.minimum(rises[:-2], rises[2:]), [rises[-2]]))
    return np.delete(peaks, np.flatnonzero(3.0 * rises < around) + 1)


def _apart(peaks: NDArray[np.int64], wave: NDArray[np.float64], least: int) -> NDArray[np.int64]:
    """Of two peaks closer than the refractory period the lower one goes."""
    close = np.flatnonzero(np.diff(peaks) < least)
    if not len(close):
        return peaks
    lower = np.where(wave[peaks[close]] < wave[peaks[close + 1]], close, close + 1)
    return np.delete(peaks, np.unique(lower))


def _vertex(wave: NDArray[np.float64], peaks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Offset of the parabola's top through a peak and its neighbours, in samples: beats finer than the sampling."""
    left, middle, right = wave[peaks - 1], wave[peaks], wave[np.minimum(peaks + 1, len(wave) - 1)]
    curvature = left - 2.0 * middle + right
    safe = np.where(curvature < 0.0, curvature, -np.inf)
    offset: NDArray[np.float64] = np.clip(0.5 * (left - right) / safe, -0.5, 0.5)
    return offset


def _holes(times: Floats, period: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Starts and ends of the gaps."""
    wide = np.flatnonzero(np.diff(times) > max(_HOLE_S, 4.0 * period))
    return np.asarray(times[wide], dtype=np.float64), np.asarray(times[wide + 1], dtype=np.float64)


def _in_hole(times: Floats, moments: NDArray[np.float64], period: float) -> NDArray[np.bool_]:
    starts, ends = _holes(times, period)
    inside: NDArray[np.bool_] = np.searchsorted(starts, moments) > np.searchsorted(ends, moments)
    return inside


def _across_hole(times: Floats, beats: NDArray[np.float64], period: float) -> NDArray[np.bool_]:
    """For each pair of neighbouring beats, whether a gap starts between them."""
    starts, _ = _holes(times, period)
    across: NDArray[np.bool_] = np.diff(np.searchsorted(starts, beats)) > 0
    return across


def _heights(wave: NDArray[np.float64], peaks: NDArray[np.int64]) -> NDArray[np.float64]:
    heights = np.full(len(peaks), _NAN)
    heights[1:] = wave[peaks[1:]] - np.minimum.reduceat(wave, peaks)[:-1]
    return heights


def _likeness(wave: NDArray[np.float64], peaks: NDArray[np.int64], rate_hz: float) -> float:
    """Mean correlation of the beats with their mean, scaled so that 0.6 and less, as noise reaches, is no pulse.

    After Orphanidou et al. 2015 (IEEE JBHI 19:832), who accept a PPG from a mean correlation of 0.86.
    """
    reach = int(0.3 * rate_hz)
    whole = peaks[(peaks >= reach) & (peaks + reach < len(wave))]
    if len(whole) < 3:
        return 0.0
    beats = wave[whole[:, np.newaxis] + np.arange(-reach, reach + 1)]
    beats -= beats.mean(axis=1, keepdims=True)
    beats /= np.sqrt((beats * beats).sum(axis=1, keepdims=True)) + 1e-12
    template = beats.mean(axis=0)
    likeness = float((beats @ template).mean() / (np.sqrt(template @ template) + 1e-12))
    # The share of beats whose distance is that of a heart: noise makes beats that look alike at random distances.
    intervals = np.diff(peaks) / rate_hz
    middle = float(np.median(intervals))
    regular = float(np.mean(np.abs(intervals - middle) <= 0.3 * middle)) if 0.3 <= middle <= 2.0 else 0.0
    return float(np.clip((likeness - 0.6) / 0.4, 0.0, 1.0)) * regular

"""Heart: cleaning RR intervals, rate, variability, respiration.

Rules:

- An interval outside 0.3–2.0 s (30–200 beats a minute at the edges of everyday life) is no beat of a listener at rest
  or at play; one that strays from the local median is ectopic or an artefact. Both are dropped, never interpolated.
- Gaps are not stitched shut: a successive difference is taken only between two clean intervals of which the second
  directly follows the first.
- What a window is too short for is NaN. RMSSD of 60 s agrees with that of five minutes; SDNN of 60 s is biased low but
  keeps the order between moments of one person (Munoz et al. 2015, PLoS ONE 10:e0138921).

Definitions: Task Force of ESC and NASPE 1996, Circulation 93:1043.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.physiology.windows import Floats, mean, slope_per_minute

__all__ = [
    "Beats",
    "clean",
    "clean_rate",
    "heart_rate_bpm",
    "heart_rate_slope",
    "respiration_per_min",
    "rmssd_ms",
    "sdnn_ms",
]

SHORTEST_S: Final = 0.3
LONGEST_S: Final = 2.0
_NEIGHBOURS: Final = 5
"""Intervals on either side that make the local median: 11 span about two breaths, so that it follows neither."""
_NARROWEST: Final = 0.12
_WIDEST: Final = 0.30
"""Share of the local median by which an interval may stray. A premature beat in a quiet series strays by 15 % or more;
respiration moves a young sleeper's intervals by up to 30 %."""
_SPREADS: Final = 5.2
"""Between these bounds: 5.2 median absolute deviations, 3.5 standard deviations of a normal distribution (the factor of
Lipponen & Tarvainen 2019, J Med Eng Technol 43:173). Breathing, a sinusoid, stays below 1.5."""
_LATE_SHARE: Final = 1.5
_LATE_S: Final = 0.25
"""A beat that comes later than 1.5 intervals and 0.25 s after the one before has lost a neighbour. Anything stricter
would take the packets of a chest strap, which stamp two beats at once every second, for gaps."""
_RATE_RANGE_BPM: Final = (25.0, 240.0)

_GRID_HZ: Final = 4.0
_RESPIRATION_HZ: Final = (0.1, 0.5)
_PEAK_HALF_WIDTH_HZ: Final = 0.035
"""Half the main lobe of a Hann window over 60 s: the power of one steady breath lies within."""
_PEAK_SHARE: Final = 0.5
"""A peak is clear when it holds this share of the band's power; white noise gives about a sixth."""
_HOLE_S: Final = 3.0
"""Longest stretch without a beat that may be bridged when the series is sampled evenly."""
_NAN: Final = float("nan")


class Beats(NamedTuple):
    """Clean intervals.

    Attributes:
        times: float64 [n], when each interval ended, seconds.
        intervals: float64 [n], seconds.
        joined: bool [n], whether the interval directly follows the one before it in the arrays.
    """

    times: NDArray[np.float64]
    intervals: NDArray[np.float64]
    joined: NDArray[np.bool_]


def clean(times: Floats, intervals: Floats) -> Beats:
    """Drop artefacts from RR intervals.

    Args:
        times: [n], when each beat came, seconds, ascending.
        intervals: [n], seconds since the beat before.

    Returns:
        The clean ones. Missing beats show as intervals that are not `joined`.
    """
    t = np.asarray(times, dtype=np.float64)
    rr = np.asarray(intervals, dtype=np.float64)
    plausible = (rr >= SHORTEST_S) & (rr <= LONGEST_S)
    # An implausible interval breaks the run but must not bend the median of its neighbours.
    positions = np.flatnonzero(plausible)
    kept = positions[_near_local_median(rr[positions])]
    joined = np.zeros(len(kept), dtype=np.bool_)
    if len(kept) > 1:
        gap = t[kept[1:]] - t[kept[:-1]] > _LATE_SHARE * rr[kept[1:]] + _LATE_S
        joined[1:] = (np.diff(kept) == 1) & ~gap
    return Beats(t[kept], rr[kept], joined)


def _near_local_median(rr: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which intervals stay near the median of their neighbourhood."""
    if len(rr) < 3:
        return np.ones(len(rr), dtype=np.bool_)
    reach = min(_NEIGHBOURS, (len(rr) - 1) // 2)
    # At the ends the neighbourhood is the nearest full one: a mirrored end would count the same beats twice.
    neighbourhoods = np.lib.stride_tricks.sliding_window_view(rr, 2 * reach + 1)
    ordered = np.sort(neighbourhoods, axis=1)
    centre = ordered[:, reach]
    spread = np.sort(np.abs(neighbourhoods - centre[:, np.newaxis]), axis=1)[:, reach]
    tolerance = np.minimum(np.maximum(_SPREADS * spread, _NARROWEST * centre), _WIDEST * centre)
    nearest = np.arange(len(rr)) - reach
    nearest = np.minimum(np.maximum(nearest, 0), len(centre) - 1)
    good: NDArray[np.bool_] = np.abs(rr - centre[nearest]) <= tolerance[nearest]
    return good


def clean_rate(times: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Drop the fill values (0, 255) and impossible rates of an hr stream, beats a minute."""
    low, high = _RATE_RANGE_BPM
    good = (values >= low) & (values <= high)
    return times[good], values[good]


def heart_rate_bpm(beats: Beats) -> float:
    """Mean heart rate over clean intervals, beats a minute; NaN below 10 s of them."""
    total = float(np.add.reduce(beats.intervals))
    return 60.0 * len(beats.intervals) / total if total >= 10.0 else _NAN


def heart_rate_slope(beats: Beats) -> float:
    """Least-squares slope of the beat-to-beat rate, beats a minute per minute; NaN below 15 beats over 30 s."""
    return slope_per_minute(beats.times, 60.0 / beats.intervals, least=15, span_s=30.0)


def rmssd_ms(beats: Beats) -> float:
    """Root mean square of successive differences, ms; NaN below 20 differences inside unbroken runs."""
    differences = np.diff(beats.intervals)[beats.joined[1:]]
    if len(differences) < 20:
        return _NAN
    return 1000.0 * float(np.sqrt(differences @ differences / len(differences)))


def sdnn_ms(beats: Beats) -> float:
    """Standard deviation of the intervals (n − 1), ms; NaN below 20 of them or below 20 s."""
    n = len(beats.intervals)
    if n < 20 or np.add.reduce(beats.intervals) < 20.0:
        return _NAN
    deviations = beats.intervals - mean(beats.intervals)
    return 1000.0 * float(np.sqrt(deviations @ deviations / (n - 1)))


def respiration_per_min(beats: Beats) -> float:
    """Breaths a minute from respiratory sinus arrhythmia.

    The intervals are sampled at 4 Hz, freed of their trend, and the largest peak of the Hann periodogram between 0.1
    and 0.5 Hz is taken if it is clear: inside the band, and holding half of the band's power. NaN otherwise, below 30 s
    and where more than 3 s of beats are missing.
    """
    if len(beats.times) < 20 or beats.times[-1] - beats.times[0] < 30.0 or np.diff(beats.times).max() > _HOLE_S:
        return _NAN
    grid = np.arange(beats.times[0], beats.times[-1], 1.0 / _GRID_HZ)
    series = np.interp(grid, beats.times, beats.intervals)
    centred = np.linspace(-1.0, 1.0, len(series))
    series -= mean(series)
    series -= centred * (centred @ series / (centred @ centred))
    return 60.0 * _clear_peak_hz(series * np.hanning(len(series)))


def _clear_peak_hz(series: NDArray[np.float64]) -> float:
    """Frequency of the dominating peak of the respiration band, or NaN."""
    size = 1024  # 256 s at 4 Hz: zero padding to a resolution of 0.25 breaths a minute
    power = np.abs(np.fft.rfft(series, size)) ** 2
    width = _GRID_HZ / size
    first, last = (round(edge / width) for edge in _RESPIRATION_HZ)
    peak = first + int(np.argmax(power[first : last + 1]))
    half = round(_PEAK_HALF_WIDTH_HZ / width)
    around = power[max(first - half, peak - half) : peak + half + 1].sum()
    band = power[first - half : last + half + 1].sum()
    inside = first < peak < last and power[peak] >= power[peak - 1]
    # Below the band's edge stands the Mayer wave near 0.1 Hz: a slope that rises towards it is no breath.
    if not inside or power[peak - 1] > power[peak] or not around >= _PEAK_SHARE * band > 0.0:
        return _NAN
    left, middle, right = (float(power[i]) for i in (peak - 1, peak, peak + 1))
    curvature = left - 2.0 * middle + right
    return (peak + (0.5 * (left - right) / curvature if curvature else 0.0)) * width

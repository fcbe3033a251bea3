"""Heart rate variability in the time domain, and its Poincaré plot.

Every measure needs a stretch of beats below which it says something else or nothing: it is NaN until then, and
`waits_s` tells how long that takes.

Definitions: Task Force of ESC and NASPE 1996, Circulation 93:1043; Brennan, Palaniswami & Kamen 2001, IEEE TBME
48:1342 (Poincaré); Toichi et al. 1997, J Auton Nerv Syst 62:79 (CSI, CVI); Richman & Moorman 2000, Am J Physiol
278:H2039 (sample entropy). Stretches: Munoz et al. 2015, PLoS ONE 10:e0138921 (RMSSD from 30 s and SDNN from 60 s agree
with five minutes); Shaffer & Ginsberg 2017, Front Public Health 5:258 (pNN50, HF 60 s, LF 120 s, VLF five minutes).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.physiology.beats.series import Beats, covered_s, successive
from models.physiology.windows import mean

__all__ = ["VALID_FROM_S", "TimeDomain", "rmssd_ms", "sample_entropy", "sdnn_ms", "time_domain", "waits_s"]

VALID_FROM_S: Final[Mapping[str, float]] = MappingProxyType(
    {
        "mean_nn_ms": 10.0,
        "median_nn_ms": 10.0,
        "min_nn_ms": 10.0,
        "max_nn_ms": 10.0,
        "mean_rate_bpm": 10.0,
        "rmssd_ms": 30.0,
        "sdsd_ms": 30.0,
        "cvsd": 30.0,
        "sd1_ms": 30.0,
        "sdnn_ms": 60.0,
        "cvnn": 60.0,
        "mad_nn_ms": 60.0,
        "iqr_nn_ms": 60.0,
        "sd_rate_bpm": 60.0,
        "pnn50_percent": 60.0,
        "pnn20_percent": 60.0,
        "sd2_ms": 60.0,
        "csi": 60.0,
        "cvi": 60.0,
        "csi_modified": 60.0,
        "sample_entropy": 300.0,
    }
)
"""Seconds of beats, gaps left out, that a measure needs."""
_TOLERANCE: Final = 0.95
"""A window of a minute holds a little less than a minute of whole intervals."""
_LEAST: Final = 20
"""Intervals, and differences, that a spread needs."""
_EMBEDDED: Final = 2
_ALIKE: Final = 0.2
"""Sample entropy: two beats and the third, alike to 0.2 standard deviations."""
_LONGEST_ENTROPY: Final = 2048
_ROWS: Final = 256
"""Beats that are compared with all others at once: four megabytes."""
_NORMAL_MAD: Final = 1.482602218505602
"""Of a normal distribution, the standard deviation in median absolute deviations."""
_NAN: Final = float("nan")


class TimeDomain(NamedTuple):
    """Measures of the intervals (NN), in milliseconds where the name says so; NaN until valid.

    Attributes:
        mean_nn_ms: mean interval.
        median_nn_ms: median interval.
        min_nn_ms: shortest interval.
        max_nn_ms: longest interval.
        mean_rate_bpm: mean of the beat-to-beat rate (not 60 000 through the mean interval).
        sd_rate_bpm: its standard deviation (n − 1).
        sdnn_ms: standard deviation of the intervals (n − 1).
        cvnn: `sdnn_ms` through `mean_nn_ms`.
        mad_nn_ms: median absolute deviation, scaled to the standard deviation of a normal distribution.
        iqr_nn_ms: distance of the quartiles.
        rmssd_ms: root mean square of successive differences.
        sdsd_ms: standard deviation of successive differences (n − 1).
        cvsd: `rmssd_ms` through `mean_nn_ms`.
        pnn50_percent: successive differences beyond 50 ms, of all differences.
        pnn20_percent: beyond 20 ms.
        sd1_ms: width of the Poincaré plot across the line of identity (n − 1).
        sd2_ms: and along it.
        csi: `sd2_ms` through `sd1_ms`.
        cvi: log10 of 16 · sd1 · sd2 in ms².
        csi_modified: 4 · sd2² through sd1, ms (Jeppesen et al. 2014, ICBHI).
    """

    mean_nn_ms: float
    median_nn_ms: float
    min_nn_ms: float
    max_nn_ms: float
    mean_rate_bpm: float
    sd_rate_bpm: float
    sdnn_ms: float
    cvnn: float
    mad_nn_ms: float
    iqr_nn_ms: float
    rmssd_ms: float
    sdsd_ms: float
    cvsd: float
    pnn50_percent: float
    pnn20_percent: float
    sd1_ms: float
    sd2_ms: float
    csi: float
    cvi: float
    csi_modified: float


def waits_s(beats: Beats) -> dict[str, float]:
    """How many more seconds of beats each measure of the time domain needs; 0 where it is valid."""
    covered = covered_s(beats)
    return {name: max(0.0, _TOLERANCE * needed - covered) for name, needed in VALID_FROM_S.items()}


def time_domain(beats: Beats) -> TimeDomain:
    """Every measure of the time domain, O(n); those that need more beats are NaN."""
    covered = covered_s(beats)
    found = _levels(beats) | _spreads(beats) | _changes(beats)
    ratio = found["sd2_ms"] / found["sd1_ms"] if found["sd1_ms"] > 0.0 else _NAN
    area = 16.0 * found["sd1_ms"] * found["sd2_ms"]
    found |= {
        "cvnn": found["sdnn_ms"] / found["mean_nn_ms"],
        "cvsd": found["rmssd_ms"] / found["mean_nn_ms"],
        "csi": ratio,
        "cvi": math.log10(area) if area > 0.0 else _NAN,
        "csi_modified": 4.0 * found["sd2_ms"] * ratio,
    }
    valid = {name: value if covered >= _TOLERANCE * VALID_FROM_S[name] else _NAN for name, value in found.items()}
    return TimeDomain(**valid)


def rmssd_ms(beats: Beats) -> float:
    """Root mean square of successive differences, ms; NaN below 20 differences inside unbroken runs."""
    differences = np.diff(beats.intervals)[successive(beats)]
    if len(differences) < _LEAST:
        return _NAN
    return 1000.0 * float(np.sqrt(differences @ differences / len(differences)))


def sdnn_ms(beats: Beats) -> float:
    """Standard deviation of the intervals (n − 1), ms; NaN below 20 of them or below 20 s.

    This is the bare formula. From less than a minute it is biased low but keeps the order between moments of one
    person; `time_domain` waits for the minute.
    """
    if len(beats.intervals) < _LEAST or covered_s(beats) < 20.0:
        return _NAN
    return 1000.0 * _deviation(beats.intervals)


def sample_entropy(beats: Beats) -> float:
    """Sample entropy of the intervals (m = 2, r = 0.2 standard deviations); NaN below five minutes of beats.

    The only measure here that is not linear in the number of beats: it compares all of the newest 2,048 with each
    other.
    """
    rr = beats.intervals[-_LONGEST_ENTROPY:]
    if np.add.reduce(rr) < _TOLERANCE * VALID_FROM_S["sample_entropy"]:
        return _NAN
    reach = _ALIKE * _deviation(rr)
    pairs = len(rr) - _EMBEDDED
    shorter = longer = 0
    for start in range(0, pairs, _ROWS):
        rows = slice(start, min(pairs, start + _ROWS))
        near = [
            np.abs(rr[rows.start + lag : rows.stop + lag, np.newaxis] - rr[lag : lag + pairs]) <= reach
            for lag in range(_EMBEDDED + 1)
        ]
        alike = near[0] & near[1]
        shorter += int(np.count_nonzero(alike))
        longer += int(np.count_nonzero(alike & near[2]))
    # Every pair was seen from both sides, and every beat is like itself.
    shorter, longer = (shorter - pairs) // 2, (longer - pairs) // 2
    return -math.log(longer / shorter) if longer else _NAN


def _deviation(values: NDArray[np.float64]) -> float:
    """Standard deviation, n − 1; NaN below two values."""
    if len(values) < 2:
        return _NAN
    deviations = values - mean(values)
    return math.sqrt(float(deviations @ deviations) / (len(values) - 1))


def _quantile(ordered: NDArray[np.float64], share: float) -> float:
    """Of sorted values, at least one; linear between two."""
    place = share * (len(ordered) - 1)
    lower = int(place)
    low, high = float(ordered[lower]), float(ordered[min(lower + 1, len(ordered) - 1)])
    return low + (place - lower) * (high - low)


def _levels(beats: Beats) -> dict[str, float]:
    nn = np.sort(1000.0 * beats.intervals)
    if not len(nn):
        return dict.fromkeys(("mean_nn_ms", "median_nn_ms", "min_nn_ms", "max_nn_ms", "mean_rate_bpm"), _NAN)
    return {
        "mean_nn_ms": mean(nn),
        "median_nn_ms": _quantile(nn, 0.5),
        "min_nn_ms": float(nn[0]),
        "max_nn_ms": float(nn[-1]),
        "mean_rate_bpm": mean(60000.0 / nn),
    }


def _spreads(beats: Beats) -> dict[str, float]:
    nn = np.sort(1000.0 * beats.intervals)
    if len(nn) < _LEAST:
        return dict.fromkeys(("sdnn_ms", "sd_rate_bpm", "mad_nn_ms", "iqr_nn_ms"), _NAN)
    apart = np.sort(np.abs(nn - _quantile(nn, 0.5)))
    return {
        "sdnn_ms": _deviation(nn),
        "sd_rate_bpm": _deviation(60000.0 / nn),
        "mad_nn_ms": _NORMAL_MAD * _quantile(apart, 0.5),
        "iqr_nn_ms": _quantile(nn, 0.75) - _quantile(nn, 0.25),
    }


def _changes(beats: Beats) -> dict[str, float]:
    pairs = successive(beats)
    first, second = 1000.0 * beats.intervals[:-1][pairs], 1000.0 * beats.intervals[1:][pairs]
    n = len(first)
    if n < _LEAST:
        names = ("rmssd_ms", "sdsd_ms", "pnn50_percent", "pnn20_percent", "sd1_ms", "sd2_ms")
        return dict.fromkeys(names, _NAN)
    changes = second - first
    size = np.abs(changes)
    across = _deviation(changes)
    return {
        "rmssd_ms": math.sqrt(float(changes @ changes) / n),
        "sdsd_ms": across,
        "pnn50_percent": 100.0 * np.count_nonzero(size > 50.0) / n,
        "pnn20_percent": 100.0 * np.count_nonzero(size > 20.0) / n,
        "sd1_ms": across / math.sqrt(2.0),
        "sd2_ms": _deviation(first + second) / math.sqrt(2.0),
    }

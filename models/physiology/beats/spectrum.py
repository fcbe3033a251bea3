"""Heart rate variability in the frequency domain: Welch's spectrum of the intervals.

Rules:

- A spectrum is taken inside a run without gaps. Of several runs the powers are averaged by their length; a run that is
  too short for a band does not speak for it. Nothing is sampled across a gap.
- A wave counts only if a segment, half of the run, holds it twice: what is slower is trend.
- HF and LF need runs whose segments hold every wave of theirs, 60 and 120 s (Task Force 1996, Circulation 93:1043);
  VLF and the total need 300 s, and begin at 0.013 Hz then. Until then they are NaN; `waits_s` says for how long.

The method is that of NeuroKit2 and Kubios: quadratic spline at 4 Hz, constant removed, two half-length Hann segments
and the one between them, padded to twice their length; a band's power is the trapezoid over the bins that lie in it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.physiology.beats.series import Beats, runs
from models.physiology.beats.spline import resample
from models.physiology.windows import mean

__all__ = ["BANDS_HZ", "VALID_FROM_S", "FrequencyDomain", "frequency_domain", "waits_s"]

BANDS_HZ: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "vlf": (0.0033, 0.04),
        "lf": (0.04, 0.15),
        "hf": (0.15, 0.4),
        "vhf": (0.4, 0.5),
    }
)
VALID_FROM_S: Final[Mapping[str, float]] = MappingProxyType(
    {
        "hf_ms2": 60.0,
        "hf_peak_hz": 60.0,
        "ln_hf": 60.0,
        "vhf_ms2": 60.0,
        "lf_ms2": 120.0,
        "lf_peak_hz": 120.0,
        "lf_hf": 120.0,
        "lf_share": 300.0,
        "hf_share": 300.0,
        "vlf_ms2": 300.0,
        "total_ms2": 300.0,
    }
)
"""Seconds without a gap that a measure needs."""
_RATE_HZ: Final = 4.0
_TOLERANCE: Final = 0.95
"""As in the time domain: a window of five minutes holds a little less of whole intervals."""
_NAN: Final = float("nan")

Array = NDArray[np.float64]


class FrequencyDomain(NamedTuple):
    """Powers in ms², peaks in Hz; NaN until valid.

    Attributes:
        vlf_ms2: 0.0033–0.04 Hz.
        lf_ms2: 0.04–0.15 Hz.
        hf_ms2: 0.15–0.4 Hz.
        vhf_ms2: 0.4–0.5 Hz.
        total_ms2: their sum.
        lf_hf: LF through HF.
        lf_share: LF of the total.
        hf_share: HF of the total.
        ln_hf: natural logarithm of HF.
        lf_peak_hz: where the spectrum is highest in LF, in the longest run.
        hf_peak_hz: likewise in HF.
    """

    vlf_ms2: float
    lf_ms2: float
    hf_ms2: float
    vhf_ms2: float
    total_ms2: float
    lf_hf: float
    lf_share: float
    hf_share: float
    ln_hf: float
    lf_peak_hz: float
    hf_peak_hz: float


def waits_s(beats: Beats) -> dict[str, float]:
    """How many more seconds without a gap each measure needs; 0 where it is valid."""
    longest = max((_length_s(beats, run) for run in runs(beats)), default=0.0)
    return {name: max(0.0, _TOLERANCE * needed - longest) for name, needed in VALID_FROM_S.items()}


def frequency_domain(beats: Beats) -> FrequencyDomain:
    """Every measure of the frequency domain; those that need a longer run are NaN."""
    shortest = _TOLERANCE * min(VALID_FROM_S.values())
    lengths = {run.start: (_length_s(beats, run), run) for run in runs(beats)}
    spectra = [(length, *_welch(beats, run)) for length, run in lengths.values() if length >= shortest]
    power = {name: _averaged(spectra, name) for name in BANDS_HZ}
    longest = max(spectra, key=lambda spectrum: spectrum[0], default=None)
    total = math.fsum(power.values())
    return FrequencyDomain(
        **{f"{name}_ms2": value for name, value in power.items()},
        total_ms2=total,
        lf_hf=_through(power["lf"], power["hf"]),
        lf_share=_through(power["lf"], total),
        hf_share=_through(power["hf"], total),
        ln_hf=math.log(power["hf"]) if power["hf"] > 0.0 else _NAN,
        lf_peak_hz=_peak(longest, "lf"),
        hf_peak_hz=_peak(longest, "hf"),
    )


def _length_s(beats: Beats, run: slice) -> float:
    """Seconds of a run, its first interval included."""
    return float(np.add.reduce(beats.intervals[run]))


def _welch(beats: Beats, run: slice) -> tuple[Array, Array]:
    """Frequencies, Hz, and one-sided power density, ms²/Hz, of a run."""
    # Inside a run the intervals are the time axis: what packets and clocks did to the stamps is no rhythm of the heart.
    times = np.cumsum(beats.intervals[run])
    grid = np.arange(times[0], times[-1] + 1.0 / _RATE_HZ, 1.0 / _RATE_HZ)
    series = resample(times, 1000.0 * beats.intervals[run], np.minimum(grid, times[-1]))
    series -= mean(series)
    size = len(series) // 2
    step = size - size // 2
    segments = np.stack([series[start : start + size] for start in range(0, len(series) - size + 1, step)])
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(size) / size)
    transform = np.fft.rfft(segments * window, 2 * size, axis=1)
    density = (transform.real**2 + transform.imag**2).mean(axis=0) * 2.0 / (_RATE_HZ * float(window @ window))
    density[0] /= 2.0
    return np.fft.rfftfreq(2 * size, 1.0 / _RATE_HZ), density


def _inside(frequency: Array, band: str) -> slice:
    """The bins of a band."""
    low, high = BANDS_HZ[band]
    # Padded to twice its length, a segment shows its second wave in the fourth bin.
    first, last = np.searchsorted(frequency, (max(low, 3.999 * float(frequency[1])), high))
    return slice(int(first), int(last))


def _averaged(spectra: list[tuple[float, Array, Array]], band: str) -> float:
    """Power of a band over the runs that are long enough for it."""
    enough = _TOLERANCE * VALID_FROM_S[f"{band}_ms2"]
    whole = [(length, frequency, density) for length, frequency, density in spectra if length >= enough]
    if not whole:
        return _NAN
    powers = [length * _area(frequency, density, band) for length, frequency, density in whole]
    return math.fsum(powers) / math.fsum(length for length, _, _ in whole)


def _area(frequency: Array, density: Array, band: str) -> float:
    values = density[_inside(frequency, band)]
    return float(values.sum() - 0.5 * (values[0] + values[-1])) * float(frequency[1])


def _peak(spectrum: tuple[float, Array, Array] | None, band: str) -> float:
    if spectrum is None or spectrum[0] < _TOLERANCE * VALID_FROM_S[f"{band}_peak_hz"]:
        return _NAN
    _, frequency, density = spectrum
    inside = _inside(frequency, band)
    return float(frequency[inside][np.argmax(density[inside])])


def _through(part: float, whole: float) -> float:
    return part / whole if whole > 0.0 else _NAN

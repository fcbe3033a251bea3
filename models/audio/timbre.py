"""Timbre of a signal, frame by frame: cepstrum and the shape of the spectrum.

Every function takes the spectrum of some frames and gives one value, or one row, per frame. |X| is the magnitude,
f(k) = k · 22050 / 1024 Hz the frequency of bin k. Definitions are those of librosa (McFee et al. 2015) where it has
them; a test holds them equal.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from models.audio.log_mel import MELS, SAMPLE_RATE, WINDOW

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "CONTRAST_BANDS",
    "MFCCS",
    "bandwidth",
    "bin_frequencies",
    "centroid",
    "contrast",
    "flatness",
    "mfcc",
    "rolloff",
]

MFCCS: Final = 20
"""Cepstral coefficients, the zeroth (loudness) included."""
CONTRAST_BANDS: Final = 7
"""Below 200 Hz, five octaves from there to 6.4 kHz, and what is above."""

_CONTRAST_LOW_HZ: Final = 200.0
# The share of a band's bins that count as its peak and as its valley (Jiang et al. 2002 use neighbourhoods α = 0.02).
_CONTRAST_SHARE: Final = 0.02
_ROLLOFF_SHARE: Final = 0.85
_TINY: Final = np.float32(1e-10)


@lru_cache(maxsize=1)
def bin_frequencies() -> NDArray[np.float32]:
    """Returns float32[513], the spectrum's bins in Hz."""
    frequencies = np.fft.rfftfreq(WINDOW, 1.0 / SAMPLE_RATE).astype(np.float32)
    frequencies.flags.writeable = False
    return frequencies


def mfcc(log_mel_db: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the cepstrum float32[20, frames]: the orthonormal DCT-II over the bands of a log-mel in dB."""
    coefficients: NDArray[np.float32] = _cosines() @ log_mel_db
    return coefficients


def centroid(magnitude: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the mean frequency Σ f |X| / Σ |X| in Hz, float32[frames], of float32[frames, 513]; 0 in silence."""
    mean_hz: NDArray[np.float32] = (magnitude @ bin_frequencies()) / np.maximum(magnitude.sum(axis=1), _TINY)
    return mean_hz


def bandwidth(magnitude: NDArray[np.float32], centre_hz: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the spread around the centroid, sqrt(Σ (f - c)² |X| / Σ |X|), in Hz."""
    frequencies = bin_frequencies()
    total = np.maximum(magnitude.sum(axis=1), _TINY)
    # E[(f - c)²] = E[f²] - c² in double precision: the two terms are near each other in narrow spectra.
    second_moment = (magnitude.astype(np.float64) @ frequencies.astype(np.float64) ** 2) / total
    spread: NDArray[np.float32] = np.sqrt(np.maximum(second_moment - centre_hz.astype(np.float64) ** 2, 0.0)).astype(
        np.float32
    )
    return spread


def rolloff(magnitude: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the frequency in Hz below which 85 % of Σ |X| lie."""
    cumulative = np.cumsum(magnitude, axis=1)
    reached = cumulative >= _ROLLOFF_SHARE * cumulative[:, -1:]
    frequency_hz: NDArray[np.float32] = bin_frequencies()[reached.argmax(axis=1)]
    return frequency_hz


def flatness(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the geometric by the arithmetic mean of the power: 1 for white noise, near 0 for a tone."""
    floored = np.maximum(power, _TINY)
    ratio: NDArray[np.float32] = np.exp(np.log(floored).mean(axis=1)) / floored.mean(axis=1)
    return ratio


def contrast(magnitude: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns float32[frames, 7]: per octave band, the peaks' by the valleys' mean magnitude, as 10 log10 (Jiang 2002).

    Peaks and valleys are the highest and the lowest 2 % of a band's bins, at least one.
    """
    result = np.empty((magnitude.shape[0], CONTRAST_BANDS), dtype=np.float32)
    for band, (first, end, count) in enumerate(_contrast_bands()):
        ordered = np.sort(magnitude[:, first:end], axis=1)
        valley = np.maximum(ordered[:, :count].mean(axis=1), _TINY)
        peak = np.maximum(ordered[:, -count:].mean(axis=1), _TINY)
        result[:, band] = 10.0 * np.log10(peak / valley)
    return result


@lru_cache(maxsize=1)
def _contrast_bands() -> tuple[tuple[int, int, int], ...]:
    """Returns first bin, end bin and number of peak bins per band.

    As in librosa, a band but the lowest begins one bin below its edge, all but the highest give up their last bin, and
    the number of peaks is of the band before it gives it up.
    """
    frequencies = bin_frequencies()
    edges_hz = [0.0, *(_CONTRAST_LOW_HZ * 2.0**octave for octave in range(CONTRAST_BANDS))]
    bands = []
    for band in range(CONTRAST_BANDS):
        inside = np.flatnonzero((frequencies >= edges_hz[band]) & (frequencies <= edges_hz[band + 1]))
        highest = band == CONTRAST_BANDS - 1
        first = int(inside[0]) - (1 if band else 0)
        end = frequencies.size if highest else int(inside[-1]) + 1
        count = max(round(_CONTRAST_SHARE * (end - first)), 1)
        bands.append((first, end if highest else end - 1, count))
    return tuple(bands)


@lru_cache(maxsize=1)
def _cosines() -> NDArray[np.float32]:
    order = np.arange(MFCCS)[:, None]
    band = np.arange(MELS)[None, :]
    basis = np.sqrt(2.0 / MELS) * np.cos(np.pi * order * (2 * band + 1) / (2 * MELS))
    basis[0] /= np.sqrt(2.0)
    cosines: NDArray[np.float32] = basis.astype(np.float32)
    return cosines

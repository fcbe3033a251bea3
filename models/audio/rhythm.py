"""Rhythm of a signal: onsets, tempo and how strongly the beat is felt.

Onset strength is the mean over mel bands of the rise in dB since the frame before, falls counted as 0 (as librosa's
`onset_strength` of the same spectrogram, without its shift). Tempo is the lag of the strongest peak of its
autocorrelation, weighted with a log-normal preference for 120 beats a minute of one octave's width (Ellis, "Beat
Tracking by Dynamic Programming", 2007).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from models.audio.log_mel import HOP, SAMPLE_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FRAMES_PER_SECOND", "onset_rate", "onset_strength", "tempo"]

FRAMES_PER_SECOND: Final = SAMPLE_RATE / HOP

_PREFERRED_BPM: Final = 120.0
_PREFERENCE_OCTAVES: Final = 1.0
_SLOWEST_BPM: Final = 30.0
_FASTEST_BPM: Final = 300.0
# An onset is the highest frame of its 140 ms and stands out of its second by half the envelope's spread.
_ONSET_REACH: Final = 3
_ONSET_NEIGHBOURHOOD: Final = 21
_ONSET_SPREADS: Final = 0.5
# Below a mean rise of half a decibel nothing is heard to begin; it keeps rounding noise from being onsets.
_ONSET_RISE_DB: Final = 0.5
# Beats rarely fall on whole frames; without smoothing over ±2 of them every other lag matches better than the beat's.
_SMOOTHING: Final = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9.0


def onset_strength(log_mel_db: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns float32[frames], in dB: how much the bands rise on average from the frame before; 0 for the first."""
    envelope = np.zeros(log_mel_db.shape[1], dtype=np.float32)
    if envelope.size > 1:
        rises = np.diff(log_mel_db, axis=1)
        np.maximum(rises, 0.0, out=rises)
        rises.mean(axis=0, out=envelope[1:])
    return envelope


def tempo(envelope: NDArray[np.float32]) -> tuple[float, float]:
    """Returns the tempo in beats a minute and the beat's strength.

    Args:
        envelope: onset strength, float32[frames].

    Returns:
        The tempo in 30 … 300; and the autocorrelation at its lag, 0 (no beat) … 1 (every beat like the last one).
        (120, 0) where nothing happens or less than two of the slowest beats fit in.
    """
    smooth = np.convolve(envelope, _SMOOTHING, mode="same")[: envelope.size]
    centred = smooth - smooth.mean()
    energy = float(centred @ centred)
    shortest = int(np.floor(FRAMES_PER_SECOND * 60.0 / _FASTEST_BPM))
    longest = int(np.ceil(FRAMES_PER_SECOND * 60.0 / _SLOWEST_BPM))
    if centred.size < 2 * longest or energy < 1e-9:
        return _PREFERRED_BPM, 0.0
    correlation = _autocorrelation(centred, longest + 2) / energy
    lags = np.arange(shortest, longest + 1)
    bpm = 60.0 * FRAMES_PER_SECOND / lags
    preference = np.exp(-0.5 * (np.log2(bpm / _PREFERRED_BPM) / _PREFERENCE_OCTAVES) ** 2)
    lag = int(lags[np.argmax(np.maximum(correlation[lags], 0.0) * preference)])
    strength = float(np.clip(correlation[lag], 0.0, 1.0))
    exact = lag + _vertex(correlation[lag - 1 : lag + 2])
    return float(np.clip(60.0 * FRAMES_PER_SECOND / exact, _SLOWEST_BPM, _FASTEST_BPM)), strength


def onset_rate(envelope: NDArray[np.float32]) -> float:
    """Returns onsets a second: peaks of the envelope that stand out of their neighbourhood."""
    if envelope.size <= 2 * _ONSET_REACH:
        return 0.0
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(envelope, _ONSET_REACH), 2 * _ONSET_REACH + 1)
    kernel = np.ones(_ONSET_NEIGHBOURHOOD) / _ONSET_NEIGHBOURHOOD
    local_mean = np.convolve(envelope, kernel, mode="same")[: envelope.size]
    threshold = local_mean + np.maximum(_ONSET_SPREADS * envelope.std(), _ONSET_RISE_DB)
    onsets = (envelope >= windows.max(axis=1)) & (envelope > threshold)
    return float(onsets.sum() * FRAMES_PER_SECOND / envelope.size)


def _autocorrelation(values: NDArray[np.float64], lags: int) -> NDArray[np.float64]:
    """Returns Σ_n x(n) x(n + lag) for lags 0 … lags - 1."""
    size = 1 << int(2 * values.size - 1).bit_length()
    spectrum = np.fft.rfft(values, size)
    correlation: NDArray[np.float64] = np.fft.irfft(np.abs(spectrum) ** 2, size)[:lags]
    return correlation


def _vertex(three: NDArray[np.float64]) -> float:
    """Returns where a parabola through three equidistant values has its peak, from the middle one, within ±0.5."""
    curvature = float(three[0] - 2.0 * three[1] + three[2])
    if curvature >= 0.0:
        return 0.0
    return float(np.clip(0.5 * (three[0] - three[2]) / curvature, -0.5, 0.5))

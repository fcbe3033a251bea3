"""Audio descriptors: what a track sounds like in 78 numbers that have names.

They feed the audio signal of ranking for explanations ("faster", "brighter") and as the drama recommender's A_i
(docs/papers), z-scored with the table `descriptors` of the bundle. Every one is a mean or a standard deviation over
frames of 1024 samples each 512 (46 and 23 ms at 22.05 kHz; for chroma four times that), or one value of the whole:

    mfcc_mean_0 … 19, mfcc_sd_0 … 19     cepstrum of the log-mel spectrogram in dB
    chroma_c … chroma_b                  mean strength of the pitch classes, 0 … 1
    key_clarity, mode                    -1 … 1; mode is positive for major
    centroid, bandwidth, rolloff         Hz, mean and sd: brightness
    flatness                             0 … 1, mean and sd: noisiness
    contrast_0 … 6                       10 log10 of peaks by valleys per octave, mean
    flux                                 dB, mean and sd of the onset strength
    rms                                  dB relative to full scale, mean and sd: loudness and dynamics
    zero_crossings                       share of samples, mean and sd
    tempo, beat_strength, onset_rate     beats a minute; 0 … 1; onsets a second
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from models.audio.log_mel import HOP, WINDOW, frame_count, log_mel, power_frames, require_mono
from models.audio.rhythm import onset_rate, onset_strength, tempo
from models.audio.timbre import CONTRAST_BANDS, MFCCS, bandwidth, centroid, contrast, flatness, mfcc, rolloff
from models.audio.tonality import PITCH_CLASSES, key_and_mode, mean_chroma

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["DESCRIPTORS", "descriptors", "root_mean_square", "zero_crossings"]

DESCRIPTORS: Final[tuple[str, ...]] = (
    *(f"mfcc_mean_{order}" for order in range(MFCCS)),
    *(f"mfcc_sd_{order}" for order in range(MFCCS)),
    *(f"chroma_{name}" for name in PITCH_CLASSES),
    "key_clarity",
    "mode",
    *(f"{name}_{part}" for name in ("centroid", "bandwidth", "rolloff", "flatness") for part in ("mean", "sd")),
    *(f"contrast_{band}" for band in range(CONTRAST_BANDS)),
    *(f"{name}_{part}" for name in ("flux", "rms", "zero_crossings") for part in ("mean", "sd")),
    "tempo",
    "beat_strength",
    "onset_rate",
)
"""Names of the descriptors, in order; never reordered, since bundles hold scales by position."""

# Quieter than this is silence in 16-bit audio; without a floor one silent frame would decide the mean.
_SILENCE_DB: Final = -100.0
# Frames whose RMS and crossings are computed at once: 4 MB of samples.
_BLOCK_FRAMES: Final = 1024


def descriptors(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the descriptors of a piece of audio.

    Args:
        samples: float32[n], mono at 22.05 kHz; 10 to 60 s are usual.

    Returns:
        float32[78], in the order of `DESCRIPTORS`, all finite.

    Raises:
        AudioError: the input is empty, not one-dimensional or not finite.
    """
    samples = require_mono(samples)
    spectrogram_db = log_mel(samples)
    cepstrum = mfcc(spectrogram_db)
    pitch_classes = mean_chroma(samples)
    spectral = _spectral_frames(samples)
    envelope = onset_strength(spectrogram_db)
    levels_db = np.maximum(20.0 * np.log10(np.maximum(root_mean_square(samples), 1e-10)), _SILENCE_DB)
    values = [
        cepstrum.mean(axis=1),
        cepstrum.std(axis=1),
        pitch_classes,
        key_and_mode(pitch_classes),
        _means_and_deviations(spectral[:, :4]),
        spectral[:, 4:].mean(axis=0),
        _means_and_deviations(np.stack([envelope, levels_db, zero_crossings(samples)], axis=1)),
        tempo(envelope),
        [onset_rate(envelope)],
    ]
    return np.concatenate([np.asarray(value, dtype=np.float32) for value in values])


def root_mean_square(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns float32[frames], the level of each centred frame of 1024 samples, zeros outside."""
    powers = _over_frames(samples, lambda frames: np.einsum("ij,ij->i", frames, frames) / WINDOW)
    level: NDArray[np.float32] = np.sqrt(powers)
    return level


def zero_crossings(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns float32[frames], the share of each centred frame's samples whose sign differs from the one before."""
    signs = np.signbit(samples)
    crossings = np.zeros(samples.size, dtype=np.float32)
    crossings[1:] = signs[1:] != signs[:-1]
    return _over_frames(crossings, lambda frames: frames.mean(axis=1))


def _spectral_frames(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns float32[frames, 11]: centroid, bandwidth, rolloff, flatness and seven contrasts per frame."""
    rows = np.empty((frame_count(samples.size), 4 + CONTRAST_BANDS), dtype=np.float32)
    for start, power in power_frames(samples):
        magnitude = np.sqrt(power)
        block = rows[start : start + power.shape[0]]
        block[:, 0] = centroid(magnitude)
        block[:, 1] = bandwidth(magnitude, block[:, 0])
        block[:, 2] = rolloff(magnitude)
        block[:, 3] = flatness(power)
        block[:, 4:] = contrast(magnitude)
    return rows


def _means_and_deviations(columns: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns mean and standard deviation of each column in turn: [2 × columns]."""
    pairs: NDArray[np.float32] = np.stack([columns.mean(axis=0), columns.std(axis=0)], axis=1).reshape(-1)
    return pairs


def _over_frames(
    values: NDArray[np.float32], reduce: Callable[[NDArray[np.float32]], NDArray[np.float32]]
) -> NDArray[np.float32]:
    padded = np.pad(values, WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    result = np.empty(frames.shape[0], dtype=np.float32)
    for start in range(0, result.size, _BLOCK_FRAMES):
        result[start : start + _BLOCK_FRAMES] = reduce(frames[start : start + _BLOCK_FRAMES])
    return result

"""Pitch classes of a signal, and how clearly they state a key and a mode.

Chroma folds the power spectrum into twelve pitch classes with Gaussian bumps one semitone wide around every pitch,
weighted by a Gaussian of two octaves around the octave of A4 × 2 (Ellis 2007; as in librosa with its tuning fixed at
A4 = 440 Hz). The window is four times that of the mel front end, since 1024 samples cannot tell semitones apart below
the middle of the piano. Keys are found by correlation with the probe-tone profiles of Krumhansl and Kessler (1982).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from models.audio.log_mel import SAMPLE_RATE, power_frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CHROMA_HOP", "CHROMA_WINDOW", "PITCH_CLASSES", "chroma", "chroma_filters", "key_and_mode", "mean_chroma"]

CHROMA_WINDOW: Final = 4096
"""Samples: bins of 5.4 Hz, a semitone at A2."""
CHROMA_HOP: Final = 2048

PITCH_CLASSES: Final = ("c", "c_sharp", "d", "d_sharp", "e", "f", "f_sharp", "g", "g_sharp", "a", "a_sharp", "b")

_A0_HZ: Final = 27.5
# Centre and width, in octaves above A0, of the weight over octaves: the bass and the highest partials blur the pitch.
_CENTRE_OCTAVE: Final = 5.0
_OCTAVE_WIDTH: Final = 2.0
# Krumhansl and Kessler 1982, ratings of the twelve probe tones in a major and a minor context, tonic first.
_MAJOR: Final = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR: Final = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


def mean_chroma(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns float32[12], the mean over frames of the chroma of mono samples at 22.05 kHz."""
    total = np.zeros(len(PITCH_CLASSES), dtype=np.float64)
    frames = 0
    for _, power in power_frames(samples, window=CHROMA_WINDOW, hop=CHROMA_HOP):
        total += chroma(power).sum(axis=0)
        frames += power.shape[0]
    return (total / frames).astype(np.float32)


def chroma(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns float32[frames, 12], pitch classes from C, the strongest of each frame 1; zeros in silence.

    Args:
        power: float32[frames, 2049].
    """
    folded = power @ chroma_filters().T
    peaks = folded.max(axis=1, keepdims=True)
    result: NDArray[np.float32] = folded / np.where(peaks > np.finfo(np.float32).tiny, peaks, 1.0)
    return result


@lru_cache(maxsize=1)
def chroma_filters() -> NDArray[np.float32]:
    """Returns float32[12, 2049], the weight of every bin in every pitch class."""
    frequencies = np.arange(1, CHROMA_WINDOW) * (SAMPLE_RATE / CHROMA_WINDOW)
    # Semitones above A0; the constant has no pitch and is put 1.5 octaves below the first bin, where nothing weighs.
    semitones = 12.0 * np.log2(frequencies / _A0_HZ)
    semitones = np.concatenate([[semitones[0] - 18.0], semitones])
    widths = np.concatenate([np.maximum(np.diff(semitones), 1.0), [1.0]])
    distance = (semitones[None, :] - np.arange(12.0)[:, None] + 6.0) % 12.0 - 6.0
    bumps = np.exp(-0.5 * (2.0 * distance / widths) ** 2)
    bumps /= np.sqrt((bumps**2).sum(axis=0, keepdims=True))
    bumps *= np.exp(-0.5 * ((semitones / 12.0 - _CENTRE_OCTAVE) / _OCTAVE_WIDTH) ** 2)
    from_c = np.roll(bumps, -3, axis=0)
    filters: NDArray[np.float32] = np.ascontiguousarray(from_c[:, : CHROMA_WINDOW // 2 + 1], dtype=np.float32)
    return filters


def key_and_mode(mean_chroma: NDArray[np.float32]) -> tuple[float, float]:
    """Tells how clearly the pitch classes state a key, and which mode they lean to.

    Args:
        mean_chroma: float32[12].

    Returns:
        Key clarity, the best correlation with any of the 24 keys, in [-1, 1]; and mode, the best major minus the best
        minor correlation: positive is major. Both 0 where all pitch classes are equally strong.
    """
    spread = float(mean_chroma.std())
    if spread < 1e-6:
        return 0.0, 0.0
    standard = (mean_chroma - mean_chroma.mean()) / spread
    major, minor = (float((keys @ standard).max() / 12.0) for keys in _key_profiles())
    return max(major, minor), major - minor


@lru_cache(maxsize=1)
def _key_profiles() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    major, minor = (
        np.stack([np.roll((np.array(profile) - np.mean(profile)) / np.std(profile), tonic) for tonic in range(12)])
        for profile in (_MAJOR, _MINOR)
    )
    return major, minor

"""Log-mel spectrogram: what the `music_emotion` model sees of a track.

    X(m, k) = Σ_n x(n + mH) w(n) exp(-2πikn/N)         Hamming window w, N = 1024, hop H = 512, 22.05 kHz
    S(b, m) = Σ_k F(b, k) |X(m, k)|²                   Slaney mel filters F of unit area, 128 bands, 0 Hz to 11.025 kHz
    L(b, m) = 10 log10 max(S(b, m), 1e-10)             floored 80 dB below its own maximum

The window, hop, rate and sizes are those of the hybrid recommender's section 3.2 (docs/papers); scale and floor are
those of librosa's `melspectrogram` and `power_to_db`, to which a test holds the result within 1e-3 relative.

Rules that this module keeps:

- Frames are centred: frame m covers samples mH - N/2 … mH + N/2, zeros outside, so n samples give 1 + n // H frames.
- All arithmetic is float32, and runs over blocks of frames in buffers of fixed size: beyond the result itself,
  working memory does not grow with the length of the input.
- The mel filters are banded, so the product runs over narrow dense blocks instead of the whole matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from models.errors import AudioError, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = [
    "DYNAMIC_RANGE_DB",
    "HOP",
    "MELS",
    "SAMPLE_RATE",
    "WINDOW",
    "frame_count",
    "hamming",
    "hz_to_mel",
    "log_mel",
    "mel_filters",
    "mel_to_hz",
    "power_frames",
    "power_to_db",
    "require_mono",
]

SAMPLE_RATE: Final = 22_050
"""Hz."""
WINDOW: Final = 1024
"""Samples in the analysis window, which is also the length of the transform."""
HOP: Final = 512
"""Samples from one frame to the next."""
MELS: Final = 128
"""Mel bands."""
DYNAMIC_RANGE_DB: Final = 80.0
"""What lies further below the loudest cell than this is raised to it: it is inaudible there."""

_POWER_FLOOR: Final = 1e-10
# 120 dB above full scale is no music but a damaged float file, and its squares would overflow.
_LARGEST_SAMPLE: Final = 1e6
# 128 frames of 1024 float32 samples are 512 kB: what is computed of a block is still in the second-level cache when it
# is read again, and the calls per block cost little beside it.
_BLOCK_SAMPLES: Final = 128 * 1024
# 16 neighbouring filters share most of their bins; narrower blocks cost calls, wider ones multiply zeros.
_BLOCK_MELS: Final = 16
# The Slaney scale (Auditory Toolbox, 1998): linear below 1 kHz, 200/3 Hz per mel; above, 27 mels per factor of 6.4.
_LINEAR_HZ_PER_MEL: Final = 200.0 / 3.0
_BREAK_HZ: Final = 1000.0
_BREAK_MEL: Final = _BREAK_HZ / _LINEAR_HZ_PER_MEL
_LOG_STEP: Final = np.log(6.4) / 27.0


def log_mel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the log-mel spectrogram in dB.

    Args:
        samples: float32[n], mono at 22.05 kHz, full scale ±1.

    Returns:
        float32[128, 1 + n // 512], C-contiguous, in dB relative to a power of 1.

    Raises:
        AudioError: the input is empty, not one-dimensional or not finite.
    """
    samples = require_mono(samples)
    result = np.empty((MELS, frame_count(samples.size)), dtype=np.float32)
    bands = _mel_blocks()
    for start, power in power_frames(samples):
        for band in bands:
            np.matmul(
                band.weights,
                power[:, band.first_bin : band.end_bin].T,
                out=result[band.first_mel : band.end_mel, start : start + power.shape[0]],
            )
    return power_to_db(result)


def frame_count(sample_count: int, hop: int = HOP) -> int:
    """Returns how many centred frames so many samples give."""
    return 1 + sample_count // hop


def require_mono(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the samples as contiguous float32[n].

    Raises:
        AudioError: the input is empty, not one-dimensional, or holds values that are not finite or beyond ±1e6.
    """
    if samples.ndim != 1:
        raise AudioError(
            f"the audio front end takes mono samples of one dimension, not an array of shape {samples.shape}",
            reason=Reason.WRONG_TYPE,
            remedy="Mix the channels first",
        )
    if samples.size == 0:
        raise AudioError("the audio front end got no samples", reason=Reason.EMPTY, remedy="Skip this track")
    contiguous = np.ascontiguousarray(samples, dtype=np.float32)
    peak = max(float(contiguous.max()), -float(contiguous.min()))
    # Written so that a peak that is no number is refused too: NumPy's max and min hand it on.
    if not peak <= _LARGEST_SAMPLE:
        raise AudioError(
            f"the audio holds values up to {peak:g} where ±1 is full scale",
            reason=Reason.CORRUPT,
            remedy="Decode it again",
        )
    return contiguous


def power_frames(
    samples: NDArray[np.float32], *, window: int = WINDOW, hop: int = HOP
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yields the power spectrogram |X|² in blocks of frames.

    Args:
        samples: float32[n], contiguous.
        window: samples in the Hamming window and the transform, even.
        hop: samples from one frame to the next.

    Yields:
        The index of the block's first frame and float32[frames, window // 2 + 1]; the array is reused by the next
        block.
    """
    from scipy.fft import rfft

    shape = hamming(window)
    frames = frame_count(samples.size, hop)
    size = max(_BLOCK_SAMPLES // window, 1)
    windowed = np.empty((size, window), dtype=np.float32)
    power = np.empty((size, window // 2 + 1), dtype=np.float32)
    square = np.empty_like(power)
    for start in range(0, frames, size):
        count = min(size, frames - start)
        np.multiply(_framed(samples, start, count, window, hop), shape, out=windowed[:count])
        spectrum = rfft(windowed[:count], axis=1, overwrite_x=True)
        np.multiply(spectrum.real, spectrum.real, out=power[:count])
        np.multiply(spectrum.imag, spectrum.imag, out=square[:count])
        power[:count] += square[:count]
        yield start, power[:count]


def power_to_db(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turns power into dB in place: 10 log10 max(S, 1e-10), floored 80 dB below the maximum; returns the same array."""
    np.maximum(power, np.float32(_POWER_FLOOR), out=power)
    np.log10(power, out=power)
    power *= np.float32(10.0)
    np.maximum(power, power.max() - np.float32(DYNAMIC_RANGE_DB), out=power)
    return power


@lru_cache(maxsize=4)
def hamming(length: int = WINDOW) -> NDArray[np.float32]:
    """Returns the periodic Hamming window float32[length], 0.54 - 0.46 cos(2πn/N)."""
    phase = 2.0 * np.pi * np.arange(length) / length
    window: NDArray[np.float32] = (0.54 - 0.46 * np.cos(phase)).astype(np.float32)
    window.flags.writeable = False
    return window


def hz_to_mel(frequency_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Converts Hz to mels on Slaney's scale."""
    above = np.maximum(frequency_hz, _BREAK_HZ)
    logarithmic = _BREAK_MEL + np.log(above / _BREAK_HZ) / _LOG_STEP
    mels: NDArray[np.float64] = np.where(frequency_hz >= _BREAK_HZ, logarithmic, frequency_hz / _LINEAR_HZ_PER_MEL)
    return mels


def mel_to_hz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Converts mels on Slaney's scale to Hz."""
    logarithmic = _BREAK_HZ * np.exp(_LOG_STEP * (np.maximum(mels, _BREAK_MEL) - _BREAK_MEL))
    frequency_hz: NDArray[np.float64] = np.where(mels >= _BREAK_MEL, logarithmic, mels * _LINEAR_HZ_PER_MEL)
    return frequency_hz


@lru_cache(maxsize=8)
def mel_filters(
    *, sample_rate: int = SAMPLE_RATE, window: int = WINDOW, mels: int = MELS, low_hz: float = 0.0, high_hz: float = 0.0
) -> NDArray[np.float32]:
    """Returns triangular filters of unit area on Slaney's mel scale.

    Args:
        sample_rate: Hz.
        window: samples in the transform.
        mels: number of bands.
        low_hz: lower edge of the first band.
        high_hz: upper edge of the last band; 0 means half the sample rate.

    Returns:
        float32[mels, window // 2 + 1]
    """
    bins_hz = np.fft.rfftfreq(window, 1.0 / sample_rate)
    ends = hz_to_mel(np.array([low_hz, high_hz or sample_rate / 2.0]))
    edges_hz = mel_to_hz(np.linspace(ends[0], ends[1], mels + 2))
    widths = np.diff(edges_hz)
    ramps = edges_hz[:, None] - bins_hz[None, :]
    rising = -ramps[:-2] / widths[:-1, None]
    falling = ramps[2:] / widths[1:, None]
    filters = np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (edges_hz[2:] - edges_hz[:-2]))[:, None]
    result: NDArray[np.float32] = filters.astype(np.float32)
    result.flags.writeable = False
    return result


@dataclass(frozen=True)
class _Band:
    """A run of neighbouring mel filters and the spectrum's bins that any of them touches."""

    first_mel: int
    end_mel: int
    first_bin: int
    end_bin: int
    weights: NDArray[np.float32]


@lru_cache(maxsize=1)
def _mel_blocks() -> tuple[_Band, ...]:
    filters = mel_filters()
    blocks = []
    for first in range(0, MELS, _BLOCK_MELS):
        rows = filters[first : first + _BLOCK_MELS]
        touched = np.flatnonzero(rows.any(axis=0))
        low, end = int(touched[0]), int(touched[-1]) + 1
        blocks.append(_Band(first, first + rows.shape[0], low, end, np.ascontiguousarray(rows[:, low:end])))
    return tuple(blocks)


def _framed(samples: NDArray[np.float32], start: int, count: int, window: int, hop: int) -> NDArray[np.float32]:
    """Returns frames start … start + count as a view [count, window]; only at the ends of a padded copy."""
    first = start * hop - window // 2
    end = (start + count - 1) * hop + window // 2
    segment = samples[max(first, 0) : min(end, samples.size)]
    if first < 0 or end > samples.size:
        segment = np.pad(segment, (max(-first, 0), max(end - samples.size, 0)))
    # The length was computed for just these frames; sliding_window_view would check it again at ten times the cost.
    step = segment.itemsize
    return np.lib.stride_tricks.as_strided(segment, (count, window), (hop * step, step), writeable=False)

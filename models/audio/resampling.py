"""Mixing to mono and resampling to the front end's 22.05 kHz, whole or as a stream.

Channels are averaged. The resampler is soxr at high quality (its default: flat to 91 % of the new Nyquist frequency).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.audio.log_mel import SAMPLE_RATE
from models.errors import AudioError, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

__all__ = ["mono", "resample_stream", "to_mono_22050"]

# Outside this range no audio file is what it says, and the resampler's filters grow without bound.
_LOWEST_RATE = 1_000
_HIGHEST_RATE = 768_000


def mono(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns float32[n], the mean of the channels of float32[n] or float32[n, channels]."""
    if samples.ndim == 1:
        return samples
    if samples.shape[1] == 1:
        return np.ascontiguousarray(samples[:, 0])
    result: NDArray[np.float32] = samples.mean(axis=1, dtype=np.float32)
    return result


def to_mono_22050(samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    """Returns the samples mixed to mono at 22.05 kHz.

    Args:
        samples: float32[n] or float32[n, channels].
        sample_rate: of the samples, in Hz.

    Returns:
        float32[about n * 22050 / sample_rate]

    Raises:
        AudioError: the sample rate is not one of an audio file.
    """
    _require_rate(sample_rate)
    mixed = mono(samples)
    if sample_rate == SAMPLE_RATE or mixed.size == 0:
        return np.ascontiguousarray(mixed, dtype=np.float32)
    import soxr

    result: NDArray[np.float32] = soxr.resample(np.ascontiguousarray(mixed, dtype=np.float32), sample_rate, SAMPLE_RATE)
    return result


def resample_stream(blocks: Iterable[NDArray[np.float32]], sample_rate: int) -> Iterator[NDArray[np.float32]]:
    """Mixes and resamples block by block, so that a file of any length passes in bounded memory.

    Args:
        blocks: float32[n] or float32[n, channels] each, in order.
        sample_rate: of the blocks, in Hz.

    Yields:
        float32[m] at 22.05 kHz; their concatenation is what `to_mono_22050` gives for all blocks at once.

    Raises:
        AudioError: the sample rate is not one of an audio file.
    """
    _require_rate(sample_rate)
    if sample_rate == SAMPLE_RATE:
        yield from (np.ascontiguousarray(mono(block), dtype=np.float32) for block in blocks)
        return
    import soxr

    resampler = soxr.ResampleStream(sample_rate, SAMPLE_RATE, 1, dtype="float32")
    for block in blocks:
        yield resampler.resample_chunk(np.ascontiguousarray(mono(block), dtype=np.float32))
    yield resampler.resample_chunk(np.empty(0, dtype=np.float32), last=True)


def _require_rate(sample_rate: int) -> None:
    if not _LOWEST_RATE <= sample_rate <= _HIGHEST_RATE:
        raise AudioError(
            f"a sample rate of {sample_rate} Hz is outside {_LOWEST_RATE} to {_HIGHEST_RATE} Hz",
            reason=Reason.CORRUPT,
            remedy="Check the file's header",
        )

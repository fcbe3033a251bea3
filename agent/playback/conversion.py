"""From what a file holds to what the output takes: two channels, one sample rate."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

__all__ = ["Converter", "stereo"]

_HALF_POWER = 0.7071
# Gains of front left and right, centre and the surrounds for the layouts of WAVE_FORMAT_EXTENSIBLE and FLAC, after
# ITU-R BS.775-3, table 2; scaled so that full scale on all channels stays full scale. The low-frequency channel is left
# out, as the recommendation says.
_LEFT_GAINS = {
    3: (1.0, 0.0, _HALF_POWER),
    4: (1.0, 0.0, _HALF_POWER, 0.0),
    5: (1.0, 0.0, _HALF_POWER, _HALF_POWER, 0.0),
    6: (1.0, 0.0, _HALF_POWER, 0.0, _HALF_POWER, 0.0),
}
_MIRRORED = {3: (1, 0, 2), 4: (1, 0, 3, 2), 5: (1, 0, 2, 4, 3), 6: (1, 0, 2, 3, 5, 4)}


def stereo(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return float32[n, 2] from float32[n, channels]: mono on both sides, more than two channels mixed down."""
    channels = samples.shape[1]
    if channels == 2:
        return samples
    if channels in _LEFT_GAINS:
        left = np.array(_LEFT_GAINS[channels], dtype=np.float32)
        left /= left.sum()
        mix = np.stack([left, left[list(_MIRRORED[channels])]], axis=1)
        return np.ascontiguousarray(samples @ mix)
    return np.repeat(samples.mean(axis=1, dtype=np.float32, keepdims=True), 2, axis=1)


class Converter:
    """Stereo frames of one rate to stereo frames of another, as a stream.

    Tracks of the same rate that follow each other go through the same converter, so a join between them is not heard:
    the result is that of the tracks glued together. Equal rates pass unchanged.

    Args:
        rate_in: Hz.
        rate_out: Hz.

    Attributes:
        rate_in: Hz.
    """

    def __init__(self, rate_in: int, rate_out: int) -> None:
        self.rate_in = rate_in
        self._rate_out = rate_out
        self._stream = (
            soxr.ResampleStream(rate_in, rate_out, 2, dtype="float32", quality="HQ") if rate_in != rate_out else None
        )
        self._taken = 0

    @property
    def due(self) -> int:
        """Output frames that belong to the input so far, given out or not."""
        return (2 * self._taken * self._rate_out + self.rate_in) // (2 * self.rate_in)

    def convert(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take float32[n, 2]; returns what is ready, a little later than it was put in."""
        self._taken += len(samples)
        if self._stream is None:
            return samples
        converted: NDArray[np.float32] = self._stream.resample_chunk(samples)
        return converted

    def finish(self) -> NDArray[np.float32]:
        """Return the rest; the converter is used up."""
        rest = np.empty((0, 2), dtype=np.float32)
        if self._stream is None or not self._taken:
            return rest
        converted: NDArray[np.float32] = self._stream.resample_chunk(rest, last=True)
        return converted

"""The buffer between the decoder's thread and the output's.

One thread writes, one reads, and neither ever waits for the other: `written` is changed by the writer alone, `read` by
the reader alone, and each is set after the samples have been copied. Both count frames since the beginning and never
wrap (Python's integers do not), so they also name a moment of the sound for good.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ring"]


class Ring:
    """Stereo float32 frames in a fixed piece of memory.

    Args:
        frames: how many fit.

    Attributes:
        written: frames put in since the beginning.
        read: frames taken out or skipped since the beginning; never more than `written`.
    """

    def __init__(self, frames: int) -> None:
        self._samples = np.zeros((frames, 2), dtype=np.float32)
        self._size = frames
        self.written = 0
        self.read = 0

    @property
    def free(self) -> int:
        """Frames that can be written now."""
        return self._size - (self.written - self.read)

    def write(self, block: NDArray[np.float32]) -> int:
        """Put in as much of `block` (float32[n, 2]) as fits; returns how many frames that was. The writer's side."""
        count = min(len(block), self.free)
        at = self.written % self._size
        first = min(count, self._size - at)
        self._samples[at : at + first] = block[:first]
        self._samples[: count - first] = block[first:count]
        self.written += count
        return count

    def read_into(self, out: NDArray[np.float32]) -> None:
        """Fill `out` (float32[n, 2], n at most `written - read`). The reader's side."""
        count = len(out)
        at = self.read % self._size
        first = min(count, self._size - at)
        out[:first] = self._samples[at : at + first]
        out[first:] = self._samples[: count - first]
        self.read += count

    def skip_to(self, frame: int) -> None:
        """Leave out everything before a frame that is already written. The reader's side."""
        self.read = frame

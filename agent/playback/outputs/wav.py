"""A 16-bit stereo WAV file that is valid at every moment while it grows.

A WAV file states its length at the front, usually when it is closed: a killed program leaves one that claims to be
empty. Here the header is brought up to date every second, after the samples it speaks of were handed to the system.
Whenever the program is killed, the header is right about the samples that it counts, and what lies behind them (under a
second's worth) is left alone by readers. A power cut may take the last seconds: the file is not forced to the disk.

Past 4 GiB (6.7 hours) the file turns into an RF64 (EBU Tech 3306), for whose long sizes a `JUNK` chunk keeps the place.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

__all__ = ["WavWriter"]

_HEADER = struct.Struct("<4sI4s 4sI28s 4sIHHIIHH 4sI")
_DS64 = struct.Struct("<QQQI")
_FRAME_BYTES = 4
_RIFF_LIMIT = 2**32 - 2**20  # an unsigned 32-bit size, less room for the header and for one more block
_LONG = 0xFFFFFFFF


class WavWriter:
    """Writes frames at the end of a WAV file.

    Args:
        path: of the file; what was there is replaced.
        sample_rate: Hz.
        riff_limit: bytes of samples from which on the header is that of an RF64.

    Attributes:
        frames: written so far.

    Raises:
        OSError: from every method, when the disk refuses.
    """

    def __init__(self, path: Path, sample_rate: int, *, riff_limit: int = _RIFF_LIMIT) -> None:
        self._rate = sample_rate
        self._riff_limit = riff_limit
        self._update_every = sample_rate
        self._updated = 0
        self.frames = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = path.open("w+b")
        try:
            self._update()
        except OSError:
            self._file.close()
            raise

    def write(self, samples: NDArray[np.float32]) -> None:
        """Append float32[n, 2]; full scale is ±1, what is beyond is clipped.

        The scale is 32768 and there is no dither: a 16-bit file comes out as it went in, bit for bit.
        """
        scaled = np.clip(np.rint(samples * np.float32(32768.0)), -32768, 32767)
        self._file.seek(_HEADER.size + self.frames * _FRAME_BYTES)
        self._file.write(scaled.astype("<i2").tobytes())
        self.frames += len(samples)
        if self.frames - self._updated >= self._update_every:
            self._update()

    def close(self) -> None:
        """Bring the header up to date and close the file."""
        try:
            self._update()
        finally:
            self._file.close()

    def _update(self) -> None:
        self._file.flush()  # first what the header is about to promise
        self._file.seek(0)
        self._file.write(self._header())
        self._file.flush()
        self._updated = self.frames

    def _header(self) -> bytes:
        data = self.frames * _FRAME_BYTES
        riff = data + _HEADER.size - 8
        long = data > self._riff_limit
        return _HEADER.pack(
            *(b"RF64" if long else b"RIFF", _LONG if long else riff, b"WAVE"),
            *(b"ds64" if long else b"JUNK", _DS64.size, _DS64.pack(riff, data, self.frames, 0) if long else b""),
            *(b"fmt ", 16, 1, 2, self._rate, self._rate * _FRAME_BYTES, _FRAME_BYTES, 16),
            *(b"data", _LONG if long else data),
        )

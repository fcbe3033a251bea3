"""Decoding with libsndfile: WAV, FLAC, Ogg Vorbis, MP3, AIFF and their kin, sought to the exact sample."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from models.errors import AudioError, Reason

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SndfileDecoder"]

# libsndfile's SF_COUNT_MAX: a stream that does not state its length.
_UNKNOWN_LENGTH: Final = 0x7FFF_FFFF_FFFF_FFFF


class SndfileDecoder:
    """A file that libsndfile decodes.

    Attributes:
        sample_rate: Hz.
        channels: how many.
        frames: length as far as the file states it, else None.
    """

    def __init__(self, path: Path) -> None:
        import soundfile

        self._error: type[Exception] = soundfile.SoundFileError
        # By descriptor: given a name, libsndfile would take some kinds of file by their extension.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._file = soundfile.SoundFile(descriptor, closefd=True)
        except self._error as error:
            raise _not_decodable(path, error) from error
        self._path = path
        self.sample_rate: int = self._file.samplerate
        self.channels: int = self._file.channels
        self.frames: int | None = None if self._file.frames == _UNKNOWN_LENGTH else self._file.frames
        # Floats on disk may be anything at all; the other encodings cannot hold what is no number.
        self._may_hold_nan = self._file.subtype in {"FLOAT", "DOUBLE"}

    def seek(self, frame: int) -> None:
        """Goes to a frame, at most to the end.

        Raises:
            AudioError: the file is damaged there.
        """
        target = frame if self.frames is None else min(frame, self.frames)
        try:
            self._file.seek(target)
        except self._error as error:
            raise _damaged(self._path, error) from error

    def read(self, frames: int) -> NDArray[np.float32]:
        """Returns float32[up to frames, channels], fewer only at the end.

        Raises:
            AudioError: the file is damaged here.
        """
        try:
            samples: NDArray[np.float32] = self._file.read(frames, dtype="float32", always_2d=True)
        except self._error as error:
            raise _damaged(self._path, error) from error
        if self._may_hold_nan:
            np.nan_to_num(samples, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        return samples

    def close(self) -> None:
        """Closes the file; closing twice is fine."""
        self._file.close()


def _not_decodable(path: Path, error: Exception) -> AudioError:
    # 1 is SF_ERR_UNRECOGNISED_FORMAT; all other codes mean that it began like one that libsndfile knows.
    recognised = getattr(error, "code", 1) != 1
    return AudioError(
        f"{path} {'is damaged' if recognised else 'is no audio file that can be played'} ({_text(error)})",
        reason=Reason.CORRUPT if recognised else Reason.NOT_AUDIO,
        remedy="Replace or remove the file",
    )


def _damaged(path: Path, error: Exception) -> AudioError:
    return AudioError(f"{path} is damaged ({_text(error)})", reason=Reason.CORRUPT, remedy="Replace the file")


def _text(error: Exception) -> str:
    return str(getattr(error, "error_string", error)).rstrip(". ") or "no reason given"

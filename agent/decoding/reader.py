"""Opens an audio file and reads it piece by piece.

Rules:

- The kind of file is told from its content; a wrong name changes nothing.
- A whole file is never in memory, whatever its length.
- Samples are finite float32; full scale is ±1, and lossy files may go beyond it.
- A file that breaks off ends early: reads come short before `duration_s` is reached. A file that is damaged in the
  middle goes on with the second decoder where that can make sense of the rest; else `AudioError` says so once.
- A reader belongs to one thread at a time.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self

import numpy as np

from agent.decoding.content import Content, identify
from agent.decoding.libav import LibavDecoder
from agent.decoding.sndfile import SndfileDecoder
from models.errors import AudioError, Reason

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["AudioReader", "open_audio"]

# No music is outside of these; a header that says so is damaged, and believing it would ask for gigabytes.
_RATES_HZ: Final = range(1_000, 768_001)
_CHANNELS: Final = range(1, 65)
# Lengths of lossy files are estimates, off by some frames; what is missing beyond that was lost to damage.
_ESTIMATE_S: Final = 0.5


class Decoder(Protocol):
    """What a decoding library does for a reader; positions count frames."""

    sample_rate: int
    channels: int
    frames: int | None

    def seek(self, frame: int) -> None:
        """Goes to a frame."""

    def read(self, frames: int) -> NDArray[np.float32]:
        """Returns float32[up to frames, channels]."""

    def close(self) -> None:
        """Closes the file."""


OpenDecoder = Callable[[], Decoder]


class AudioReader:
    """An open audio file; use it in a `with` statement or close it.

    Attributes:
        path: of the file.
        content: what the file holds, for messages: "FLAC".
        sample_rate: Hz.
        channels: how many.
        duration_s: as the file states it (raw AAC: as its bit rate suggests), None where it does not.
    """

    def __init__(self, path: Path, content: Content, decoders: list[OpenDecoder]) -> None:
        self.path = path
        self.content = content.name
        self._spare = list(decoders)
        self._decoder = self._open_first()
        self.sample_rate = self._decoder.sample_rate
        self.channels = self._decoder.channels
        frames = self._decoder.frames
        self.duration_s = None if frames is None else frames / self.sample_rate
        self._position = 0

    @property
    def position_s(self) -> float:
        """Where the next read begins, in seconds."""
        return self._position / self.sample_rate

    def seek(self, seconds: float) -> None:
        """Goes to a moment; past the end, the next read gives nothing.

        Raises:
            AudioError: the file is damaged there.
        """
        target = max(round(seconds * self.sample_rate), 0)
        try:
            self._decoder.seek(target)
        except AudioError:
            if not self._rescue(target):
                raise
        self._position = target

    def read(self, frames: int) -> NDArray[np.float32]:
        """Returns float32[frames, channels]; fewer at the end, and none after it.

        Raises:
            AudioError: the file is damaged here; what came before has been returned.
        """
        try:
            samples = self._decoder.read(frames)
        except AudioError:
            if not self._rescue(self._position):
                raise
            samples = self._decoder.read(frames)
        self._position += samples.shape[0]
        if samples.shape[0] < frames and self._ended_early() and self._rescue(self._position):
            rest = self._decoder.read(frames - samples.shape[0])
            self._position += rest.shape[0]
            samples = np.concatenate([samples, rest])
        return samples

    def close(self) -> None:
        """Closes the file; closing twice is fine."""
        self._decoder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _open_first(self) -> Decoder:
        """Opens the file with the first decoder that takes it; the first refusal is the one that is told."""
        refusal: AudioError | None = None
        while self._spare:
            try:
                return _checked(self._spare.pop(0)(), self.path)
            except AudioError as error:
                refusal = refusal or error
            except OSError as error:
                raise _unreadable(self.path, error) from error
        raise refusal or AudioError(f"{self.path} is no audio file", reason=Reason.NOT_AUDIO)

    def _ended_early(self) -> bool:
        missing = 0 if self._decoder.frames is None else self._decoder.frames - self._position
        return missing > _ESTIMATE_S * self.sample_rate

    def _rescue(self, frame: int) -> bool:
        """Goes on with the next decoder at this frame, if there is one that reads the same kind of sound."""
        while self._spare:
            try:
                decoder = self._spare.pop(0)()
            except (AudioError, OSError):
                continue
            if (decoder.sample_rate, decoder.channels) == (self.sample_rate, self.channels):
                self._decoder.close()
                self._decoder = decoder
                decoder.seek(frame)
                return True
            decoder.close()
        return False


def open_audio(path: Path) -> AudioReader:
    """Opens an audio file.

    Args:
        path: of a regular file.

    Raises:
        AudioError: MISSING, EMPTY (no bytes, or no sound in it), NOT_AUDIO, CORRUPT or UNREADABLE.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise AudioError(
                f"{path} is no regular file", reason=Reason.UNREADABLE, remedy="Take it out of the music folders"
            )
        if status.st_size == 0:
            raise AudioError(f"{path} is empty", reason=Reason.EMPTY, remedy="Copy or download the file again")
        with path.open("rb") as file:
            content = identify(file)
    except FileNotFoundError as error:
        raise AudioError(f"{path} is missing", reason=Reason.MISSING, remedy="Scan the folder again") from error
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    return AudioReader(path, content, _decoders(path, content))


def _decoders(path: Path, content: Content) -> list[OpenDecoder]:
    def sndfile() -> Decoder:
        return SndfileDecoder(path)

    def libav() -> Decoder:
        return LibavDecoder(path, content.libav_format)

    if not content.libav_format:
        return [sndfile]
    return [sndfile, libav] if content.sndfile_first else [libav, sndfile]


def _checked(decoder: Decoder, path: Path) -> Decoder:
    """Returns the decoder if what it found can be music; else closes it and says why not."""
    reason = None
    if decoder.sample_rate not in _RATES_HZ or decoder.channels not in _CHANNELS:
        reason = Reason.CORRUPT
    elif decoder.frames == 0:
        reason = Reason.EMPTY
    if reason is None:
        return decoder
    decoder.close()
    raise AudioError(
        f"{path} holds {decoder.frames or 0} frames of {decoder.channels} channels at {decoder.sample_rate} Hz",
        reason=reason,
        remedy="Replace or remove the file",
    )


def _unreadable(path: Path, error: Exception) -> AudioError:
    text = getattr(error, "strerror", None) or error
    return AudioError(
        f"{path} cannot be read ({text})", reason=Reason.UNREADABLE, remedy="Check the file's permissions"
    )

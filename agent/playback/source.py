"""One track being decoded: a reader, its converter, and what tracks have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from agent.playback.conversion import stereo
from agent.playback.timeline import Play
from models.errors import AttuneError, AudioError, Reason

__all__ = ["OpenAudio", "Reader", "Source"]

_BLOCK_FRAMES = 8192  # 0.19 s at 44.1 kHz: short enough that a command waits for it unnoticed


class Reader(Protocol):
    """What the player needs of `agent.decoding.AudioReader`."""

    sample_rate: int
    channels: int

    def seek(self, seconds: float) -> None:
        """Go to a moment."""

    def read(self, frames: int) -> NDArray[np.float32]:
        """Return float32[frames, channels]; fewer at the end, and none after it."""

    def close(self) -> None:
        """Close the file."""


T = TypeVar("T")

OpenAudio = Callable[[Path], Reader]


class Source:
    """A track that is open.

    A decoder's unforeseen exception becomes an `AudioError`: a strange file may cost its own track, never the player.

    Args:
        play: what it is decoded for.
        open_audio: opens its file.

    Attributes:
        start_s: moment of the track at which it began to be read, seconds.
        frames: read since then.

    Raises:
        AudioError: the file cannot be read; also from `seek` and `read`.
    """

    def __init__(self, play: Play, open_audio: OpenAudio) -> None:
        self.play = play
        self.start_s = 0.0
        self.frames = 0
        self._reader = _guarded(lambda: open_audio(play.track.path), play)

    @property
    def rate(self) -> int:
        """Sample rate of the file, Hz."""
        return self._reader.sample_rate

    def seek(self, seconds: float) -> None:
        """Go to a moment of the track, before the first read."""
        _guarded(lambda: self._reader.seek(seconds), self.play)
        self.start_s = seconds

    def read(self) -> NDArray[np.float32]:
        """Return the next block, float32[n, 2]; empty at the end. A track without any sound is an error."""
        block = _guarded(lambda: stereo(self._reader.read(_BLOCK_FRAMES)), self.play)
        self.frames += len(block)
        if not self.frames and not self.start_s:
            raise AudioError(
                f"{self.play.track.path} holds no sound", reason=Reason.EMPTY, remedy="Take it out of the music folders"
            )
        return block

    def close(self) -> None:
        """Close the file; what that may complain about changes nothing any more."""
        try:
            _guarded(self._reader.close, self.play)
        except AudioError:
            return


def _guarded(act: Callable[[], T], play: Play) -> T:
    try:
        return act()
    except AttuneError:
        raise
    except Exception as error:  # a decoder may raise anything on a file made to break it
        raise AudioError(
            f"{play.track.path} cannot be decoded: {error!r}", reason=Reason.CORRUPT, remedy="Replace the file"
        ) from error

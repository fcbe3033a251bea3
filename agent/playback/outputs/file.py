"""What is played, as a WAV file that grows in real time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.playback.clock import Clock
from agent.playback.outputs.base import Render
from agent.playback.outputs.paced import Pacer
from agent.playback.outputs.wav import WavWriter
from models.errors import PlaybackError, Reason

__all__ = ["FileOutput"]


class FileOutput:
    """Writes the music's time and nothing else: no silence while paused, none before the first track.

    An underrun is written as the silence that it is. Once a write has failed the file is left as it is, readable, and
    not tried again: its frames would no longer be those of the log.

    Args:
        path: of the WAV file; what was there is replaced.
        sample_rate: Hz.
        clock: the pace.
    """

    name = "file"
    underruns = 0
    latency_s = 0.0

    def __init__(self, path: Path, sample_rate: int, *, clock: Clock) -> None:
        self._path = path
        self._sample_rate = sample_rate
        self._clock = clock
        self._writer: WavWriter | None = None
        self._pacer: Pacer | None = None
        self._broken: PlaybackError | None = None

    def start(self, render: Render) -> None:
        """Create the file and begin.

        Raises:
            PlaybackError: the file cannot be made, or was given up before.
        """
        if self._broken is not None:
            raise self._broken
        try:
            self._writer = WavWriter(self._path, self._sample_rate)
        except OSError as error:
            raise PlaybackError(
                f"{self._path} cannot be written: {error.strerror or error}",
                reason=Reason.FAILED,
                remedy="Choose another [playback] file, or make its folder writable",
            ) from error
        self._pacer = Pacer(self._sample_rate, clock=self._clock, render=render, deliver=self._deliver)

    def failure(self) -> PlaybackError | None:
        """Return why writing ended, or None."""
        if self._pacer is not None and self._pacer.failure is not None:
            self._broken = self._pacer.failure
        return self._broken

    def stop(self) -> None:
        """Finish the file."""
        if self._pacer is not None:
            self._pacer.stop()
            self.failure()
            self._pacer = None
        if self._writer is not None:
            try:
                self._writer.close()
            except OSError as error:
                self._broken = PlaybackError(f"{self._path} cannot be finished: {error}", reason=Reason.FAILED)
            self._writer = None

    def _deliver(self, block: NDArray[np.float32]) -> None:
        if self._writer is not None:
            self._writer.write(block)

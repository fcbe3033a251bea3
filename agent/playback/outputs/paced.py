"""Outputs without a sound card: they take sound in real time by the clock."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from agent.playback.clock import Clock, Waker
from agent.playback.outputs.base import Render
from models.errors import PlaybackError, Reason

__all__ = ["Pacer", "SilentOutput"]

logger = logging.getLogger(__name__)

BLOCK_S = (
    0.05  # twenty blocks a second: pausing feels immediate, and the thread costs a fraction of a percent of a core
)
_GIVE_UP_S = 1.0  # after a longer standstill (a suspended machine) the missed time is not caught up in a burst


class Pacer:
    """A thread that asks for a block of sound whenever one is due.

    Args:
        sample_rate: Hz.
        clock: what decides when that is.
        render: gives the sound.
        deliver: takes what of it belongs to the music's time; an `OSError` ends the thread.
    """

    def __init__(
        self, sample_rate: int, *, clock: Clock, render: Render, deliver: Callable[[NDArray[np.float32]], None]
    ) -> None:
        self._block = np.zeros((round(sample_rate * BLOCK_S), 2), dtype=np.float32)
        self._period_s = len(self._block) / sample_rate
        self._clock = clock
        self._waker: Waker = clock.waker()
        self._render = render
        self._deliver = deliver
        self._stopping = False
        self.failure: PlaybackError | None = None
        self._thread = threading.Thread(target=self._run, name="playback-pacer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping = True
        self._waker.wake()
        self._thread.join()

    def _run(self) -> None:
        due = self._clock.now()
        try:
            while not self._stopping:
                count = self._render(self._block)
                if count:
                    self._deliver(self._block[:count])
                due += self._period_s
                if self._clock.now() - due > _GIVE_UP_S:
                    due = self._clock.now()
                self._waker.wait(due)
        except OSError as error:
            self.failure = PlaybackError(
                f"The output cannot be written: {error}",
                reason=Reason.FAILED,
                remedy="Free some space on the disk, or choose another [playback] file",
            )
        finally:
            self._waker.close()


class SilentOutput:
    """Takes sound in real time and lets nobody hear it.

    Args:
        sample_rate: Hz.
        clock: the pace.
    """

    name = "silent"
    underruns = 0
    latency_s = 0.0

    def __init__(self, sample_rate: int, *, clock: Clock) -> None:
        self._sample_rate = sample_rate
        self._clock = clock
        self._pacer: Pacer | None = None

    def start(self, render: Render) -> None:
        """Begin to take sound; never fails."""
        self._pacer = Pacer(self._sample_rate, clock=self._clock, render=render, deliver=lambda _block: None)

    def failure(self) -> PlaybackError | None:
        """Return None: nothing can be lost here."""
        return None

    def stop(self) -> None:
        """Take no more."""
        if self._pacer is not None:
            self._pacer.stop()
            self._pacer = None

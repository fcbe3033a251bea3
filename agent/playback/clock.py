"""The seam through which time enters the player's threads, so that tests run faster than real time and never sleep."""

from __future__ import annotations

import threading
import time
from typing import Protocol

__all__ = ["Clock", "SystemClock", "Waker"]


class Waker(Protocol):
    """Where one thread waits; made before the thread starts, closed when it ends."""

    def wake(self) -> None:
        """End the present or the next wait at once."""

    def wait(self, until: float) -> None:
        """Wait until the clock shows `until` or somebody wakes."""

    def close(self) -> None:
        """The thread will not wait any more."""


class Clock(Protocol):
    """Tells the time and lets threads wait."""

    def now(self) -> float:
        """Return seconds since some fixed moment, never going back."""

    def waker(self) -> Waker:
        """Return a place for one thread to wait."""


class SystemClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        """Return seconds since some fixed moment."""
        return time.monotonic()

    def waker(self) -> Waker:
        """Return a place for one thread to wait."""
        return _SystemWaker()


class _SystemWaker:
    def __init__(self) -> None:
        self._event = threading.Event()

    def wake(self) -> None:
        self._event.set()

    def wait(self, until: float) -> None:
        self._event.wait(max(0.0, until - time.monotonic()))
        self._event.clear()

    def close(self) -> None:
        pass

"""What the player expects of an output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.errors import PlaybackError

__all__ = ["Output", "Render"]

Render = Callable[[NDArray[np.float32]], int]
"""Fills float32[n, 2]; returns how many frames, from the beginning, belong to the music's time (`Renderer.render`)."""


class Output(Protocol):
    """Takes sound at the speed at which it is heard, in a thread of its own.

    Attributes:
        name: as in the settings.
        underruns: how often the output itself was served too late.
        latency_s: seconds between taking a frame and its being heard.
    """

    name: str
    underruns: int
    latency_s: float

    def start(self, render: Render) -> None:
        """Begin to take sound.

        Raises:
            PlaybackError: it cannot; trying again later is fine.
        """

    def failure(self) -> PlaybackError | None:
        """Return why the output has stopped taking sound since its start, or None."""

    def stop(self) -> None:
        """Take no more; afterwards `start` may be called again. Harmless when it is not started."""

"""Keeps the sound going somewhere: the output that is wanted, or silence in real time until it is there (again)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from agent.playback.outputs.base import Output, Render
from models.errors import PlaybackError

__all__ = ["OutputSwitch"]

_CHECK_S = 0.5
_RETRY_S = 3.0
_RETRY_LIMIT_S = 60.0  # looking for sound cards takes a tenth of a second of computing: not every few seconds for ever


class OutputSwitch:
    """Starts an output, notices that it is lost, falls back, and tries again, less and less often.

    Args:
        wanted: what the settings ask for.
        fallback: what never fails.
        render: where the sound comes from.
        on_switch: called while no output takes sound, with the name of the one that is about to.
        on_lost: called once when the wanted output cannot be used (any more), with the reason.
        on_restored: called when it can be used again.
    """

    def __init__(
        self,
        wanted: Output,
        fallback: Output,
        *,
        render: Render,
        on_switch: Callable[[str], None],
        on_lost: Callable[[PlaybackError], None],
        on_restored: Callable[[], None],
    ) -> None:
        self._wanted = wanted
        self._fallback = fallback
        self._render = render
        self._on_switch = on_switch
        self._on_lost = on_lost
        self._on_restored = on_restored
        self.current: Output = wanted
        self._check_at = 0.0
        self._retry_at = 0.0
        self._retry_s = _RETRY_S

    @property
    def degraded(self) -> bool:
        """Whether the fallback has to do."""
        return self.current is not self._wanted

    @property
    def underruns(self) -> int:
        """How often an output was served too late."""
        return self._wanted.underruns + (self._fallback.underruns if self._fallback is not self._wanted else 0)

    def start(self, now: float) -> None:
        """Start the wanted output, or the fallback."""
        self._on_switch(self._wanted.name)
        try:
            self._wanted.start(self._render)
        except PlaybackError as error:
            self._on_lost(error)
            self._fall_back(now)

    def check(self, now: float) -> None:
        """See whether all is well; to be called often."""
        if now < self._check_at:
            return
        self._check_at = now + _CHECK_S
        if self.degraded:
            if now >= self._retry_at:
                self._retry(now)
        elif (error := self._wanted.failure()) is not None:
            self._wanted.stop()
            self._retry_s = _RETRY_S
            self._on_lost(error)
            self._fall_back(now)

    def stop(self) -> None:
        """Stop taking sound."""
        self.current.stop()

    def _fall_back(self, now: float) -> None:
        self._on_switch(self._fallback.name)
        self.current = self._fallback
        self._fallback.start(self._render)
        self._retry_at = now + self._retry_s

    def _retry(self, now: float) -> None:
        """Look for the output. That may take seconds, in which the fallback goes on."""
        try:
            self._wanted.start(self._gated)
        except PlaybackError:
            self._retry_s = min(2.0 * self._retry_s, _RETRY_LIMIT_S)
            self._retry_at = now + self._retry_s
            return
        self._fallback.stop()
        self._on_switch(self._wanted.name)
        self.current = self._wanted
        self._on_restored()

    def _gated(self, out: NDArray[np.float32]) -> int:
        if self.current is self._wanted:
            return self._render(out)
        out[:] = 0.0
        return 0

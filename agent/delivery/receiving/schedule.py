"""When it is worth looking at a channel again.

A pure state machine on a clock that only goes forward. Rules:

- A timestamp other than the one last looked at is looked at as soon as the distance to the last look allows.
- The distance is short after a success, and where nothing was there to be refused. It grows with every refusal, with
  full jitter: a stranger who writes nonsense does not keep the device busy, nor away for long from what comes after.
- Without news the distance grows with every failure, so a fleet does not come back to a broker in one instant.
- Without any news a channel is looked at once a day, or when the distance after a failure is over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from agent.delivery.receiving.messages import Cause, Limits
from agent.integration.link import backoff_s

__all__ = ["Schedule"]

_LONGEST_DISTANCE_S: Final = 300.0
"""What is published after a stranger was shut out is looked at within this time."""


class Schedule:
    """Says when and why.

    Args:
        limits: distances.
        now: seconds on a clock that only goes forward.
        uniform: draws the jitter from [0, 1).
    """

    def __init__(self, limits: Limits, now: float, uniform: Callable[[], float]) -> None:
        self._limits = limits
        self._uniform = uniform
        self._failures = 0
        self._earliest = now
        self._due = now + limits.retry_s
        self._seen: int | None = None
        self._looked_at: int | None = None
        self._reported = False
        self._reports_from = now

    def timestamp(self, payload: bytes) -> bool:
        """Note the channel's timestamp; returns whether it is another one."""
        seen = hash(payload)
        changed = seen != self._seen
        self._seen = seen
        return changed

    def report(self) -> None:
        """Note that a rollout may see something else now."""
        self._reported = True

    def succeeded(self, now: float, timestamp: bytes | None) -> None:
        """Note a check that went well, and what it looked at."""
        self._note(timestamp)
        self._failures = 0
        self._earliest = now + self._limits.spacing_s
        self._due = now + self._limits.due_s

    def failed(self, now: float, timestamp: bytes | None = None, *, lacking: bool = False) -> None:
        """Note a check or fetch that failed, or that lacked something."""
        self._note(timestamp)
        limits = self._limits
        delay = backoff_s(self._failures, self._uniform(), first_s=limits.retry_s, limit_s=limits.retry_limit_s)
        self._failures += 1
        distance = 0.0 if lacking else min(delay, _LONGEST_DISTANCE_S)
        self._earliest = now + max(distance, limits.spacing_s)
        self._due = now + min(max(delay, limits.spacing_s), limits.due_s)

    def cause(self, now: float) -> Cause | None:
        """Why to look now, or None. A report is told once."""
        if self._seen not in (None, self._looked_at) and now >= self._earliest:
            return "metadata"
        if now >= self._due:
            return "due"
        if self._reported and now >= self._reports_from:
            self._reported = False
            self._reports_from = now + self._limits.spacing_s
            return "report"
        return None

    def wait_s(self, now: float) -> float:
        """How long until `cause` may answer something else, if nothing is noted until then."""
        moments = [self._due]
        if self._seen not in (None, self._looked_at):
            moments.append(self._earliest)
        if self._reported:
            moments.append(self._reports_from)
        return max(0.0, min(moments) - now)

    def _note(self, timestamp: bytes | None) -> None:
        if timestamp is not None:
            self._looked_at = hash(timestamp)

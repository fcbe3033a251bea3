"""When to evaluate: samples at most once in a while, commands at once, and now and then because time passes.

Rules:

- A command, the end of a track or a new bundle is due at once.
- A sample is due at once when the last evaluation is `every_s` ago, else when it will be; samples in between are part
  of the same evaluation.
- With nothing to do, the passing of `idle_s` is a cause of its own: a state without data must grow unsure.
- The latency of an evaluation counts from when it could first have been made: the cause's arrival, or the end of the
  pause that the settings ask for.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.wire.messages import CauseKind

__all__ = ["Due", "Pace"]


@dataclass(frozen=True, slots=True)
class Due:
    """An evaluation to be made.

    Attributes:
        kind: what asked for it.
        since: when it could first have been made, on the clock that the times given to `Pace` are of.
    """

    kind: CauseKind
    since: float


class Pace:
    """Decides when the next evaluation is due.

    Args:
        every_s: shortest time between two evaluations that samples ask for.
        idle_s: longest time without any.
        now: time of the start, on any clock that never goes back.
    """

    def __init__(self, *, every_s: float, idle_s: float, now: float) -> None:
        self._every_s, self._idle_s = every_s, idle_s
        self._last = now - every_s
        self._asked: Due | None = None

    def ask(self, kind: CauseKind, now: float) -> None:
        """Note that something worth an evaluation happened; what asked first stays the cause unless outranked."""
        if kind == "sample":
            if self._asked is None:
                self._asked = Due(kind, max(now, self._last + self._every_s))
        elif self._asked is None or self._asked.kind == "sample":
            self._asked = Due(kind, now)

    def wait_s(self, now: float) -> float:
        """Seconds until the next evaluation is due; 0 when it is."""
        due = self._asked.since if self._asked else self._last + self._idle_s
        return max(0.0, due - now)

    def take(self, now: float) -> Due | None:
        """The evaluation that is due at `now`, if one is; it counts as made."""
        if self.wait_s(now) > 0:
            return None
        due = self._asked or Due("time", now)
        self._asked, self._last = None, now
        return due

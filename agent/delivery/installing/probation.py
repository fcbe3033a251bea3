"""Probation: whether a bundle that took over does as well as the one before. Pure; survives restarts in `SlotState`.

Rules:

- Faults and latency are judged at once, as soon as they are no accident; skips only by an exact test, because a few
  skipped tracks are no evidence of anything.
- Time counts while the agent evaluates: a device that is switched off, or whose clock was set, proves nothing.
- Every bundle is judged beside the one before it on this device, never by a fixed ideal; the floors alone are fixed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from models.errors import Reason

__all__ = ["Probation", "ProbationLimits", "ProbationState", "Rates", "Verdict"]


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """How it went with the bundle before.

    Attributes:
        evaluations: that the other two are of.
        faults: of the models in them.
        latency_ms: median from cause to queue.
        plays: tracks that were skipped or heard through.
        skips: of them.
    """

    evaluations: int = 0
    faults: int = 0
    latency_ms: float = 0.0
    plays: int = 0
    skips: int = 0


class ProbationState(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen so far; small enough to be written to the disk now and then.

    Attributes:
        before: the bundle before.
        observed_s: seconds in which the agent evaluated with the new one.
        seen: the new one.
    """

    before: Rates
    observed_s: float = 0.0
    seen: Rates = Rates()


@dataclass(frozen=True, slots=True)
class ProbationLimits:
    """When a bundle has proved itself, and what is worse.

    Attributes:
        least_s: observed seconds before it may be kept.
        evaluations: likewise.
        plays: likewise, unless `most_s` have been observed.
        most_s: observed seconds after which it is kept without so many plays.
    """

    least_s: float = 3_600.0
    evaluations: int = 600
    plays: int = 12
    most_s: float = 6 * 3_600.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done.

    Attributes:
        kind: `keep` it for good, `wait`, or `return` to the bundle before.
        reason: in a sentence; empty unless it returns.
        code: likewise; None.
    """

    kind: Literal["keep", "wait", "return"]
    reason: str = ""
    code: Reason | None = None


class Probation:
    """Follows a bundle that took over. Used from the event loop alone; cheap.

    Args:
        state: `Probation.begin(before)`, or what the slots kept.
        limits: see there.

    Attributes:
        state: to be kept with `Slots.observe` after each play and every few minutes.
    """

    def __init__(self, state: ProbationState, limits: ProbationLimits = ProbationLimits()) -> None:
        self.state, self.limits = state, limits

    @staticmethod
    def begin(before: Rates) -> ProbationState:
        """A probation of which nothing was seen yet."""
        return ProbationState(before=before)

    def evaluated(self, now: float, latency_ms: float, *, faults: int = 0) -> None:
        """An evaluation was made.

        Args:
            now: on any clock that never goes back; only differences of it count.
            latency_ms: from cause to queue.
            faults: of the models in it: `AffectStation.faults` now less before.
        """
        raise NotImplementedError

    def played(self, *, skipped: bool) -> None:
        """A track was skipped or heard through."""
        raise NotImplementedError

    def verdict(self) -> Verdict:
        """What is to be done now; ask after each of the two above."""
        raise NotImplementedError

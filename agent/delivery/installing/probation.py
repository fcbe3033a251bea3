"""Probation: whether a bundle that took over does as well as the one before. Pure; survives restarts in `SlotState`.

Rules:

- Faults and latency are judged at once, as soon as they are no accident; skips only by an exact test, because a few
  skipped tracks are no evidence of anything.
- Time counts while the agent evaluates: a device that is switched off, or whose clock was set, proves nothing.
- Every bundle is judged beside the one before it on this device, never by a fixed ideal; the floors alone are fixed.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from models.errors import Reason

__all__ = ["Probation", "ProbationLimits", "ProbationState", "Rates", "Verdict", "chance_of"]

_CHANCE: Final = 0.001
"""What happens by chance less often than this is no accident. Small, because it is asked after every track."""
_BURST: Final = 2
"""Who skips once skips again, whatever plays: so many skips count as one (a design effect, Kish 1965)."""
_LEAST_PLAYS: Final = 8
_LEAST_FAULTS: Final = 2
_FAULTLESS: Final = 100
"""Evaluations without a fault that every bundle is credited with: two faults in a row are no accident even on a device
of which nothing is known."""
_LATENCIES: Final = 120
_LEAST_LATENCIES: Final = 60
"""A minute at one a second: shorter than that, anything may have been busy beside it."""
_SLOWER: Final = 3.0
_SLOW_MS: Final = 25.0
"""Half of what is promised from sample to queue; below it nobody notices."""
_LONGEST_PAUSE_S: Final = 10.0
"""Longer pauses between two evaluations are a device that slept."""


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
        self._last: float | None = None
        self._latencies_ms: deque[float] = deque(maxlen=_LATENCIES)

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
        past = 0.0 if self._last is None else min(max(now - self._last, 0.0), _LONGEST_PAUSE_S)
        self._last = now
        self._latencies_ms.append(latency_ms)
        seen = replace(
            self.state.seen,
            evaluations=self.state.seen.evaluations + 1,
            faults=self.state.seen.faults + faults,
            latency_ms=round(median(self._latencies_ms), 3),
        )
        self.state = replace(self.state, observed_s=self.state.observed_s + past, seen=seen)

    def played(self, *, skipped: bool) -> None:
        """A track was skipped or heard through."""
        seen = self.state.seen
        self.state = replace(self.state, seen=replace(seen, plays=seen.plays + 1, skips=seen.skips + skipped))

    def verdict(self) -> Verdict:
        """What is to be done now; ask after each of the two above."""
        for reason in (self._faulty(), self._slow(), self._skipped()):
            if reason:
                return Verdict("return", reason, Reason.WORSE)
        seen, limits, observed_s = self.state.seen, self.limits, self.state.observed_s
        is_proved = observed_s >= limits.least_s and seen.evaluations >= limits.evaluations
        is_heard = seen.plays >= limits.plays or observed_s >= limits.most_s
        return Verdict("keep" if is_proved and is_heard else "wait")

    def _faulty(self) -> str:
        before, seen = self.state.before, self.state.seen
        p = chance_of((seen.faults, seen.evaluations), (before.faults, before.evaluations + _FAULTLESS))
        if seen.faults < _LEAST_FAULTS or p >= _CHANCE:
            return ""
        return f"its models failed in {seen.faults} of {seen.evaluations} evaluations"

    def _slow(self) -> str:
        before, seen = self.state.before.latency_ms, self.state.seen.latency_ms
        if len(self._latencies_ms) < _LEAST_LATENCIES or seen <= max(_SLOWER * before, _SLOW_MS):
            return ""
        return f"an evaluation takes {seen:.0f} ms, {before:.0f} ms with the bundle before"

    def _skipped(self) -> str:
        before, seen = self.state.before, self.state.seen
        now, then = (seen.skips // _BURST, seen.plays // _BURST), (before.skips // _BURST, before.plays // _BURST)
        if seen.plays < _LEAST_PLAYS or chance_of(now, then) >= _CHANCE:
            return ""
        return f"{seen.skips} of {seen.plays} tracks were skipped, {before.skips} of {before.plays} before"


def chance_of(seen: tuple[int, int], before: tuple[int, int]) -> float:
    """How likely so many bad ones or more are, where nothing became worse: Fisher's exact test, one-sided.

    Args:
        seen: how many were bad, of how many.
        before: likewise.

    Returns:
        Σ_{k >= bad} C(K, k) C(N - K, n - k) / C(N, n) with N of both, K of them bad, and n seen.
    """
    bad, drawn = seen
    total, total_bad = drawn + before[1], bad + before[0]
    ways = _log_ways(total, drawn)
    return min(
        1.0,
        sum(
            math.exp(_log_ways(total_bad, k) + _log_ways(total - total_bad, drawn - k) - ways)
            for k in range(bad, min(total_bad, drawn) + 1)
            if drawn - k <= total - total_bad
        ),
    )


def _log_ways(count: int, chosen: int) -> float:
    return math.lgamma(count + 1) - math.lgamma(chosen + 1) - math.lgamma(count - chosen + 1)

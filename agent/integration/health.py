"""What works and what does not, gathered from the stations into the message on `D/health`.

Rules:

- Everything that was refused, dropped or went wrong is counted under a name `station.reason`; counts never fall.
- A part is degraded while its reason stands, and fine otherwise; the agent is as well as its worst part.
- A change of any part is told at once, everything at least every `EVERY_S`, so that a dead device shows even where its
  last will was lost.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from models.wire.messages import Health, StreamHealth

__all__ = ["EVERY_S", "HealthBook", "Part", "percentile"]

EVERY_S: Final = 10.0
"""Seconds between two messages; the wire promises 30, so two may be lost before anybody worries."""

_LATENCIES: Final = 1000
"""Evaluations that the percentiles look back: a quarter of an hour at one a second."""


class Part(StrEnum):
    """The parts whose state is told. The values stand on the wire."""

    BROKER = "broker"
    SENSING = "sensing"
    AFFECT = "affect"
    CATALOGUE = "catalogue"
    RANKING = "ranking"
    PLAYBACK = "playback"
    STORAGE = "storage"
    BUNDLE = "bundle"


class HealthBook:
    """Keeps counters, degraded parts and latencies.

    Args:
        started_at: seconds since the epoch.
        broker: kind and address of the broker, as the message shows it.
    """

    def __init__(self, *, started_at: float, broker: str = "") -> None:
        self._started_at = started_at
        self.broker = broker
        self._counters: Counter[str] = Counter()
        self._totals: dict[str, dict[str, int]] = {}
        self._degraded: dict[Part, str] = {}
        self._latencies_ms: deque[float] = deque(maxlen=_LATENCIES)
        self._told_at = float("-inf")
        self._told: dict[Part, str] = {}

    def count(self, station: str, reason: str, amount: int = 1) -> None:
        """Count something that happened."""
        self._counters[f"{station}.{reason}"] += amount

    def totals(self, station: str, counts: Mapping[str, int]) -> None:
        """Take over what a station counted itself since it started; replaces what it told before."""
        self._totals[station] = {f"{station}.{reason}": number for reason, number in counts.items()}

    def degrade(self, part: Part, reason: str) -> None:
        """Note that a part is not as it should be; `reason` is a clause for people, remedy included."""
        self._degraded[part] = reason

    def recover(self, part: Part) -> None:
        """Note that a part is fine."""
        self._degraded.pop(part, None)

    def evaluated(self, latency_ms: float) -> None:
        """Note how long one evaluation took from its cause to the queue."""
        self._counters["ranking.evaluations"] += 1
        self._latencies_ms.append(latency_ms)

    @property
    def evaluations(self) -> int:
        """How many were noted."""
        return self._counters["ranking.evaluations"]

    def latency_ms(self, share: float) -> float:
        """A percentile of the evaluations looked back on, by its share; 0 before the first."""
        return percentile(sorted(self._latencies_ms), share) if self._latencies_ms else 0.0

    def is_due(self, now: float) -> bool:
        """Tell whether a message should go out; a clock that was set back makes it due."""
        return self._degraded != self._told or not 0.0 <= now - self._told_at < EVERY_S

    def message(
        self,
        now: float,
        *,
        streams: Iterable[StreamHealth] = (),
        playback: Mapping[str, float] | None = None,
        tracks: int = 0,
    ) -> Health:
        """Make the message and consider it told.

        Args:
            now: seconds since the epoch.
            streams: what sensing says of its streams.
            playback: frames, seconds and underruns of the output.
            tracks: in the catalogue.
        """
        self._told_at, self._told = now, dict(self._degraded)
        counters = sum(map(Counter, self._totals.values()), self._counters)
        return Health(
            t=now,
            uptime_s=round(max(now - self._started_at, 0.0), 1),
            status="degraded" if self._degraded else "ok",
            degraded={part.value: reason for part, reason in sorted(self._degraded.items())},
            counters=dict(sorted(counters.items())),
            streams=list(streams),
            latency_ms=self._latencies(),
            playback=dict(playback or {}),
            tracks=tracks,
            broker=self.broker,
        )

    def _latencies(self) -> dict[str, float]:
        if not self._latencies_ms:
            return {}
        ordered = sorted(self._latencies_ms)
        return {name: round(percentile(ordered, share), 2) for name, share in (("p50", 0.50), ("p99", 0.99))}


def percentile(ordered: list[float], share: float) -> float:
    """Return the smallest value that at least `share` of the `ordered` values do not exceed (nearest rank)."""
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]

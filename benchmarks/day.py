"""A day of sixteen streams at full acceleration: is memory flat, is a sample lost, is every queue bounded?

The clock is injected, everything else is what the agent runs: `Sensing`, `AffectStation`, the shipped model, an
evaluation a second. The day is an eventful one: the strap is taken off for the night, packs come twice as QoS 1 allows,
pack counters run over, the device's clock is set forward and back by hours, and strangers' wearables pass by. Every
sample of the listener's wearables must be taken exactly once, and every pack that never came be counted.

Memory is that of the process, sampled every hour after the first, which fills every window. The generator of the
streams lives in the same process; it is bounded too, so growth of either shows. The peer is the day's traffic: what a
program would hold that kept its samples.

    python -m benchmarks.day [--hours 24] [--json]
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the agent has it; read when NumPy is loaded

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import psutil

from agent.affect.station import AffectStation, UserEmotionModel
from agent.sensing import Sensing
from agent.sensing.station import MOST_STREAMS
from benchmarks.outfit import Outfit, Sent
from models.bundle.reader import Bundle, default_bundle
from models.wire import senml, topics

__all__ = ["Day", "live"]

START: Final = 1.8e9
HOUR_S: Final = 3600
GROWTH_LIMIT_MB: Final = 4.0
_EVERY_TWICE: Final = 50
"""One pack in so many comes twice."""
_STRANGER_EVERY_S: Final = 900
_BYTES_A_SAMPLE: Final = 12
"""A time in double precision and a value in single."""


@dataclass(kw_only=True)
class Day:
    """What a day left behind.

    Attributes:
        seconds: that were lived.
        sent: samples of the listener's wearables, by quantity; copies not counted.
        copies: packs that came twice.
        withheld: packs that were counted by a wearable and never sent, because it was off.
        counters: of `Sensing`, when the day was over.
        memory_mb: resident memory of the process at the end of each part of the day, the first left out.
        streams: most streams at once.
        evaluations: states that were estimated.
        took_s: seconds that it took.
    """

    seconds: int = 0
    sent: Counter[str] = field(default_factory=Counter)
    copies: int = 0
    withheld: int = 0
    counters: Counter[str] = field(default_factory=Counter)
    memory_mb: list[float] = field(default_factory=list)
    streams: int = 0
    evaluations: int = 0
    took_s: float = 0.0

    @property
    def lost(self) -> int:
        """Samples that were sent and not taken, and those taken twice counted back."""
        return sum(self.sent.values()) - self.counters["samples"]

    @property
    def growth_mb(self) -> float:
        """Memory at the end of the day above that after its first measured part."""
        return self.memory_mb[-1] - self.memory_mb[0] if self.memory_mb else 0.0


def live(
    seconds: int,
    *,
    model: UserEmotionModel | None = None,
    part_s: int = HOUR_S,
    tell: Callable[[Day], None] = lambda _: None,
) -> Day:
    """Live a day, or as much of it.

    Args:
        seconds: of the day, which is a third night: the strap is off for its middle third.
        model: `user_emotion`; none leaves the prior.
        part_s: how often memory is sampled.
        tell: called with what is known after each part.
    """
    outfit, sensing, affect = Outfit(), Sensing("me"), AffectStation(model, now=START)
    day = Day()
    process = psutil.Process()
    started = time.perf_counter()
    for second in range(1, seconds + 1):
        now = START + second + _clock_set(second, seconds)
        measured = outfit.second(now)
        packs = [pack for pack in measured if not _is_off(pack, second, seconds)]
        day.withheld += len(measured) - len(packs)
        for number, pack in enumerate(packs):
            _send(sensing, pack, now, day, twice=(second + number) % _EVERY_TWICE == 0)
        if second % _STRANGER_EVERY_S == 1:
            _pass_by(sensing, second, now)
            day.sent["batt"] += 1
        affect.evaluate(sensing.features(now), sensing.sources(now), now)
        day.evaluations += 1
        day.seconds = second
        if second % part_s == 0:
            day.streams = max(day.streams, len(sensing.streams(now)))
            if second > part_s:
                day.memory_mb.append(process.memory_info().rss / 2**20)
            day.counters, day.took_s = sensing.counters.copy(), time.perf_counter() - started
            tell(day)
    day.counters, day.took_s = sensing.counters.copy(), time.perf_counter() - started
    return day


def _clock_set(second: int, seconds: int) -> float:
    """What was added to the device's and the wearables' clocks: three hours at half of the day, taken back later."""
    return 3.0 * HOUR_S if 0.5 * seconds <= second < 0.75 * seconds else 0.0


def _is_off(pack: Sent, second: int, seconds: int) -> bool:
    return "/strap/" in pack.topic and seconds / 3 <= second < 2 * seconds / 3


def _send(sensing: Sensing, pack: Sent, now: float, day: Day, *, twice: bool) -> None:
    sensing.accept(pack.topic, pack.payload, now=now)
    day.sent[pack.quantity] += pack.samples
    if twice:
        sensing.accept(pack.topic, pack.payload, now=now)
        day.copies += 1


def _pass_by(sensing: Sensing, second: int, now: float) -> None:
    """A pack of somebody else's wearable, and one of a wearable of this listener that is heard only once."""
    payload = senml.encode("hr", [now], [80.0])
    sensing.accept(topics.sense("somebody", "watch", "hr"), payload, now=now)
    sensing.accept(topics.sense("me", f"guest-{second}", "batt"), senml.encode("batt", [now], [50.0]), now=now)


def _line(day: Day) -> str:
    memory = f"{day.memory_mb[-1]:7.1f} MB" if day.memory_mb else "   fills  "
    return (
        f"{day.seconds / HOUR_S:5.1f} h  {memory}  {sum(day.sent.values()):>11,} samples sent  "
        f"{day.counters['samples']:>11,} taken  {day.streams:>2} of {MOST_STREAMS} streams  {day.took_s:6.0f} s"
    )


def main() -> int:
    """Live the day and print it by the hour."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    seconds = round(options.hours * HOUR_S)
    part_s = min(HOUR_S, seconds // 4)
    model = Bundle.open(default_bundle()).model("user_emotion")

    def tell(day: Day) -> None:
        print(_line(day), file=sys.stderr if options.json else sys.stdout, flush=True)

    day = live(seconds, model=model, part_s=part_s, tell=tell)
    traffic_mb = sum(day.sent.values()) * _BYTES_A_SAMPLE / 2**20
    if options.json:
        print(json.dumps({"hours": options.hours, "lost": day.lost, "growth_mb": day.growth_mb, "took_s": day.took_s}))
    else:
        print(f"lost {day.lost} samples, limit 0")
        print(f"{day.copies:,} packs came twice, {day.counters['repeated']:,} refused as repeated")
        print(f"{day.withheld:,} packs never sent, {day.counters['missing']:,} counted as missing")
        print(f"grew by {day.growth_mb:+.1f} MB, limit {GROWTH_LIMIT_MB:.0f} MB; the samples are {traffic_mb:.0f} MB")
        print(f"{day.evaluations:,} states, {day.seconds / day.took_s:.0f} times as fast as life")
    return 0 if day.lost == 0 and day.counters["missing"] == day.withheld and day.growth_mb < GROWTH_LIMIT_MB else 1


if __name__ == "__main__":
    sys.exit(main())

"""A day of sixteen streams at full acceleration: is memory flat, is a sample lost, is every queue bounded?

The clock is injected, everything else is what the agent runs: `Sensing`, `AffectStation`, the shipped model, an
evaluation a second. The day is an eventful one: the strap is taken off for the night, packs come twice as QoS 1 allows,
pack counters run over, the device's clock is set forward and back by hours, and strangers' wearables pass by. Every
sample of the listener's wearables must be taken exactly once, and every pack that never came be counted.

With `--wire` all packs go at QoS 1 through the embedded Mosquitto and the agent's own link with its lasting session,
which is cut every hour with packs on the way, and whose consumer is busy for most of a minute every three hours.

Memory is that of the process, sampled every hour after the first, which fills every window. The generator of the
streams lives in the same process; it is bounded too, so growth of either shows. The peer is the day's traffic: what a
program would hold that kept its samples.

    python -m benchmarks.day [--hours 24] [--wire] [--json] [--output FILE]

A whole day writes docs/tables/day.md.
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
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

from agent.affect.station import AffectStation, UserEmotionModel
from agent.sensing import Sensing
from agent.sensing.station import MOST_STREAMS
from benchmarks.day_wire import ByHand, Carrier, Packs, Wire
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
_CUTS: Final = 24
_BUSY: Final = 8
"""How often in a day the line is cut, and the consumer is busy."""
_BUSY_S: Final = 55
"""Packs wait so long and still are news: what is older than a minute is history."""
_PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "tables" / "day.md"


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
    carrier: Carrier | None = None,
    part_s: int = HOUR_S,
    tell: Callable[[Day], None] = lambda _: None,
) -> Day:
    """Live a day, or as much of it.

    Args:
        seconds: of the day, which is a third night: the strap is off for its middle third.
        model: `user_emotion`; none leaves the prior.
        carrier: how packs come; by hand when None.
        part_s: how often memory is sampled.
        tell: called with what is known after each part.
    """
    outfit, sensing, affect = Outfit(), Sensing("me"), AffectStation(model, now=START)
    carrier = carrier or ByHand()
    day = Day()
    process = psutil.Process()
    started = time.perf_counter()
    for second in range(1, seconds + 1):
        now = START + second + _clock_set(second, seconds)
        measured = outfit.second(now)
        packs = [pack for pack in measured if not _is_off(pack, second, seconds)]
        day.withheld += len(measured) - len(packs)
        carrier.send(_copied(packs, second, day))
        if second % max(1, seconds // _CUTS) == 0:
            carrier.cut()
        if not _is_busy(second, seconds):
            for topic, payload in carrier.collect():
                sensing.accept(topic, payload, now=now)
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


def _is_busy(second: int, seconds: int) -> bool:
    """Whether the consumer takes nothing: nearly a minute in the middle of each eighth, where the clock stands fast."""
    part = seconds // _BUSY
    return 0 <= second % part - part // 2 < min(_BUSY_S, part // 4)


def _copied(packs: list[Sent], second: int, day: Day) -> Packs:
    """The packs, some of them twice."""
    sent = []
    for number, pack in enumerate(packs):
        sent.append((pack.topic, pack.payload))
        day.sent[pack.quantity] += pack.samples
        if (second + number) % _EVERY_TWICE == 0:
            sent.append(sent[-1])
            day.copies += 1
    return sent


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


def _kept(day: Day) -> bool:
    return day.lost == 0 and day.counters["missing"] == day.withheld and day.growth_mb < GROWTH_LIMIT_MB


def _told(day: Day, wire: Wire | None) -> list[tuple[str, str, str]]:
    """What is told at the end: what it is, its figure, and beside it the limit or peer."""
    samples = sum(day.sent.values())
    rows = [
        ("lived, hours", f"{day.seconds / HOUR_S:g}", f"{day.seconds / day.took_s:.0f} times as fast as life"),
        ("samples sent", f"{samples:,}", f"{samples * _BYTES_A_SAMPLE / 2**20:,.0f} MB, were they kept"),
        ("samples lost", f"{day.lost:,}", "limit 0"),
        ("memory after the first part, MB", f"{day.memory_mb[0]:.1f}", "everything loaded, windows full"),
        ("grew by, MB", f"{day.growth_mb:+.1f}", f"limit {GROWTH_LIMIT_MB:.0f}"),
        ("most at any hour above the first, MB", f"{max(day.memory_mb) - day.memory_mb[0]:+.1f}", ""),
        ("streams at most", f"{day.streams}", f"bound {MOST_STREAMS}"),
        ("packs that came twice", f"{day.copies:,}", f"{day.counters['repeated']:,} refused as repeated"),
        ("packs never sent", f"{day.withheld:,}", f"{day.counters['missing']:,} counted as missing"),
        ("times the clock was set back by 3 h", f"{day.counters['clock_set_back']}", "and as often forward before"),
        ("states estimated", f"{day.evaluations:,}", ""),
    ]
    if wire is not None:
        bounds = wire.bounds
        rows += [
            ("packs that MQTT brought again after a cut", f"{wire.again:,}", f"{wire.connections - 1} cuts"),
            ("messages that waited at most", f"{wire.most_waiting:,}", f"bound {bounds.waiting_messages:,}"),
            ("times that the link stopped reading", f"{wire.held_back:,}", "because so many waited"),
            (
                "most that the broker had not acknowledged",
                f"{wire.most_unacknowledged:,}",
                f"bound {bounds.outbox_messages:,}",
            ),
            ("memory of the broker at the end, MB", f"{wire.broker_mb:.1f}", ""),
        ]
    return rows


def _table(rows: list[tuple[str, str, str]], command: str) -> str:
    """The figures as a page."""
    lines = ["# A day at full acceleration", "", f"Written by `{command}`; do not edit.", ""]
    lines += [" ".join((__doc__ or "").split("\n\n")[part].split()) + "\n" for part in (1, 2, 3)]
    lines += ["| what | figure | beside it |", "| --- | --- | --- |"]
    lines += [f"| {what} | {figure} | {beside} |" for what, figure, beside in rows]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Live the day and print it by the hour."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--wire", action="store_true", help="through a broker, at QoS 1")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--output", type=Path, help="page to write; of a whole day docs/tables/day.md")
    options = parser.parse_args()
    seconds = round(options.hours * HOUR_S)
    model = Bundle.open(default_bundle()).model("user_emotion")

    page = options.output or (_PAGE if options.hours >= 24 else None)
    with ExitStack() as stack:
        wire = stack.enter_context(Wire("me")) if options.wire else None

        def tell(day: Day) -> None:
            print(_line(day), file=sys.stderr if options.json else sys.stdout, flush=True)
            if page is not None and day.memory_mb:
                command = "python -m benchmarks.day" + " --wire" * options.wire
                page.write_text(_table(_told(day, wire), command), encoding="utf-8")

        day = live(seconds, model=model, carrier=wire, part_s=min(HOUR_S, seconds // 4), tell=tell)
        rows = _told(day, wire)
    if options.json:
        print(json.dumps({"hours": options.hours, "lost": day.lost, "growth_mb": day.growth_mb, "took_s": day.took_s}))
    else:
        for what, figure, beside in rows:
            print(f"{what:<44}{figure:>14}   {beside}")
    return 0 if _kept(day) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Health tells changes at once and everything regularly."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.integration.health import EVERY_S, HealthBook, Part, percentile
from models.wire.messages import StreamHealth


def test_a_healthy_agent_is_ok_and_says_for_how_long() -> None:
    message = HealthBook(started_at=100.0, broker="embedded").message(160.04, tracks=7)

    assert (message.status, message.degraded, message.uptime_s) == ("ok", {}, 60.0)
    assert (message.tracks, message.broker) == (7, "embedded")


def test_counts_of_one_name_add_up_with_what_a_station_counted_itself() -> None:
    book = HealthBook(started_at=0.0)
    book.count("sensing", "malformed")
    book.count("sensing", "malformed", 2)
    book.totals("link", {"dropped": 4})
    book.totals("link", {"dropped": 5})
    book.totals("sensing", {"malformed": 10, "future": 0})

    counters = book.message(1.0).counters

    assert counters["sensing.malformed"] == 13
    assert counters["link.dropped"] == 5
    assert book.message(2.0).counters == counters


def test_a_degraded_part_stands_with_its_reason_until_it_recovers() -> None:
    book = HealthBook(started_at=0.0)
    book.degrade(Part.PLAYBACK, "no sound device; playing silently")
    told = book.message(1.0)
    book.recover(Part.PLAYBACK)

    assert (told.status, told.degraded) == ("degraded", {"playback": "no sound device; playing silently"})
    assert book.message(2.0).status == "ok"


def test_a_change_is_due_at_once_and_everything_after_a_while() -> None:
    book = HealthBook(started_at=0.0)
    assert book.is_due(0.0)
    book.message(0.0)
    assert not book.is_due(EVERY_S - 0.1)
    assert book.is_due(EVERY_S)

    book.message(20.0)
    book.degrade(Part.BROKER, "away")
    assert book.is_due(20.1)
    book.message(20.1)
    assert not book.is_due(20.2)


def test_a_clock_set_back_does_not_silence_health() -> None:
    book = HealthBook(started_at=1000.0)
    book.message(1000.0)

    assert book.is_due(500.0)
    assert book.message(500.0).uptime_s == 0.0


def test_latencies_are_told_as_percentiles_of_the_last_thousand() -> None:
    book = HealthBook(started_at=0.0)
    assert book.message(1.0).latency_ms == {}
    for latency in [1000.0] * 50 + [float(value) for value in range(1, 1001)]:
        book.evaluated(latency)

    message = book.message(2.0)

    assert message.latency_ms == {"p50": 500.0, "p99": 990.0}
    assert message.counters["ranking.evaluations"] == 1050


def test_streams_and_playback_are_passed_on() -> None:
    stream = StreamHealth("strap", "rr", 1.1, 0.9, 0.3)
    message = HealthBook(started_at=0.0).message(1.0, streams=[stream], playback={"underruns": 0.0})

    assert message.streams == [stream]
    assert message.playback == {"underruns": 0.0}


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.floats(0, 1))
def test_a_percentile_is_the_smallest_value_that_covers_the_share(values: list[float], share: float) -> None:
    ordered = sorted(values)
    found = percentile(ordered, share)

    assert sum(value <= found for value in ordered) >= share * len(ordered) - 1e-9
    assert found == ordered[0] or sum(value < found for value in ordered) < share * len(ordered)

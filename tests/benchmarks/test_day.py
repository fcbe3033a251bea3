"""The eventful day, in some minutes."""

from __future__ import annotations

import pytest

from agent.integration.broker.mosquitto import find_mosquitto
from agent.sensing.station import MOST_STREAMS
from benchmarks import day
from benchmarks.outfit import WORN, Outfit
from models.wire import senml


def test_no_sample_of_a_day_is_lost_or_taken_twice_and_nothing_grows():
    lived = day.live(210, part_s=70)
    assert lived.lost == 0
    assert lived.copies > 30
    assert lived.counters["repeated"] == lived.copies
    assert lived.counters["missing"] == lived.withheld > 0
    assert lived.counters["history"] == lived.counters["future"] == 0
    assert lived.counters["clock_set_back"] == 1
    assert lived.counters["foreign"] == 1
    assert lived.streams <= MOST_STREAMS
    assert len(lived.memory_mb) == 2
    # The process holds more than the stations: a generous bound, far below what kept samples would take in hours.
    assert lived.growth_mb < 16.0


@pytest.mark.skipif(find_mosquitto() is None, reason="needs mosquitto")
def test_what_goes_through_a_broker_is_taken_once_though_the_line_is_cut_and_the_consumer_busy():
    with day.Wire("me") as wire:
        lived = day.live(48, carrier=wire, part_s=16)
        assert wire.connections == 25
        assert wire.again > 0
        assert 0 < wire.most_waiting <= wire.bounds.waiting_messages
        told = {what: (figure, beside) for what, figure, beside in day._told(lived, wire)}
    assert told["samples lost"] == ("0", "limit 0")
    assert told["packs that MQTT brought again after a cut"] == (f"{wire.again:,}", "24 cuts")
    assert told["messages that waited at most"] == (f"{wire.most_waiting:,}", "bound 1,000")
    assert lived.lost == 0
    assert lived.counters["missing"] == lived.withheld > 0
    assert lived.counters["repeated"] >= lived.copies


def test_a_page_of_the_day_has_a_row_for_all_that_is_told():
    lived = day.live(30, part_s=10)
    rows = day._told(lived, None)
    page = day._table(rows, "python -m benchmarks.day")
    assert page.startswith("# A day at full acceleration\n\nWritten by `python -m benchmarks.day`; do not edit.")
    assert sum(line.startswith("| ") for line in page.splitlines()) == len(rows) + 2
    assert "| samples lost | 0 | limit 0 |" in page


def test_the_outfit_sends_what_it_says_at_the_rates_it_says():
    sent = [pack for _, packs in Outfit().seconds(1.8e9, 30) for pack in packs]
    counts: dict[tuple[str, str], int] = {}
    for pack in sent:
        _, wearable, quantity = pack.topic.rsplit("/", 2)
        read = senml.decode(pack.payload, quantity=quantity, now=1.8e9)
        assert len(read.times) == pack.samples
        counts[wearable, quantity] = counts.get((wearable, quantity), 0) + pack.samples
    assert len(counts) == sum(len(rates) for rates in WORN.values()) == 16
    for wearable, rates in WORN.items():
        for quantity, rate in rates.items():
            if rate >= 1.0:
                assert abs(counts[wearable, quantity] / 30 / rate - 1.0) < 0.05

"""Hours of streams: nothing grows, and clocks may be set."""

from __future__ import annotations

import time

import numpy as np
import pytest
from worn import Worn

from agent.sensing.station import MOST_STREAMS
from models.physiology.schema import INDEX

NOW = 1.8e9
HOUR_S = 3600.0


def wear(worn: Worn, start: float, seconds: int, *, rate: float = 72.0) -> float:
    """Wear a band for some seconds; returns the end."""
    for second in range(seconds):
        worn.second("band", start + second, rate=rate)
        times = start + second - 1.0 + np.arange(1, 5) / 4
        worn.send("band", "eda", times, 2e-6 + 1e-8 * np.sin(times), now=start + second)
    return start + seconds


@pytest.mark.parametrize("jump_s", [3 * HOUR_S, -3 * HOUR_S, 20.0, -20.0, 1e8, -1e8])
def test_a_clock_that_is_set_costs_a_minute_and_no_more(worn: Worn, jump_s: float):
    end = wear(worn, NOW, 90)
    before, _ = worn.sensing.features(end)
    # What was heard under the other time says nothing until something new comes.
    if abs(jump_s) > 15.0:
        assert not worn.sensing.features(end + jump_s)[1][INDEX["rmssd"]] or abs(jump_s) < 60.0
    end = wear(worn, end + jump_s, 90)
    after, present = worn.sensing.features(end)
    assert present[[INDEX["heart_rate"], INDEX["rmssd"], INDEX["eda_level"]]].all()
    assert after[INDEX["heart_rate"]] == pytest.approx(before[INDEX["heart_rate"]], abs=1.0)
    assert worn.source("rr", end) == "band"
    assert worn.sensing.counters["clock_set_back"] == (jump_s < 0)
    assert worn.sensing.counters["history"] == worn.sensing.counters["future"] == 0


def test_a_wearable_that_is_silent_across_a_clock_set_back_says_nothing_and_makes_room(worn: Worn):
    for number in range(MOST_STREAMS):
        worn.send(f"w{number}", "hr", [NOW], [72.0], now=NOW)
    then = NOW - 10 * HOUR_S
    assert worn.send("new", "hr", [then], [72.0], now=then).refusal == "too_many_streams"
    assert worn.sensing.streams(then) == []
    assert worn.send("new", "hr", [then + 700], [72.0], now=then + 700).accepted == 1


def test_neither_zone_nor_daylight_saving_enters(worn: Worn, monkeypatch: pytest.MonkeyPatch):
    changes_at = 1_806_195_600.0  # 28 March 2027, 01:00 UTC: clocks in Berlin are put forward
    elsewhere = Worn()
    for station, zone in ((worn, "Europe/Berlin"), (elsewhere, "UTC")):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        end = wear(station, changes_at - 45.0, 90)
    monkeypatch.undo()
    time.tzset()
    assert worn.sensing.features(end)[0] == pytest.approx(elsewhere.sensing.features(end)[0], nan_ok=True)


def test_hours_of_streams_leave_nothing_behind(worn: Worn):
    sizes = set()
    for hour in range(4):
        end = wear(worn, NOW + hour * HOUR_S, 150)
        worn.sensing.features(end)
        streams = worn.sensing._streams.values()
        sizes.add((len(streams), sum(stream.ring._times.nbytes + stream.ring._values.nbytes for stream in streams)))
    assert len(sizes) == 1
    assert all(len(stream.ring) <= stream.ring.capacity for stream in worn.sensing._streams.values())

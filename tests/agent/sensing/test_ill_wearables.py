"""Wearables that lie, freeze, repeat themselves, drop out and come back."""

from __future__ import annotations

import numpy as np
import pytest
from worn import Worn

from models.physiology.motion import Activity
from models.physiology.schema import INDEX

NOW = 1.8e9


def moving(worn: Worn, wearable: str, now: float, strength: float = 4.0) -> None:
    """A second of acceleration of an arm that moves."""
    times = now - 1.0 + np.arange(1, 26) / 25
    up = 9.81 + strength * np.sin(2 * np.pi * 1.9 * times)
    worn.send(wearable, "acc", times, np.outer(up, (0.0, 0.6, 0.8)), now=now)


def test_a_rate_that_freezes_under_motion_is_not_listened_to_and_a_worse_one_takes_over(worn: Worn):
    for second in range(60):
        now = NOW + second
        moving(worn, "band", now)
        worn.send("band", "hr", [now], [72.0], now=now)
        worn.send("clip", "hr", [now], [110.0 + np.sin(now)], now=now)
    assert worn.quality("band", "hr", now) < 0.1
    assert worn.source("hr", now) == "clip"
    assert worn.sensing.features(now)[0][INDEX["heart_rate"]] == pytest.approx(110.0, abs=1.0)


def test_the_motion_of_another_wearable_tells_that_a_rate_is_frozen(worn: Worn):
    for second in range(40):
        now = NOW + second
        worn.send("watch", "hr", [now], [72.0], now=now)
    assert worn.quality("watch", "hr", now) > 0.5
    for second in range(40, 60):
        now = NOW + second
        moving(worn, "anklet", now)
        worn.send("watch", "hr", [now], [72.0], now=now)
    assert worn.quality("watch", "hr", now) < 0.2


@pytest.mark.parametrize("fill", [0.0, 255.0])
def test_a_rate_of_a_fill_value_is_no_rate(worn: Worn, fill: float):
    for second in range(40):
        worn.second("band", NOW + second)
    assert worn.quality("band", "hr", NOW + 40) == pytest.approx(1.0, abs=0.05)
    for second in range(40, 55):
        worn.send("band", "hr", [NOW + second], [fill], now=NOW + second)
    # The good ones are still in the window, and older by the second.
    assert worn.quality("band", "hr", NOW + 55) < 0.4
    for second in range(55, 70):
        worn.send("band", "hr", [NOW + second], [fill], now=NOW + second)
    assert worn.quality("band", "hr", NOW + 70) == 0.0
    assert not worn.sensing.features(NOW + 70)[1][INDEX["heart_rate"]]
    assert worn.sensing.counters["implausible"] == 30


@pytest.mark.parametrize("late_s", [25.0, 300.0, 1e9, -30.0, -1e9])
def test_a_wearable_that_lies_about_its_time_never_drives_the_state(worn: Worn, late_s: float):
    for second in range(90):
        worn.second("liar", NOW + second, late_s=late_s, rate=150.0)
    assert worn.sensing.sources(NOW + 90) == {}
    assert not worn.sensing.features(NOW + 90)[1].any()
    for second in range(90, 150):
        worn.second("liar", NOW + second, late_s=late_s, rate=150.0)
        worn.second("honest", NOW + second)
    assert worn.source("hr", NOW + 150) == worn.source("rr", NOW + 150) == "honest"
    assert sum(worn.sensing.counters[reason] for reason in ("future", "history")) > 0 or late_s == 25.0


def test_a_wearable_whose_clock_stands_still_is_not_trusted(worn: Worn):
    rng = np.random.default_rng(5)
    for second in range(60):
        worn.send("broken", "hr", [NOW], [72.0 + rng.standard_normal()], now=NOW + second)
    assert worn.quality("broken", "hr", NOW + 60) == 0.0


def test_five_copies_of_every_pack_change_nothing(worn: Worn):
    once = Worn()
    for second in range(60):
        now = NOW + second
        once.second("band", now)
        for copy in range(5):
            worn.second("band", now, number=second if copy % 2 else -1)
    assert worn.sensing.features(NOW + 60)[0] == pytest.approx(once.sensing.features(NOW + 60)[0], nan_ok=True)
    assert worn.quality("band", "rr", NOW + 60) == once.quality("band", "rr", NOW + 60)
    assert worn.sensing.counters["samples"] == once.sensing.counters["samples"]


def test_copies_whose_times_are_relative_overlap_and_lose_trust(worn: Worn):
    for second in range(60):
        for copy in range(5):
            # A sender without a clock: each copy is stamped when it comes.
            now = NOW + second + 0.15 * copy
            worn.send("band", "rr", [now], [1.0 + 0.02 * np.sin(second)], now=now)
    assert worn.quality("band", "rr", NOW + 60) < 0.3


def test_the_better_wearable_leaves_and_the_worse_takes_over_until_it_returns(worn: Worn):
    def second(now: float, *, strap: bool) -> None:
        if strap:
            worn.second("strap", now, rate=64.0)
        # The band misses every third second.
        if int(now) % 3:
            worn.second("band", now, rate=90.0)

    told = []
    for passed in range(180):
        now = NOW + passed
        second(now, strap=not 60 <= passed < 120)
        told.append(worn.source("hr", now))
    assert set(told[5:60]) == {"strap"}
    taken_over = 60 + told[60:].index("band")
    assert taken_over <= 60 + 12
    assert set(told[taken_over:120]) == {"band"}
    returned = 120 + told[120:].index("strap")
    assert set(told[returned:]) == {"strap"}
    assert returned <= 120 + 45


def test_a_band_on_the_table_does_not_outvote_a_worn_one(worn: Worn):
    for second in range(60):
        now = NOW + second
        worn.second("table", now, rate=180.0)
        worn.send("table", "temp", [now], [22.0], now=now)
        if second % 5:
            worn.second("worn", now)
    assert worn.source("hr", now) == "worn"


def test_what_the_listener_does_is_told_by_what_moves_most(worn: Worn):
    assert worn.sensing.movement(NOW) is None
    for second in range(12):
        now = NOW + second
        moving(worn, "band", now, strength=0.0)
        moving(worn, "anklet", now)
    found = worn.sensing.movement(now)
    assert found is not None
    assert found.activity is Activity.WALKING
    assert found.steps_hz == pytest.approx(1.9, abs=0.1)
    told = {stream.wearable: stream.activity for stream in worn.sensing.streams(now)}
    assert told == {"band": "still", "anklet": "walking"}
    assert {stream.activity for stream in worn.sensing.streams(now + 30.0)} == {None}


def test_a_rate_that_leaps_about_loses_to_a_steady_one(worn: Worn):
    for second in range(60):
        now = NOW + second
        worn.send("loose", "hr", [now], [70.0 if second % 4 else 140.0], now=now)
        worn.send("tight", "hr", [now], [70.0 + np.sin(now)], now=now)
    assert worn.source("hr", now) == "tight"
    assert worn.quality("loose", "hr", now) < 0.2

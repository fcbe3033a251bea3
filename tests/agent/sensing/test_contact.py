"""Wristbands on tables, in bags and on skin."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worn import Worn

from agent.sensing import contact
from agent.sensing.contact import OFF, ON, UNSURE, Signs
from benchmarks.replay import Replayed, replay
from firmware_sim.recordings import exam_stress, hku956
from firmware_sim.recordings.recording import Recording, Series, entries, header
from models.physiology.motion import Activity
from models.physiology.schema import INDEX

NOW = 1.8e9
NAN = math.nan


@pytest.mark.parametrize(
    ("place", "signs", "trust"),
    [
        ("on a table", Signs(22.0, 0.0, 0.02, 0.005), OFF),
        ("carried in a bag", Signs(23.0, 0.1, 0.02, 2.3), OFF),
        ("on a table in a hot room", Signs(28.0, 0.0, 0.02, 0.005), OFF),
        ("just taken off", Signs(32.0, -1.2, 0.02, 0.5), OFF),
        ("on a table, without electrodes", Signs(22.0, 0.0, NAN, 0.005), OFF),
        ("on a table, without an accelerometer", Signs(22.0, 0.0, 0.02, NAN), OFF),
        ("in a bag that is as warm as a wrist may be", Signs(27.0, -0.1, 0.02, 1.4), UNSURE),
        ("on a cold wrist, or just put on", Signs(23.0, 1.5, 0.4, 1.0), UNSURE),
        ("on a heater", Signs(45.0, 0.0, NAN, NAN), UNSURE),
        ("worn", Signs(33.0, 0.0, 2.0, 0.3), ON),
        ("on somebody dry", Signs(32.0, 0.0, 0.035, 0.3), ON),
        ("on somebody dry who sleeps", Signs(32.0, -0.1, 0.035, 0.005), ON),
        ("on somebody who sleeps", Signs(28.0, 0.0, 0.3, 0.005), ON),
        ("on somebody who goes outdoors", Signs(29.0, -0.9, 0.3, 1.5), ON),
        ("a strap that lies still", Signs(ms2=0.005), ON),
        ("electrodes alone", Signs(us=0.01), ON),
        ("nothing is known", Signs(), ON),
    ],
)
def test_two_signs_of_an_empty_strap_are_believed_and_one_is_not(place: str, signs: Signs, trust: float):
    assert contact.contact(signs) == trust, place


@given(
    st.tuples(
        *(st.one_of(st.just(NAN), st.floats(low, high)) for low, high in ((-20, 60), (-9, 9), (0, 100), (0.01, 50)))
    )
)
def test_warm_and_conducting_skin_is_always_believed(found: tuple[float, float, float, float]):
    signs = Signs(*found)
    assert contact.contact(signs) in {ON, UNSURE, OFF}
    if 30.0 <= signs.cel <= 40.0 and not signs.cel_per_min < -0.6:
        assert contact.contact(signs) == ON


def test_a_table_that_is_bumped_into_is_still():
    at = NOW + np.arange(0.0, 60.0, 1 / 32)
    noise = np.random.default_rng(1).standard_normal((len(at), 3))
    table = np.array((0.0, 0.0, 9.81)) + 0.005 * noise
    table[(at > NOW + 30) & (at < NOW + 32)] += 3.0 * noise[:64][: ((at > NOW + 30) & (at < NOW + 32)).sum()]
    assert contact.stirring(at, table, at[-1]) < 0.02
    assert contact.stirring(at, table + 0.05 * noise, at[-1]) > 0.02
    assert math.isnan(contact.stirring(at, table, at[-1] + 45.0)), "what is known of a quarter minute is not enough"
    assert math.isnan(contact.level(at[:0], at[:0], NOW))


def lying(worn: Worn, wearable: str, now: float, *, cel: float = 22.0, us: float = 0.02, noise: float = 0.005) -> None:
    """A second of what a wristband measures besides the heart."""
    times = now - 1.0 + np.arange(1, 33) / 32
    shake = noise * np.random.default_rng(int(now)).standard_normal((32, 3))
    worn.send(wearable, "acc", times, np.array((0.0, 0.0, 9.81)) + shake, now=now)
    worn.send(wearable, "temp", [now], [cel + 0.01 * np.sin(now)], now=now)
    worn.send(wearable, "eda", [now], [1e-6 * (us + 0.001 * np.sin(now))], now=now)


def test_what_a_wristband_on_a_table_says_counts_for_nothing_until_it_is_put_on(worn: Worn):
    for second in range(60):
        lying(worn, "band", NOW + second)
        worn.second("band", NOW + second, rate=118.0)
    assert worn.quality("band", "hr", NOW + 60) <= 0.05
    assert worn.quality("band", "rr", NOW + 60) <= 0.05
    assert worn.sensing.sources(NOW + 60) == {}
    assert not worn.sensing.features(NOW + 60)[1].any()
    assert worn.sensing.movement(NOW + 60) is None, "a table says nothing of what its owner does"
    for second in range(60, 130):
        lying(worn, "band", NOW + second, cel=33.0, us=2.0, noise=0.15)
        worn.second("band", NOW + second)
    assert worn.quality("band", "hr", NOW + 130) > 0.9
    found = worn.sensing.movement(NOW + 130)
    assert found is not None
    assert found.activity is Activity.STILL


def test_a_strap_on_somebody_motionless_loses_nothing(worn: Worn):
    for second in range(90):
        now = NOW + second
        times = now - 1.0 + np.arange(1, 26) / 25
        worn.send("strap", "acc", times, np.tile((0.0, 0.0, 9.81), (25, 1)) + 1e-3 * np.sin(times)[:, None], now=now)
        worn.second("strap", now)
    assert worn.quality("strap", "hr", NOW + 90) > 0.9
    assert worn.quality("strap", "rr", NOW + 90) > 0.9


def rates(worn: Worn, seconds: range, *, sway: float = 1.0, us: float = NAN) -> None:
    for second in seconds:
        if not math.isnan(us):
            worn.send("band", "eda", [NOW + second], [1e-6 * (us + 0.001 * np.sin(second))], now=NOW + second)
        worn.send("band", "hr", [NOW + second], [72.0 + sway * np.sin(second)], now=NOW + second)


@pytest.mark.parametrize(
    ("sway", "us", "left"),
    [(1.0, 2.0, 0.8), (1.0, NAN, 0.4), (8.0, 2.0, 0.4), (1.0, 0.0, 0.4)],
    ids=["steady, on skin", "steady, on what", "unsteady", "steady, on dry skin or none"],
)
def test_a_rate_is_doubted_where_its_wearable_leaves_out_the_beats(worn: Worn, sway: float, us: float, left: float):
    for second in range(60):
        worn.second("band", NOW + second)
    sure = worn.quality("band", "hr", NOW + 59)
    rates(worn, range(60, 120), sway=sway, us=us)
    assert worn.quality("band", "hr", NOW + 119) == pytest.approx(left * sure, abs=0.02)
    for second in range(120, 181):
        worn.second("band", NOW + second)
    assert worn.quality("band", "hr", NOW + 180) == pytest.approx(sure, abs=0.02)


def test_a_lone_beat_after_a_silence_is_no_source_of_beats(worn: Worn):
    for second in range(60):
        worn.second("band", NOW + second)
    rates(worn, range(60, 120))
    worn.send("band", "rr", [NOW + 119], [0.8], now=NOW + 119)
    assert worn.quality("band", "rr", NOW + 119) < 0.1
    assert set(worn.sensing.sources(NOW + 119)) == {"hr"}
    for second in range(120, 150):
        worn.second("band", NOW + second)
    assert worn.quality("band", "rr", NOW + 149) > 0.9


def test_somebody_calm_whose_wristband_tells_no_beats_gets_a_baseline_and_somebody_restless_none(worn: Worn):
    worn.second("band", NOW)
    rates(worn, range(1, 121), us=2.0)
    assert worn.sensing.sources(NOW + 120)["hr"].quality > 0.5
    rates(worn, range(121, 241), sway=8.0, us=2.0)
    assert worn.sensing.sources(NOW + 240)["hr"].quality < 0.5, "what affect asks of what it learns from"


def test_a_rate_without_beats_is_not_doubted(worn: Worn):
    rates(worn, range(60))
    assert worn.quality("band", "hr", NOW + 59) > 0.9
    # One beat an hour ago is no habit.
    worn.send("band", "rr", [NOW + 60], [0.8], now=NOW + 60)
    rates(worn, range(2000, 2060))
    assert worn.quality("band", "hr", NOW + 2059) > 0.9


def test_a_strap_that_starts_loses_a_packet_or_is_away_for_a_while_is_not_doubted(worn: Worn):
    found = []
    for second in range(240):
        if second in {50, 51, 52, 90} or 130 <= second < 170:
            continue
        worn.second("strap", NOW + second)
        found.append(worn.sensing._surroundings(NOW + second)["strap"].told)
    known = np.array(found)[~np.isnan(found)]
    assert len(known) > 150
    assert known.min() > 0.8


def test_beats_that_come_after_their_rates_are_waited_for_a_packet_long(worn: Worn):
    for second in range(60):
        worn.send("band", "rr", [NOW + second - 2.0], [1.0 + 0.01 * np.sin(second)], now=NOW + second)
        worn.send("band", "hr", [NOW + second], [60.0 + np.sin(second)], now=NOW + second)
    assert worn.quality("band", "hr", NOW + 59) > 0.9


def stretch(recording: Recording, first_min: float, last_min: float) -> Replayed:
    """What the stations made of some minutes of a recording."""
    begin = header(recording).t

    def cut(series: Series) -> Series:
        first, last = np.searchsorted(series.times, (begin + 60 * first_min, begin + 60 * last_min))
        return Series(series.times[first:last], series.values[first:last])

    series = {quantity: cut(each) for quantity, each in recording.series.items()}
    some = dataclasses.replace(recording, series=series, truths=(), marks=())
    return replay(entries(some, listener="me"), model=None, evaluate_every_s=5.0)


def test_an_hour_before_an_exam_on_a_table_teaches_nothing_and_is_no_state(shared_data: Path):
    found = stretch(exam_stress.read(shared_data / "exam-stress-e4", "S1", "Midterm1"), 0.0, 20.0)
    assert len(found.t) > 200
    assert found.trust["hr"].max() <= 0.05
    assert found.quality.max() == 0.0
    assert not found.calibrated.any()
    assert "heart_rate" not in found.profile.baseline.levels
    assert not np.isfinite(found.features[:, INDEX["heart_rate"]]).any()


def test_a_student_at_the_exam_is_heard_and_known_after_some_minutes(shared_data: Path):
    found = stretch(exam_stress.read(shared_data / "exam-stress-e4", "S1", "Midterm1"), 66.0, 76.0)
    assert (found.trust["hr"][6:] > 0.2).mean() > 0.98
    assert found.quality[12:].min() > 0.5
    assert found.calibrated[-1]


def test_a_dry_listener_is_heard_while_the_skin_is_warm(shared_data: Path):
    found = stretch(hku956.read(shared_data / "hku956", "hku1914"), 0.0, 8.0)
    assert len(found.t) > 60
    assert found.trust["hr"].mean() > 0.7
    assert found.trust["temp"].mean() > 0.7

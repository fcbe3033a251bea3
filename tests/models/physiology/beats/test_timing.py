"""The chain of beats that packets hang on."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.physiology.beats.timing import SLEW, BeatClock

START = 1.8e9
TICK_S = 1 / 1024


def heart(seconds: float, *, mean_s: float = 0.85, seed: int = 0) -> np.ndarray:
    """When beats come, from 0."""
    rng = np.random.default_rng(seed)
    count = int(1.5 * seconds / mean_s)
    breath = 0.04 * np.sin(2 * np.pi * 0.25 * mean_s * np.arange(count))
    moments = np.cumsum(mean_s + breath + 0.02 * rng.standard_normal(count))
    return moments[moments < seconds]


def strap(
    beats: np.ndarray, *, drift: float = 0.0, jitter_s: float = 0.03, every_s: float = 1.0, seed: int = 1
) -> list[tuple[float, np.ndarray]]:
    """What a strap sends: once in `every_s` the intervals that ended, in ticks of its own clock, arriving late."""
    rng = np.random.default_rng(seed)
    ticks = np.round(np.diff(beats) * (1.0 + drift) / TICK_S) * TICK_S
    packets, arrived = [], 0.0
    for moment in np.arange(every_s + 0.37, beats[-1] + every_s, every_s):
        inside = (beats[1:] > moment - every_s) & (beats[1:] <= moment)
        arrived = max(arrived, START + moment + 0.01 + jitter_s * rng.exponential())
        packets.append((arrived, ticks[inside]))
    return packets


def run(clock: BeatClock, packets: list[tuple[float, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    placed = [clock.packet(arrived, intervals) for arrived, intervals in packets]
    return np.concatenate([t for t, _ in placed]), np.concatenate([rr for _, rr in placed])


@pytest.mark.parametrize("mean_s", [0.45, 0.85, 1.4])
def test_beats_lie_their_interval_apart_in_spite_of_jitter(mean_s: float):
    packets = strap(heart(120.0, mean_s=mean_s), jitter_s=0.06)
    clock = BeatClock()
    times, intervals = run(clock, packets)
    assert np.abs(np.diff(times) - intervals[1:]).max() <= SLEW * intervals.max() + 1e-6
    np.testing.assert_array_equal(intervals, np.concatenate([rr for _, rr in packets]))
    assert (clock.repeated, clock.refused, clock.gaps) == (0, 0, 0)


@pytest.mark.parametrize("drift", [-200e-6, 0.0, 200e-6])
def test_over_hours_the_chain_stays_with_the_arrivals_while_the_clocks_drift(drift: float):
    beats = heart(5400.0)
    times, _ = run(BeatClock(), strap(beats, drift=drift))
    error = times - START - beats[1 : len(times) + 1]
    assert np.abs(error).max() < 0.6
    assert np.abs(error[len(error) // 2 :]).max() < 0.15


def test_a_lost_stretch_is_a_gap():
    packets = strap(heart(60.0))
    clock = BeatClock()
    times, intervals = run(clock, packets[:20] + packets[28:])
    extra = np.diff(times) - intervals[1:]
    assert clock.gaps == 1
    assert (extra > 0.5).sum() == 1
    assert extra.max() == pytest.approx(8.0, abs=1.2)


def test_a_link_that_was_lost_begins_a_new_run():
    packets = strap(heart(60.0))
    clock = BeatClock()
    before, _ = run(clock, packets[:20])
    clock.lost()
    after, intervals = run(clock, packets[23:])
    assert after[0] - before[-1] > 1.5 * intervals[0] + 0.25


def test_packets_that_were_held_up_lose_nothing():
    packets = strap(heart(60.0))
    stalled = [
        (max(arrived, START + 34.0 + 1e-3 * i) if 30 <= i < 34 else arrived, rr)
        for i, (arrived, rr) in enumerate(packets)
    ]
    clock = BeatClock()
    times, intervals = run(clock, stalled)
    assert clock.gaps == 0
    assert len(intervals) == sum(len(rr) for _, rr in packets)
    assert np.abs(np.diff(times) - intervals[1:]).max() < 1e-3


@pytest.mark.parametrize("copies", [2, 5])
@pytest.mark.parametrize("apart_s", [0.0, 0.01, 0.15])
def test_repeated_packets_are_refused(copies: int, apart_s: float):
    packets = strap(heart(60.0))
    repeated = [(arrived + apart_s * copy, rr) for arrived, rr in packets for copy in range(copies)]
    clock = BeatClock()
    wanted = run(BeatClock(), packets)
    times, intervals = run(clock, repeated)
    np.testing.assert_array_equal(intervals, wanted[1])
    np.testing.assert_allclose(times, wanted[0], atol=0.02)
    assert clock.repeated == (copies - 1) * sum(len(rr) > 0 for _, rr in packets)


def test_two_equal_beats_in_two_packets_are_two_beats():
    clock = BeatClock()
    times, _ = run(clock, [(START + i, np.array([1.0])) for i in range(100)])
    assert len(times) == 100
    assert clock.repeated == 0


@pytest.mark.parametrize("fill", [0.0, 65535 / 1024, math.nan, -1.0])
def test_a_fill_value_is_no_beat_and_breaks_the_run(fill: float):
    packets = strap(heart(60.0))
    spoiled = [(arrived, np.append(rr, fill) if i == 30 else rr) for i, (arrived, rr) in enumerate(packets)]
    clock = BeatClock()
    times, intervals = run(clock, spoiled)
    assert clock.refused == 1
    assert len(intervals) == sum(len(rr) for _, rr in packets)
    apart = np.diff(times) > 1.5 * intervals[1:] + 0.25
    assert apart.sum() == 1


def test_an_interval_that_no_heart_makes_is_time_that_passed():
    clock = BeatClock()
    run(clock, [(START + i, np.array([1.0])) for i in range(10)])
    times, intervals = clock.packet(START + 14.0, np.array([4.0, 0.1, 0.9]))
    assert intervals.tolist() == [0.9]
    assert times[0] - START == pytest.approx(14.0, abs=0.6)
    assert clock.refused == 2


def test_a_wearable_that_runs_ahead_of_time_is_held_back():
    clock = BeatClock()
    times, _ = run(clock, [(START + i, np.array([0.8, 0.9 + 0.01 * (i % 3)])) for i in range(60)])
    assert times[-1] < START + 62.0
    assert clock.refused > 0


def test_a_clock_that_is_set_back_starts_again():
    clock = BeatClock()
    run(clock, strap(heart(20.0)))
    times, _ = run(clock, [(t - 3600.0, rr) for t, rr in strap(heart(20.0))])
    assert np.abs(times[0] - START + 3600.0 - heart(20.0)[1]) < 1.0


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(0.0, 20.0),
            st.lists(st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.floats(0.2, 2.5)), max_size=9),
        ),
        max_size=120,
    )
)
def test_whatever_arrives_times_ascend_and_little_is_kept(packets: list[tuple[float, list[float]]]):
    clock, arrived, newest = BeatClock(), START, -math.inf
    given_beats = handed_out = 0
    for wait, intervals in packets:
        arrived += wait
        times, placed = clock.packet(arrived, np.array(intervals))
        given_beats += len(intervals)
        handed_out += len(times)
        assert len(times) == len(placed)
        assert ((placed >= 0.25) & (placed <= 2.4)).all()
        assert (np.diff(times) > 0.0).all()
        if len(times):
            assert times[0] > newest
            newest = times[-1]
            assert newest < arrived + 3.0
        assert len(clock._delays) <= 64
        assert len(clock._waiting) <= 9
    assert handed_out <= given_beats

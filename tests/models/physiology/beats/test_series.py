"""A series of beats without its artefacts, gaps and all."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.physiology.beats import (
    beats_of,
    clean_rate,
    heart_rate_bpm,
    heart_rate_slope,
    newest,
    normal_share,
    respiration_per_min,
    rmssd_ms,
    sdnn_ms,
)
from models.physiology.beats.series import LONGEST_S, SHORTEST_S, runs


def quiet_beats(seconds: float = 60.0, *, breaths_per_min: float = 15.0, seed: int = 0):
    """Intervals of a calm heart whose beats follow the breath."""
    rng = np.random.default_rng(seed)
    times, intervals, t = [], [], 0.0
    while t < seconds:
        rr = 0.85 + 0.04 * math.sin(2 * math.pi * breaths_per_min / 60 * t) + 0.008 * rng.standard_normal()
        t += rr
        times.append(t)
        intervals.append(rr)
    return np.array(times), np.array(intervals)


@pytest.mark.parametrize(
    ("fault", "factor", "measured"),
    [("a premature beat", 0.72, -2), ("a missed beat", 2.0, 1), ("half a beat", 0.5, -1), ("a fill value", 0.0, -1)],
)
def test_one_bad_interval_hardly_moves_the_variability(fault: str, factor: float, measured: int):
    times, intervals = quiet_beats()
    wanted = beats_of(times, intervals)
    spoiled = intervals.copy()
    spoiled[30] *= factor
    beats = beats_of(times, spoiled)
    assert int(beats.measured.sum()) == len(intervals) + measured, fault
    assert rmssd_ms(beats) == pytest.approx(rmssd_ms(wanted), rel=0.05), fault
    assert sdnn_ms(beats) == pytest.approx(sdnn_ms(wanted), rel=0.05), fault
    assert heart_rate_bpm(beats) == pytest.approx(heart_rate_bpm(wanted), rel=0.01), fault


def test_a_premature_beat_takes_its_compensating_pause_with_it():
    times, intervals = quiet_beats()
    intervals[30] *= 0.75
    intervals[31] *= 1.25
    beats = beats_of(times, intervals)
    assert (~beats.measured).nonzero()[0].tolist() == [30, 31]
    assert beats.joined[1:].all()
    assert beats.times[30] == pytest.approx(times[31] - beats.intervals[31])


def test_gaps_are_not_stitched_shut():
    times, intervals = quiet_beats()
    keep = np.ones(len(times), dtype=bool)
    keep[20:28] = False
    beats = beats_of(times[keep], intervals[keep])
    assert int((~beats.joined[1:]).sum()) == 1
    assert not beats.joined[20]
    assert runs(beats) == [slice(0, 20), slice(20, len(beats.times))]


def test_an_interval_that_hides_several_beats_is_a_gap():
    times, intervals = quiet_beats()
    intervals[30] = intervals[30:33].sum()
    beats = beats_of(np.delete(times, [30, 31]), np.delete(intervals, [31, 32]))
    assert not beats.joined[30]
    assert not beats.measured[30]
    assert beats.intervals.max() < 1.0


def test_packets_that_stamp_two_beats_at_once_are_no_gaps():
    _, intervals = quiet_beats(seconds=60.0)
    intervals = intervals * 0.7
    arrived = np.ceil(np.cumsum(intervals))
    assert beats_of(arrived, intervals).joined[1:].all()


def test_a_fast_change_of_rate_is_no_artefact():
    ramp = np.concatenate((np.full(20, 1.0), np.linspace(1.0, 0.55, 25), np.full(20, 0.55)))
    ramp += 0.01 * np.random.default_rng(0).standard_normal(len(ramp))
    assert beats_of(np.cumsum(ramp), ramp).measured.mean() > 0.95


def test_windows_that_are_too_short_say_so():
    beats = beats_of(*quiet_beats(seconds=8.0))
    measures = (heart_rate_bpm, heart_rate_slope, rmssd_ms, sdnn_ms, respiration_per_min)
    assert all(math.isnan(measure(beats)) for measure in measures)


def test_the_slope_of_a_rising_rate_is_found():
    t, intervals = 0.0, []
    while t < 60.0:
        intervals.append(60.0 / (70.0 + 10.0 * t / 60.0))
        t += intervals[-1]
    beats = beats_of(np.cumsum(intervals), np.array(intervals))
    assert heart_rate_slope(beats) == pytest.approx(10.0, rel=0.02)


def test_the_newest_beats_are_those_after_the_moment():
    beats = newest(beats_of(*quiet_beats()), since=50.0)
    assert beats.times[0] > 50.0
    assert {len(values) for values in beats} == {len(beats.times)}


def test_fill_values_of_a_rate_stream_are_dropped():
    times, rates = clean_rate(np.arange(4.0), np.array([0.0, 72.0, 255.0, 71.0]))
    assert times.tolist() == [1.0, 3.0]
    assert rates.tolist() == [72.0, 71.0]


def test_the_share_of_normal_beats_falls_with_every_artefact():
    times, intervals = quiet_beats()
    shares = [normal_share(times, intervals)]
    for i in (20, 35, 50):
        intervals[i] = 5.0
        shares.append(normal_share(times, intervals))
    assert shares[0] == 1.0
    assert (np.diff(shares) < 0.0).all()
    assert normal_share(times[:0], intervals[:0]) == 0.0


@settings(deadline=None)
@given(st.lists(st.one_of(st.floats(), st.floats(0.0, 5.0), st.floats(0.7, 0.9)), max_size=80))
def test_whatever_comes_only_plausible_intervals_are_kept(intervals: list[float]):
    rr = np.array(intervals)
    beats = beats_of(np.arange(len(rr), dtype=float), rr)
    assert ((beats.intervals >= SHORTEST_S) & (beats.intervals <= LONGEST_S)).all()
    assert len({len(values) for values in beats}) == 1
    assert not len(beats.joined) or not beats.joined[0]
    assert 0.0 <= normal_share(np.arange(len(rr), dtype=float), rr) <= 1.0


@settings(deadline=None)
@given(st.integers(0, 50), st.floats(-1e6, 1e6), st.integers(0, 3))
def test_when_it_happened_does_not_change_what_it_was(seed: int, shift: float, artefacts: int):
    times, intervals = quiet_beats(seed=seed)
    intervals[10 : 10 + 15 * artefacts : 15] *= 0.7
    here, there = beats_of(times, intervals), beats_of(times + shift, intervals)
    np.testing.assert_allclose(here.intervals, there.intervals, rtol=1e-9)
    np.testing.assert_array_equal(here.joined, there.joined)
    np.testing.assert_allclose(here.times + shift, there.times, atol=1e-6)

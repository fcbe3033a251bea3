"""Beats: cleaning, variability against published values, respiration."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.physiology import heart


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


def test_variability_equals_the_published_values_of_a_recording(shared_data: Path):
    folder = shared_data / "signals" / "hrv-analysis"
    intervals = np.loadtxt(folder / "test_nn_intervals.txt") / 1000.0
    expected = json.loads((folder / "expected.json").read_text())["time_domain"]
    beats = heart.clean(np.cumsum(intervals), intervals)
    assert len(beats.intervals) == len(intervals)
    assert heart.rmssd_ms(beats) == pytest.approx(expected["rmssd"], rel=1e-6)
    assert heart.sdnn_ms(beats) == pytest.approx(expected["sdnn"], rel=1e-6)
    assert heart.heart_rate_bpm(beats) == pytest.approx(60000.0 / expected["mean_nni"], rel=1e-9)


@pytest.mark.parametrize(
    ("fault", "factor"),
    [("a premature beat", 0.72), ("a missed beat", 2.0), ("half a beat", 0.5), ("a fill value", 0.0)],
)
def test_one_bad_interval_hardly_moves_the_variability(fault: str, factor: float):
    times, intervals = quiet_beats()
    wanted = heart.rmssd_ms(heart.clean(times, intervals))
    spoiled = intervals.copy()
    spoiled[30] *= factor
    beats = heart.clean(times, spoiled)
    assert len(beats.intervals) == len(intervals) - 1, fault
    assert heart.rmssd_ms(beats) == pytest.approx(wanted, rel=0.1), fault


def test_a_premature_beat_takes_its_compensating_pause_with_it():
    times, intervals = quiet_beats()
    intervals[30] *= 0.75
    intervals[31] *= 1.25
    beats = heart.clean(times, intervals)
    assert not np.isin(intervals[30:32], beats.intervals).any()
    assert int((~beats.joined[1:]).sum()) == 1


def test_gaps_are_not_stitched_shut():
    times, intervals = quiet_beats()
    keep = np.ones(len(times), dtype=bool)
    keep[20:28] = False
    beats = heart.clean(times[keep], intervals[keep])
    assert int((~beats.joined[1:]).sum()) == 1
    assert not beats.joined[20]


def test_packets_that_stamp_two_beats_at_once_are_no_gaps():
    _, intervals = quiet_beats(seconds=60.0)
    intervals = intervals * 0.7
    arrived = np.ceil(np.cumsum(intervals))
    beats = heart.clean(arrived, intervals)
    assert beats.joined[1:].all()


def test_a_fast_change_of_rate_is_no_artefact():
    ramp = np.concatenate((np.full(20, 1.0), np.linspace(1.0, 0.55, 25), np.full(20, 0.55)))
    beats = heart.clean(np.cumsum(ramp), ramp)
    assert len(beats.intervals) == len(ramp)


@pytest.mark.parametrize("breaths", [9.0, 12.0, 15.0, 20.0, 26.0])
def test_respiration_is_read_from_the_intervals(breaths: float):
    beats = heart.clean(*quiet_beats(breaths_per_min=breaths))
    assert heart.respiration_per_min(beats) == pytest.approx(breaths, abs=0.7)


def test_without_a_clear_peak_there_is_no_respiration():
    rng = np.random.default_rng(4)
    found = [heart.respiration_per_min(heart.clean(*_white(rng))) for _ in range(50)]
    assert sum(math.isnan(rate) for rate in found) >= 40


def _white(rng: np.random.Generator):
    intervals = 0.85 + 0.03 * rng.standard_normal(70)
    return np.cumsum(intervals), intervals


def test_windows_that_are_too_short_say_so():
    beats = heart.clean(*quiet_beats(seconds=8.0))
    assert all(
        math.isnan(measure(beats))
        for measure in (
            heart.heart_rate_bpm,
            heart.heart_rate_slope,
            heart.rmssd_ms,
            heart.sdnn_ms,
            heart.respiration_per_min,
        )
    )


def test_the_slope_of_a_rising_rate_is_found():
    t, intervals = 0.0, []
    while t < 60.0:
        intervals.append(60.0 / (70.0 + 10.0 * t / 60.0))
        t += intervals[-1]
    beats = heart.clean(np.cumsum(intervals), np.array(intervals))
    assert heart.heart_rate_slope(beats) == pytest.approx(10.0, rel=0.02)


def test_fill_values_of_a_rate_stream_are_dropped():
    times, rates = heart.clean_rate(np.arange(4.0), np.array([0.0, 72.0, 255.0, 71.0]))
    assert times.tolist() == [1.0, 3.0]
    assert rates.tolist() == [72.0, 71.0]


@given(st.lists(st.floats(-1e6, 1e6), max_size=80))
def test_whatever_comes_only_plausible_intervals_are_kept(intervals: list[float]):
    rr = np.array(intervals)
    beats = heart.clean(np.arange(len(rr), dtype=float), rr)
    assert ((beats.intervals >= heart.SHORTEST_S) & (beats.intervals <= heart.LONGEST_S)).all()
    assert len(beats.times) == len(beats.intervals) == len(beats.joined)
    assert not len(beats.joined) or not beats.joined[0]

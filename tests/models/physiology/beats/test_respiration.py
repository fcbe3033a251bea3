"""Breathing from the beats."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.physiology.beats import beats_of, respiration, respiration_per_min


def breathing(breaths_per_min: float, *, seconds: float = 60.0, noise_s: float = 0.008):
    rng = np.random.default_rng(0)
    intervals, t = [], 0.0
    while t < seconds:
        wave = 0.04 * math.sin(2 * math.pi * breaths_per_min / 60 * t)
        intervals.append(0.85 + wave + noise_s * rng.standard_normal())
        t += intervals[-1]
    return np.cumsum(intervals), np.array(intervals)


@pytest.mark.parametrize("breaths", [9.0, 12.0, 15.0, 20.0, 26.0])
def test_respiration_is_read_from_the_intervals(breaths: float):
    assert respiration_per_min(beats_of(*breathing(breaths))) == pytest.approx(breaths, abs=0.7)


@pytest.mark.parametrize("seconds", [45.0, 60.0, 240.0, 600.0])
def test_the_length_of_the_window_does_not_change_the_rate(seconds: float):
    assert respiration_per_min(beats_of(*breathing(15.0, seconds=seconds))) == pytest.approx(15.0, abs=0.3)


def test_without_a_clear_peak_there_is_no_respiration():
    rng = np.random.default_rng(4)
    rates = []
    for _ in range(50):
        intervals = 0.85 + 0.03 * rng.standard_normal(70)
        rates.append(respiration_per_min(beats_of(np.cumsum(intervals), intervals)))
    assert sum(math.isnan(rate) for rate in rates) >= 40


def test_the_quality_falls_with_the_noise():
    qualities = [respiration(beats_of(*breathing(15.0, noise_s=noise))).quality for noise in (0.0, 0.02, 0.05)]
    assert qualities[0] > 0.95
    assert (np.diff(qualities) < 0.0).all()


def test_the_mayer_wave_is_not_taken_for_a_breath():
    intervals, t = [], 0.0
    while t < 60.0:
        mayer = 0.04 * math.sin(2 * math.pi * 0.1 * t)
        intervals.append(0.85 + mayer + 0.03 * math.sin(2 * math.pi * 0.27 * t))
        t += intervals[-1]
    found = respiration_per_min(beats_of(np.cumsum(intervals), np.array(intervals)))
    assert math.isnan(found) or found == pytest.approx(16.2, abs=1.0)


def test_beats_that_are_stamped_in_pairs_breathe_alike():
    times, intervals = breathing(15.0)
    assert respiration_per_min(beats_of(np.ceil(times), intervals)) == pytest.approx(15.0, abs=0.5)


def test_too_few_beats_and_holes_give_nothing():
    times, intervals = breathing(15.0)
    keep = (times < 20.0) | (times > 25.0)
    for beats in (beats_of(times[:25], intervals[:25]), beats_of(times[keep], intervals[keep])):
        assert all(math.isnan(value) for value in respiration(beats))

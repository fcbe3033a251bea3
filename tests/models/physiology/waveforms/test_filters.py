"""Filters of a stream."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.physiology.waveforms.filters import Filter, above_mean, bump, curvature, gaussian, slope
from models.physiology.waveforms.offsets import crest_offset, zero_offset


def test_every_kernel_knows_what_it_is_blind_to():
    level, ramp = np.ones(201), np.arange(201.0)
    for kernel in (gaussian(3.0), bump(6.0)):
        assert Filter(kernel).push(level) == pytest.approx(1.0)
    for kernel in (slope(3.0), curvature(3.0), above_mean(1.0, 10.0)):
        assert Filter(kernel).push(level) == pytest.approx(0.0, abs=1e-12)
    for kernel in (curvature(3.0), above_mean(1.0, 10.0)):
        assert Filter(kernel).push(ramp)[30:] == pytest.approx(0.0, abs=1e-9)
    assert (Filter(slope(3.0)).push(ramp)[10:] > 0.0).all()


@given(st.lists(st.integers(0, 60), max_size=6), st.integers(0, 60))
def test_a_filter_gives_one_output_per_sample_however_they_come(cuts: list[int], length: int):
    samples = np.sin(np.arange(float(length)))
    whole, cut = Filter(gaussian(2.0)), Filter(gaussian(2.0))
    expected = np.concatenate((whole.push(samples), whole.finish()))
    parts = [cut.push(part) for part in np.split(samples, sorted(min(cut, length) for cut in cuts))]
    np.testing.assert_array_equal(np.concatenate((*parts, cut.finish())), expected)
    assert len(expected) == length


def test_turning_points_lie_between_the_samples():
    place = np.arange(9.0)
    assert crest_offset(-np.square(place - 4.3), 4) == pytest.approx(0.3)
    assert crest_offset(place, 0) == 0.0
    falling = -np.sinh(place - 4.3)
    assert zero_offset(falling, 4) == pytest.approx(0.3, abs=0.005)
    assert zero_offset(np.array([1.0, -1.0]), 0) == 0.5

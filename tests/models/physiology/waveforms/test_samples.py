"""Samples made even."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.physiology.waveforms.samples import EvenSamples, usual_rate_hz


def test_a_gap_ends_a_piece():
    times = np.array([0.0, 0.01, 0.02, 1.0, 1.01])
    pieces = EvenSamples(100.0, 100.0).add(times, times)
    assert [(piece.fresh, len(piece.times)) for piece in pieces] == [(True, 3), (True, 2)]


def test_a_hole_is_filled_by_a_straight_line():
    times = np.array([0.0, 0.01, 0.05, 0.06])
    (piece,) = EvenSamples(100.0, 100.0).add(times, 10.0 * times)
    assert piece.times == pytest.approx(np.arange(7) / 100)
    assert piece.values == pytest.approx(np.arange(7) / 10)


def test_a_hole_between_two_packets_is_filled_too():
    even = EvenSamples(100.0, 100.0)
    even.add(np.array([0.0, 0.01]), np.array([5.0, 6.0]))
    (piece,) = even.add(np.array([0.05, 0.06]), np.array([10.0, 11.0]))
    assert not piece.fresh
    assert piece.values == pytest.approx([2.0, 3.0, 4.0, 5.0, 6.0])


def test_a_fast_stream_is_thinned_by_means():
    times = np.arange(12) / 1000.0
    (piece,) = EvenSamples(1000.0, 250.0).add(times, np.arange(12.0))
    assert piece.values == pytest.approx([1.5, 5.5, 9.5])
    assert piece.times == pytest.approx([0.0015, 0.0055, 0.0095])


def test_what_is_late_repeated_or_no_number_is_left_out():
    times = np.array([0.0, 0.01, 0.01, 0.005, np.nan, 0.02])
    (piece,) = EvenSamples(100.0, 100.0).add(times, np.array([0.0, 1.0, 9.0, 9.0, 9.0, 2.0]))
    assert piece.values == pytest.approx([0.0, 1.0, 2.0])
    even = EvenSamples(100.0, 100.0)
    assert even.add(np.array([0.0]), np.array([np.inf])) == []
    assert even.add(np.empty(0), np.empty(0)) == []


@given(
    steps=st.lists(st.sampled_from([0.01, 0.0101, 0.0098, 0.03, 0.2, 0.4, 0.0]), min_size=1, max_size=60),
    cut=st.integers(0, 60),
)
def test_cutting_changes_nothing(steps: list[float], cut: int):
    times = np.cumsum(steps)
    values = np.sin(times)

    def even(*parts: slice) -> tuple[np.ndarray, np.ndarray]:
        made = EvenSamples(100.0, 50.0)
        pieces = [piece for part in parts for piece in made.add(times[part], values[part])]
        return np.concatenate([piece.times for piece in pieces]), np.concatenate([piece.values for piece in pieces])

    whole, halves = even(slice(None)), even(slice(cut), slice(cut, None))
    np.testing.assert_array_equal(whole[0], halves[0])
    np.testing.assert_array_equal(whole[1], halves[1])


def test_the_usual_rate_is_that_of_the_sender():
    times = np.delete(np.arange(0.0, 30.0, 1 / 64), np.r_[100:103, 500:900])
    assert usual_rate_hz(times) == 64.0
    assert usual_rate_hz(times + np.random.default_rng(1).uniform(0, 0.004, len(times))) == pytest.approx(
        64.0, rel=0.01
    )
    assert np.isnan(usual_rate_hz(np.array([1.0])))
    assert np.isnan(usual_rate_hz(np.array([1.0, 1.0])))

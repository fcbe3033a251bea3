import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from firmware_sim.demo.scoring import (
    Truth,
    best_distance,
    correlation,
    match_distance,
    percentiles,
    shuffled_distance,
)

# The listener moves from the origin at 0 s to (0.6, 0.8) at 10 s, a distance of 1.
TRUTH = Truth(np.array([0.0, 10.0]), np.array([[0.0, 0.0], [0.6, 0.8]]))
NOTHING = np.empty((0, 2))


def test_the_truth_is_linear_between_records_steady_shortly_after_and_unknown_elsewhere():
    np.testing.assert_allclose(TRUTH.at(5.0), [0.3, 0.4])
    assert TRUTH.at(-0.1) is None
    np.testing.assert_allclose(TRUTH.at(11.0), [0.6, 0.8])
    assert TRUTH.at(12.0) is None
    assert Truth(np.empty(0), np.empty((0, 2))).at(0.0) is None


def test_match_distance_is_the_mean_of_means():
    # At 0 s: distances 0.5 and 1.5, mean 1. At 10 s: distance 0 of a single track. Mean over queues: 0.5.
    queues = [(0.0, np.array([[0.3, 0.4], [0.9, 1.2]])), (10.0, np.array([[0.6, 0.8]]))]
    assert match_distance(queues, TRUTH) == pytest.approx(0.5)


def test_queues_without_truth_or_tracks_do_not_count():
    queues = [(-5.0, np.array([[1.0, 1.0]])), (0.0, NOTHING), (0.0, np.array([[0.0, 0.5]]))]
    assert match_distance(queues, TRUTH) == pytest.approx(0.5)
    assert match_distance(queues[:2], TRUTH) is None


def test_shuffled_distance_is_the_mean_distance_of_the_catalogue():
    catalogue = np.array([[0.0, 0.1], [0.0, 0.2], [0.0, 0.3], [0.0, 1.0]])
    queues = [(0.0, np.array([[1.0, 1.0], [1.0, 1.0]]))]
    assert shuffled_distance(queues, catalogue, TRUTH, draws=4000) == pytest.approx(0.4, abs=0.01)


def test_a_draw_of_everything_is_the_catalogue_itself():
    catalogue = np.array([[0.0, 0.1], [0.0, 0.3]])
    queues = [(0.0, np.array([[1.0, 1.0]] * 5))]
    assert shuffled_distance(queues, catalogue, TRUTH, draws=3) == pytest.approx(0.2)


def test_draws_are_seeded():
    catalogue = np.random.default_rng(1).uniform(-1, 1, (30, 2))
    queues = [(float(t), catalogue[:10]) for t in range(10)]
    one, other, third = (shuffled_distance(queues, catalogue, TRUTH, seed=seed, draws=2) for seed in (1, 1, 2))
    assert one == other != third


def test_best_distance_takes_the_nearest_tracks():
    catalogue = np.array([[0.0, 1.0], [0.0, 0.1], [0.0, 0.3], [0.0, 0.8]])
    assert best_distance([(0.0, np.array([[1.0, 1.0]] * 2))], catalogue, TRUTH) == pytest.approx(0.2)


@given(arrays(np.float64, st.tuples(st.integers(10, 40), st.just(2)), elements=st.floats(-1, 1)), st.integers(0, 99))
def test_no_queue_is_better_than_the_best_and_the_best_no_worse_than_chance(catalogue: np.ndarray, seed: int):
    chosen = np.random.default_rng(seed).permutation(catalogue)[:10]
    queues = [(3.0, chosen)]
    best = best_distance(queues, catalogue, TRUTH)
    assert best <= match_distance(queues, TRUTH) + 1e-12
    assert best <= shuffled_distance(queues, catalogue, TRUTH, draws=5) + 1e-12


def test_correlation_of_what_follows_is_one_and_of_what_mirrors_minus_one():
    following = [(t, 0.1 + 0.05 * t) for t in (0.0, 2.0, 5.0, 9.0)]
    assert correlation(following, TRUTH, 0) == pytest.approx(1)
    assert correlation([(t, -value) for t, value in following], TRUTH, 1) == pytest.approx(-1)


def test_correlation_is_unknown_without_change_or_enough_pairs():
    assert correlation([(0.0, 0.1), (5.0, 0.2)], TRUTH, 0) is None
    assert correlation([(0.0, 0.1), (5.0, 0.1), (9.0, 0.1)], TRUTH, 0) is None
    still = Truth(TRUTH.times, np.zeros((2, 2)))
    assert correlation([(0.0, 0.1), (5.0, 0.2), (9.0, 0.3)], still, 0) is None


def test_percentiles_of_known_values():
    assert percentiles([float(value) for value in range(101)]) == {"p50": 50.0, "p99": 99.0}
    assert percentiles([]) == {"p50": None, "p99": None}

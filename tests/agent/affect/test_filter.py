"""The rules of the state filter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.affect import filter as state_filter
from agent.affect.filter import Belief, Prior

PRIOR = Prior(np.array([0.17, 0.11]), np.diag([0.19, 0.17]))
T = 1.8e9

History = list[tuple[float, tuple[float, float], float]]

moments = st.floats(-100.0, 7200.0)
points = st.tuples(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0))
variances = st.floats(1e-3, 50.0)
observations = st.lists(st.tuples(moments, points, variances), max_size=40)


def after(history: History) -> Belief:
    belief = state_filter.start(PRIOR, T)
    for offset, point, variance in history:
        belief = state_filter.predict(belief, PRIOR, T + offset)
        belief = state_filter.observe(belief, np.array(point), np.eye(2) * variance)
    return belief


@given(observations)
def test_the_covariance_stays_positive_definite_and_within_the_priors(history: History):
    covariance = after(history).covariance
    np.testing.assert_array_equal(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance).min() > 0.0
    assert np.linalg.eigvalsh(PRIOR.covariance - covariance).min() > -1e-9


@given(observations)
def test_the_mean_stays_inside_the_plane(history: History):
    belief = after(history)
    assert (np.abs(belief.mean) <= 1.0 + 1e-12).all()
    later = state_filter.predict(belief, PRIOR, belief.t + 300.0)
    assert (np.abs(later.mean) <= 1.0 + 1e-12).all()


@given(observations)
def test_without_data_it_grows_unsure_and_relaxes_to_the_prior(history: History):
    belief = after(history)
    before = belief.covariance.diagonal()
    for minutes in (1, 5, 30, 120):
        later = state_filter.predict(belief, PRIOR, belief.t + 60.0 * minutes)
        assert (later.covariance.diagonal() >= before - 1e-9).all()
        before = later.covariance.diagonal()
    gone = state_filter.predict(belief, PRIOR, belief.t + 20 * 86400.0)
    np.testing.assert_allclose(gone.mean, PRIOR.mean, atol=1e-6)
    np.testing.assert_allclose(gone.covariance, PRIOR.covariance, atol=1e-6)


@given(observations, points)
def test_the_listeners_own_word_moves_it_most_of_the_way(history: History, point: tuple[float, float]):
    before = after(history)
    told = state_filter.listen(before, PRIOR, np.array(point), np.eye(2) * 0.12**2, passing=0.08)
    # Where the mood alone had left the plane's edge, clipping may take a little more off.
    assert np.linalg.norm(told.mean - point) <= 0.15 * np.linalg.norm(before.mean - point) + 1e-9


@given(observations, st.floats(-1e9, 0.0))
def test_time_that_stands_still_or_goes_back_changes_nothing(history: History, back: float):
    belief = after(history)
    assert state_filter.predict(belief, PRIOR, belief.t + back) is belief


def test_the_order_of_two_observations_at_one_moment_does_not_matter():
    points_ = [np.array([0.5, -0.5]), np.array([-0.2, 0.8])]
    one, other = (
        state_filter.observe(
            state_filter.observe(state_filter.start(PRIOR, T), first, np.eye(2)), second, np.eye(2) * 1.0
        )
        for first, second in (points_, points_[::-1])
    )
    np.testing.assert_allclose(one.mean, other.mean, atol=1e-12)
    np.testing.assert_allclose(one.covariance, other.covariance, atol=1e-12)


def test_one_long_wait_is_as_good_as_many_short_ones():
    belief = after([(0.0, (0.8, -0.8), 0.05)])
    once = state_filter.predict(belief, PRIOR, T + 600.0)
    often = belief
    for second in range(1, 601):
        often = state_filter.predict(often, PRIOR, T + second)
    np.testing.assert_allclose(often.mean, once.mean, atol=1e-9)
    np.testing.assert_allclose(often.covariance, once.covariance, atol=1e-9)


def test_ten_minutes_of_evidence_outlast_one():
    def left_after(seconds: int) -> float:
        belief = state_filter.start(PRIOR, T)
        for second in range(seconds):
            belief = state_filter.predict(belief, PRIOR, T + second)
            belief = state_filter.observe(belief, np.array([0.17, 0.9]), np.eye(2) * 3.0)
        reached = belief.mean[1] - PRIOR.mean[1]
        kept = state_filter.predict(belief, PRIOR, belief.t + 300.0).mean[1] - PRIOR.mean[1]
        return float(kept / reached)

    assert left_after(600) > left_after(60)


def test_the_prior_is_what_is_believed_at_first():
    belief = state_filter.start(PRIOR, T)
    assert belief.mean == pytest.approx(PRIOR.mean)
    assert belief.covariance == pytest.approx(PRIOR.covariance)


@given(observations, points, st.floats(1e-2, 1.0), st.floats(0.0, 0.99))
def test_a_pool_lies_between_the_two_and_is_never_surer_than_the_surer(
    history: History, point: tuple[float, float], variance: float, share: float
):
    belief = after(history)
    mean, covariance = state_filter.pool(belief, np.array(point), np.eye(2) * variance, share)
    surest = min(variance, float(np.linalg.eigvalsh(belief.covariance).min()))
    assert np.linalg.eigvalsh(covariance).min() >= surest * (1.0 - 1e-9)
    between = np.stack((belief.mean, np.array(point)))
    assert (mean >= between.min(axis=0) - 1e-9).all()
    assert (mean <= between.max(axis=0) + 1e-9).all()


def test_the_surer_an_estimate_is_the_more_it_counts_in_a_pool():
    belief, point = state_filter.start(PRIOR, T), np.array([-0.4, 0.6])
    away = [
        float(np.linalg.norm(state_filter.pool(belief, point, np.eye(2) * variance, 0.3)[0] - point))
        for variance in (0.5, 0.2, 0.05, 0.01)
    ]
    assert away == sorted(away, reverse=True)
    assert away[-1] < 0.15 * np.linalg.norm(point - PRIOR.mean)
    np.testing.assert_allclose(state_filter.pool(belief, point, np.eye(2), 0.0)[0], PRIOR.mean)


def test_a_word_on_ones_mood_outlasts_the_track_and_a_word_on_the_music_does_not():
    point, error = np.array([-0.6, -0.5]), np.eye(2) * 0.12**2
    left = {}
    for of, passing in state_filter.PASSING.items():
        told = state_filter.listen(state_filter.start(PRIOR, T), PRIOR, point, error, passing=passing)
        assert np.linalg.norm(told.mean - point) < 0.15
        after_track = state_filter.renew(state_filter.predict(told, PRIOR, T + 180.0), PRIOR)
        left[of] = np.linalg.norm(after_track.mean - PRIOR.mean) / np.linalg.norm(point - PRIOR.mean)
    assert left["mood"] > 0.5
    assert left["music"] < 0.25


@given(observations, points, st.sampled_from(list(state_filter.PASSING.values())))
def test_after_a_word_the_covariance_grows_back_and_never_beyond_the_priors(
    history: History, point: tuple[float, float], passing: float
):
    told = state_filter.listen(after(history), PRIOR, np.array(point), np.eye(2) * 0.12**2, passing=passing)
    before = np.zeros(2)
    for seconds in (0.0, 5.0, 30.0, 120.0, 600.0, 7200.0):
        later = state_filter.predict(told, PRIOR, told.t + seconds)
        assert np.linalg.eigvalsh(later.spread).min() > 0.0
        assert np.linalg.eigvalsh(PRIOR.covariance - later.covariance).min() > -1e-9
        assert (later.covariance.diagonal() >= before - 1e-9).all()
        before = later.covariance.diagonal()


@given(observations)
def test_another_track_leaves_the_mood_as_it_was(history: History):
    before = after(history)
    renewed = state_filter.renew(before, PRIOR)
    np.testing.assert_allclose(renewed.mean, before.parts[:2] + before.parts[4:], atol=1e-12)
    assert np.linalg.eigvalsh(renewed.spread).min() > 0.0
    assert np.linalg.eigvalsh(PRIOR.covariance - renewed.covariance).min() > -1e-9

"""The Gaussian process finds out which features count, and the prior draws them to one length."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from threadpoolctl import threadpool_limits

from cloud_trainer.tables.learners import LEARNERS, searched
from cloud_trainer.tables.relevance import RELEVANCE, RelevanceProcess

Floats = npt.NDArray[np.float64]
ROWS, FEATURES = 160, 12
BENT, STRAIGHT = 3, 7
"""The features that count: one by a bent effect, one by a straight one."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As tables are computed: two threads of linear algebra wait for each other on rows as few as these."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def learnt() -> tuple[Floats, Floats]:
    random = np.random.default_rng(1)
    features = random.normal(size=(ROWS, FEATURES))
    truth = np.sin(2 * features[:, BENT]) + 0.5 * features[:, STRAIGHT] + 0.1 * random.normal(size=ROWS)
    return features, truth


def test_the_features_that_count_get_short_lengths_and_heavy_weights(learnt: tuple[Floats, Floats]):
    process = RelevanceProcess(alike=0.3).fit(*learnt)
    inverse_lengths, weights = process.logarithms_[:-2].reshape(2, FEATURES)
    assert inverse_lengths.argmax() == BENT
    assert weights.argmax() == STRAIGHT


def test_what_counts_is_told_from_what_does_not_better_than_by_one_length_for_all(learnt: tuple[Floats, Floats]):
    features, truth = learnt
    half, groups = ROWS // 2, np.arange(ROWS // 2)
    errors = {}
    for name, learner in {"process": RELEVANCE, "kernel": LEARNERS["kernel"]}.items():
        found = searched(learner, features[:half], truth[:half], groups, seed=1)
        errors[name] = np.mean((np.asarray(found.model.predict(features[half:])) - truth[half:]) ** 2)
    assert errors["process"] < 0.5 * errors["kernel"]


def test_a_narrow_prior_gives_all_features_one_length(learnt: tuple[Floats, Floats]):
    spreads = [RelevanceProcess(alike).fit(*learnt).logarithms_[:FEATURES].std() for alike in (0.3, 3.0, 1e6)]
    assert spreads[0] > spreads[1] > spreads[2]
    assert spreads[2] < 1e-2


@pytest.mark.parametrize("alike", [0.0, 2.0])
def test_the_gradient_is_that_of_the_loss(learnt: tuple[Floats, Floats], alike: float):
    process, random = RelevanceProcess(alike), np.random.default_rng(2)
    process.rows_ = learnt[0][:30]
    place = random.normal(-1.0, 0.3, 2 * FEATURES + 2)
    target = learnt[1][:30]
    numeric = approx_fprime(place, lambda values: process._loss(values, target)[0], 1e-6)
    np.testing.assert_allclose(process._loss(place, target)[1], numeric, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("far", [-800.0, 15.0, 800.0])
def test_a_step_that_goes_much_too_far_has_a_finite_loss(learnt: tuple[Floats, Floats], far: float):
    process = RelevanceProcess()
    process.rows_ = learnt[0]
    for parameter in (0, FEATURES, 2 * FEATURES, 2 * FEATURES + 1):
        place = np.full(2 * FEATURES + 2, -1.0)
        place[parameter] = far
        loss, gradient = process._loss(place, learnt[1])
        assert np.isfinite(loss)
        assert np.isfinite(gradient).all()


@given(st.integers(3, 12), st.integers(1, 6), st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_a_handful_of_rows_of_any_scale_is_answered_near_what_was_seen(rows: int, columns: int, seed: int):
    random = np.random.default_rng(seed)
    features = random.normal(size=(rows, columns)) * 10.0 ** random.integers(-6, 7, columns)
    truth = features[:, 0] if seed % 2 else random.normal(size=rows)
    answers = RelevanceProcess().fit(features, truth).predict(features)
    assert np.isfinite(answers).all()
    reach = np.ptp(truth)
    assert (answers >= truth.min() - reach).all()
    assert (answers <= truth.max() + reach).all()


def test_unknown_features_columns_without_change_and_a_constant_truth_are_borne(learnt: tuple[Floats, Floats]):
    features = learnt[0].copy()
    features[:, 0], features[::3, 1], features[:, 2] = 4.0, np.nan, np.nan
    model = RELEVANCE.make(1, alike=1.0).fit(features, np.full(ROWS, 0.25))
    np.testing.assert_allclose(model.predict(features), 0.25)


def test_a_row_beyond_all_others_is_answered_like_the_last_of_them(learnt: tuple[Floats, Floats]):
    process = RelevanceProcess().fit(*learnt)
    far = np.zeros((2, FEATURES))
    far[:, STRAIGHT] = 50.0, 5000.0
    first, second = process.predict(far)
    assert first == second

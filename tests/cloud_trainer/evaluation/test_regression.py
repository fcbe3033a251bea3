"""Figures of point predictions against values computed by hand and by scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mean_squared_error, r2_score

from cloud_trainer.evaluation.regression import concordance, r_squared, rmse

RNG = np.random.default_rng(7)
TRUTH = RNG.normal(size=(200, 2))
PREDICTED = TRUTH * 0.6 + RNG.normal(size=(200, 2)) * 0.5


def test_r_squared_and_rmse_equal_scikit_learn_per_column():
    assert r_squared(TRUTH, PREDICTED) == pytest.approx(r2_score(TRUTH, PREDICTED, multioutput="raw_values"))
    expected = np.sqrt(mean_squared_error(TRUTH, PREDICTED, multioutput="raw_values"))
    assert rmse(TRUTH, PREDICTED) == pytest.approx(expected)


def test_predicting_the_mean_explains_nothing():
    assert r_squared(TRUTH[:, 0], np.full(200, TRUTH[:, 0].mean())) == pytest.approx(0)


def test_a_constant_truth_explains_nothing_instead_of_dividing_by_zero():
    assert r_squared([1.0, 1.0], [1.0, 2.0]) == 0


def test_concordance_by_hand():
    # means 2 and 3, variances 2/3 and 2/3, covariance 2/3: 2·(2/3) / (4/3 + 1) = 4/7
    assert concordance([1.0, 2.0, 3.0], [2.0, 3.0, 4.0]) == pytest.approx(4 / 7)
    assert concordance([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]) == pytest.approx(1)
    assert concordance([1.0, 1.0], [1.0, 1.0]) == 0


@pytest.mark.parametrize(("truth", "predicted"), [([], []), ([1.0], [1.0, 2.0]), (1.0, 1.0)])
def test_shapes_that_do_not_pair_are_refused(truth: list[float], predicted: list[float]):
    with pytest.raises(ValueError, match="one shape"):
        rmse(truth, predicted)

"""Figures of predicted distributions against values computed by hand, by integration and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from cloud_trainer.evaluation.uncertainty import coverage, ellipse_coverage, gaussian_crps, gaussian_nll


def test_nll_by_hand():
    # ½ ln 2π and ½ ln(2π·4) + 4/8
    expected = (0.5 * math.log(2 * math.pi) + 0.5 * math.log(8 * math.pi) + 0.5) / 2
    assert gaussian_nll([0.0, 2.0], [0.0, 0.0], [1.0, 4.0]) == pytest.approx(expected)


@pytest.mark.parametrize(("truth", "mean", "sigma"), [(0.3, 0.0, 0.5), (-1.0, 0.2, 0.1), (0.0, 0.0, 2.0)])
def test_crps_equals_its_integral(truth: float, mean: float, sigma: float):
    below, _ = quad(lambda x: norm.cdf(x, mean, sigma) ** 2, -30, truth, points=[mean], limit=200)
    above, _ = quad(lambda x: (1 - norm.cdf(x, mean, sigma)) ** 2, truth, 30, points=[mean], limit=200)
    assert gaussian_crps([truth], [mean], [sigma**2]) == pytest.approx(below + above, rel=1e-5)


def test_crps_of_a_sure_prediction_is_the_absolute_error():
    assert gaussian_crps([0.7], [0.2], [1e-12]) == pytest.approx(0.5, abs=1e-5)


def test_honest_variances_cover_what_they_promise():
    generator = np.random.default_rng(3)
    variance = generator.uniform(0.01, 0.5, (20_000, 2))
    truth = generator.normal(size=(20_000, 2)) * np.sqrt(variance)
    zero = np.zeros_like(truth)
    assert coverage(truth, zero, variance) == pytest.approx([0.9, 0.9], abs=0.01)
    assert ellipse_coverage(truth, zero, variance) == pytest.approx(0.9, abs=0.01)
    assert np.all(coverage(truth, zero, variance / 4) < 0.7)


def test_a_variance_of_zero_is_refused():
    with pytest.raises(ValueError, match="above 0"):
        gaussian_nll([0.0], [0.0], [0.0])


def test_an_ellipse_of_one_column_is_refused():
    with pytest.raises(ValueError, match="several columns"):
        ellipse_coverage([0.0], [0.0], [1.0])

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cloud_trainer.music_emotion.metrics import concordance, quadrant_accuracy, r_squared, sign_accuracy

VALUES = arrays(np.float32, 30, elements=st.floats(-1, 1, width=32))


@given(VALUES)
def test_the_truth_itself_is_perfect_unless_it_does_not_vary(truth: np.ndarray):
    expected = 1.0 if truth.std() > 1e-4 else pytest.approx(0.5, abs=0.5)
    assert r_squared(truth, truth) == pytest.approx(expected, abs=1e-4)
    assert concordance(truth, truth) == pytest.approx(expected, abs=1e-4)


def test_the_mean_scores_nothing():
    truth = np.linspace(-1, 1, 11, dtype=np.float32)
    assert r_squared(truth, np.zeros(11, np.float32)) == pytest.approx(0.0)
    assert concordance(truth, np.zeros(11, np.float32)) == pytest.approx(0.0)


def test_concordance_punishes_a_shift_that_correlation_forgives():
    truth = np.linspace(-1, 1, 11, dtype=np.float32)
    assert concordance(truth, truth + 0.5) < 0.9


def test_a_quadrant_counts_when_both_signs_agree():
    truth = np.float32([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    predicted = np.float32([[0.1, 0.2], [0.1, 0.2], [0.3, 0.2], [-1, -0.1]])
    assert quadrant_accuracy(truth, predicted) == 0.5
    assert sign_accuracy(truth[:, 1], predicted[:, 1]) == 0.75

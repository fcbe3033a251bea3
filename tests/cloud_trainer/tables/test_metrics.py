from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from cloud_trainer.evaluation.regression import r_squared, rmse
from cloud_trainer.tables.metrics import METRICS


def of(name: str, truth: np.ndarray, answer: np.ndarray) -> float:
    metric = METRICS[name]
    return float(metric.finish(metric.statistics(truth, answer).sum(axis=0)))


def test_figures_of_numbers_are_those_of_the_evaluation_package():
    random = np.random.default_rng(1)
    truth, answer = random.normal(size=50), random.normal(size=50)
    assert of("r2", truth, answer) == pytest.approx(float(r_squared(truth, answer)))
    assert of("rmse", truth, answer) == pytest.approx(float(rmse(truth, answer)))


def test_a_correlation_is_that_of_numpy_and_zero_for_a_constant_answer():
    random = np.random.default_rng(2)
    truth = random.normal(size=50)
    answer = truth + random.normal(size=50)
    assert of("correlation", truth, answer) == pytest.approx(np.corrcoef(truth, answer)[0, 1])
    assert of("correlation", truth, np.full(50, 0.1)) == 0.0
    assert np.isnan(METRICS["correlation"].finish(np.zeros(6)))


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_figures_of_classes_are_those_of_scikit_learn(classes: int):
    random = np.random.default_rng(classes)
    truth, answer = random.integers(0, classes, (2, 80)).astype(float)
    assert of(f"accuracy_{classes}", truth, answer) == pytest.approx(accuracy_score(truth, answer))
    assert of(f"macro_f1_{classes}", truth, answer) == pytest.approx(f1_score(truth, answer, average="macro"))
    assert of(f"balanced_accuracy_{classes}", truth, answer) == pytest.approx(balanced_accuracy_score(truth, answer))


def test_a_class_that_is_neither_there_nor_answered_does_not_count():
    truth = np.array([0.0, 1.0, 1.0])
    assert of("macro_f1_3", truth, truth) == 1.0
    assert of("balanced_accuracy_3", truth, truth) == 1.0


def test_sums_that_say_nothing_give_no_figure():
    assert np.isnan(METRICS["rmse"].finish(np.zeros(4)))
    assert np.isnan(METRICS["accuracy_2"].finish(np.zeros(4)))

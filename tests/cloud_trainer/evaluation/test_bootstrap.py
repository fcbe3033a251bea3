"""Intervals: they hold the figure, grow with dependence inside a group, and repeat with their seed."""

from __future__ import annotations

import numpy as np
import pytest

from cloud_trainer.evaluation.bootstrap import bootstrap, mean_interval


def test_the_interval_of_a_mean_has_the_width_that_theory_gives():
    values = np.random.default_rng(0).normal(size=400)
    interval = mean_interval(values, seed=1, draws=4000)
    assert interval.value == pytest.approx(values.mean())
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)


def test_rows_of_one_person_widen_the_interval():
    person = np.repeat(np.arange(20), 50)
    values = np.random.default_rng(0).normal(size=20)[person]

    def statistic(rows: np.ndarray):
        return float(values[rows].mean())

    by_person = bootstrap(person, statistic, seed=1, draws=300)
    by_row = bootstrap(np.arange(1000), statistic, seed=1, draws=300)
    assert by_person.high - by_person.low > 4 * (by_row.high - by_row.low)
    assert by_person.low < by_person.value < by_person.high


def test_the_same_seed_gives_the_same_interval():
    values = np.arange(10.0)
    assert mean_interval(values, seed=3) == mean_interval(values, seed=3)

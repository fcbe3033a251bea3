from __future__ import annotations

import numpy as np
import pytest

from cloud_trainer.tables.frame import Column, Fold, Problem
from cloud_trainer.tables.scoring import Answered, figures_of, gather, interval_of_difference

COLUMN = Column(name="error", metric="rmse", output=0)


def problem(people: int = 12, rows: int = 6, repeats: int = 1) -> Problem[None]:
    random = np.random.default_rng(3)
    count = people * rows
    every = np.arange(count)
    return Problem(
        truth=random.normal(size=(count, 1)),
        group=np.repeat(np.arange(people), rows),
        data=None,
        folds=[Fold(name=f"r{n}", train=every, test=every, seed=n, repeat=n) for n in range(repeats)],
    )


def off_by(posed: Problem[None], error: np.ndarray | float) -> Answered:
    return gather(posed.folds, [posed.truth[fold.test] + np.reshape(error, (-1, 1)) for fold in posed.folds])


def test_an_error_that_all_rows_share_has_no_interval():
    posed = problem()
    found = figures_of(posed, {"a": off_by(posed, 0.5)}, [COLUMN], seed=1)["a"]["error"]
    assert found.value == pytest.approx(0.5)
    assert np.ptp(found.drawn) < 1e-9


def test_differences_are_paired_so_that_a_constant_gain_is_sure_though_people_differ():
    posed = problem()
    hard = np.repeat(np.linspace(0.1, 3, 12), 6)
    scores = figures_of(posed, {"a": off_by(posed, hard), "b": off_by(posed, hard + 0.1)}, [COLUMN], seed=1)
    assert np.ptp(scores["a"]["error"].drawn) > 0.5
    difference = interval_of_difference(scores["b"]["error"], scores["a"]["error"])
    assert difference.low is not None
    assert difference.low > 0.05


def test_the_worst_person_is_named():
    posed = problem()
    errors = np.where(posed.group == 7, 2.0, 0.1)
    worst = figures_of(posed, {"a": off_by(posed, errors)}, [COLUMN], seed=1)["a"]["error"].worst
    assert worst is not None
    assert (worst.who, worst.value) == ("7", pytest.approx(2.0))


def test_repeats_do_not_count_as_more_people():
    once, often = problem(), problem(repeats=10)
    errors = np.repeat(np.linspace(0.1, 3, 12), 6)
    spreads = [
        np.std(figures_of(posed, {"a": off_by(posed, errors)}, [COLUMN], seed=1)["a"]["error"].drawn)
        for posed in (once, often)
    ]
    assert spreads[0] == pytest.approx(spreads[1])


def test_rows_without_truth_are_not_scored():
    posed = problem()
    posed.truth[:6] = np.nan
    values = np.where(np.isnan(posed.truth), 99.0, posed.truth + 0.5)
    found = figures_of(posed, {"a": gather(posed.folds, [values])}, [COLUMN], seed=1)["a"]["error"]
    assert found.value == pytest.approx(0.5)


def test_an_answer_that_is_no_number_is_refused():
    posed = problem()
    with pytest.raises(ValueError, match="not finite"):
        off_by(posed, np.nan)

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cloud_trainer.tables.registry import TABLES

SLOW = {"hku956-induced", "user-emotion", "user-emotion-wearables"}
"""Their signals take a minute to read; tests of their own read a few."""
QUICK = [name for name in TABLES if name not in SLOW]


def test_every_table_names_rows_that_it_has():
    for table in TABLES.values():
        names = [row.name for row in table.rows]
        assert len(set(names)) == len(names)
        assert {table.reference, table.ours} <= set(names)
        assert {name for claim in table.claims for name in (claim.row, claim.against)} <= set(names)
        assert {name for claim in table.claims for name in claim.columns} <= {column.name for column in table.columns}


@pytest.mark.parametrize("name", QUICK)
def test_no_test_row_is_trained_on(name: str, shared_data: Path):
    problem = TABLES[name].load(shared_data, None, 1)
    for fold in problem.folds:
        assert not set(fold.train) & set(fold.test)


@pytest.mark.parametrize("name", ["situnes-before", "situnes-after", "wesad-stress"])
def test_no_person_is_in_training_and_test(name: str, shared_data: Path):
    problem = TABLES[name].load(shared_data, None, 1)
    assert len(problem.folds) == len(np.unique(problem.group))
    for fold in problem.folds:
        assert not set(problem.group[fold.train]) & set(problem.group[fold.test])


def test_the_split_of_mood_changes_is_that_of_its_authors(shared_data: Path):
    problem = TABLES["situnes-change"].load(shared_data, None, 1)
    assert [fold.repeat for fold in problem.folds] == list(range(10))
    for fold in problem.folds:
        held = problem.data.validation[fold.name]
        assert len(fold.train) + len(held) + len(fold.test) == 897
        assert not set(held) & set(fold.test)
        assert len(fold.test) / 897 == pytest.approx(0.2, abs=0.04)


def test_windows_of_the_personal_baseline_are_not_scored(shared_data: Path):
    problem = TABLES["wesad-stress"].load(shared_data, None, 1)
    assert len(problem.truth) == 706 - 12 * 10
    assert np.isfinite(problem.data.own).all()


# The lexicon is learned from sentences, which no exam replaces; its titles are never learned from. What is asked across
# sets is of another set than what is learned from.
@pytest.mark.parametrize("name", [name for name in QUICK if name not in {"words", "music-cross"}])
def test_an_exam_of_the_same_rows_leaves_nothing_of_them_to_train_on(name: str, shared_data: Path):
    problem = TABLES[name].load(shared_data, shared_data, 1)
    assert [fold.name for fold in problem.folds] == ["exam"]
    assert len(problem.folds[0].train) == 0
    assert len(problem.folds[0].test) > 0

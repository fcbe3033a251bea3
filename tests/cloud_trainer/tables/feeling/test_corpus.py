"""Rows of the user-emotion tables: every row is the example that is said to be it, nobody stands on two sides."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from cloud_trainer.tables.feeling.arms import Data
from cloud_trainer.tables.feeling.corpus import AFTER, BEFORE, INDUCED, STRESS
from cloud_trainer.tables.feeling.table import load
from cloud_trainer.tables.frame import Problem

PLACES = {INDUCED: 0, BEFORE: 2, AFTER: 4}


def test_every_row_is_the_example_that_it_is_said_to_be(problem: Problem[Data]):
    corpus, rows = problem.data.corpus, problem.data.of_fold(problem.folds[0]).rows
    assert (rows.kind == corpus.kind).all()
    assert (rows.person == corpus.person).all()
    for kind, place in PLACES.items():
        own = corpus.kind == kind
        assert rows.label[own] == pytest.approx(problem.truth[own, place : place + 2])


def test_a_row_is_scored_in_the_columns_of_its_set_alone(problem: Problem[Data]):
    scored = np.isfinite(problem.truth)
    for kind, place in {**PLACES, STRESS: 6}.items():
        own = problem.data.corpus.kind == kind
        assert scored[own, place].all()
        assert not scored[~own, place].any()


def test_nobody_stands_on_two_sides(problem: Problem[Data]):
    tested: list[str] = []
    for fold in problem.folds:
        sides = problem.data.of_fold(fold)
        held = set(problem.group[fold.test])
        people = [
            set(sides.train.person) | {one.person for one in sides.train_subjects},
            set(sides.validation.person) | {one.person for one in sides.validation_subjects},
        ]
        assert not held & people[0]
        assert not held & people[1]
        assert not people[0] & people[1]
        tested += sorted(held)
    assert sorted(tested) == sorted(set(problem.group))


def test_every_fold_tests_people_of_every_set(problem: Problem[Data]):
    for fold in problem.folds:
        assert set(problem.data.corpus.kind[fold.test]) == {INDUCED, BEFORE, AFTER, STRESS}


def test_what_was_said_last_is_known_and_nothing_later(problem: Problem[Data]):
    corpus = problem.data.corpus
    for kind, place in PLACES.items():
        own = np.flatnonzero((corpus.kind == kind) & (corpus.person == corpus.person[corpus.kind == kind][0]))
        if kind == INDUCED:
            assert np.isnan(corpus.last[own[0]]).all()
            assert corpus.last[own[1:]] == pytest.approx(problem.truth[own[:-1], place : place + 2])
        if kind == AFTER:
            before = own - (corpus.kind == BEFORE).sum()
            assert corpus.last[own] == pytest.approx(problem.truth[before, 2:4])


def test_what_is_examined_is_not_trained_on(feeling_data: Path, listener_sets: ModuleType, tmp_path: Path):
    exam = tmp_path / "exam"
    shutil.copytree(feeling_data, exam)
    # The exam asks later listenings of people who are known.
    (exam / "situnes" / "stage1_interactions.csv").unlink()
    for ending in ("interactions.csv", "wrist.npz", "env.json"):
        (exam / "situnes" / f"stage2_{ending}").rename(exam / "situnes" / f"stage3_{ending}")
    path = exam / "situnes" / "stage3_interactions.csv"
    path.write_text(path.read_text("utf-8").replace(",1626", ",1726"), "utf-8")
    for file in ("ratings.csv",):
        renamed = (exam / "hku956" / file).read_text("utf-8").replace("hku", "new")
        (exam / "hku956" / file).write_text(renamed, "utf-8")
    for signals in list((exam / "hku956" / "signals").iterdir()):
        signals.rename(signals.with_name(signals.name.replace("hku", "new")))
    listener_sets.sum_up(exam)
    problem = load(feeling_data, exam, 1)
    (fold,) = problem.folds
    assert fold.name == "exam"
    sides = problem.data.of_fold(fold)
    trained = np.concatenate([sides.train.person, sides.validation.person])
    assert {name for name in trained if name.startswith(("hku", "new"))} <= {f"hku{number}" for number in range(8)}
    known = (sides.train.kind == BEFORE).sum() + (sides.validation.kind == BEFORE).sum()
    assert known == ((problem.data.corpus.kind == BEFORE) & ~problem.data.corpus.examined).sum()
    assert {*problem.group[fold.test]} >= {"new0", "situnes-1", "wesad-2"}

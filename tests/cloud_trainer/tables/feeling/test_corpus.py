"""Rows of the user-emotion tables: every row is the example that is said to be it, nobody stands on two sides."""

from __future__ import annotations

import numpy as np
import pytest

from cloud_trainer.tables.feeling.arms import Data
from cloud_trainer.tables.feeling.corpus import AFTER, BEFORE, INDUCED, STRESS
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


def test_what_is_examined_is_not_trained_on(exam_problem: Problem[Data]):
    (fold,) = exam_problem.folds
    assert fold.name == "exam"
    corpus, sides = exam_problem.data.corpus, exam_problem.data.of_fold(fold)
    trained = np.concatenate([sides.train.person, sides.validation.person])
    assert {name for name in trained if name.startswith(("hku", "new"))} <= {f"hku{number}" for number in range(8)}
    known = (sides.train.kind == BEFORE).sum() + (sides.validation.kind == BEFORE).sum()
    assert known == ((corpus.kind == BEFORE) & ~corpus.examined).sum() > 0
    assert {*exam_problem.group[fold.test]} >= {"new0", "situnes-1", "wesad-90"}


def test_what_a_known_person_said_earlier_is_known_in_the_exam(exam_problem: Problem[Data]):
    corpus = exam_problem.data.corpus
    own = (corpus.kind == BEFORE) & (corpus.person == "situnes-1")
    first = np.flatnonzero(own & corpus.examined)[0]
    last = np.flatnonzero(own & ~corpus.examined)[-1]
    after = last + (corpus.kind == BEFORE).sum()
    assert corpus.last[first] == pytest.approx(exam_problem.truth[after, 4:6])

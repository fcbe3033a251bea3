"""Questionnaires: what is read, what is refused, and that nobody's own answer tells of them."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from cloud_trainer.tables.feeling.profile import LISTENER_PROFILE
from cloud_trainer.tables.feeling.questionnaires import SETS, read_answers
from models.errors import DataError


def test_whoever_answered_alike_is_one_listener(feeling_data: Path):
    answers = read_answers(feeling_data, "vgmidi")
    assert len(answers.felt) == 120
    # Ages, genders and musicianship of thirty people in turn: as many as 2 x 3 x 5.
    assert len(np.unique(answers.listener)) == 30
    assert np.isnan(answers.numbers["age"][4]).all()
    assert answers.numbers["age"][0] == 23


def test_who_was_not_asked_is_unknown(feeling_data: Path):
    answers = read_answers(feeling_data, "hku956")
    unasked = answers.listener == "hku7"
    assert unasked.any()
    assert np.isnan(answers.numbers["personality"][unasked]).all()


@pytest.mark.parametrize(
    "line",
    ["{", '{"midi": "a"}', '{"valence": [2], "arousal": [0], "age": "", "gender": "", "musicianship": 1, "midi": ""}'],
)
def test_a_damaged_annotation_is_named_with_its_row(line: str, tmp_path: Path):
    (tmp_path / "vgmidi").mkdir()
    (tmp_path / "vgmidi" / "annotations.jsonl.gz").write_bytes(gzip.compress(line.encode()))
    with pytest.raises(DataError, match="row 1 of"):
        read_answers(tmp_path, "vgmidi")


def test_what_is_no_gzip_text_is_refused(tmp_path: Path):
    (tmp_path / "vgmidi").mkdir()
    (tmp_path / "vgmidi" / "annotations.jsonl.gz").write_bytes(b"plain")
    with pytest.raises(DataError, match="no gzip text"):
        read_answers(tmp_path, "vgmidi")


def test_nobody_is_told_by_their_own_answer(feeling_data: Path):
    problem = LISTENER_PROFILE.load(feeling_data, None, 1)
    fold = problem.folds[0]
    others = next(row for row in LISTENER_PROFILE.rows if row.name == "others")
    known = others.answer(problem, fold).values
    problem.truth[fold.test] = 9.0
    for answers, rows in zip(problem.data.answers, problem.data.rows, strict=True):
        answers.felt[np.isin(rows, fold.test)] = 9.0
    assert others.answer(problem, fold).values == pytest.approx(known)


def test_no_listener_is_in_training_and_test(feeling_data: Path):
    problem = LISTENER_PROFILE.load(feeling_data, None, 1)
    tested = np.concatenate([fold.test for fold in problem.folds])
    assert sorted(tested) == list(range(len(problem.truth)))
    for fold in problem.folds:
        assert not set(problem.group[fold.train]) & set(problem.group[fold.test])


def test_the_largest_row_answers_for_every_set(feeling_data: Path):
    problem = LISTENER_PROFILE.load(feeling_data, None, 1)
    fold = problem.folds[0]
    for row in LISTENER_PROFILE.rows[-1:]:
        values = row.answer(problem, fold).values
        assert values.shape == (len(fold.test), 2 * len(SETS))
        assert np.isfinite(values).all()

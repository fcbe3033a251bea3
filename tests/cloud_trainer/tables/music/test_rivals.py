from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cloud_trainer.data.pieces import Piece
from cloud_trainer.tables.frame import Fold, Problem
from cloud_trainer.tables.music.emopia import EMOPIA
from cloud_trainer.tables.music.emotify import EMOTIFY
from cloud_trainer.tables.music.pieces import Music, folded, read
from cloud_trainer.tables.music.rivals import committee, forest_on_notes, learned, lent, mean
from cloud_trainer.tables.music.vgmidi import VGMIDI


def pieces(count: int, dataset: str = "vgmidi") -> tuple[Piece, ...]:
    return tuple(
        Piece(
            dataset=dataset,
            name=str(number),
            group=str(number // 2),
            split="train",
            valence=0.0,
            arousal=0.0,
            label="value",
            file=Path("none"),
        )
        for number in range(count)
    )


def music(count: int, seed: int) -> Music:
    random = np.random.default_rng(seed)
    sound, tones = random.normal(size=(2, count, 3))
    felt = np.clip(np.stack([0.3 * sound[:, 0], 0.3 * tones[:, 1]], axis=1), -1, 1)
    notes = np.concatenate([sound, tones], axis=1)
    return Music(pieces(count), felt, np.zeros(count, bool), kinds={"sound": sound, "tones": tones, "notes": notes})


@pytest.fixture
def problem() -> Problem[Music]:
    own = replace(music(80, 1), others=(music(60, 2),))
    return folded(own, own.felt, folds=4, seed=1)


def fit(problem: Problem[Music], values: np.ndarray) -> float:
    truth = problem.data.felt[problem.folds[0].test]
    return 1 - float(((truth - values) ** 2).sum() / ((truth - truth.mean(axis=0)) ** 2).sum())


def test_rivals_learn_what_features_tell(problem: Problem[Music]):
    fold = problem.folds[0]
    for voice in (learned("ridge", ("sound", "tones")), learned("kernel", ("sound", "tones")), forest_on_notes):
        assert fit(problem, voice(problem, fold)[0]) > 0.5


def test_what_other_sets_teach_is_lent(problem: Problem[Music]):
    for voice in (lent("kernel", ("sound", "tones"), ("tones",)), lent("process", ("sound", "tones"))):
        values, chosen = voice(problem, problem.folds[0])
        assert fit(problem, values) > 0.5
        assert set(chosen) == {"valence", "arousal"}


def test_no_rival_looks_at_the_truth_of_test_rows(problem: Problem[Music]):
    fold = problem.folds[0]
    blind = problem.data.felt.copy()
    blind[fold.test] = np.nan
    hidden = replace(problem, data=replace(problem.data, felt=blind, answered={}))
    for voice in (
        mean,
        forest_on_notes,
        learned("ridge", ("sound",)),
        lent("kernel", ("sound",), ("tones",)),
        lent("process", ("sound",)),
    ):
        np.testing.assert_array_equal(voice(problem, fold)[0], voice(hidden, fold)[0])


def test_a_listening_rival_does_not_read_the_score_of_a_test_row(problem: Problem[Music]):
    fold = problem.folds[0]
    notes = problem.data.kinds["notes"].copy()
    notes[fold.test] = np.nan
    deaf = replace(problem, data=replace(problem.data, kinds={**problem.data.kinds, "notes": notes}, answered={}))
    voice = lent("kernel", ("sound", "tones"), ("tones",))
    np.testing.assert_array_equal(voice(problem, fold)[0], voice(deaf, fold)[0])


def test_a_committee_says_the_mean_and_asks_each_member_once(problem: Problem[Music]):
    asked: list[str] = []

    def one(_: Problem[Music], fold: Fold) -> tuple[np.ndarray, dict[str, object]]:
        asked.append("one")
        return np.zeros((len(fold.test), 2)), {}

    def other(_: Problem[Music], fold: Fold) -> tuple[np.ndarray, dict[str, object]]:
        return np.ones((len(fold.test), 2)), {}

    voice = committee({"one": one, "other": other})
    for _ in range(2):
        assert (voice(problem, problem.folds[0])[0] == 0.5).all()
    assert asked == ["one"]


def test_no_song_is_on_two_sides(shared_data: Path):
    for table in (EMOPIA, VGMIDI, EMOTIFY):
        problem = table.load(shared_data, None, 1)
        for fold in problem.folds:
            assert not set(problem.group[fold.train]) & set(problem.group[fold.test])


def test_the_test_of_emopia_is_the_official_validation_part(shared_data: Path):
    [fold] = EMOPIA.load(shared_data, None, 1).folds
    assert len(fold.test) == 65
    assert len(fold.train) == 785


def test_quadrants_follow_from_the_signs(tiny_data: Path):
    problem = EMOPIA.load(tiny_data, None, 1)
    quadrant = {name: int(name[1]) - 1 for name in (piece.name for piece in problem.data.pieces)}
    for piece, truth in zip(problem.data.pieces, problem.truth, strict=True):
        assert truth[0] == quadrant[piece.name]
        assert truth[1] == (quadrant[piece.name] in {0, 1})
        assert truth[2] == (quadrant[piece.name] in {0, 3})


def test_the_exam_of_emotify_is_on_the_scale_of_the_data(tiny_data: Path):
    music = read("emotify", tiny_data, tiny_data)
    count = len(music.pieces) // 2
    np.testing.assert_allclose(music.felt[:count], music.felt[count:], atol=1e-6)
    assert not music.exam[:count].any()
    assert music.exam[count:].all()

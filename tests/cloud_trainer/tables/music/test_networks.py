from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cloud_trainer.data.pieces import Piece
from cloud_trainer.tables.frame import Problem
from cloud_trainer.tables.music.cross import MUSIC_CROSS
from cloud_trainer.tables.music.networks import ALONE, PAPER, RECURRENT, Recipe, network
from cloud_trainer.tables.music.patches import BANDS, FRAMES, Pooled, patches_of, pooled
from cloud_trainer.tables.music.pieces import Music, folded, read

PIECES = 24


def music(seed: int) -> Music:
    """Pieces whose arousal is their loudness."""
    random = np.random.default_rng(seed)
    arousal = random.uniform(-1, 1, PIECES)
    felt = np.stack([random.uniform(-1, 1, PIECES), arousal], axis=1)
    owner = np.repeat(np.arange(PIECES), 3)
    patches = 0.1 * random.normal(size=(len(owner), BANDS, FRAMES)) + 2 * arousal[owner][:, None, None]
    pieces = tuple(
        Piece(
            dataset="vgmidi",
            name=str(number),
            group=str(number),
            split="train",
            valence=0.0,
            arousal=0.0,
            label="value",
            file=Path("none"),
        )
        for number in range(PIECES)
    )
    kept = Pooled(patches.astype(np.float16), owner, np.zeros((len(owner), 8), np.float32))
    return Music(pieces, felt, np.zeros(PIECES, bool), remembered={"patches": kept})


@pytest.fixture
def problem() -> Problem[Music]:
    own = music(1)
    return folded(own, own.felt, folds=3, seed=1)


@pytest.mark.parametrize("recipe", [PAPER, RECURRENT, ALONE], ids=["paper", "gru", "residual"])
def test_every_network_takes_patches_and_tells_valence_and_arousal(recipe: Recipe):
    answer = recipe.build()(np.zeros((3, BANDS, FRAMES, 1), np.float32), training=False)
    felt, *notes = answer if isinstance(answer, list) else [answer]
    assert felt.shape == (3, 2)
    assert [each.shape for each in notes] in ([], [(3, 8)])


def test_a_network_answers_every_test_piece_and_never_sees_its_truth(problem: Problem[Music]):
    fold = problem.folds[0]
    brief = replace(ALONE, epochs=1)
    values, chosen = network(brief)(problem, fold)
    assert values.shape == (len(fold.test), 2)
    assert chosen == {"epochs": 1}
    blind = problem.data.felt.copy()
    blind[fold.test] = np.nan
    again, _ = network(brief)(replace(problem, data=replace(problem.data, felt=blind)), fold)
    np.testing.assert_allclose(values, again, atol=1e-6)


def test_what_is_learned_on_other_sets_does_not_depend_on_which_fold_asks_first(
    problem: Problem[Music], tiny_data: Path, tmp_path: Path
):
    brief = replace(ALONE, epochs=1, elsewhere=1)
    answers = []
    for order in ((0, 1), (1, 0)):
        data = replace(problem.data, others=(music(2),), roots=(tiny_data,), folder=tmp_path / str(order[0]))
        posed = replace(problem, data=data)
        told = {place: network(brief)(posed, posed.folds[place])[0] for place in order}
        answers.append(np.concatenate([told[0], told[1]]))
    np.testing.assert_array_equal(answers[0], answers[1])


def test_patches_are_averages_of_the_contracts():
    batch = np.random.default_rng(1).normal(size=(2, 128, 640)).astype(np.float16)
    small = pooled(batch)
    assert small.shape == (2, BANDS, FRAMES)
    np.testing.assert_allclose(small[1, 0, 0], batch[1, :2, :8].astype(float).mean(), atol=1e-3)


def test_patches_of_a_piece_come_from_the_builds_sound(tiny_data: Path, tmp_path: Path):
    music = replace(read("emotify", tiny_data, None), roots=(tiny_data,), folder=tmp_path / "music")
    kept = patches_of(music)
    assert set(kept.piece) == set(range(len(music.pieces)))
    assert kept.patches.shape == (len(kept.piece), BANDS, FRAMES)
    assert np.isnan(kept.notes).all()
    assert (tmp_path / "full" / "music_emotion" / "shared" / "patches").is_dir()
    np.testing.assert_array_equal(kept.piece[kept.of(np.array([3, 1]))], [3, 1])


def test_what_is_learned_from_a_set_is_asked_of_the_others_alone(tiny_data: Path):
    problem = MUSIC_CROSS.load(tiny_data, None, 1)
    sets = np.array([piece.dataset for piece in problem.data.pieces])
    for fold in problem.folds:
        assert set(sets[fold.train]) == {fold.name}
        assert fold.name not in set(sets[fold.test])
    scored = np.isfinite(problem.truth)
    assert (scored.sum(axis=1)[np.concatenate([fold.test for fold in problem.folds])] == 2).all()
    for number, column in enumerate(MUSIC_CROSS.columns):
        learnt, _, asked = column.name.split(",")[0].partition(" to ")
        rows = np.flatnonzero(scored[:, number])
        assert set(sets[rows]) == {asked}
        fold = next(fold for fold in problem.folds if fold.name == learnt)
        assert set(rows) <= set(fold.test)


def test_the_exam_of_the_crossing_is_asked_and_not_learned_from(tiny_data: Path):
    problem = MUSIC_CROSS.load(tiny_data, tiny_data, 1)
    for fold in problem.folds:
        assert not problem.data.exam[fold.train].any()
        assert problem.data.exam[fold.test].all()

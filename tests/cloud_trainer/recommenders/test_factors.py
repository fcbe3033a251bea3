"""SVD++ and NCF: pooling by hand, agreement of NumPy and TensorFlow, and two tastes learned apart."""

from __future__ import annotations

import numpy as np
import pytest

from cloud_trainer.progress import LogProgress
from cloud_trainer.recommenders.factors import (
    FactorSettings,
    ncf_scores,
    pool,
    svdpp_scores,
    train_ncf,
    train_svdpp,
)
from cloud_trainer.recommenders.full_ranking import rank_all
from cloud_trainer.recommenders.interactions import History, fold_in

ITEMS = 40
SETTINGS = FactorSettings(epochs=12, batch=16, learning_rate=0.05, negatives=20, check_every=3)


@pytest.fixture(scope="module")
def tastes() -> list[History]:
    """Listeners of two kinds: one plays even items, the other odd ones."""
    generator = np.random.default_rng(1)
    return [
        History(np.sort(generator.choice(np.arange(user % 2, ITEMS, 2), 10, replace=False)), np.ones(10, np.float32))
        for user in range(80)
    ]


def test_pooling_by_hand():
    vectors = np.array([[1.0, 0.0], [0.0, 2.0], [5.0, 5.0]], np.float32)
    history = History(np.array([0, 1]), np.array([1.0, 0.5], np.float32))
    assert pool(history, vectors) == pytest.approx(np.array([1.0, 1.0]) / np.sqrt(2))
    assert not pool(History(np.array([], np.int64), np.array([], np.float32)), vectors).any()


@pytest.mark.parametrize(("train", "scores_of"), [(train_svdpp, svdpp_scores), (train_ncf, ncf_scores)])
def test_two_tastes_are_learned_apart(train, scores_of, tastes):  # noqa: ANN001
    cases = fold_in(tastes, np.arange(60, 80), seed=1, share=0.5)
    weights = train(tastes[:60], cases, items=ITEMS, settings=SETTINGS, seed=1, progress=LogProgress())
    scores = scores_of(weights, cases)
    for (user, _, _), row in zip(cases, scores, strict=True):
        assert row[user % 2 :: 2].mean() > row[1 - user % 2 :: 2].mean()
    chance = rank_all(cases, lambda chosen: np.random.default_rng(0).random((len(chosen), ITEMS)))
    assert rank_all(cases, lambda chosen: scores_of(weights, chosen)).ndcg.mean() > 1.3 * chance.ndcg.mean()

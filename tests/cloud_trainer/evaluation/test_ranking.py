"""Ranking figures against values computed by hand and by scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import ndcg_score, roc_auc_score

from cloud_trainer.evaluation.ranking import auc, ndcg_at, ranks_of, recall_at


def test_ranks_by_hand():
    # order: item 2 (.9), 0 (.8), 3 (.5), 1 (.1)
    assert ranks_of([0.8, 0.1, 0.9, 0.5], [0, 1]).tolist() == [2, 4]


def test_items_of_the_history_are_left_out():
    assert ranks_of([0.8, 0.1, -np.inf, 0.5], [0, 1]).tolist() == [1, 3]


def test_a_constant_score_earns_nothing():
    assert ranks_of(np.zeros(100), [5]).tolist() == [100]


def test_recall_and_ndcg_by_hand():
    ranks = [1, 3, 20]
    assert recall_at(ranks, 10) == pytest.approx(2 / 3)
    ideal = 1 + 1 / math.log2(3) + 1 / 2
    assert ndcg_at(ranks, 10) == pytest.approx((1 + 1 / 2) / ideal)
    assert recall_at([], 10) == ndcg_at([], 10) == 0


def test_ndcg_equals_scikit_learn():
    generator = np.random.default_rng(1)
    for _ in range(20):
        scores = generator.normal(size=50)
        positives = generator.choice(50, 7, replace=False)
        relevance = np.zeros(50)
        relevance[positives] = 1
        expected = ndcg_score(relevance[None], scores[None], k=10)
        assert ndcg_at(ranks_of(scores, positives), 10) == pytest.approx(expected)


def test_auc_equals_scikit_learn_with_ties():
    generator = np.random.default_rng(2)
    labels = generator.integers(0, 2, 300)
    scores = np.round(labels + generator.normal(size=300), 1)
    assert auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores))


def test_auc_of_one_class_is_refused():
    with pytest.raises(ValueError, match="positives and negatives"):
        auc([1, 1], [0.1, 0.2])

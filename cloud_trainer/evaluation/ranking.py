"""Figures of rankings over the full catalogue: no sampled candidates.

Ties share their ranks by chance in life; here a tie counts against the model (an item is ranked below every other item
of the same score), so that a constant score earns nothing.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["auc", "ndcg_at", "ranks_of", "recall_at"]


def ranks_of(scores: npt.ArrayLike, positives: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the rank (1 is best) that each positive has among the items that are not positive, plus those above it.

    Args:
        scores: score of every item, shape `(items,)`; `-inf` leaves an item out (it was part of the history).
        positives: indices of the relevant items, shape `(n,)`.

    Returns:
        Ranks in ascending order, shape `(n,)`.
    """
    values = np.asarray(scores, np.float64)
    chosen = np.asarray(positives, np.int64)
    negatives = np.delete(values, chosen)
    negatives = np.sort(negatives[np.isfinite(negatives)])
    above = len(negatives) - np.searchsorted(negatives, np.sort(values[chosen])[::-1], side="left")
    return np.asarray(above + 1 + np.arange(len(chosen)), np.int64)


def recall_at(ranks: npt.ArrayLike, k: int) -> float:
    """Return |relevant in the first k| / |relevant| of one user."""
    values = np.asarray(ranks)
    return float(np.mean(values <= k)) if len(values) else 0.0


def ndcg_at(ranks: npt.ArrayLike, k: int) -> float:
    """Return the normalised discounted cumulative gain of one user for binary relevance.

    DCG = Σ 1 / log2(rank + 1) over the relevant items among the first k, divided by that of the ideal ranking.
    """
    values = np.asarray(ranks, np.float64)
    if len(values) == 0:
        return 0.0
    gained = np.sum(1 / np.log2(values[values <= k] + 1))
    ideal = np.sum(1 / np.log2(np.arange(1, min(len(values), k) + 1) + 1))
    return float(gained / ideal)


def auc(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Return the area under the ROC curve: the chance that a positive scores above a negative, ties counted half.

    Raises:
        ValueError: only one class is present.
    """
    from scipy.stats import rankdata

    positive = np.asarray(labels).astype(bool)
    count = int(positive.sum())
    if count in {0, len(positive)}:
        raise ValueError("AUC needs positives and negatives")
    ranks = rankdata(np.asarray(scores, np.float64))
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(positive) - count)))

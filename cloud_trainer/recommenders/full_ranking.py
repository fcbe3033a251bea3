"""Recall and NDCG of a scoring function over the whole catalogue, beside popularity, with intervals over listeners."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cloud_trainer.artefact import Figure
from cloud_trainer.evaluation.bootstrap import mean_interval
from cloud_trainer.evaluation.ranking import ndcg_at, ranks_of, recall_at
from cloud_trainer.recommenders.interactions import History

__all__ = ["Case", "RankingResult", "figures_of", "rank_all"]

Case = tuple[int, History, npt.NDArray[np.int64]]
"""User, what is given, what is asked for."""


@dataclass(frozen=True)
class RankingResult:
    """Figures per listener.

    Attributes:
        recall: recall@10, one value per case.
        ndcg: NDCG@10, one value per case.
    """

    recall: npt.NDArray[np.float64]
    ndcg: npt.NDArray[np.float64]


def rank_all(
    cases: Sequence[Case], scores_of: Callable[[Sequence[Case]], npt.NDArray[np.floating[Any]]]
) -> RankingResult:
    """Rank all artists but the given ones for every case.

    Args:
        cases: listeners.
        scores_of: takes cases, returns scores `(cases, artists)`.
    """
    scores = np.array(scores_of(cases), np.float64)
    recall, ndcg = [], []
    for row, (_, given, asked) in zip(scores, cases, strict=True):
        row[given.items] = -np.inf
        ranks = ranks_of(row, asked)
        recall.append(recall_at(ranks, 10))
        ndcg.append(ndcg_at(ranks, 10))
    return RankingResult(np.array(recall), np.array(ndcg))


def figures_of(
    prefix: str, result: RankingResult, popularity: RankingResult, *, protocol: str, seed: int
) -> dict[str, Figure]:
    """Return recall@10 and NDCG@10 as figures; the 95 % interval over listeners stands in the protocol."""
    figures = {}
    for name, ours, peer in (
        ("recall_at_10", result.recall, popularity.recall),
        ("ndcg_at_10", result.ndcg, popularity.ndcg),
    ):
        interval = mean_interval(ours, seed=seed)
        figures[f"{prefix}.{name}"] = Figure(
            value=interval.value,
            baseline=float(peer.mean()),
            baseline_name="popularity",
            protocol=f"{protocol}; 95 % interval over listeners {interval.low:.4f} to {interval.high:.4f}",
            count=len(ours),
        )
    return figures

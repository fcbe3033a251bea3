"""Held-out figures of SVD++, NCF and the fusion: full rankings of new listeners, later ratings of known ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.artefact import Figure
from cloud_trainer.evaluation.bootstrap import bootstrap
from cloud_trainer.evaluation.ranking import auc, ndcg_at, ranks_of
from cloud_trainer.recommenders.full_ranking import Case, figures_of, rank_all
from cloud_trainer.recommenders.hybrid_contexts import Contexts, Rated
from cloud_trainer.recommenders.hybrid_network import Weights, score_block
from cloud_trainer.recommenders.hybrid_world import BLOCK, World

__all__ = ["judge_blocks", "ranking_figures"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_SCORES: Final = ("svdpp", "ncf", "fused")


def judge_blocks(
    answers: Mapping[str, npt.NDArray[Any]], cases: Sequence[Case], blocks: Ints, rated: Rated
) -> dict[str, Figure]:
    """Return NDCG@10 within blocks and the AUC of later ratings: what the variants of a model are compared on.

    Args:
        answers: by output name, `(cases + ratings, 256)`.
        cases: the first rows.
        blocks: their candidates.
        rated: the rows after them, the track in the first place.
    """
    figures = {}
    for name in _SCORES:
        figures[f"hetrec.block_{name}_ndcg_at_10"] = Figure(
            value=float(np.mean(_block_ndcg(answers[name], cases, blocks))),
            protocol="asked artists among 256, the others drawn; to compare variants, not models",
            count=len(cases),
        )
    if rated.liked.any() and not rated.liked.all():
        figures["situnes.block_fused_auc"] = Figure(
            value=auc(rated.liked, answers["fused"][len(cases) :, 0]),
            protocol="as situnes.fused_auc, through the converted model",
            count=len(rated.liked),
        )
    return figures


def ranking_figures(world: World, fusion: Weights, *, seed: int) -> dict[str, Figure]:
    """Return recall@10 and NDCG@10 on HetRec's test listeners and AUC and NDCG@10 on SiTunes' later ratings."""
    cases = world.corpus.test
    scores = _full_scores(world, fusion, cases)
    popularity = rank_all(cases, world.corpus.popularity_scores)
    protocol = (
        "listeners that nothing was trained on: a drawn fifth of their artists asked for, the rest given, all "
        f"{len(world.corpus.space.keys)} ranked; seed {seed}"
    )
    figures: dict[str, Figure] = {}
    for name in _SCORES:
        result = rank_all(cases, lambda _, name=name: scores[name])  # type: ignore[misc]
        figures |= figures_of(f"hetrec.{name}", result, popularity, protocol=protocol, seed=seed)
    return figures | _later_ratings(world, fusion, seed=seed)


def _block_ndcg(scores: npt.NDArray[Any], cases: Sequence[Case], blocks: Ints) -> list[float]:
    values = []
    for row, ((_, _, asked), block) in enumerate(zip(cases, blocks, strict=True)):
        ranked = np.where(block >= 0, scores[row], -np.inf)
        values.append(ndcg_at(ranks_of(ranked, np.arange(min(len(asked), BLOCK))), 10))
    return values


def _full_scores(world: World, fusion: Weights, cases: Sequence[Case]) -> dict[str, Floats]:
    items = len(world.artists.vectors)
    scores = {name: np.empty((len(cases), items), np.float32) for name in _SCORES}
    every = np.arange(items)[None]
    for row in range(len(cases)):
        answer = score_block(fusion, world.frozen, world.test.take(np.array([row])).inputs(world.artists, every))
        for name in _SCORES:
            scores[name][row] = answer[name].numpy()[0]
    return scores


def _later_ratings(world: World, fusion: Weights, *, seed: int) -> dict[str, Figure]:
    test, train = world.rated["test"], world.rated["train"]
    if test.liked.all() or not test.liked.any():
        return {}
    popular = _track_popularity(train, len(world.tracks.vectors))[test.track]
    answers = {
        "": test.contexts,
        "_without_state": _without(test.contexts),
    }
    figures: dict[str, Figure] = {}
    for suffix, contexts in answers.items():
        scores = score_block(fusion, world.frozen, contexts.inputs(world.tracks, test.track[:, None]))
        for name in _SCORES if not suffix else ("fused",):
            figures |= _rated_figures(f"situnes.{name}{suffix}", scores[name].numpy()[:, 0], popular, test, seed)
    return figures


def _rated_figures(prefix: str, scores: Floats, popular: Floats, test: Rated, seed: int) -> dict[str, Figure]:
    def statistic(rows: Ints) -> float:
        liked = test.liked[rows]
        return auc(liked, scores[rows]) if liked.any() and not liked.all() else 0.5

    interval = bootstrap(test.user, statistic, seed=seed, draws=300)
    protocol = "the last fifth of daily life in time, ratings of 4 and 5 liked"
    return {
        f"{prefix}_auc": Figure(
            value=interval.value,
            baseline=auc(test.liked, popular),
            baseline_name="share of earlier ratings of the track that were likes",
            protocol=f"{protocol}; 95 % interval over persons {interval.low:.3f} to {interval.high:.3f}",
            count=len(test.liked),
        ),
        f"{prefix}_ndcg_at_10": Figure(
            value=_ndcg_per_person(scores, test),
            baseline=_ndcg_per_person(popular, test),
            baseline_name="share of earlier ratings of the track that were likes",
            protocol=f"{protocol}; a person's own tracks ranked, mean over persons with likes and dislikes",
            count=len(np.unique(test.user)),
        ),
    }


def _ndcg_per_person(scores: Floats, test: Rated) -> float:
    values = []
    for user in np.unique(test.user):
        rows = test.user == user
        liked = test.liked[rows]
        if liked.any() and not liked.all():
            values.append(ndcg_at(ranks_of(scores[rows], np.flatnonzero(liked)), 10))
    return float(np.mean(values)) if values else 0.0


def _track_popularity(train: Rated, tracks: int) -> Floats:
    """Return the share of likes per track, drawn towards the overall share by two ratings."""
    rated = np.bincount(train.track, minlength=tracks)
    liked = np.bincount(train.track[train.liked], minlength=tracks)
    return np.asarray((liked + 2 * train.liked.mean()) / (rated + 2), np.float32)


def _without(contexts: Contexts) -> Contexts:
    return Contexts(
        contexts.pooled,
        contexts.user,
        contexts.sound,
        np.zeros_like(contexts.affect),
        np.zeros_like(contexts.situation),
    )

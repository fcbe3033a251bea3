"""From estimates on the plane to the columns of the user-emotion tables.

Columns of truth and answer: valence and arousal of HKU956, of the mood before music, of the mood after it; stressed or
not; and whether the felt pair lies in the region that was said to hold nine tenths (its truth is always 1, so that the
share of right answers is the share of pairs inside).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.stats import chi2
from sklearn.metrics import f1_score

from cloud_trainer.tables.feeling.corpus import AFTER, BEFORE, INDUCED, STRESS, Corpus
from cloud_trainer.tables.frame import Answer, Column, Floats, Fold, Peer, Problem

__all__ = ["COLUMNS", "EXPLAINED", "Judged", "answered", "truth_of"]

_PLACES: Final = {INDUCED: 0, BEFORE: 2, AFTER: 4}
_STRESS: Final = 6
_INSIDE: Final = 7
_REGION: Final = float(chi2.ppf(0.9, 2))
_README: Final = "an earlier figure on these data, leave one person out"
COLUMNS: Final = (
    Column(name="induced valence R²", metric="r2", output=0),
    Column(name="induced arousal R²", metric="r2", output=1),
    Column(
        name="before valence R²", metric="r2", output=2, target=0.14, peers=(Peer("own running mean", 0.11, _README),)
    ),
    Column(
        name="before arousal R²", metric="r2", output=3, target=0.12, peers=(Peer("own running mean", 0.09, _README),)
    ),
    Column(
        name="after valence RMSE",
        metric="rmse",
        output=4,
        target=0.225,
        peers=(Peer("ridge (before + song)", 0.234, _README), Peer("persistence", 0.276, _README)),
    ),
    Column(
        name="after arousal RMSE",
        metric="rmse",
        output=5,
        target=0.270,
        peers=(Peer("ridge (before + song)", 0.279, _README), Peer("persistence", 0.336, _README)),
    ),
    Column(name="stress macro-F1", metric="macro_f1_2", output=_STRESS, target=0.92),
    Column(name="inside the 90 % region", metric="accuracy_2", output=_INSIDE),
)
EXPLAINED: Final = tuple(column.name for column in COLUMNS[:6])
"""Columns of errors on the plane."""


@dataclass(frozen=True)
class Judged:
    """Mean and variance of valence and arousal for every row of a table, `(rows, 2)` each."""

    mean: Floats
    variance: Floats


def truth_of(corpus: Corpus, felt: Floats) -> Floats:
    """Return the columns of truth, NaN where a row is not scored in one.

    Args:
        corpus: the rows.
        felt: valence, arousal, stress, `(rows, 3)`.
    """
    truth = np.full((len(felt), _INSIDE + 1), np.nan)
    for kind, place in _PLACES.items():
        own = corpus.kind == kind
        truth[own, place : place + 2] = felt[own, :2]
        truth[own, _INSIDE] = 1
    truth[:, _STRESS] = felt[:, 2]
    return truth


def answered(problem: Problem[Any], fold: Fold, judged: Judged) -> Answer:
    """Return estimates as an answer.

    The arousal above which somebody counts as stressed is the training people's. Whether a pair lies in its region is
    told here with the truth, which the rival has not seen.
    """
    corpus: Corpus = problem.data.corpus
    values = np.zeros((len(corpus.kind), _INSIDE + 1))
    for kind, place in _PLACES.items():
        own = corpus.kind == kind
        values[own, place : place + 2] = judged.mean[own]
        apart = (problem.truth[own, place : place + 2] - judged.mean[own]) ** 2 / judged.variance[own]
        values[own, _INSIDE] = apart.sum(axis=1) <= _REGION
    known = fold.train[corpus.kind[fold.train] == STRESS]
    edge = _edge(judged.mean[known, 1], problem.truth[known, _STRESS])
    values[:, _STRESS] = judged.mean[:, 1] > edge
    return Answer(values[fold.test], {"stressed above": edge})


def _edge(arousal: Floats, stressed: Floats) -> float:
    """Return the arousal that tells stress best, by macro-F1."""
    tried = np.unique(np.quantile(arousal, np.linspace(0.02, 0.98, 49)))
    return float(max(tried, key=lambda edge: f1_score(stressed, arousal > edge, average="macro", zero_division=0)))

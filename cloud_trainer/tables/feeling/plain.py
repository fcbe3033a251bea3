"""Rivals without a network: the mean, the last report, the running mean, and a ridge regression for each data set."""

from __future__ import annotations

from typing import Any

import numpy as np

from cloud_trainer.tables.feeling.arms import Data
from cloud_trainer.tables.feeling.corpus import KINDS
from cloud_trainer.tables.feeling.scales import Judged, answered
from cloud_trainer.tables.frame import Answer, Floats, Fold, Problem
from cloud_trainer.tables.learners import LEARNERS, searched
from cloud_trainer.user_emotion.examples import Examples

__all__ = ["last_report", "mean", "ridge", "running_mean"]

_FLOOR = 1e-3
"""Smallest variance: nobody is known better than a rating can be read."""


def mean(problem: Problem[Data], fold: Fold) -> Answer:
    """The training people's mean of each set."""
    return _about(problem, fold, np.full((len(problem.truth), 2), np.nan))


def last_report(problem: Problem[Data], fold: Fold) -> Answer:
    """What the person reported last; the training people's mean where that is nothing."""
    return _about(problem, fold, problem.data.corpus.last)


def running_mean(problem: Problem[Data], fold: Fold) -> Answer:
    """The mean of the person's own earlier reports, likewise."""
    return _about(problem, fold, problem.data.of_fold(fold).rows.usual)


def ridge(problem: Problem[Data], fold: Fold) -> Answer:
    """A ridge regression for each set and axis, on the newest step, the mean of the history, and the last report."""
    sides = problem.data.of_fold(fold)
    columns, felt = _summary(sides.rows, problem.data.corpus.last), sides.rows.label
    found, chosen = np.zeros_like(felt), {}
    for kind in KINDS:
        rows = np.flatnonzero(problem.data.corpus.kind == kind)
        train = np.intersect1d(rows, fold.train)
        for axis, name in enumerate(("valence", "arousal")):
            best = searched(LEARNERS["ridge"], columns[train], felt[train, axis], problem.group[train], seed=fold.seed)
            found[rows, axis] = best.model.predict(columns[rows])
            chosen[f"{kind}, {name}"] = {**best.setting, "validation": best.validation}
    answer = answered(problem, fold, Judged(found, _spread(problem, fold, found)))
    return Answer(answer.values, {**answer.chosen, **chosen})


def _about(problem: Problem[Data], fold: Fold, known: Floats) -> Answer:
    """Answer with what is known, and with the training people's mean of the set where nothing is."""
    sides, kind = problem.data.of_fold(fold), problem.data.corpus.kind
    centre = np.zeros_like(known)
    for name in KINDS:
        train = fold.train[kind[fold.train] == name]
        centre[kind == name] = sides.rows.label[train].mean(axis=0)
    found = np.where(np.isfinite(known), known, centre)
    return answered(problem, fold, Judged(found, _spread(problem, fold, found)))


def _spread(problem: Problem[Data], fold: Fold, found: Floats) -> Floats:
    """Return the mean squared error on the training people of each set as everybody's variance."""
    kind, felt = problem.data.corpus.kind, problem.data.of_fold(fold).rows.label
    variance = np.ones_like(found)
    for name in KINDS:
        train = fold.train[kind[fold.train] == name]
        variance[kind == name] = np.maximum(((felt - found)[train] ** 2).mean(axis=0), _FLOOR)
    return variance


def _summary(examples: Examples, last: Floats) -> Floats:
    """Return newest step, mean of the known history, last report; what is unknown is left so, `(n, 2 F + 2)`."""
    steps, mask = examples.normalised()
    values = np.where(mask > 0, steps, np.nan).astype(np.float64)
    count = mask.sum(axis=1)
    total = (steps * mask).sum(axis=1)
    middle: Any = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return np.concatenate([values[:, -1], middle, last], axis=1)

"""From answers to figures: the value, its interval over persons or songs, the paired difference, the worst person.

The bootstrap draws groups with replacement (Efron 1979; 95 % percentile interval), the same draws for every row and
column, so a difference of two rows is paired by construction. Figures are computed within a repeat and averaged over
repeats; a drawn person brings all repeats along, so ten seeds do not count as ten times the people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.tables.frame import Column, Floats, Fold, Ints, Problem
from cloud_trainer.tables.metrics import METRICS, Metric
from cloud_trainer.tables.results import Figure, Interval, Worst

__all__ = ["DRAWS", "Answered", "Scores", "figure", "figures_of", "gather", "interval_of_difference"]

DRAWS: Final = 2000
_FEWEST_ROWS: Final = 5
"""Rows of a group from which it can be the worst one: fewer say more about chance than about the person."""


@dataclass(frozen=True)
class Answered:
    """A row's answers of all folds: `(answers,)` row indices and repeats, `(answers, outputs)` values."""

    index: Ints
    repeat: Ints
    values: Floats


@dataclass(frozen=True)
class Scores:
    """One column of one row.

    Attributes:
        value: on all rows.
        drawn: on each bootstrap draw, `(draws,)`.
        worst: worst group.
    """

    value: float
    drawn: Floats
    worst: Worst | None


def gather(folds: Sequence[Fold], values: Sequence[Floats]) -> Answered:
    """Put the answers of all folds together.

    Raises:
        ValueError: an answer is not finite.
    """
    answered = Answered(
        np.concatenate([fold.test for fold in folds]),
        np.concatenate([np.full(len(fold.test), fold.repeat) for fold in folds]),
        np.concatenate(list(values)),
    )
    if not np.isfinite(answered.values).all():
        raise ValueError("an answer is not finite")
    return answered


def figures_of(
    problem: Problem[Any], answers: Mapping[str, Answered], columns: Sequence[Column], *, seed: int
) -> dict[str, dict[str, Scores]]:
    """Return the scores by row and column; what is drawn are the groups of the tested rows."""
    tested = np.unique(np.concatenate([fold.test for fold in problem.folds]))
    names = np.unique(problem.group[tested].astype(str))
    groups = _Groups(
        names=names,
        of_row=np.searchsorted(names, problem.group.astype(str)),
        weights=np.random.default_rng([seed, len(names)]).multinomial(
            len(names), np.full(len(names), 1 / len(names)), DRAWS
        ),
    )
    return {
        row: {column.name: _scores(problem.truth[:, column.output], answered, column, groups) for column in columns}
        for row, answered in answers.items()
    }


def figure(scores: Scores, reference: Scores | None) -> Figure:
    """Return a cell; `reference` is `None` in the reference row itself."""
    return Figure(
        value=_interval(scores.value, scores.drawn),
        difference=None if reference is None else interval_of_difference(scores, reference),
        worst=scores.worst,
    )


def interval_of_difference(scores: Scores, reference: Scores) -> Interval:
    """Return the paired difference, `scores` − `reference`."""
    return _interval(scores.value - reference.value, scores.drawn - reference.drawn)


@dataclass(frozen=True)
class _Groups:
    """Names of the tested groups, the group of each row, and how often each draw of the bootstrap holds each group."""

    names: npt.NDArray[Any]
    of_row: Ints
    weights: Ints


def _scores(truth: Floats, answered: Answered, column: Column, groups: _Groups) -> Scores:
    metric = METRICS[column.metric]
    one = METRICS[metric.of_one]
    sums, _ = _sums(truth, answered, column, metric, groups)
    drawn = np.stack([metric.finish(groups.weights @ repeat) for repeat in sums]).mean(axis=0)
    value = float(np.mean([metric.finish(repeat.sum(axis=0)) for repeat in sums]))
    single, counts = _sums(truth, answered, column, one, groups)
    enough = np.flatnonzero(counts >= _FEWEST_ROWS)
    if len(enough) < 2:
        return Scores(value, drawn, None)
    figures = one.finish(single[:, enough].sum(axis=0))
    worst = int(np.nanargmin(figures) if one.more_is_better else np.nanargmax(figures))
    return Scores(value, drawn, Worst(str(groups.names[enough[worst]]), one.name, float(figures[worst])))


def _sums(truth: Floats, answered: Answered, column: Column, metric: Metric, groups: _Groups) -> tuple[Floats, Ints]:
    """Return the statistics summed per repeat and group `(repeats, groups, s)`, and how many answers a group has."""
    scored = np.isfinite(truth[answered.index])
    rows, repeat = answered.index[scored], answered.repeat[scored]
    statistics = metric.statistics(truth[rows], answered.values[scored, column.output])
    sums = np.zeros((int(answered.repeat.max()) + 1, len(groups.names), statistics.shape[1]))
    np.add.at(sums, (repeat, groups.of_row[rows]), statistics)
    return sums, np.bincount(groups.of_row[rows], minlength=len(groups.names)).astype(np.int64)


def _interval(value: float, drawn: Floats) -> Interval:
    known = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or len(known) < len(drawn) / 2:
        return Interval(_finite(value), None, None)
    low, high = np.quantile(known, [0.025, 0.975])
    return Interval(float(value), float(low), float(high))


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None

"""Figures that follow from sums over rows, so that a bootstrap draws sums of persons instead of gathering rows.

A metric has two halves: `statistics` gives numbers per row that may be added, `finish` turns sums into the figure. The
figures are those of `cloud_trainer.evaluation` and scikit-learn; a test holds them to each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud_trainer.tables.frame import Floats

__all__ = ["METRICS", "Metric"]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A figure.

    Attributes:
        name: as a reader knows it.
        statistics: `(truth (n,), answer (n,)) -> (n, s)`.
        finish: `(..., s) -> (...)`; NaN where the sums say nothing.
        more_is_better: direction.
        of_one: metric by which single persons are compared; R² is none, because its yardstick is the person's own
            spread.
    """

    name: str
    statistics: Callable[[Floats, Floats], Floats]
    finish: Callable[[Floats], Floats]
    more_is_better: bool
    of_one: str


def _moments(truth: Floats, answer: Floats) -> Floats:
    return np.stack([np.ones_like(truth), truth, truth**2, (truth - answer) ** 2], axis=-1)


def _r_squared(sums: Floats) -> Floats:
    count, total, squares, residual = np.moveaxis(sums, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(1 - residual / (squares - total**2 / count))


def _rmse(sums: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.sqrt(sums[..., 3] / sums[..., 0]))


def _products(truth: Floats, answer: Floats) -> Floats:
    return np.stack([np.ones_like(truth), truth, answer, truth**2, answer**2, truth * answer], axis=-1)


def _correlation(sums: Floats) -> Floats:
    """Pearson's r; 0 where an answer is constant, which tells nothing."""
    count, truth, answer, truths, answers, both = np.moveaxis(sums, -1, 0)
    spread = np.maximum((count * truths - truth**2) * (count * answers - answer**2), 0.0)
    covariance = count * both - truth * answer
    # Sums of squares of a constant differ by rounding alone.
    told = spread > 1e-12 * count**2 * truths * count**2 * answers
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(count > 0, np.where(told, covariance / np.sqrt(spread), 0.0), np.nan))


def _confusion(classes: int) -> Callable[[Floats, Floats], Floats]:
    def statistics(truth: Floats, answer: Floats) -> Floats:
        cell = (truth * classes + answer).astype(np.int64)
        return np.asarray(np.eye(classes * classes)[cell])

    return statistics


def _square(sums: Floats) -> Floats:
    side = round(sums.shape[-1] ** 0.5)
    return sums.reshape(*sums.shape[:-1], side, side)


def _hits(square: Floats) -> Floats:
    return np.asarray(np.diagonal(square, axis1=-2, axis2=-1))


def _accuracy(sums: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(_hits(_square(sums)).sum(-1) / sums.sum(-1))


def _macro_f1(sums: Floats) -> Floats:
    """Mean of the classes' F1; a class that is neither there nor answered does not count."""
    square = _square(sums)
    seen = square.sum(-1) + square.sum(-2)
    f1 = np.divide(2 * _hits(square), seen, out=np.zeros_like(seen), where=seen > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(f1.sum(-1) / (seen > 0).sum(-1))


def _balanced_accuracy(sums: Floats) -> Floats:
    """Mean of the recalls of the classes that are there."""
    square = _square(sums)
    there = square.sum(-1)
    recall = np.divide(_hits(square), there, out=np.zeros_like(there), where=there > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(recall.sum(-1) / (there > 0).sum(-1))


def _classes(count: int) -> dict[str, Metric]:
    finishes = {"accuracy": _accuracy, "macro_f1": _macro_f1, "balanced_accuracy": _balanced_accuracy}
    return {
        f"{name}_{count}": Metric(
            name=name.replace("_", " "),
            statistics=_confusion(count),
            finish=finish,
            more_is_better=True,
            of_one=f"{name}_{count}",
        )
        for name, finish in finishes.items()
    }


METRICS: Final[Mapping[str, Metric]] = {
    "r2": Metric(name="R²", statistics=_moments, finish=_r_squared, more_is_better=True, of_one="rmse"),
    "rmse": Metric(name="RMSE", statistics=_moments, finish=_rmse, more_is_better=False, of_one="rmse"),
    "correlation": Metric(
        name="correlation", statistics=_products, finish=_correlation, more_is_better=True, of_one="rmse"
    ),
    **_classes(2),
    **_classes(3),
    **_classes(4),
}
"""By name; the number behind a name of classes is how many there are."""

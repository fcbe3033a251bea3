"""Mixed effects as one Gaussian process: what holds for everybody, and what a person's earlier rows say of them.

The covariance of two rows is a sum: terms of the features for everybody, terms that only rows of one person share. The
posterior given other people's rows is the regression; conditioning it further on the person's own earlier rows, one by
one, learns the person as a device would (Rasmussen & Williams 2006, chapter 2). The prediction is linear in the truth,
so all outputs share their weights, and a setting is a few factors before the terms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_solve, cholesky, solve_triangular

from cloud_trainer.evaluation.regression import rmse
from cloud_trainer.tables.frame import Floats, Ints
from cloud_trainer.tables.learners import group_folds

__all__ = ["Mixed", "linear", "nearness", "predicted", "same", "standardised", "tuned"]


@dataclass(frozen=True)
class Mixed:
    """Rows in the order of time, with what their covariance is made of.

    Attributes:
        truth: `(n, outputs)`.
        group: person of each row.
        terms: `(n, n)` each, in variances of the truth.
        noise: variance of a single row beside them.
    """

    truth: Floats
    group: npt.NDArray[Any]
    terms: Mapping[str, Floats]
    noise: float

    def covariance(self, factors: Mapping[str, float]) -> Floats:
        """Return the sum of the terms, each times its factor (1 where it has none)."""
        return np.asarray(sum(factors.get(name, 1.0) * term for name, term in self.terms.items()))


def standardised(values: Floats, train: Ints) -> Floats:
    """Return columns with mean 0 and deviation 1 on the training rows; what is unknown is the mean."""
    known = values[train]
    centre = np.nanmean(known, axis=0)
    spread = np.nanstd(known, axis=0)
    return np.asarray(np.nan_to_num((values - centre) / np.where(spread > 0, spread, 1.0)))


def linear(values: Floats) -> Floats:
    """Return the covariance of a linear effect of columns, 1 on average on the diagonal."""
    return np.asarray(values @ values.T / values.shape[1])


def nearness(values: Floats, width: float) -> Floats:
    """Return the covariance exp(−d²/2w²) of an effect that is alike where rows are near."""
    squares = (values**2).sum(axis=1)
    apart = np.maximum(squares[:, None] + squares[None, :] - 2 * values @ values.T, 0)
    return np.asarray(np.exp(-apart / (2 * width**2)))


def same(labels: npt.NDArray[Any]) -> Floats:
    """Return 1 where two rows have one label, else 0."""
    return np.asarray(labels[:, None] == labels[None, :], np.float64)


def predicted(mixed: Mixed, factors: Mapping[str, float], train: Ints, test: Ints) -> Floats:
    """Return the answers for the test rows, `(test, outputs)`.

    For each person: everybody else's training rows, and the person's own rows before the one that is answered.
    """
    covariance = mixed.covariance(factors)
    answers = np.zeros((len(mixed.truth), mixed.truth.shape[1]))
    known = np.union1d(train, test)
    strangers = _Learned(mixed, covariance, train)
    for person in np.unique(mixed.group[test]):
        others = train[mixed.group[train] != person]
        learned = strangers if len(others) == len(train) else _Learned(mixed, covariance, others)
        own = known[mixed.group[known] == person]
        mean, spread = learned.posterior(own)
        left = mixed.truth[own] - mean
        for place, row in enumerate(own):
            earlier = spread[:place, :place] + mixed.noise * np.eye(place)
            surprise = np.linalg.solve(earlier, left[:place]) if place else np.zeros((0, 1))
            answers[row] = mean[place] + spread[place, :place] @ surprise
    return answers[test]


class _Learned:
    """The process given some rows; factorised once for all people who are not among them."""

    def __init__(self, mixed: Mixed, covariance: Floats, rows: Ints) -> None:
        self._covariance, self._rows = covariance, rows
        self._centre = mixed.truth[rows].mean(axis=0)
        own = covariance[np.ix_(rows, rows)] + mixed.noise * np.eye(len(rows))
        self._factor = cholesky(own, lower=True)
        self._weights = cho_solve((self._factor, True), mixed.truth[rows] - self._centre)

    def posterior(self, rows: Ints) -> tuple[Floats, Floats]:
        """Return mean `(rows, outputs)` and covariance `(rows, rows)` of further rows."""
        cross = self._covariance[np.ix_(self._rows, rows)]
        half = solve_triangular(self._factor, cross, lower=True)
        spread = self._covariance[np.ix_(rows, rows)] - half.T @ half
        return np.asarray(self._centre + cross.T @ self._weights), np.asarray(spread)


def tuned(
    make: Callable[[Ints], Mixed], settings: Sequence[Mapping[str, float]], train: Ints, test: Ints, *, seed: int
) -> tuple[Floats, dict[str, Any]]:
    """Choose the factors on folds of training people and answer the test rows.

    Args:
        make: the rows, standardised on the given training rows.
        settings: factors of terms, tried one by one.
        train: rows to learn from.
        test: rows to answer.
        seed: of the folds.

    Returns:
        `(test, outputs)`, each output with its own winner, and what was chosen.
    """
    mixed = make(train)
    errors = []
    splits = [(train[a], train[b]) for a, b in group_folds(mixed.group[train], 3, seed)]
    for factors in settings:
        # The terms are standardised on all training rows: this looks at no truth.
        parts = [rmse(mixed.truth[inner], predicted(mixed, factors, fitted, inner)) for fitted, inner in splits]
        errors.append(np.mean(parts, axis=0))
    best = np.argmin(errors, axis=0)
    answers = {number: predicted(mixed, settings[number], train, test) for number in set(best.tolist())}
    values = np.stack([answers[number][:, output] for output, number in enumerate(best.tolist())], axis=1)
    chosen = {
        f"output {output}": {**settings[number], "validation": -float(errors[number][output])}
        for output, number in enumerate(best.tolist())
    }
    return values, chosen

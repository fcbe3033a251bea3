"""A Gaussian process that finds out which features count: a length for each, drawn to a common one by a prior.

The covariance of two rows is a smooth effect with a length of its own for each feature (automatic relevance
determination, Neal 1996, Bayesian Learning for Neural Networks, section 4.3) and a linear effect with a weight of its
own for each. All of them, the height of the smooth effect and the noise are set to the maximum of the marginal
likelihood (Rasmussen & Williams 2006, section 5.4) times a prior: the logarithms of the lengths are normal around their
own mean, those of the weights around theirs. Without it seventy-four lengths follow the noise of a thousand songs; with
a narrow one all features count alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from scipy.linalg import cho_solve
from scipy.linalg.lapack import dpotrf, dpotri
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer

from cloud_trainer.tables.frame import Floats
from cloud_trainer.tables.learners import Learner

__all__ = ["RELEVANCE", "RelevanceProcess"]

_START: Final = {"inverse length": 0.07, "weight": 0.05, "height": 0.7, "noise": 0.6}
"""Of the optimisation, in deviations of features and truth."""
_QUANTILES: Final = 200
_REACH: Final = 3.0
"""Features are normal by their ranks; a new row beyond all others is no further away than this."""
_LARGEST: Final = 20.0
"""Of a logarithm: a step of the optimisation that goes further is taken back, but must not overflow."""
_NOT_POSITIVE: Final = 1e12
"""Loss where the covariance is not positive definite in the numbers of the machine."""


@dataclass(frozen=True)
class _Parts:
    """The covariance of training rows and what it is made of; shapes `(n, n)`."""

    smooth: Floats
    whole: Floats


class RelevanceProcess(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn states no types
    """A regression of one output.

    Attributes:
        alike: precision of the prior on logarithms of lengths and weights around their means; 0 for no prior.
        steps: of the optimisation, at most.
    """

    def __init__(self, alike: float = 1.0, steps: int = 60) -> None:
        self.alike = alike
        self.steps = steps

    def fit(self, features: Floats, truth: Floats) -> Self:
        """Set lengths, weights, height and noise, and learn the rows.

        Args:
            features: `(n, f)`, of any scale: they are made normal by their ranks.
            truth: `(n,)`.
        """
        self.ranks_ = QuantileTransformer(
            n_quantiles=min(_QUANTILES, len(features)), output_distribution="normal", random_state=0
        )
        self.rows_ = np.clip(self.ranks_.fit_transform(features), -_REACH, _REACH)
        self.centre_, self.spread_ = float(truth.mean()), float(truth.std()) or 1.0
        target = (truth - self.centre_) / self.spread_
        count = self.rows_.shape[1]
        start = np.log(np.repeat([*_START.values()], [count, count, 1, 1]))
        found = minimize(
            self._loss, start, args=(target,), jac=True, method="L-BFGS-B", options={"maxiter": self.steps}
        )
        self.logarithms_ = found.x
        factor, _ = dpotrf(self._covariance(found.x).whole, lower=True)
        self.answer_weights_ = cho_solve((factor, True), target)
        return self

    def predict(self, features: Floats) -> Floats:
        """Return the mean of the process for rows `(m, f)`."""
        inverse_lengths, weights, height, _ = _unpacked(self.logarithms_)
        rows = np.clip(self.ranks_.transform(features), -_REACH, _REACH)
        cross = height**2 * _nearness(rows * inverse_lengths, self.rows_ * inverse_lengths)
        cross += (rows * weights) @ (self.rows_ * weights).T
        return np.asarray(self.centre_ + self.spread_ * (cross @ self.answer_weights_))

    def _covariance(self, logarithms: Floats) -> _Parts:
        inverse_lengths, weights, height, noise = _unpacked(logarithms)
        near = self.rows_ * inverse_lengths
        smooth = height**2 * _nearness(near, near)
        weighted = self.rows_ * weights
        whole = smooth + weighted @ weighted.T
        whole.flat[:: len(whole) + 1] += noise**2
        return _Parts(smooth, whole)

    def _loss(self, logarithms: Floats, target: Floats) -> tuple[float, Floats]:
        """Return the negative logarithm of likelihood times prior, and its gradient."""
        parts = self._covariance(logarithms)
        factor, failed = dpotrf(parts.whole, lower=True)
        if failed:
            return _NOT_POSITIVE, np.zeros_like(logarithms)
        answered = cho_solve((factor, True), target)
        half, _ = dpotri(factor, lower=True)
        inverse = np.tril(half) + np.tril(half, -1).T
        # The trace of `pull` times a derivative of the covariance is that of the likelihood.
        pull = 0.5 * (inverse - np.outer(answered, answered))
        inverse_lengths, weights, _, noise = _unpacked(logarithms)
        on_smooth = pull * parts.smooth
        apart = on_smooth.sum(axis=1) @ self.rows_**2 - _diagonal(self.rows_, on_smooth)
        gradient = np.concatenate(
            [
                -2 * inverse_lengths**2 * apart,
                2 * weights**2 * _diagonal(self.rows_, pull),
                [2 * on_smooth.sum(), 2 * noise**2 * np.trace(pull)],
            ]
        )
        off = _off_their_means(logarithms)
        likelihood = 0.5 * target @ answered + np.log(np.diag(factor)).sum()
        return float(likelihood + 0.5 * self.alike * off @ off), gradient + self.alike * off


def _unpacked(logarithms: Floats) -> tuple[Floats, Floats, float, float]:
    """Return inverse lengths, weights, height of the smooth effect, noise."""
    values = np.exp(np.minimum(logarithms, _LARGEST))
    count = (len(values) - 2) // 2
    return values[:count], values[count:-2], float(values[-2]), float(values[-1])


def _off_their_means(logarithms: Floats) -> Floats:
    """Return how far those of lengths and of weights are from their means; 0 for height and noise."""
    features = logarithms[:-2].reshape(2, -1)
    return np.concatenate([(features - features.mean(axis=1, keepdims=True)).ravel(), np.zeros(2)])


def _nearness(rows: Floats, others: Floats) -> Floats:
    squares = (rows**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)[None, :] - 2 * rows @ others.T
    return np.asarray(np.exp(-0.5 * np.maximum(squares, 0)))


def _diagonal(rows: Floats, middle: Floats) -> Floats:
    """Return the diagonal of rowsᵀ · middle · rows."""
    return np.asarray(np.einsum("if,if->f", rows, middle @ rows))


def _process(seed: int, *, alike: float) -> BaseEstimator:
    del seed
    return make_pipeline(SimpleImputer(keep_empty_features=True), RelevanceProcess(alike))


RELEVANCE: Final[Learner] = Learner(
    what="Gaussian process with a length and a weight for each feature, columns made normal by their ranks",
    make=_process,
    grid={"alike": (0.3, 1.0, 2.0, 4.0, 10.0, 30.0)},
)
"""Six settings, as the others have."""

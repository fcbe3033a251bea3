"""How good forecasts of valence and arousal are, rating by rating, and how sure the figures are.

Everything is resampled by person: the ratings of one person are not independent. A figure over all ratings and its
interval come from sums per person, so a thousand resamples cost nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2, norm

from cloud_trainer.evaluation.bootstrap import Interval

__all__ = ["DRAWS", "LEVEL", "Scores", "coverage_curve", "mean_by_person", "over_people", "r_squared", "score"]

Array = npt.NDArray[np.float64]

LEVEL: Final = 0.9
"""Nominal probability of the regions in the tables."""
DRAWS: Final = 2000
_SEED: Final = 0


@dataclass(frozen=True)
class Scores:
    """Scores of n forecasts, one row each; all but the regions are better when smaller.

    Attributes:
        squared: squared errors, [n, 2].
        nll: negative log-likelihood of each axis, nats, [n, 2].
        crps: continuous ranked probability score of each axis, in the rating's unit, [n, 2].
        z: error over standard deviation, [n, 2].
        joint_nll: of both axes with their correlation, [n].
        distance: squared Mahalanobis distance, [n].
    """

    squared: Array
    nll: Array
    crps: Array
    z: Array
    joint_nll: Array
    distance: Array

    @property
    def inside(self) -> Array:
        """1 where the rating lies inside the axis' central interval of `LEVEL`, [n, 2]."""
        return np.asarray(np.abs(self.z) <= norm.ppf(0.5 + LEVEL / 2), np.float64)

    @property
    def inside_region(self) -> Array:
        """1 where it lies inside the ellipse of `LEVEL`, [n]."""
        return np.asarray(self.distance <= chi2.ppf(LEVEL, 2), np.float64)


def score(truth: Array, mean: Array, covariance: Array) -> Scores:
    """Score normal forecasts.

    Args:
        truth: valence and arousal, [n, 2].
        mean: [n, 2].
        covariance: [n, 2, 2], positive definite.
    """
    error = truth - mean
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    deviation = np.sqrt(variance)
    z = error / deviation
    distance = np.einsum("ni,nij,nj->n", error, np.linalg.inv(covariance), error)
    # Gneiting & Raftery 2007, JASA 102:359.
    crps = deviation * (z * (2.0 * norm.cdf(z) - 1.0) + 2.0 * norm.pdf(z) - 1.0 / np.sqrt(np.pi))
    return Scores(
        squared=error**2,
        nll=0.5 * np.log(2.0 * np.pi * variance) + 0.5 * z**2,
        crps=crps,
        z=z,
        joint_nll=np.log(2.0 * np.pi) + 0.5 * np.linalg.slogdet(covariance)[1] + 0.5 * distance,
        distance=distance,
    )


def mean_by_person(person: npt.NDArray[np.str_], values: Array) -> tuple[npt.NDArray[np.str_], Array]:
    """Return who there is, and each one's mean of `values` [n] or [n, k]."""
    people, sums, counts = _sums(person, values)
    return people, sums / counts.reshape(-1, *([1] * (sums.ndim - 1)))


def over_people(person: npt.NDArray[np.str_], values: Array) -> Interval:
    """Return the mean of `values` [n] over all rows, with the 95 % interval of resampled people."""
    _, sums, counts = _sums(person, values)
    drawn = _drawn(len(counts))
    return _interval(float(values.mean()), sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1))


def r_squared(person: npt.NDArray[np.str_], truth: Array, squared: Array) -> Interval:
    """Return 1 − SS_res / SS_tot of one axis ([n] each), with the 95 % interval of resampled people."""
    columns = np.stack([truth, truth**2, squared], axis=1)
    _, sums, counts = _sums(person, columns)

    def figure(total: Array, count: Array) -> Array:
        spread = total[..., 1] - total[..., 0] ** 2 / count
        return np.asarray(1.0 - total[..., 2] / spread)

    drawn = _drawn(len(counts))
    value = float(figure(columns.sum(axis=0), np.asarray(float(len(truth)))))
    return _interval(value, figure(sums[drawn].sum(axis=1), counts[drawn].sum(axis=1)))


def coverage_curve(scores: Scores, nominal: Array) -> Array:
    """Return the observed coverage [levels, 3] of valence's and arousal's intervals and of the ellipse."""
    intervals = np.abs(scores.z)[np.newaxis] <= norm.ppf(0.5 + nominal / 2.0)[:, np.newaxis, np.newaxis]
    regions = scores.distance[np.newaxis] <= chi2.ppf(nominal, 2)[:, np.newaxis]
    return np.column_stack((intervals.mean(axis=1), regions.mean(axis=1)))


def _sums(person: npt.NDArray[np.str_], values: Array) -> tuple[npt.NDArray[np.str_], Array, Array]:
    people, group = np.unique(person, return_inverse=True)
    sums = np.zeros((len(people), *values.shape[1:]))
    np.add.at(sums, group, values)
    return people, sums, np.bincount(group).astype(np.float64)


def _drawn(people: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(_SEED).integers(0, people, (DRAWS, people))


def _interval(value: float, draws: Array) -> Interval:
    low, high = np.quantile(draws, (0.025, 0.975))
    return Interval(value, float(low), float(high))

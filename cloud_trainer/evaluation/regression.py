"""Figures of point predictions: how far off, how much of the variance, how well the course agrees.

Every function takes `truth` and `predicted` of the same shape `(n,)` or `(n, k)`; with `k` columns the result has shape
`(k,)`, so that valence and arousal are never averaged unseen.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["concordance", "r_squared", "rmse"]

Floats = npt.NDArray[np.floating[Any]]


def _paired(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    y, x = np.asarray(truth, np.float64), np.asarray(predicted, np.float64)
    if y.shape != x.shape or y.ndim not in {1, 2} or len(y) == 0:
        raise ValueError(f"truth {y.shape} and predicted {x.shape} must be non-empty and of one shape (n,) or (n, k)")
    return y, x


def rmse(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the root of the mean squared error, in the unit of the truth."""
    y, x = _paired(truth, predicted)
    return np.asarray(np.sqrt(np.mean((y - x) ** 2, axis=0)))


def r_squared(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the coefficient of determination, 1 − SS_res / SS_tot.

    It is below 0 where the prediction is worse than the mean of the truth, and 0 by convention where the truth is
    constant.
    """
    y, x = _paired(truth, predicted)
    residual = np.sum((y - x) ** 2, axis=0)
    total = np.sum((y - y.mean(axis=0)) ** 2, axis=0)
    return np.asarray(1 - np.divide(residual, total, out=np.ones_like(residual), where=total > 0))


def concordance(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return Lin's concordance correlation coefficient (Lin 1989, Biometrics 45:255).

    2·cov / (var_y + var_x + (mean_y − mean_x)²) with population moments; 0 where both are constant.
    """
    y, x = _paired(truth, predicted)
    covariance = np.mean((y - y.mean(axis=0)) * (x - x.mean(axis=0)), axis=0)
    spread = y.var(axis=0) + x.var(axis=0) + (y.mean(axis=0) - x.mean(axis=0)) ** 2
    return np.asarray(np.divide(2 * covariance, spread, out=np.zeros_like(covariance), where=spread > 0))

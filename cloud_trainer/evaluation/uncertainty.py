"""Figures of predicted normal distributions: is the variance honest?

`variance` is the predicted variance of each value, not the logarithm. Shapes as in `regression`.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["coverage", "ellipse_coverage", "gaussian_crps", "gaussian_nll"]

_SQRT2 = math.sqrt(2.0)
_erf = np.vectorize(math.erf, otypes=[np.float64])


def _parts(
    truth: npt.ArrayLike, mean: npt.ArrayLike, variance: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    y, m, v = (np.asarray(values, np.float64) for values in (truth, mean, variance))
    if not y.shape == m.shape == v.shape or y.ndim not in {1, 2} or len(y) == 0:
        raise ValueError(f"truth {y.shape}, mean {m.shape} and variance {v.shape} must be non-empty and of one shape")
    if np.any(v <= 0):
        raise ValueError("a variance must be above 0")
    return y, m, v


def gaussian_nll(truth: npt.ArrayLike, mean: npt.ArrayLike, variance: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the mean negative log-likelihood in nats: ½ ln(2πσ²) + (y − μ)² / (2σ²)."""
    y, m, v = _parts(truth, mean, variance)
    return np.asarray(np.mean(0.5 * np.log(2 * np.pi * v) + (y - m) ** 2 / (2 * v), axis=0))


def gaussian_crps(truth: npt.ArrayLike, mean: npt.ArrayLike, variance: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the mean continuous ranked probability score of a normal distribution.

    σ [z (2Φ(z) − 1) + 2φ(z) − 1/√π] with z = (y − μ)/σ (Gneiting & Raftery 2007, JASA 102:359); in the truth's unit,
    and equal to the absolute error where σ goes to 0.
    """
    y, m, v = _parts(truth, mean, variance)
    sigma = np.sqrt(v)
    z = (y - m) / sigma
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return np.asarray(np.mean(sigma * (z * _erf(z / _SQRT2) + 2 * density - 1 / math.sqrt(math.pi)), axis=0))


def coverage(
    truth: npt.ArrayLike, mean: npt.ArrayLike, variance: npt.ArrayLike, *, level: float = 0.9
) -> npt.NDArray[np.float64]:
    """Return the share of values inside the central interval that should hold `level` of them."""
    from scipy.stats import norm

    y, m, v = _parts(truth, mean, variance)
    return np.asarray(np.mean(np.abs(y - m) <= norm.ppf(0.5 + level / 2) * np.sqrt(v), axis=0))


def ellipse_coverage(
    truth: npt.ArrayLike, mean: npt.ArrayLike, variance: npt.ArrayLike, *, level: float = 0.9
) -> float:
    """Return the share of rows inside the joint ellipse of their columns, which are taken as independent.

    The squared Mahalanobis distance of k columns follows a χ² distribution with k degrees of freedom.
    """
    from scipy.stats import chi2

    y, m, v = _parts(truth, mean, variance)
    if y.ndim != 2:
        raise ValueError("an ellipse needs rows of several columns")
    return float(np.mean(np.sum((y - m) ** 2 / v, axis=1) <= chi2.ppf(level, y.shape[1])))

"""Figures of held-out predictions: R², concordance, accuracy of signs and quadrants."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["concordance", "quadrant_accuracy", "r_squared", "sign_accuracy"]

Floats = npt.NDArray[np.float32]


def r_squared(truth: Floats, predicted: Floats) -> float:
    """Return 1 - Σ(y - ŷ)² / Σ(y - ȳ)², the mean taken over the same rows; 0 where the truth does not vary."""
    total = float(np.square(truth - truth.mean()).sum())
    return 1.0 - float(np.square(truth - predicted).sum()) / total if total > 0.0 else 0.0


def concordance(truth: Floats, predicted: Floats) -> float:
    """Return Lin's concordance correlation 2 cov / (var + var + (mean - mean)²); 0 where neither varies."""
    covariance = float(((truth - truth.mean()) * (predicted - predicted.mean())).mean())
    spread = float(truth.var() + predicted.var() + (truth.mean() - predicted.mean()) ** 2)
    return 2.0 * covariance / spread if spread > 0.0 else 0.0


def sign_accuracy(truth: Floats, predicted: Floats) -> float:
    """Return the share of rows whose signs agree; 0 counts as positive."""
    return float(((truth >= 0.0) == (predicted >= 0.0)).mean())


def quadrant_accuracy(truth: Floats, predicted: Floats) -> float:
    """Return the share of rows `[n, 2]` whose signs of valence and arousal both agree."""
    return float(((truth >= 0.0) == (predicted >= 0.0)).all(axis=1).mean())

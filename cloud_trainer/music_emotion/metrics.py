"""Accuracies of the signs of valence and arousal; R² and concordance stand in `cloud_trainer.evaluation`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["quadrant_accuracy", "sign_accuracy"]

Floats = npt.NDArray[np.float32]


def sign_accuracy(truth: Floats, predicted: Floats) -> float:
    """Return the share of rows whose signs agree; 0 counts as positive."""
    return float(((truth >= 0.0) == (predicted >= 0.0)).mean())


def quadrant_accuracy(truth: Floats, predicted: Floats) -> float:
    """Return the share of rows `[n, 2]` whose signs of valence and arousal both agree."""
    return float(((truth >= 0.0) == (predicted >= 0.0)).all(axis=1).mean())

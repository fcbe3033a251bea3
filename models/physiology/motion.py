"""Motion: how much the acceleration's magnitude varies, m/s²."""

from __future__ import annotations

from typing import Final

import numpy as np

from models.physiology.windows import Floats

__all__ = ["STILLEST", "motion"]

STILLEST: Final = 0.01
"""m/s². What is less is the noise of the best sensors; the feature's logarithm needs a floor."""


def motion(times: Floats, values: Floats) -> float:
    """Standard deviation of the magnitude over a 10 s window, m/s², at least 0.01.

    Args:
        times: [n], seconds.
        values: [n, 3], m/s².

    Returns:
        NaN below 20 samples or below 4 s. Gravity drops out: it moves the mean alone.
    """
    if len(times) < 20 or times[-1] - times[0] < 4.0:
        return float("nan")
    magnitude = np.sqrt(np.einsum("ij,ij->i", values, values, dtype=np.float64))
    return max(float(magnitude.std()), STILLEST)

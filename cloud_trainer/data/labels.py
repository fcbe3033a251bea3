"""Every mapping from a data set's own labels to valence and arousal in [-1, 1], in one place.

| set | own labels | mapped to |
| --- | --- | --- |
| EMOPIA | quadrant 1..4 | signs: Q1 (+, +), Q2 (-, +), Q3 (-, -), Q4 (+, -) |
| VGMIDI | mean over listeners and time, -1..1 | as they are |
| Emotify | shares of nine GEMS emotions, 0..1 | `EMOTIFY_WEIGHTS`, over the largest absolute training value |
| DEAM | 1..9 | (x - 5) / 4 |
| Deezer | z-scores | z / 2.5, clipped |
| HKU956 | -10..10 | x / 10 |

SiTunes is in [-1, 1] already.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from models.errors import DataError, Reason

__all__ = [
    "EMOTIFY_EMOTIONS",
    "EMOTIFY_WEIGHTS",
    "deam",
    "deezer",
    "emopia_signs",
    "emotify_divisor",
    "emotify_scores",
    "hku956",
]

Floats = npt.NDArray[np.float32]

_QUADRANT_SIGNS: Mapping[int, tuple[float, float]] = {
    1: (1.0, 1.0),
    2: (-1.0, 1.0),
    3: (-1.0, -1.0),
    4: (1.0, -1.0),
}

EMOTIFY_WEIGHTS: Mapping[str, tuple[float, float]] = {
    # GEMS emotion: (weight in valence, weight in arousal), the mapping of the data's documentation.
    "amazement": (0.5, 0.5),
    "solemnity": (0.0, 0.0),
    "tenderness": (1.0, -1.0),
    "nostalgia": (0.0, -0.5),
    "calmness": (0.5, -1.0),
    "power": (0.5, 1.0),
    "joyful_activation": (1.0, 1.0),
    "tension": (-1.0, 1.0),
    "sadness": (-1.0, -1.0),
}
EMOTIFY_EMOTIONS = tuple(EMOTIFY_WEIGHTS)


def emopia_signs(quadrant: int) -> tuple[float, float]:
    """Return the signs of valence and arousal of an EMOPIA quadrant.

    Raises:
        DataError: the quadrant is none of 1, 2, 3, 4.
    """
    try:
        return _QUADRANT_SIGNS[quadrant]
    except KeyError:
        raise DataError(
            f"EMOPIA knows the quadrants 1 to 4, not {quadrant!r}",
            reason=Reason.WRONG_VALUE,
            remedy="Check labels.csv against SHA256SUMS",
        ) from None


def emotify_scores(shares: Floats) -> Floats:
    """Return the unscaled (valence, arousal) of shares over `EMOTIFY_EMOTIONS`.

    Args:
        shares: `[n, 9]`, the share of listeners who ticked each emotion, 0..1.

    Returns:
        `[n, 2]`.
    """
    weights = np.array(list(EMOTIFY_WEIGHTS.values()), np.float32)
    return np.asarray(shares @ weights, np.float32)


def emotify_divisor(training_scores: Floats) -> Floats:
    """Return the largest absolute value `[2]` on the training part, by which all scores are divided."""
    return np.asarray(np.abs(training_scores).max(axis=0), np.float32)


def deam(rating: Floats) -> Floats:
    """Map DEAM's 1..9 to -1..1."""
    return np.asarray((rating - 5.0) / 4.0, np.float32)


def deezer(z_score: Floats) -> Floats:
    """Map Deezer's z-scores to -1..1; what lies beyond 2.5 standard deviations is clipped."""
    return np.asarray(np.clip(z_score / 2.5, -1.0, 1.0), np.float32)


def hku956(rating: Floats) -> Floats:
    """Map HKU956's -10..10 to -1..1."""
    return np.asarray(rating / 10.0, np.float32)

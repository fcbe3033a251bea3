"""How much each of the four signals counts.

Score(u, i) = λ1 audio + λ2 emotion + λ3 context + λ4 collaborative with λ ≥ 0 and Σλ = 1 (CK-OSTRec). The weights are
not constants: emotion gains with the certainty of what is wanted and with its change (Lin, Huang & Zhang 2025, section
3.4), and gives way to long-term taste when the state is a mere guess; a signal that has no evidence behind it yet
lends its share to the others.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["certainty", "fusion_weights"]

_EMOTION_UNSURE: Final = 0.15
"""Emotion's share when nothing is known of the state: music still has to fit the prior mood a little."""
_EMOTION_SURE: Final = 0.65
"""Its share when the state is certain and changing."""
_STEADY: Final = 0.8
"""Part of that gain that a steady state keeps."""
_OTHERS: Final = np.array([0.45, 0.15, 0.40])
"""How audio, context and collaborative share the rest when all have evidence."""
_HALF_EVIDENCE: Final = 5.0
"""Tracks heard with pleasure at which taste counts half of what it will."""
_TASTE_FLOOR: Final = 0.2
"""What a signal without evidence keeps: popularity and neighbours still say something."""


def certainty(covariance: NDArray[np.float64], prior: NDArray[np.float64]) -> float:
    """How much more is known than the prior tells, in [0, 1].

    The geometric mean of the standard deviations is compared, so that both coordinates count alike.
    """
    ratio = max(np.linalg.det(covariance), 0.0) / max(float(np.linalg.det(prior)), 1e-12)
    return float(np.clip(1.0 - ratio**0.25, 0.0, 1.0))


def fusion_weights(*, sure: float, change: float, evidence: float, context_known: bool) -> NDArray[np.float64]:
    """The four weights.

    Args:
        sure: certainty of what is wanted, in [0, 1].
        change: how much the state has moved lately, in [0, 1].
        evidence: number of tracks heard with pleasure, recent ones counting more.
        context_known: whether the listener's taste in metadata is known at all.

    Returns:
        [4]: audio, emotion, context, collaborative; not negative, sum 1.
    """
    emotion = _EMOTION_UNSURE + (_EMOTION_SURE - _EMOTION_UNSURE) * sure * (_STEADY + (1 - _STEADY) * change)
    taste = max(_TASTE_FLOOR, evidence / (evidence + _HALF_EVIDENCE))
    others = _OTHERS * (taste, taste if context_known else 0.0, max(taste, 0.5))
    others *= (1.0 - emotion) / others.sum()
    return np.array([others[0], emotion, others[1], others[2]])

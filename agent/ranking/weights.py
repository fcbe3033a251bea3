"""How much each of the four signals counts.

Score(u, i) = λ1 audio + λ2 emotion + λ3 context + λ4 collaborative with λ ≥ 0 and Σλ = 1 (CK-OSTRec). The weights are
not constants: emotion gains with the certainty of what is wanted and with its change (Lin, Huang & Zhang 2025, section
3.4), and gives way to long-term taste when the state is a mere guess; a signal that has no evidence behind it yet
lends its share to those that have.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["certainty", "fusion_weights"]

_EMOTION_UNSURE: Final = 0.3
"""Emotion's part against the other signals' 1 when nothing is known of the state: music still has to fit the usual mood
a little."""
_EMOTION_SURE: Final = 1.2
"""Its part when the state is certain and changing: it then outweighs all that is known of long-term taste."""
_STEADY: Final = 0.8
"""Share of that gain that a steady state keeps."""
_OTHERS: Final = np.array([0.45, 0.15, 0.40])
"""How audio, context and collaborative share their part when all have evidence."""
_HALF_EVIDENCE: Final = 4.0
"""Evidence at which taste counts half of what it will: four tracks liked, or eight played through."""
_TASTE_FLOOR: Final = 0.2
"""Share of its part that a signal keeps without evidence: popularity and neighbours still say something."""


def certainty(covariance: NDArray[np.float64], prior: NDArray[np.float64]) -> float:
    """Share of the prior's variance that is explained away, in [0, 1]: the geometric mean over both coordinates."""
    ratio = max(np.linalg.det(covariance), 0.0) / max(float(np.linalg.det(prior)), 1e-12)
    return float(np.clip(1.0 - ratio**0.5, 0.0, 1.0))


def fusion_weights(*, sure: float, change: float, evidence: float, context_known: bool) -> NDArray[np.float64]:
    """The four weights.

    Args:
        sure: certainty of what is wanted, in [0, 1].
        change: how much the state has moved lately, in [0, 1].
        evidence: tracks heard with pleasure, a liked one counting 1, recent ones more than old ones.
        context_known: whether the listener's taste in metadata is known at all.

    Returns:
        [4]: audio, emotion, context, collaborative; not negative, sum 1.
    """
    emotion = _EMOTION_UNSURE + (_EMOTION_SURE - _EMOTION_UNSURE) * sure * (_STEADY + (1 - _STEADY) * change)
    taste = max(_TASTE_FLOOR, evidence / (evidence + _HALF_EVIDENCE))
    audio, context, collaborative = _OTHERS * (taste, taste if context_known else 0.0, taste)
    weights = np.array([audio, emotion, context, collaborative])
    return weights / float(weights.sum())

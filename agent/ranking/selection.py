"""From scored candidates to the queue: diversity among neighbours, and hysteresis against needless reordering."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["STAY", "select"]

_SIMILAR: Final = 0.08
"""Penalty for being an exact copy in sound of a track already chosen."""
_SAME_ARTIST: Final = 0.06
"""Penalty for the artist of one of the last two tracks chosen."""
STAY: Final = 0.03
"""By so much must a track be better to take the place of the one that holds it; the state's noise moves scores by about
a third of that from one evaluation to the next."""


def select(
    *,
    scores: NDArray[np.float64],
    embedding: NDArray[np.float32],
    artist: NDArray[np.int32],
    before: NDArray[np.intp],
    length: int,
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Choose greedily: at each place the candidate whose score, less what resembles those before, is largest.

    The idea is maximal marginal relevance (Carbonell & Goldstein 1998).

    Args:
        scores: [C] of the candidates.
        embedding: [C, 128], unit length.
        artist: [C].
        before: candidates that formed the queue so far, in its order; the foremost that is still free holds the place.
        length: how many to choose, at most C.

    Returns:
        The chosen candidates [length] in order, and the diversity penalty that each had when it was chosen.
    """
    free = scores.copy()
    holders = list(before)
    likeness = np.zeros(len(scores))
    chosen = np.empty(min(length, len(scores)), dtype=np.intp)
    penalties = np.empty(len(chosen))
    for place in range(len(chosen)):
        same = np.isin(artist, artist[chosen[max(0, place - 2) : place]]) if place else np.zeros(len(scores), np.bool_)
        penalty = _SIMILAR * likeness + _SAME_ARTIST * same
        value = free - penalty
        best = int(np.argmax(value))
        while holders and not np.isfinite(free[holders[0]]):
            holders.pop(0)
        if holders and value[best] < value[holders[0]] + STAY:
            best = int(holders[0])
        chosen[place], penalties[place] = best, penalty[best]
        free[best] = -np.inf
        # Squared, so that only real neighbours count: most tracks of one library resemble each other somewhat.
        np.maximum(likeness, np.clip(embedding @ embedding[best], 0.0, 1.0) ** 2, out=likeness)
    return chosen, penalties

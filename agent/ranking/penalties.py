"""What speaks against a track: heard too lately, skipped, disliked.

Only tracks that were played or judged have an entry, so the cost follows the history, not the catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Judgements", "fatigue"]

_FATIGUE: Final = 0.6
"""Penalty right after a track was heard: more than any signal can make up, so nothing repeats at once."""
_FATIGUE_HALF_LIFE_S: Final = 3 * 3600.0
"""Half an afternoon. Repetition first pleases and then tires (Szpunar, Schellenberg & Pliner 2004)."""
_SKIP: Final = 0.25
_SKIP_HALF_LIFE_S: Final = 7 * 86400.0
"""A skip says "not now" rather than "never"."""
_DISLIKE: Final = 1.0
"""A dislike holds until it is taken back by a like."""


@dataclass(frozen=True, slots=True)
class Judgements:
    """What the history says about single tracks.

    Attributes:
        rows: [M] rows of the tracks that have an entry.
        heard_at: [M] when each was last heard, seconds since the epoch; -inf where never.
        skipped_at: [M] when each was last skipped; -inf where never.
        disliked: [M] whether the last word about it was a dislike.
        liked: [M] whether it was a like.
    """

    rows: NDArray[np.intp]
    heard_at: NDArray[np.float64]
    skipped_at: NDArray[np.float64]
    disliked: NDArray[np.bool_]
    liked: NDArray[np.bool_]

    @classmethod
    def none(cls) -> Judgements:
        """Of a listener of whom nothing is known."""
        empty = np.empty(0)
        return cls(np.empty(0, np.intp), empty, empty, np.empty(0, np.bool_), np.empty(0, np.bool_))


def fatigue(judgements: Judgements, *, now: float) -> dict[str, NDArray[np.float64]]:
    """Penalties by name, each [M] in the order of `judgements.rows`; `now` in seconds since the epoch."""

    def faded(since: NDArray[np.float64], half_life: float) -> NDArray[np.float64]:
        age: NDArray[np.float64] = np.exp2(-np.maximum(now - since, 0.0) / half_life)
        return age

    return {
        "fatigue": _FATIGUE * faded(judgements.heard_at, _FATIGUE_HALF_LIFE_S),
        "skipped": _SKIP * faded(judgements.skipped_at, _SKIP_HALF_LIFE_S),
        "disliked": _DISLIKE * judgements.disliked,
    }

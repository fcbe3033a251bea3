"""What the simulated listener truly feels."""

from __future__ import annotations

import math
from typing import NamedTuple

__all__ = ["Affect"]


class Affect(NamedTuple):
    """A point of the valence-arousal plane; each coordinate lies in [-1, 1]."""

    valence: float
    arousal: float

    def clipped(self) -> Affect:
        """The nearest point inside the plane."""
        return Affect(min(1.0, max(-1.0, self.valence)), min(1.0, max(-1.0, self.arousal)))

    def towards(self, other: Affect, share: float) -> Affect:
        """The point that lies `share` of the way to `other`."""
        return Affect(
            self.valence + share * (other.valence - self.valence),
            self.arousal + share * (other.arousal - self.arousal),
        )

    def distance(self, other: Affect) -> float:
        """Euclidean distance; at most 2√2."""
        return math.hypot(self.valence - other.valence, self.arousal - other.arousal)

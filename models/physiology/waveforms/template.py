"""What beats of late looked like, and how much another one looks like them."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Template"]

_LEAST: Final = 4
"""Beats that make a template; one of the first may have been none."""
_FASTEST: Final = 0.1
"""Share of a new beat in the template: it follows posture and electrodes within some ten beats."""
_NAN: Final = math.nan


class Template:
    """The running mean of beats, each freed of its level and of its size.

    Args:
        length: samples of a beat.
    """

    def __init__(self, length: int) -> None:
        self._length = length
        self._shape: NDArray[np.float64] | None = None
        self._seen = 0

    def likeness(self, beat: NDArray[np.float64]) -> float:
        """Correlation with the template, [-1, 1]; NaN while there is none, or where the beat is cut off or flat."""
        if self._shape is None or self._seen < _LEAST or len(beat) != self._length:
            return _NAN
        even = beat - beat.sum() / len(beat)
        size = math.sqrt(even.dot(even) * self._shape.dot(self._shape))
        return float(even.dot(self._shape)) / size if size > 0.0 else _NAN

    def learn(self, beat: NDArray[np.float64]) -> None:
        """Let a beat move the template."""
        if len(beat) != self._length:
            return
        even = beat - beat.sum() / len(beat)
        size = math.sqrt(even.dot(even))
        if not size > 0.0:
            return
        self._seen += 1
        if self._shape is None:
            self._shape = even / size
        else:
            self._shape += max(_FASTEST, 1.0 / self._seen) * (even / size - self._shape)

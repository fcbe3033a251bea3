"""Where between two samples a wave turns: beats finer than the sampling."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["crest_offset", "zero_offset"]


def crest_offset(samples: NDArray[np.float64], place: int) -> float:
    """Offset of the top of the parabola through a crest and its neighbours, in samples, [-0.5, 0.5]."""
    if not 0 < place < len(samples) - 1:
        return 0.0
    left, middle, right = (float(samples[i]) for i in (place - 1, place, place + 1))
    bend = left - 2.0 * middle + right
    return min(max(0.5 * (left - right) / bend, -0.5), 0.5) if bend < 0.0 else 0.0


def zero_offset(samples: NDArray[np.float64], place: int) -> float:
    """Offset of the zero between a sample above 0 and the next one, not above it, in samples, [0, 1].

    The zero is that of the cubic through the four samples around it; at the ends, of the straight line through two.
    """
    here, after = float(samples[place]), float(samples[place + 1])
    straight = here / (here - after)
    if not 0 < place < len(samples) - 2:
        return straight
    before, last = float(samples[place - 1]), float(samples[place + 2])
    linear = after - before / 3.0 - here / 2.0 - last / 6.0
    square = (before + after) / 2.0 - here
    cube = (last - before) / 6.0 + (here - after) / 2.0
    offset = straight
    for _ in range(2):
        slope = linear + offset * (2.0 * square + 3.0 * cube * offset)
        if not slope < 0.0:
            return straight
        offset -= (here + offset * (linear + offset * (square + cube * offset))) / slope
    return min(max(offset, 0.0), 1.0)

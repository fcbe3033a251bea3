"""What a beat detector reports."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["NOTHING", "Found"]


class Found(NamedTuple):
    """Beats that became certain.

    Attributes:
        times: float64 [k], the beats, seconds, ascending.
        intervals: float64 [k], seconds since the beat before; NaN for the first of all and across a gap. Measured
            where the wave tells time best, so they may differ from the distances between `times`.
        heights: float64 [k], how tall each beat is, in the stream's unit: only ever compare within one stream.
        quality: how far the last ten seconds are to be trusted, in [0, 1]; NaN until that can be told.
    """

    times: NDArray[np.float64]
    intervals: NDArray[np.float64]
    heights: NDArray[np.float64]
    quality: float

    def followed_by(self, later: Found) -> Found:
        """Both together; the quality is the later one's."""
        times, intervals, heights = (np.concatenate((self[i], later[i])) for i in range(3))
        return Found(times, intervals, heights, later.quality)


NOTHING: Final = Found(np.empty(0), np.empty(0), np.empty(0), float("nan"))

"""A wearable's clock: it stands wrong and runs wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Clock"]


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as a wearable knows it.

    Attributes:
        offset_s: how far it was ahead when it was started, seconds. Bands are set over Bluetooth, some tens of
            milliseconds off.
        ppm: how much too fast it runs, parts in a million. Watch crystals are good for ± 20.
    """

    offset_s: float = 0.0
    ppm: float = 0.0

    def read(self, elapsed_s: NDArray[np.float64], started_at: float) -> NDArray[np.float64]:
        """What it shows, seconds since the epoch, `elapsed_s` true seconds after it was started at `started_at`."""
        return np.asarray(started_at + self.offset_s + elapsed_s * (1 + self.ppm * 1e-6), dtype=np.float64)

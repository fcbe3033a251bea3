"""Beats of an electrocardiogram (ECG), found while it streams."""

from __future__ import annotations

from models.physiology.waveforms.found import NOTHING, Found
from models.physiology.windows import Floats

__all__ = ["EcgBeats"]


class EcgBeats:
    """Finds R peaks in one pass.

    Args:
        rate_hz: samples a second as the wearable states it, 100–1000.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz

    def add(self, times: Floats, values: Floats) -> Found:
        """Take samples, ascending in time, and return the beats that became certain through them.

        Args:
            times: [n], seconds.
            values: [n], any unit.
        """
        return NOTHING

    def finish(self) -> Found:
        """The beats that were still open; the detector is as new afterwards."""
        return NOTHING

"""Readings become packs: collected for a while, stamped by the wearable's clock, numbered per quantity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware_sim.wearable.clock import Clock
from firmware_sim.wearable.sensor import Samples

__all__ = ["Draft", "Packer"]

# How long readings are collected before they are sent, seconds. Beats and heart rate go at once, because they are what
# the queue waits for; dense streams once a second, as bands do to let the radio sleep.
_COLLECTED_S: Final[dict[str, float]] = {
    "hr": 0.0,
    "rr": 0.0,
    "temp": 0.0,
    "batt": 0.0,
    "ppg": 1.0,
    "eda": 1.0,
    "acc": 1.0,
}
# Finer than any wearable's clock, and short in JSON.
_TIME_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Draft:
    """A pack before it is written.

    Attributes:
        quantity: what was measured.
        times: [n], seconds since the epoch by the wearable's clock.
        values: [n] or [n, channels], in the quantity's unit.
        sequence: its number among the packs of this quantity since the wearable started, or None.
    """

    quantity: str
    times: NDArray[np.float64]
    values: NDArray[np.float64]
    sequence: int | None


class Packer:
    """Collects readings into packs.

    Args:
        quantities: what is sent; readings of others are dropped.
        clock: by which packs are stamped.
        started_at: the true time of the start, seconds since the epoch.
        numbered: whether packs carry their number.
    """

    def __init__(self, quantities: tuple[str, ...], clock: Clock, started_at: float, *, numbered: bool) -> None:
        self._clock = clock
        self._started_at = started_at
        self._numbered = numbered
        self._collected: dict[str, list[Samples]] = {quantity: [] for quantity in quantities}
        self._count = dict.fromkeys(quantities, 0)

    def collect(self, readings: dict[str, Samples], t_s: float) -> list[Draft]:
        """Take the readings of a block that ended `t_s` seconds after the start; return the packs that are full."""
        drafts = []
        for quantity, samples in readings.items():
            waiting = self._collected.get(quantity)
            if waiting is None:
                continue
            waiting.append(samples)
            if t_s - float(waiting[0].times_s[0]) >= _COLLECTED_S[quantity] - 0.25:
                drafts.append(self._draft(quantity, waiting))
                waiting.clear()
        return drafts

    def _draft(self, quantity: str, waiting: list[Samples]) -> Draft:
        elapsed_s = np.concatenate([samples.times_s for samples in waiting])
        number = self._count[quantity]
        self._count[quantity] += 1
        return Draft(
            quantity=quantity,
            times=np.round(self._clock.read(elapsed_s, self._started_at), _TIME_DIGITS),
            values=np.concatenate([samples.values for samples in waiting]),
            sequence=number if self._numbered else None,
        )

"""Wearables that are as well behaved, or as ill, as a test wants them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from agent.sensing import Intake, Sensing
from models.wire import senml, topics

__all__ = ["Worn"]


class Worn:
    """What a sensing station hears of wearables that a test drives.

    Attributes:
        sensing: the station.
    """

    def __init__(self) -> None:
        self.sensing = Sensing("me")

    def send(
        self,
        wearable: str,
        quantity: str,
        times: Sequence[float] | np.ndarray,
        values: ArrayLike,
        *,
        now: float,
        sequence: int | None = None,
    ) -> Intake:
        """Send a pack."""
        payload = senml.encode(quantity, times, values, sequence=sequence)
        return self.sensing.accept(topics.sense("me", wearable, quantity), payload, now=now)

    def second(self, wearable: str, now: float, *, rate: float = 72.0, late_s: float = 0.0, number: int = -1) -> None:
        """A second of heart rate and beats, which waver as a heart does."""
        waver = np.sin(now * 0.9) + 0.3 * np.sin(now * 2.3)
        sequence = number if number >= 0 else None
        self.send(wearable, "hr", [now - late_s], [rate + waver], now=now, sequence=sequence)
        self.send(wearable, "rr", [now - late_s], [1.0 + 0.02 * waver], now=now, sequence=sequence)

    def source(self, quantity: str, now: float) -> str:
        """Whose word counts; empty where nobody's does."""
        found = self.sensing.sources(now).get(quantity)
        return found.wearable if found is not None else ""

    def quality(self, wearable: str, quantity: str, now: float) -> float:
        """Of a stream that was heard."""
        return next(
            stream.quality
            for stream in self.sensing.streams(now)
            if (stream.wearable, stream.quantity) == (wearable, quantity)
        )

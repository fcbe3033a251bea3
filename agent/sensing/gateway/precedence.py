"""Which service of one wearable a quantity is taken from.

A wearable may tell the same thing twice: beats as Bluetooth's heart rate and as its own pulse intervals, a rate with
the saturation. Two senders in one stream would look like a wearable that repeats itself, so the one that is believed
more speaks alone, and the other takes over when it falls silent.
"""

from __future__ import annotations

from typing import Final

__all__ = ["SILENT_S", "Precedence"]

SILENT_S: Final = 10.0
"""So long a service may be silent before another one takes over: longer than any that sends beats in batches."""


class Precedence:
    """Follows who speaks for each quantity of one wearable."""

    def __init__(self) -> None:
        self._speaking: dict[str, tuple[int, float]] = {}

    def admits(self, quantity: str, rank: int, arrived: float) -> bool:
        """Tell whether readings of a service are to be taken.

        Args:
            quantity: of the wire.
            rank: of the service, 0 is believed most.
            arrived: when they came, seconds since the epoch.
        """
        speaker, heard_at = self._speaking.get(quantity, (rank, arrived))
        if rank > speaker and abs(arrived - heard_at) < SILENT_S:
            return False
        self._speaking[quantity] = (rank, arrived)
        return True

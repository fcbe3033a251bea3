"""The named points of an installation: where a kill, or a disk that has become full, is tried in the tests."""

from __future__ import annotations

from typing import Final

from agent.delivery.points import STEPS_OF_A_WRITE

__all__ = ["POINTS"]

_WRITES: Final = (
    *("boot", "lived", "begin", "proceed", "activate", "observe", "mark", "confirm"),
    *("refuse", "abandon", "give_back", "fall_back"),
)
POINTS: Final = (
    *(f"{write}.{step}" for write in _WRITES for step in STEPS_OF_A_WRITE),
    *("clear.begin", "clear.unmarked", "clear.emptied"),
)
"""Every point of `Slots`: four for each write, and those between the steps of clearing a slot."""

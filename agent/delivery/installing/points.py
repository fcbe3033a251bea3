"""The named points of an installation: where a kill, or a disk that has become full, is tried in the tests.

A point is passed by calling the function that was given as `at`. Outside of tests that does nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

__all__ = ["POINTS", "STEPS_OF_A_WRITE", "Pass", "nowhere"]

Pass: TypeAlias = Callable[[str], None]
"""Called with the name of a point when it is reached; what it raises goes up as if the step had failed there."""

STEPS_OF_A_WRITE: Final = ("begin", "written", "renamed", "done")
"""Before anything is on the disk; the new content beside the old; in its place; the folder synced."""

_WRITES: Final = (
    *("boot", "lived", "begin", "proceed", "activate", "observe", "mark", "confirm"),
    *("refuse", "abandon", "give_back", "fall_back"),
)
POINTS: Final = (
    *(f"{write}.{step}" for write in _WRITES for step in STEPS_OF_A_WRITE),
    *("clear.begin", "clear.unmarked", "clear.emptied"),
)
"""Every point of `Slots`: four for each write, and those between the steps of clearing a slot."""


def nowhere(point: str) -> None:
    """Passes every point."""

"""Named points of what is written to the disk: where a kill, or a disk that has become full, is tried in the tests.

A point is passed by calling the function that was given as `at`. Outside of tests that does nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

__all__ = ["STEPS_OF_A_WRITE", "Pass", "nowhere"]

Pass: TypeAlias = Callable[[str], None]
"""Called with the name of a point when it is reached; what it raises goes up as if the step had failed there."""

STEPS_OF_A_WRITE: Final = ("begin", "written", "renamed", "done")
"""Before anything is on the disk; the new content beside the old; in its place; the folder synced."""


def nowhere(point: str) -> None:
    """Passes every point."""

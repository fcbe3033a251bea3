"""The named points of receiving: where a kill, or a disk that has become full, is tried in the tests."""

from __future__ import annotations

from typing import Final

from agent.delivery.points import STEPS_OF_A_WRITE

__all__ = ["METADATA", "POINTS"]

METADATA: Final = ("root", "timestamp", "snapshot", "targets")
"""The files of TUF's client, in the order in which it trusts them."""

_WRITES: Final = tuple(f"{name}.{step}" for name in (*METADATA, "floor") for step in STEPS_OF_A_WRITE)

POINTS: Final = (
    "check.staged",  # TUF's client works on a copy
    "check.verified",  # what it has trusted is in the copy alone
    *_WRITES,
    "chunk.begin",
    "chunk.written",  # beside its place
    "chunk.stored",
    "copy.written",  # a file that was at hand, beside its place
    "file.assembled",  # and verified, beside its place
    "file.renamed",
    "fetch.done",
    "forget.removed",
)
"""Every point that a check, a fetch and a clearing of the store pass, in this order."""

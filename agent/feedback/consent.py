"""The listener's consent to give counts back for training: a file that only the command `consent` writes."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

import msgspec

from models.errors import Reason, StorageError

__all__ = ["EPSILON", "STATEMENT", "Consent", "give", "read", "withdraw"]

STATEMENT: Final = 1
"""Version of what was agreed to; with another one the listener is asked anew."""
EPSILON: Final = "1"
"""Privacy loss for one day. At 1 nobody who sees the report becomes more than e = 2.7 times surer that a given day
was spent as it was."""
_FILE: Final = "consent.json"


class Consent(msgspec.Struct, frozen=True):
    """What the listener agreed to, and when (seconds since the epoch)."""

    statement: int
    given_t: float
    epsilon: str


def read(folder: Path) -> Consent | None:
    """The consent that stands; None where none was given, or to an older statement, or it cannot be read."""
    try:
        consent = msgspec.json.decode((folder / _FILE).read_bytes(), type=Consent)
    except (OSError, msgspec.DecodeError):
        return None
    return consent if consent.statement == STATEMENT else None


def give(folder: Path, *, now: float) -> Consent:
    """Write down that the listener agrees.

    Args:
        folder: `[storage] folder`/feedback.
        now: seconds since the epoch.

    Raises:
        StorageError: the disk refuses.
    """
    consent = Consent(STATEMENT, now, EPSILON)
    beside = folder / f".{_FILE}.new"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as stream:
            stream.write(msgspec.json.encode(consent))
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(folder / _FILE)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise StorageError(
            f"the consent cannot be written to {folder}: {error.strerror}",
            reason=Reason.READ_ONLY,
            remedy="Make room, or let this user write there",
        ) from error
    return consent


def withdraw(folder: Path) -> int:
    """Take the consent back and delete every report that was not sent yet.

    Returns:
        How many reports were deleted.

    Raises:
        StorageError: the disk refuses; the consent is taken back first.
    """
    try:
        (folder / _FILE).unlink(missing_ok=True)
        waiting = list(folder.glob("*.json"))
        for report in waiting:
            report.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"{error.filename or folder} cannot be deleted: {error.strerror}",
            reason=Reason.READ_ONLY,
            remedy="Delete it by hand",
        ) from error
    return len(waiting)

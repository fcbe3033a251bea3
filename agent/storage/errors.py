"""Turns what SQLite and the file system say into one `StorageError` with a remedy."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from models.errors import Reason, StorageError

__all__ = ["storage_errors"]

_ROOM: Final = "Free some space; what could not be stored is not lost from what was there before"
_PERMISSION: Final = "Make it writable for this user, or set [storage] folder to another place"
_DAMAGED: Final = (
    "Move it out of the way and start again: a scan rebuilds the catalogue. "
    "Plays and feedback may be got back from it with `sqlite3 FILE .recover`"
)

# SQLite's primary result codes, the low byte of the extended ones (sqlite.org/rescode.html).
_BY_CODE: Final = {
    sqlite3.SQLITE_READONLY: (Reason.READ_ONLY, "cannot be written", _PERMISSION),
    sqlite3.SQLITE_PERM: (Reason.READ_ONLY, "cannot be written", _PERMISSION),
    sqlite3.SQLITE_CANTOPEN: (Reason.UNREADABLE, "cannot be opened", _PERMISSION),
    sqlite3.SQLITE_FULL: (Reason.DISK_FULL, "does not fit on the disk any more", _ROOM),
    sqlite3.SQLITE_IOERR: (Reason.FAILED, "is on a disk that fails", "Check the disk and its free space"),
    sqlite3.SQLITE_CORRUPT: (Reason.CORRUPT, "is damaged", _DAMAGED),
    sqlite3.SQLITE_NOTADB: (Reason.CORRUPT, "is no SQLite database or is damaged", _DAMAGED),
    sqlite3.SQLITE_BUSY: (Reason.FAILED, "is locked by another program", "Close what else has it open"),
    sqlite3.SQLITE_CONSTRAINT: (Reason.WRONG_VALUE, "does not take a value", "Report this with the log"),
}
_BY_ERRNO: Final = {
    errno.ENOSPC: _BY_CODE[sqlite3.SQLITE_FULL],
    errno.EDQUOT: _BY_CODE[sqlite3.SQLITE_FULL],
    errno.EROFS: _BY_CODE[sqlite3.SQLITE_READONLY],
    errno.EACCES: _BY_CODE[sqlite3.SQLITE_READONLY],
    errno.EPERM: _BY_CODE[sqlite3.SQLITE_READONLY],
}
_OTHER: Final = (Reason.FAILED, "refuses", "Report this with the log")


@contextmanager
def storage_errors(file: Path) -> Iterator[None]:
    """Lets errors of SQLite and of the file system leave as `StorageError`.

    Args:
        file: the database, for the message.

    Raises:
        StorageError: something inside failed.
    """
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        reason, what, remedy = _BY_CODE.get((code or 0) & 0xFF, _OTHER)
        raise StorageError(f"the database {file} {what} ({error})", reason=reason, remedy=remedy) from error
    except OSError as error:
        reason, what, remedy = _BY_ERRNO.get(error.errno or 0, _OTHER)
        raise StorageError(f"the database {file} {what} ({error.strerror})", reason=reason, remedy=remedy) from error

"""Writes session files."""

from __future__ import annotations

import errno
import math
import os
import zlib
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from models.errors import Reason, StorageError
from models.wire.session.lines import Entry, Header, encode_entry, encode_header

__all__ = ["SessionWriter"]

_GZIP: Final = 31
"""zlib's window bits: 15, its largest window, and 16 for gzip's header and trailer."""
_FULL: Final = (Reason.DISK_FULL, "does not fit on the disk any more", "Free some space; what is in the file is whole")


class SessionWriter:
    """Writes a session, compressed as it goes; a context manager.

    The file holds health data, so its owner alone may read it. It blocks on the disk: a program with an event loop
    writes in a thread.

    Args:
        path: a file that does not exist yet; a recording is never overwritten.
        header: its first line.

    Attributes:
        entries: lines written.
        size: bytes handed to the file.

    Raises:
        StorageError: the file exists (REFUSED) or cannot be made.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self.path = path
        self.entries = 0
        self.size = 0
        self._newest = -math.inf
        self._failed = False
        self._gzip = zlib.compressobj(wbits=_GZIP)
        try:
            self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        except OSError as error:
            raise self._error(error) from error
        try:
            self._put(self._gzip.compress(encode_header(header)))
        except StorageError:
            self._file.close()
            raise

    def write(self, entries: Iterable[Entry]) -> None:
        """Add messages in the order of their arrival.

        Raises:
            StorageError: the disk is full or refuses; what was written before stays readable.
            ValueError: an entry's time is not finite or before the last one's.
        """
        for entry in entries:
            if not self._newest <= entry.t < math.inf:
                raise ValueError(f"an entry of {entry.t} after one of {self._newest}: arrivals ascend")
            self._newest = entry.t
            self._put(self._gzip.compress(encode_entry(entry)))
            self.entries += 1

    def flush(self) -> None:
        """Bring to the disk all that was written, so that a cut after this moment loses none of it.

        Raises:
            StorageError: as `write`.
        """
        self._put(self._gzip.flush(zlib.Z_SYNC_FLUSH))
        try:
            self._file.flush()
        except OSError as error:
            self._failed = True
            raise self._error(error) from error

    def close(self) -> None:
        """End the file; once.

        Raises:
            StorageError: as `write`; the file is closed all the same.
        """
        if self._file.closed:
            return
        try:
            if not self._failed:
                self._put(self._gzip.flush())
            self._file.close()
        except OSError as error:
            if not self._failed:
                raise self._error(error) from error
        finally:
            # A buffer that the disk refuses would be tried again, and fail again, when the object is collected.
            if not self._file.closed:
                self._file.raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _put(self, content: bytes) -> None:
        try:
            self._file.write(content)
        except OSError as error:
            self._failed = True
            raise self._error(error) from error
        self.size += len(content)

    def _error(self, error: OSError) -> StorageError:
        reason, what, remedy = {
            errno.EEXIST: (Reason.REFUSED, "exists already", "Choose another name: no recording is overwritten"),
            errno.ENOSPC: _FULL,
            errno.EDQUOT: _FULL,
            errno.EFBIG: _FULL,
            errno.ENOENT: (Reason.MISSING, "is in a folder that does not exist", "Make the folder first"),
        }.get(error.errno or 0, (Reason.READ_ONLY, f"cannot be written ({error.strerror})", "Choose another place"))
        return StorageError(f"The session {self.path} {what}", reason=reason, remedy=remedy)

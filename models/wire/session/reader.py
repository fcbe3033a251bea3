"""Reads session files."""

from __future__ import annotations

import base64
import binascii
import gzip
import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

import msgspec

from models.errors import DataError, Reason
from models.wire.session.lines import ABSENT, FORMAT_NAME, FORMAT_VERSION, Begin, Entry, Header, Line

__all__ = ["SessionReader"]

_LONGEST_LINE: Final = 4 * 1024 * 1024
"""Bytes. The largest payload in base64 is a tenth of it; what is longer is no line of a session but an attack."""
_MAGIC: Final = b"\x1f\x8b"
"""With which every gzip file begins (RFC 1952, section 2.3.1)."""
_REMEDY: Final = "Name a file that `attune-agent record` or `attune-sim convert` wrote"
_decoder = msgspec.json.Decoder(Line)

T = TypeVar("T")


class SessionReader:
    """Reads a session, an entry at a time; a context manager and an iterator.

    Args:
        path: the file.

    Attributes:
        header: its first line.
        line: number of the line read last.
        is_cut: whether the file ended before its end: the last whole line was read, what followed is lost.

    Raises:
        DataError: there is no such file (MISSING), it cannot be read (UNREADABLE), is empty (EMPTY), is no session
            (MALFORMED), is damaged (CORRUPT), or a later program wrote it (INCOMPATIBLE). Iterating raises the same for
            what comes later. The message names the file and the line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.line = 0
        self.is_cut = False
        self._newest = -math.inf
        try:
            self._file = path.open("rb")
        except FileNotFoundError as error:
            raise self._error("does not exist", Reason.MISSING, _REMEDY) from error
        except OSError as error:
            raise self._error(
                f"cannot be read ({error.strerror})", Reason.UNREADABLE, "Check its permissions"
            ) from error
        self._lines = gzip.GzipFile(fileobj=self._file)
        try:
            self.header = self._header()
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[Entry]:
        """The entries that follow, each once."""
        while (text := self._next()) is not None:
            yield self._entry(text)

    def close(self) -> None:
        """Close the file."""
        self._lines.close()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _header(self) -> Header:
        begin = self._file.peek(2)[:2]
        if not begin:
            raise self._error("is empty", Reason.EMPTY, _REMEDY)
        if begin != _MAGIC[: len(begin)]:
            raise self._error("is no session: it is not compressed with gzip", Reason.MALFORMED, _REMEDY)
        text = self._next() if begin == _MAGIC else None
        if text is None:
            raise self._error("ends before its first line does", Reason.EMPTY, _REMEDY)
        try:
            begun = msgspec.json.decode(text, type=Begin)
            is_ours = begun.format == FORMAT_NAME
        except (msgspec.DecodeError, UnicodeDecodeError):
            is_ours = False
        if not is_ours:
            raise self._error("is no session: its first line is no header", Reason.MALFORMED, _REMEDY)
        if begun.version != FORMAT_VERSION:
            what = f"is a session of version {begun.version}; this program reads version {FORMAT_VERSION}"
            raise self._error(what, Reason.INCOMPATIBLE, "Install a newer Attune")
        header = self._parsed(text, msgspec.json.Decoder(Header))
        if not all(map(math.isfinite, (header.t, *header.marks))):
            raise self._error("has a time that is no number", Reason.MALFORMED, _REMEDY)
        return header

    def _next(self) -> bytes | None:
        """The next whole line; None at the end, wherever that is."""
        try:
            text = self._lines.readline(_LONGEST_LINE + 1)
        except EOFError:
            self.is_cut = True
            return None
        except (zlib.error, gzip.BadGzipFile) as error:
            self.line += 1
            raise self._error(f"is damaged ({error})", Reason.CORRUPT, "Copy it again from where it came") from error
        except OSError as error:
            self.line += 1
            raise self._error(f"cannot be read ({error})", Reason.UNREADABLE, "Check the disk") from error
        if not text:
            return None
        self.line += 1
        if len(text) > _LONGEST_LINE:
            raise self._error(f"has a line of more than {_LONGEST_LINE} bytes", Reason.OVERSIZED, _REMEDY)
        if not text.endswith(b"\n"):
            self.is_cut = True
            return None
        return text

    def _entry(self, text: bytes) -> Entry:
        line = self._parsed(text, _decoder)
        if not self._newest <= line.t < math.inf:
            raise self._error(f"goes back in time, to t = {line.t}", Reason.MALFORMED, "Sort its lines by t")
        self._newest = line.t
        if (line.pack is not ABSENT) + (line.message is not ABSENT) + (line.raw is not None) != 1:
            raise self._error("holds none or several of pack, message and raw", Reason.MALFORMED, _REMEDY)
        if line.raw is None:
            return Entry(line.t, line.topic, bytes(line.message if line.pack is ABSENT else line.pack))
        try:
            return Entry(line.t, line.topic, base64.b64decode(line.raw, validate=True))
        except binascii.Error as error:
            raise self._error(f"holds raw bytes that are no base64 ({error})", Reason.MALFORMED, _REMEDY) from error

    def _parsed(self, text: bytes, decoder: msgspec.json.Decoder[T]) -> T:
        try:
            return decoder.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._error(f"is no session's: {error}", Reason.MALFORMED, _REMEDY) from error

    def _error(self, what: str, reason: Reason, remedy: str) -> DataError:
        where = f"{self.path}, line {self.line}," if self.line else f"{self.path}"
        return DataError(f"{where} {what}", reason=reason, remedy=remedy)

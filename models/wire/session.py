"""Session files: what came over the wire while somebody recorded it, to be played again.

A session is a gzip'd text of JSON lines. The first is the header; every other one is a message as it arrived:

    {"format": "attune-session", "version": 1, "t": 1767225600.0, "source": "…", "licence": "", "marks": []}
    {"t": 1767225600.31, "topic": "attune/1/listener/me/sense/band/hr", "pack": [{"bt": …, "bu": "beat/min", "v": 71}]}
    {"t": 1767225601.02, "topic": "attune/1/device/living-room/affect", "message": {"valence": 0.12, …}}
    {"t": 1767225601.50, "topic": "attune/1/listener/me/sense/band/hr", "raw": "bm90IFNlbk1M"}

Rules:

- `t` is the moment of arrival, seconds since the epoch; it never descends.
- A pack that can be read is kept resolved: absolute times to the microsecond, the quantity's unit, its number. A file
  is therefore the same whatever encoding the wearable chose, and `zcat` shows it to anybody.
- What cannot be read is kept as it came, in base64: a fault is worth recording as much as a heartbeat.
- A file that was cut off anywhere, by a full disk or a lost battery, is read up to the last whole line.
- Keys that this version does not know are ignored; a header of a later version is refused.
"""

from __future__ import annotations

import base64
import binascii
import errno
import gzip
import math
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self, TypeVar

import msgspec
from msgspec import Raw

from models.errors import AttuneError, DataError, Reason, StorageError, WireError
from models.wire import senml, topics

__all__ = ["FORMAT_VERSION", "Entry", "Header", "SessionReader", "SessionWriter"]

FORMAT_VERSION: Final = 1
_FORMAT: Final = "attune-session"
_LONGEST_LINE: Final = 4 * 1024 * 1024
"""Bytes. The largest payload in base64 is a tenth of it; what is longer is no line of a session but an attack."""
_MAGIC: Final = b"\x1f\x8b"
"""With which every gzip file begins (RFC 1952, section 2.3.1)."""
_GZIP: Final = 31
"""zlib's window bits: 15, its largest window, and 16 for gzip's header and trailer."""
_REMEDY: Final = "Name a file that `attune-agent record` or `attune-sim convert` wrote"

T = TypeVar("T")


class Entry(NamedTuple):
    """A message as it arrived.

    Attributes:
        t: when it arrived, seconds since the epoch.
        topic: where.
        payload: what; of a session's packs SenML in JSON.
    """

    t: float
    topic: str
    payload: bytes


class Header(msgspec.Struct, frozen=True):
    """The first line of a session.

    Attributes:
        t: when the recording began, seconds since the epoch.
        source: who or what was recorded.
        licence: terms of the recording, where it has any.
        marks: moments that the wearer marked, seconds since the epoch.
        format: what kind of file it is.
        version: of the format.
    """

    t: float
    source: str = ""
    licence: str = ""
    marks: tuple[float, ...] = ()
    format: str = _FORMAT
    version: int = FORMAT_VERSION


class _Begin(msgspec.Struct):
    """As much of a header as every version has."""

    format: str
    version: int


_ABSENT: Final = Raw(b"")


class _Line(msgspec.Struct, omit_defaults=True):
    t: float
    topic: str
    pack: Raw = _ABSENT
    message: Raw = _ABSENT
    raw: str | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Line)


class SessionWriter:
    """Writes a session, compressed as it goes; a context manager.

    Blocks on the disk: a program with an event loop calls it in a thread.

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
            self._file = path.open("xb")
        except OSError as error:
            raise self._error(error) from error
        try:
            self._put(self._gzip.compress(_encoder.encode(header) + b"\n"))
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
            self._put(self._gzip.compress(_line(entry)))
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


_FULL: Final = (Reason.DISK_FULL, "does not fit on the disk any more", "Free some space; what is in the file is whole")


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
            begun = msgspec.json.decode(text, type=_Begin)
            is_ours = begun.format == _FORMAT
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
        if (line.pack is not _ABSENT) + (line.message is not _ABSENT) + (line.raw is not None) != 1:
            raise self._error("holds none or several of pack, message and raw", Reason.MALFORMED, _REMEDY)
        if line.raw is None:
            return Entry(line.t, line.topic, bytes(line.message if line.pack is _ABSENT else line.pack))
        try:
            return Entry(line.t, line.topic, base64.b64decode(line.raw, validate=True))
        except binascii.Error as error:
            raise self._error(f"holds raw bytes that are no base64 ({error})", Reason.MALFORMED, _REMEDY) from error

    def _parsed(self, text: bytes, decoder: msgspec.json.Decoder[T]) -> T:
        try:
            return decoder.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._error(f"is no session's: {error}", Reason.MALFORMED, _REMEDY) from error

    def _error(self, what: str, reason: Reason, remedy: str) -> AttuneError:
        where = f"{self.path}, line {self.line}," if self.line else f"{self.path}"
        return DataError(f"{where} {what}", reason=reason, remedy=remedy)


def _line(entry: Entry) -> bytes:
    pack, message, raw = _ABSENT, _ABSENT, None
    try:
        if "/sense/" in entry.topic:
            pack = Raw(_resolved(entry))
        else:
            # Without spaces and line ends, whatever the sender put between the tokens.
            message = Raw(msgspec.json.format(entry.payload, indent=-1))
    except (WireError, msgspec.DecodeError, UnicodeDecodeError):
        raw = base64.b64encode(entry.payload).decode()
    return _encoder.encode(_Line(entry.t, entry.topic, pack, message, raw)) + b"\n"


def _resolved(entry: Entry) -> bytes:
    """A pack with absolute times, as JSON.

    Raises:
        WireError: it cannot be read, holds no sample, or would become too large to be read again.
    """
    quantity = topics.parse_sense(entry.topic).quantity
    pack = senml.decode(entry.payload, quantity=quantity, now=entry.t)
    if not len(pack.times):
        raise WireError("the pack is empty", reason=Reason.EMPTY)
    content = senml.encode(quantity, pack.times.tolist(), pack.values, sequence=pack.sequence, cbor=False)
    if len(content) > senml.MAXIMUM_BYTES:
        raise WireError("the pack is too large", reason=Reason.OVERSIZED)
    return content

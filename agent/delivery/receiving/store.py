"""Chunks on the disk, addressed by their content, in one file.

Rules:

- The file is a row of records: a header (mark, length, SHA-256) and the chunk. The header is written after its chunk,
  so a record is there whole or is the end of the row; what lies after the end is written over.
- A chunk is given out only through a comparison with its address. Nothing else keeps it from being lost in a cut of the
  power: then it is fetched again. So it costs no wait for the disk, which on a memory card would be the longest part of
  receiving. A file for each chunk would cost three times what its bytes do.
"""

from __future__ import annotations

import errno
import os
import struct
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Final

from agent.delivery.points import Pass, nowhere
from models.delivery.chunks import address

__all__ = ["ChunkStore"]

_PACK: Final = "pack"
_MARK: Final = b"chnk"
_HEADER: Final = struct.Struct(">4sI32s")
_LARGEST: Final = 1 << 20


class ChunkStore:
    """A folder with a file of chunks. Its methods block; several threads may call them.

    Args:
        folder: made with the first chunk.
        at: passed the points of each write and removal.
    """

    def __init__(self, folder: Path, at: Pass = nowhere) -> None:
        self._folder = folder
        self._at = at
        self._lock = threading.RLock()
        self._descriptor: int | None = None
        self._places: dict[str, tuple[int, int]] = {}
        self._end = 0

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
            self._descriptor = None

    @property
    def addresses(self) -> frozenset[str]:
        """Of the chunks that are there; what is in them shows when they are read.

        Raises:
            OSError: the disk refuses.
        """
        with self._lock:
            self._open(0)
            return frozenset(self._places)

    def has(self, name: str, size: int) -> bool:
        """Whether a chunk of this address and size is there; what is in it shows when it is read.

        Raises:
            OSError: the disk refuses.
        """
        with self._lock:
            self._open(0)
            return self._places.get(name, (0, -1))[1] == size

    def put(self, name: str, chunk: bytes) -> bool:
        """Keep a chunk; False where its bytes are not those of its address.

        Raises:
            OSError: the disk refuses; the store is as it was.
        """
        if address(chunk) != name:
            return False
        with self._lock:
            self._at("chunk.begin")
            descriptor = self._open(os.O_CREAT)
            start = self._end + _HEADER.size
            _write(descriptor, chunk, start)
            self._at("chunk.written")
            _write(descriptor, _header(name, chunk), self._end)
            self._places[name] = start, len(chunk)
            self._end = start + len(chunk)
            self._at("chunk.stored")
        return True

    def get(self, name: str) -> bytes | None:
        """A chunk, or None where it is not there whole; what is there instead is forgotten.

        Raises:
            OSError: the disk refuses.
        """
        with self._lock:
            descriptor = self._open(0)
            start, size = self._places.get(name, (0, 0))
            if name not in self._places:
                return None
            chunk = os.pread(descriptor, size, start)
        if address(chunk) == name:
            return chunk
        with self._lock:
            self._places.pop(name, None)
        return None

    def forget(self, keep: Collection[str]) -> None:
        """Remove every chunk but those with these addresses, and every other file of the folder.

        Raises:
            OSError: the disk refuses; what was to be kept is there.
        """
        with self._lock:
            there = self.addresses
            kept = there.intersection(keep)
            if not kept:
                self.close()
                (self._folder / _PACK).unlink(missing_ok=True)
            elif kept != there:
                self._copy(kept)
            for path in [each for each in self._folder.rglob("*") if not each.is_dir() or each.is_symlink()]:
                if path != self._folder / _PACK:
                    path.unlink(missing_ok=True)
        self._at("forget.removed")

    def _copy(self, names: Collection[str]) -> None:
        """Go on with a file that holds these chunks alone; one of them is in memory at a time."""
        beside = self._folder / f"{_PACK}.new"
        end = 0
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            for name in names:
                if (chunk := self.get(name)) is not None:
                    _write(descriptor, _header(name, chunk) + chunk, end)
                    end += _HEADER.size + len(chunk)
        finally:
            os.close(descriptor)
        self.close()
        beside.replace(self._folder / _PACK)

    def _open(self, flags: int) -> int:
        """The open file, with its records found; -1 where there is none and the flags do not make one."""
        if self._descriptor is not None:
            return self._descriptor
        self._places.clear()
        self._end = 0
        if flags & os.O_CREAT:
            self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self._descriptor = os.open(self._folder / _PACK, os.O_RDWR | os.O_CLOEXEC | flags, 0o644)
        except FileNotFoundError:
            return -1
        self._find(self._descriptor)
        return self._descriptor

    def _find(self, descriptor: int) -> None:
        size = os.fstat(descriptor).st_size
        while len(header := os.pread(descriptor, _HEADER.size, self._end)) == _HEADER.size:
            mark, length, digest = _HEADER.unpack(header)
            start = self._end + _HEADER.size
            if mark != _MARK or length > _LARGEST or start + length > size:
                return
            self._places[digest.hex()] = start, length
            self._end = start + length


def _header(name: str, chunk: bytes) -> bytes:
    return _HEADER.pack(_MARK, len(chunk), bytes.fromhex(name))


def _write(descriptor: int, content: bytes, at: int) -> None:
    if os.pwrite(descriptor, content, at) < len(content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

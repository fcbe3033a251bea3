"""Chunks on the disk, addressed by their content.

Rules:

- A chunk is in its place whole, under the SHA-256 of its bytes, or not at all as far as anybody can tell: it is written
  beside its place and renamed, and read only through a comparison with its address.
- Nothing else keeps it from being lost in a cut of the power: then it is fetched again. So it costs no wait for the
  disk, which on a memory card would be the longest part of receiving.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from pathlib import Path

from agent.delivery.points import Pass, nowhere
from models.delivery.chunks import address

__all__ = ["ChunkStore"]


class ChunkStore:
    """A folder of chunks. Its methods block; call them in a thread, one at a time.

    Args:
        folder: made with the first chunk.
        at: passed the points of each write and removal.
    """

    def __init__(self, folder: Path, at: Pass = nowhere) -> None:
        self._folder = folder
        self._at = at

    def has(self, name: str, size: int) -> bool:
        """Whether a chunk of this address and size is there; what is in it shows when it is read."""
        try:
            return self._path(name).stat().st_size == size
        except FileNotFoundError:
            return False

    def put(self, name: str, chunk: bytes) -> bool:
        """Keep a chunk; False where its bytes are not those of its address.

        Raises:
            OSError: the disk refuses; the store is as it was.
        """
        if address(chunk) != name:
            return False
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._at("chunk.begin")
        beside = path.with_suffix(".new")
        try:
            beside.write_bytes(chunk)
            self._at("chunk.written")
            beside.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
            raise
        self._at("chunk.stored")
        return True

    def get(self, name: str) -> bytes | None:
        """A chunk, or None where it is not there whole; what is there instead is removed.

        Raises:
            OSError: the disk refuses.
        """
        path = self._path(name)
        try:
            chunk = path.read_bytes()
        except FileNotFoundError:
            return None
        if address(chunk) == name:
            return chunk
        path.unlink(missing_ok=True)
        return None

    def forget(self, keep: Collection[str]) -> None:
        """Remove every file but the chunks with these addresses.

        Raises:
            OSError: the disk refuses; some may be gone.
        """
        kept = frozenset(keep)
        for path in [each for each in self._folder.rglob("*") if each.is_file() or each.is_symlink()]:
            if path.name not in kept:
                path.unlink(missing_ok=True)
                self._at("forget.removed")

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name

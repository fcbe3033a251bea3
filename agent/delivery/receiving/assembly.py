"""From chunks to files: what is at hand, what is missing, and each file in its place.

Rules:

- A file appears in its folder whole: it is written beside its place, compared with the signed metadata by TUF's client,
  synced and renamed.
- What is at hand is not fetched: whole files of other bundles are copied, and their chunks taken. They are copied, not
  linked, so that a disk that damages one bundle's file leaves the other's.

Everything here blocks.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.delivery.points import Pass, nowhere
from agent.delivery.receiving.messages import Target, Verified
from agent.delivery.receiving.store import ChunkStore
from agent.delivery.writing import sync_folder
from models.delivery.chunks import address
from models.errors import DeliveryError, Reason

__all__ = ["Assembly"]

_PART: Final = ".part"


@dataclass(frozen=True, slots=True)
class _Piece:
    """A chunk that is missing.

    Attributes:
        size: its bytes.
        weight: bytes of the bundle that it stands for: it may be in several places.
    """

    size: int
    weight: int


class Assembly:
    """Makes the files of an offer in a folder.

    Args:
        verified: the offer, from a receiver.
        store: of chunks.
        into: the folder; made.
        at: passed the points of each file.

    Attributes:
        missing: chunks that neither the folder nor the store has, by address, in the order of the files; after `look`.
        total: bytes of all files.
        at_hand: of them, bytes that need not be fetched any more; after `look`.
    """

    def __init__(self, verified: Verified, store: ChunkStore, into: Path, at: Pass = nowhere) -> None:
        if verified.source is None:
            raise ValueError("what no receiver has verified cannot be fetched")
        self._targets = verified.files
        self._source = verified.source
        self._store = store
        self._into = into
        self._at = at
        self._open: list[Target] = []
        self.missing: dict[str, _Piece] = {}
        self.total = self.at_hand = sum(target.length for target in verified.files.values())

    def look(self, have: Sequence[Path], spare_bytes: int) -> None:
        """Find out what is missing, after taking what other folders have.

        Raises:
            DeliveryError: DISK_FULL: it would not fit with so many bytes to spare.
            OSError: the disk refuses.
        """
        self._into.mkdir(parents=True, exist_ok=True)
        self._open = [
            target
            for target in self._targets.values()
            if not self._source.matches(target, self._into / target.path) and not self._copied(target, have)
        ]
        self._count()
        self._take_chunks(have)
        self._check_room(spare_bytes)
        self.at_hand = self.total - sum(piece.weight for piece in self.missing.values())

    def found(self, name: str) -> None:
        """A chunk that was missing has come, and is in the store."""
        self.at_hand += self.missing.pop(name).weight

    def ready(self) -> list[Target]:
        """Files that are not in their place yet, with nothing missing; not while `build` or `finish` runs."""
        return [target for target in self._open if self.missing.keys().isdisjoint(target.chunks.sha256)]

    def build(self, targets: Sequence[Target]) -> None:
        """Put files in their place.

        Args:
            targets: of those that are `ready`.

        Raises:
            DeliveryError: MISSING: a chunk is not in the store; TAMPERED: the chunks do not make up the file.
            OSError: the disk refuses.
        """
        for target in targets:
            self._place(target, self._assembled, "file.assembled")
            self._at("file.renamed")
            self._open.remove(target)

    def finish(self) -> None:
        """Put the others in their place too, and clear what does not belong there; nothing is missing any more.

        Raises:
            DeliveryError: as `build`.
            OSError: the disk refuses.
        """
        self.build(tuple(self._open))
        for path in [each for each in self._into.rglob("*") if not each.is_dir() or each.is_symlink()]:
            if path.relative_to(self._into).as_posix() not in self._targets:
                path.unlink()
        for folder in {self._into, *(self._into / path for path in self._targets)}:
            sync_folder(folder if folder == self._into else folder.parent)
        self._at("fetch.done")

    def _place(self, target: Target, write: Callable[[Target, Path], bool], point: str) -> bool:
        """Let a file be written beside its place, and move it there if it is right."""
        path = self._into / target.path
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}{_PART}")
        try:
            if right := write(target, beside):
                _sync(beside)
                self._at(point)
                beside.replace(path)
            return right
        finally:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)

    def _assembled(self, target: Target, beside: Path) -> bool:
        self._source.download(target, self._store, beside)
        return True

    def _copied(self, target: Target, have: Sequence[Path]) -> bool:
        return any(
            self._place(target, lambda target, beside, file=file: self._copy(target, file, beside), "copy.written")  # type: ignore[misc]
            for file in (folder / target.path for folder in have)
            if file.is_file() and file.stat().st_size == target.length
        )

    def _copy(self, target: Target, file: Path, beside: Path) -> bool:
        shutil.copyfile(file, beside)
        return self._source.matches(target, beside)

    def _count(self) -> None:
        weights: Counter[str] = Counter()
        sizes: dict[str, int] = {}
        for target in self._open:
            for name, size in zip(target.chunks.sha256, target.chunks.sizes(target.length), strict=True):
                weights[name] += size
                sizes[name] = size
        self.missing = {
            name: _Piece(size, weights[name]) for name, size in sizes.items() if not self._store.has(name, size)
        }

    def _take_chunks(self, have: Sequence[Path]) -> None:
        """Take chunks out of files that have changed in part."""
        for target in self._open:
            for file in (folder / target.path for folder in have):
                if file.is_file() and not self.missing.keys().isdisjoint(target.chunks.sha256):
                    self._take_chunks_of(file, target.chunks.chunk_bytes)

    def _take_chunks_of(self, file: Path, chunk_bytes: int) -> None:
        with file.open("rb") as stream:
            while piece := stream.read(chunk_bytes):
                name = address(piece)
                if name in self.missing:
                    self._store.put(name, piece)
                    del self.missing[name]

    def _check_room(self, spare_bytes: int) -> None:
        chunks = sum(piece.size for piece in self.missing.values())
        lengths = [target.length for target in self._open]
        needed = chunks + sum(lengths) + max(lengths, default=0) + spare_bytes
        free = shutil.disk_usage(self._into).free
        if lengths and free < needed:
            raise DeliveryError(
                f"the bundle needs {needed / 1e6:.0f} MB on the disk of {self._into}, {free / 1e6:.0f} are free",
                reason=Reason.DISK_FULL,
                remedy="Make room on the disk of [storage] folder",
            )


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

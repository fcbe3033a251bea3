"""Files in chunks that are addressed by their content.

Rules:

- A chunk's address is the SHA-256 of its bytes: the same chunk of two files or two bundles is sent and kept once, and a
  stranger's chunk is known for one by itself.
- All chunks of a file have `chunk_bytes`, the last one the rest; an empty file has none.
- The list stands in the signed targets metadata, in `custom` of the file's target (TUF 1.0.34, 4.5).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from models.bundle.manifest import Digest

__all__ = ["CHUNK_BYTES", "MOST_CHUNKS", "ChunkList", "address", "pieces", "split"]

CHUNK_BYTES: Final = 65_536
"""Half of the smallest limit on a packet among the common hosted brokers (AWS IoT Core: 128 KiB)."""
MOST_CHUNKS: Final = 16_384
"""Of one file: 1 GiB at the usual size."""


class ChunkList(msgspec.Struct, frozen=True):
    """The chunks of a file, in order.

    Attributes:
        chunk_bytes: size of every chunk but the last, which may be smaller.
        sha256: address of each chunk, lower-case hexadecimal.
    """

    chunk_bytes: Annotated[int, Meta(ge=1024, le=262_144)]
    sha256: Annotated[list[Digest], Meta(max_length=MOST_CHUNKS)]

    def fits(self, length: int) -> bool:
        """Whether so many chunks of this size make up a file of `length` bytes."""
        return len(self.sha256) == -(-length // self.chunk_bytes)

    def sizes(self, length: int) -> list[int]:
        """Bytes of each chunk of a file of `length` bytes.

        Raises:
            ValueError: the file has another number of chunks.
        """
        if not self.fits(length):
            raise ValueError(f"{len(self.sha256)} chunks of {self.chunk_bytes} bytes are no file of {length} bytes")
        whole, rest = divmod(length, self.chunk_bytes)
        return [self.chunk_bytes] * whole + ([rest] if rest else [])


def address(chunk: bytes) -> str:
    """SHA-256 of a chunk in lower-case hexadecimal."""
    return hashlib.sha256(chunk).hexdigest()


def pieces(content: bytes, chunk_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
    """The chunks of a file, in order."""
    for start in range(0, len(content), chunk_bytes):
        yield content[start : start + chunk_bytes]


def split(content: bytes, chunk_bytes: int = CHUNK_BYTES) -> ChunkList:
    """List the chunks of a file."""
    return ChunkList(chunk_bytes, [address(piece) for piece in pieces(content, chunk_bytes)])

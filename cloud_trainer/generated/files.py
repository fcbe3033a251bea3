"""Writing data sets: tables, checksums, and what the folder says of itself."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from cloud_trainer.checkpoint import refused

__all__ = ["seal", "write_bytes", "write_table"]


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file and the folders above it.

    Raises:
        StorageError: the disk refuses.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise refused(path, error) from error


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a CSV file, gzip-compressed where its name ends in `.gz`; cells hold neither commas nor quotes.

    Raises:
        StorageError: the disk refuses.
    """
    lines = [",".join(columns), *(",".join(map(_cell, row)) for row in rows)]
    text = ("\n".join(lines) + "\n").encode()
    # A fixed time in the header: the same rows give the same bytes, and so the same checksum.
    write_bytes(path, gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)


def seal(root: Path, sources: Mapping[str, Mapping[str, str]]) -> None:
    """Write `sources.json`, then SHA256SUMS over all files; a folder without it is not complete.

    Args:
        root: of the data sets.
        sources: description, licence and citation of each.

    Raises:
        StorageError: the disk refuses.
    """
    write_bytes(root / "sources.json", json.dumps(sources, indent=1).encode() + b"\n")
    files = sorted(path for path in root.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  ./{path.relative_to(root)}" for path in files]
    write_bytes(root / "SHA256SUMS", ("\n".join(lines) + "\n").encode())


def _cell(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)

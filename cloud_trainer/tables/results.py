"""What a table found, as it is stored: everything that the report shows, so that the report computes nothing."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from models.errors import DataError, Reason, StorageError

__all__ = [
    "FORMAT",
    "ClaimResult",
    "ColumnResult",
    "Figure",
    "Interval",
    "PeerResult",
    "RowResult",
    "TableResult",
    "Worst",
    "as_json",
    "file_of",
    "read",
    "read_all",
    "write_whole",
]

FORMAT: Final = 1
"""Of the JSON; another one is refused."""


class Interval(Struct, frozen=True):
    """A value with the ends of its 95 % interval; `None` where the rows do not tell it."""

    value: float | None
    low: float | None
    high: float | None


class Worst(Struct, frozen=True):
    """The person with the worst figure, among those with enough rows."""

    who: str
    metric: str
    value: float


class Figure(Struct, frozen=True):
    """One cell: the figure, its paired difference from the reference row's (`None` there itself), the worst person."""

    value: Interval
    difference: Interval | None
    worst: Worst | None


class PeerResult(Struct, frozen=True):
    """A published figure."""

    name: str
    value: float
    source: str


class ColumnResult(Struct, frozen=True):
    """A heading; see `frame.Column`."""

    name: str
    metric: str
    unit: str
    more_is_better: bool
    target: float | None
    peers: list[PeerResult]
    rows_scored: int


class RowResult(Struct, frozen=True):
    """A rival with its figures by column name, its cost, and what its search chose in each fold."""

    name: str
    what: str
    tuned: str
    grid: dict[str, list[Any]]
    baseline: bool
    figures: dict[str, Figure]
    seconds: float
    chosen: dict[str, dict[str, Any]]


class ClaimResult(Struct, frozen=True):
    """A comparison that was spelled out, by column."""

    text: str
    row: str
    against: str
    differences: dict[str, Interval]


class TableResult(Struct, frozen=True):
    """A computed table; the texts are those of `frame.Table`.

    Attributes:
        exam: whether a second folder was scored.
        seed: of everything random.
        draws: of the bootstrap.
        configuration: hash of everything that decides the figures.
        data: fingerprint of each data set, those of the exam under `exam/NAME`.
        unchecked: sets for which no checksums were recorded.
        libraries: versions.
    """

    format: int
    table: str
    title: str
    question: str
    protocol: str
    group: str
    groups: int
    exam: bool
    seed: int
    draws: int
    configuration: str
    data: dict[str, str]
    unchecked: list[str]
    libraries: dict[str, str]
    columns: list[ColumnResult]
    rows: list[RowResult]
    reference: str
    ours: str
    claims: list[ClaimResult]
    notes: list[str]


def as_json(results: Sequence[TableResult]) -> str:
    """Return results as a JSON array."""
    return msgspec.json.encode(list(results)).decode()


def file_of(folder: Path, table: str, *, exam: bool) -> Path:
    """Return where a table's result lies."""
    return folder / (f"{table}-exam.json" if exam else f"{table}.json")


def read(path: Path) -> TableResult:
    """Read one result.

    Raises:
        DataError: the file is unreadable or of another format.
    """
    try:
        result = msgspec.json.decode(path.read_bytes(), type=TableResult)
    except (OSError, msgspec.DecodeError) as error:
        raise DataError(
            f"{path} is no result of a table: {error}",
            reason=Reason.CORRUPT,
            remedy="Remove it and run 'attune-trainer evaluate' again",
        ) from error
    if result.format != FORMAT:
        raise DataError(
            f"{path} has format {result.format}, not {FORMAT}",
            reason=Reason.INCOMPATIBLE,
            remedy="Run 'attune-trainer evaluate' again",
        )
    return result


def read_all(folder: Path) -> list[TableResult]:
    """Read every result of a folder, by name.

    Raises:
        DataError: there is none, or one is unreadable.
    """
    files = sorted(folder.glob("*.json"), key=lambda file: file.stem) if folder.is_dir() else []
    if not files:
        raise DataError(
            f"{folder} holds no result of a table",
            reason=Reason.EMPTY,
            remedy="Run 'attune-trainer evaluate all' first, or point --results at the folder",
        )
    return [read(file) for file in files]


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all.

    Raises:
        StorageError: the disk refuses.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise StorageError(
            f"cannot write {path}: {error.strerror}",
            reason=Reason.DISK_FULL if full else Reason.FAILED,
            remedy="Make room and run the same command again; it goes on from here"
            if full
            else "Choose another folder",
        ) from error

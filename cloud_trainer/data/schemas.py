"""What the files of each data set hold, and whether they do: columns, numbers, ranges, archives.

`schemas.toml` beside this module says what is expected. A problem names the file and the row: the number that an editor
shows, the heading being row 1.
"""

from __future__ import annotations

import gzip
import tomllib
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np

from cloud_trainer.data.tables import Kind, read_arrays, read_table
from models.errors import DataError

__all__ = ["Schema", "problems", "row_count", "schemas"]


class Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A data set's files.

    Attributes:
        used_for: in the trainer.
        rows: the files that count its rows; none where rows mean nothing.
        tables: columns by CSV file.
        arrays: patterns of NumPy archives, all finite.
        zips: archives whose members are whole.
    """

    used_for: str
    rows: list[str] = []
    tables: dict[str, dict[str, str]] = {}
    arrays: list[str] = []
    zips: list[str] = []


@cache
def schemas() -> dict[str, Schema]:
    """Return the schema of every data set by name."""
    content = (resources.files("cloud_trainer.data") / "schemas.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(content), dict[str, Schema])


def row_count(folder: Path, schema: Schema) -> int | None:
    """Return the rows of a set, headings aside; `None` where rows mean nothing or a file cannot be read.

    Args:
        folder: of the set.
        schema: of the set.
    """
    counts = [_rows_of(folder / name, schema.tables.get(name)) for name in schema.rows]
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None


def _rows_of(path: Path, columns: dict[str, str] | None) -> int | None:
    try:
        if columns is not None:
            first = next(iter(columns))
            return len(read_table(path, {first: "text"})[first])
        with gzip.open(path, "rb") as stream:
            return sum(1 for _ in stream)
    except (DataError, OSError, EOFError):
        return None


def problems(folder: Path, schema: Schema) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the files of a set, the first problem of each: its path inside the set, and what it is.

    Files that are not there are left to the checksums.

    Args:
        folder: of the set.
        schema: of the set.
    """
    for name, columns in schema.tables.items():
        if (folder / name).is_file() and (told := _of_table(folder / name, columns)):
            yield name, told
    for pattern in schema.arrays:
        for path in sorted(folder.glob(pattern)):
            if told := _of_arrays(path):
                yield str(path.relative_to(folder)), told
    for name in schema.zips:
        if (folder / name).is_file() and (told := _of_zip(folder / name)):
            yield name, told


def _of_table(path: Path, columns: dict[str, str]) -> str:
    kinds = {name: cast("Kind", spec.split()[0]) for name, spec in columns.items()}
    try:
        table = read_table(path, kinds)
    except DataError as error:
        return error.message
    for name, spec in columns.items():
        _, *bounds = spec.split()
        if not bounds:
            continue
        low, high = map(float, bounds)
        wrong = np.flatnonzero((table[name] < low) | (table[name] > high))
        if len(wrong):
            return (
                f"row {wrong[0] + 2} of {path}: {name} is {table[name][wrong[0]]:g}, not within {low:g} to {high:g}"
                + (f" ({len(wrong)} such rows)" if len(wrong) > 1 else "")
            )
    return ""


def _of_arrays(path: Path) -> str:
    try:
        arrays = read_arrays(path)
    except DataError as error:
        return error.message
    for name, values in arrays.items():
        where = np.argwhere(~np.isfinite(values)) if np.issubdtype(values.dtype, np.floating) else np.empty((0, 1))
        if len(where):
            place: Any = where[0].tolist()
            return f"{path}: {name}{place} is no finite number"
    return ""


def _of_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except (OSError, zipfile.BadZipFile) as error:
        return f"{path} is no whole archive: {error}"
    return f"{path}: the member {broken} is damaged" if broken else ""

"""Reading a data set's CSV file into arrays, with errors that name the file, the column and the row."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from cloud_trainer.data.sources import require
from models.errors import DataError, Reason

__all__ = ["Kind", "floats", "grouped_rows", "integers", "positions", "read_arrays", "read_table"]

Kind = Literal["int", "float", "number", "text"]
"""`float` refuses what is no finite number; `number` lets an empty cell through as NaN."""

_REMEDY = "Run 'attune-trainer data check' to see whether the file was changed"


def read_table(path: Path, columns: Mapping[str, Kind]) -> dict[str, npt.NDArray[Any]]:
    """Read the named columns of a CSV file, gzip-compressed where its name ends in `.gz`.

    Returns:
        Per column `int64[n]`, `float64[n]` or, for text, an object array of `str`; empty text cells are "".

    Raises:
        DataError: the file is missing, is no CSV, lacks a column, or a cell is not of its column's kind.
    """
    texts = _read_text(require(path), tuple(columns))
    return {name: _typed(texts[name], kind, path) for name, kind in columns.items()}


def positions(values: npt.NDArray[Any], known: npt.NDArray[Any], path: Path, column: str) -> npt.NDArray[np.int64]:
    """Return where each value stands in the sorted array `known`.

    Raises:
        DataError: a value is not in there.
    """
    places = np.minimum(np.searchsorted(known, values), len(known) - 1)
    wrong = np.flatnonzero(known[places] != values)
    if len(wrong):
        raise DataError(
            f"row {wrong[0] + 2} of {path}: {column} {values[wrong[0]]!r} is not defined",
            reason=Reason.WRONG_VALUE,
            remedy=_REMEDY,
        )
    return np.asarray(places, np.int64)


def grouped_rows(group: npt.NDArray[np.int64], count: int) -> list[npt.NDArray[np.int64]]:
    """Return, for each group 0 … count − 1, the rows that belong to it, in their order."""
    order = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[order], np.arange(count + 1))
    return [order[bounds[i] : bounds[i + 1]] for i in range(count)]


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Read a NumPy archive.

    Raises:
        DataError: the file is missing or damaged.
    """
    try:
        with require(path).open("rb") as stream, np.load(stream) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is damaged: {error}", reason=Reason.CORRUPT, remedy=_REMEDY) from error


def floats(values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return the column as float32."""
    return np.asarray(values, np.float32)


def integers(values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return the column as int64."""
    return np.asarray(values, np.int64)


def _read_text(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except (ValueError, OSError, EOFError) as error:  # pandas' parser errors are ValueErrors; a broken gzip is the rest
        raise DataError(f"{path} is no readable CSV file: {error}", reason=Reason.CORRUPT, remedy=_REMEDY) from error
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise DataError(
            f"{path} lacks the columns {', '.join(missing)}; it has {', '.join(table.columns)}",
            reason=Reason.MALFORMED,
            remedy=_REMEDY,
        )
    return table


def _typed(texts: pd.Series[Any], kind: Kind, path: Path) -> npt.NDArray[Any]:
    if kind == "text":
        return texts.to_numpy(object)
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(np.float64)
    wrong = ~np.isfinite(numbers)
    if kind == "number":
        wrong &= texts.to_numpy(object) != ""
    elif kind == "int":
        wrong |= numbers != np.trunc(numbers)
    rows = np.flatnonzero(wrong)
    if len(rows):
        raise DataError(
            f"row {rows[0] + 2} of {path}: {texts.name} is {texts.iloc[rows[0]]!r}, not "
            f"{'a whole number' if kind == 'int' else 'a finite number'}",
            reason=Reason.WRONG_VALUE,
            remedy=_REMEDY,
        )
    return numbers.astype(np.int64) if kind == "int" else numbers

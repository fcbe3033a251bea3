"""Reading of text and table files, gzip'd or plain, with errors that name the file."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.errors import DataError, Reason

__all__ = ["numbers", "text_of", "wrong"]

_REMEDY: Final = "Get the recording again from where it came"


def wrong(path: Path, what: str, reason: Reason = Reason.MALFORMED, remedy: str = _REMEDY) -> DataError:
    """The error that says what is wrong with a file."""
    return DataError(f"{path} {what}", reason=reason, remedy=remedy)


def text_of(path: Path) -> str:
    """The whole text of a file, decompressed where its name ends in `.gz`.

    Raises:
        DataError: it is missing, unreadable, damaged, or no text.
    """
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        return content.decode("utf-8")
    except FileNotFoundError as error:
        raise wrong(path, "does not exist", Reason.MISSING, "Name the folder or file that holds it") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise wrong(path, f"is damaged ({error})", Reason.CORRUPT) from error
    except UnicodeDecodeError as error:
        raise wrong(path, "is no text") from error
    except OSError as error:
        raise wrong(path, f"cannot be read ({error.strerror})", Reason.UNREADABLE, "Check its permissions") from error


def numbers(
    text: str, path: Path, *, columns: int, skipped: int = 0, delimiter: str | None = ","
) -> NDArray[np.float64]:
    """The rows of a table of numbers.

    Args:
        text: of the file.
        path: of the file, for the message.
        columns: how many numbers every row has.
        skipped: lines at the start that are no rows.
        delimiter: between the numbers; None for white space.

    Returns:
        float64 [rows, columns]; no rows give [0, columns].

    Raises:
        DataError: a row has too few or too many numbers, or one that is no finite number; the message names the line.
    """
    lines = text.splitlines()[skipped:]
    if not any(line.strip() for line in lines):
        return np.empty((0, columns))
    try:
        table = np.loadtxt(io.StringIO("\n".join(lines)), delimiter=delimiter, ndmin=2, comments=None)
    except ValueError:
        table = np.empty((0, 0))
    if table.shape[1] != columns or not np.isfinite(table).all():
        raise _first_wrong(lines, path, columns, skipped, delimiter)
    return table


def _first_wrong(lines: list[str], path: Path, columns: int, skipped: int, delimiter: str | None) -> DataError:
    for number, line in enumerate(lines, start=skipped + 1):
        parts = line.split(delimiter)
        if line.strip() and len(parts) != columns:
            return wrong(path, f"has {len(parts)} columns in line {number}, not {columns}")
        for part in parts:
            if part.strip() and not _is_finite(part):
                return wrong(path, f"holds {part.strip()[:40]!r} in line {number}, which is no finite number")
    return wrong(path, "holds what is no table of numbers")


def _is_finite(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False

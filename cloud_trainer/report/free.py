"""The figures of the free bundle beside those of the one that ships: as JSON, as text, and in the report."""

from __future__ import annotations

from html import escape
from pathlib import Path

import msgspec

from cloud_trainer.report.text import number
from cloud_trainer.tables.results import write_whole
from models.errors import DataError, Reason

__all__ = ["Beside", "Line", "as_text", "free_section", "read_beside", "write_beside"]


class Line(msgspec.Struct, frozen=True):
    """A figure on the same rows of research data: of a trivial peer, of the bundle that ships, of the free one."""

    figure: str
    rows: int
    peer: str
    trivial: float | None
    ships: float
    free: float


class Beside(msgspec.Struct, frozen=True):
    """The comparison; versions are those of the bundles."""

    ships: str
    free: str
    seed: int
    lines: list[Line]


def write_beside(found: Beside, folder: Path) -> Path:
    """Write the comparison as JSON and text; return the text's path.

    Raises:
        StorageError: the disk refuses.
    """
    write_whole(folder / "free.json", msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    write_whole(folder / "free.md", as_text(found).encode())
    return folder / "free.md"


def as_text(found: Beside) -> str:
    """Return the comparison as Markdown."""
    told = (
        f"Bundle {found.ships} was trained on research data, the free one on generated data and a piano under CC BY "
        f"3.0. Both answer the same rows of research data that neither was trained on (seed {found.seed}), in the "
        "variant that the device runs."
    )
    lines = ["# A bundle of generated data beside the one that ships", "", told, ""]
    lines += ["| figure | rows | trivial peer | it reaches | ships | free |", "| --- | --- | --- | --- | --- | --- |"]
    for line in found.lines:
        reached = f"{number(line.trivial)} | {number(line.ships)} | {number(line.free)}"
        lines.append(f"| {line.figure} | {line.rows} | {line.peer} | {reached} |")
    lines.append("")
    return "\n".join(lines)


def read_beside(folder: Path) -> Beside | None:
    """Return the comparison of a folder, `None` where there is none.

    Raises:
        DataError: the file is no such comparison.
    """
    path = folder / "free.json"
    if not path.is_file():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Beside)
    except (OSError, msgspec.DecodeError) as error:
        raise DataError(
            f"{path} does not compare two bundles: {error}",
            reason=Reason.CORRUPT,
            remedy="Remove it and run 'attune-trainer build --free' again",
        ) from error


def free_section(found: Beside | None) -> str:
    """Return the comparison as HTML; nothing where there is none."""
    if found is None:
        return ""
    rows = "".join(
        f'<tr><td>{escape(line.figure)}</td><td class="figure">{line.rows}</td><td>{escape(line.peer)}</td>'
        + "".join(f'<td class="figure">{number(value)}</td>' for value in (line.trivial, line.ships, line.free))
        + "</tr>"
        for line in found.lines
    )
    heads = "".join(f"<th>{name}</th>" for name in ("", "rows", "trivial peer", "it reaches", "ships", "free"))
    told = f"The same held-out rows of research data, seed {found.seed}; bundles {found.ships} and {found.free}."
    return (
        '<h2 id="free">A bundle of generated data beside the one that ships</h2>'
        '<p class="question">What does it cost to do without research data?</p>'
        f'<div class="wide"><table><tr>{heads}</tr>{rows}</table></div><p class="quiet">{escape(told)}</p>'
    )

"""The report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cloud_trainer.report.text import as_text
from cloud_trainer.tables.results import TableResult, write_whole

__all__ = ["write_report"]


def write_report(results: Sequence[TableResult], out: Path) -> list[Path]:
    """Write a text per table."""
    written = []
    for result in results:
        path = out / f"{result.table}.md"
        write_whole(path, as_text(result).encode())
        written.append(path)
    return written

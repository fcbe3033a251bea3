"""Tables on a terminal, and the same columns without frames where the output goes elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

__all__ = ["ago", "percent", "show_table"]

_WIDE: Final = 400
"""Columns where nobody looks at a screen: nothing is cut."""


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str = "") -> None:
    """Print a table to standard output.

    Args:
        title: stands above.
        columns: their heads.
        rows: their texts.
        empty: stands instead of a table without rows.
    """
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    on_terminal = sys.stdout.isatty()
    console = Console(file=sys.stdout, width=None if on_terminal else _WIDE, highlight=False, soft_wrap=False)
    if not rows and empty:
        console.print(Text(empty))
        return
    table = Table(title=title, title_justify="left", box=SIMPLE if on_terminal else None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # Texts come from devices: none of it is markup, and nothing moves the cursor.
        table.add_row(
            *(Text("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in cell)) for cell in row)
        )
    console.print(table)


def ago(seconds: float) -> str:
    """A time that has passed, in the largest unit: `12 s`, `3 min`, `5 h`, `2 days`."""
    for unit, size in (("days", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2.0 * size or (size < 86_400.0 and seconds >= size):
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"


def percent(share: float) -> str:
    """A share in percent."""
    return f"{100.0 * share:.0f} %"

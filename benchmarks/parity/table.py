"""The rows of the parity table, and how they are written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Row", "Section", "markdown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One comparison.

    Attributes:
        what: the feature or the measure, with its unit.
        on: the recording or the series.
        ours: our value.
        peer: the peer's value on the same input.
        peer_name: whose it is.
        promise: what is promised of the two, in words: "within 1 %", "at least the peer's"; empty where nothing is.
        held: whether it is so.
    """

    what: str
    on: str
    ours: float
    peer: float
    peer_name: str
    promise: str = ""
    held: bool = True

    @property
    def difference(self) -> float:
        """Relative difference to the peer; 0 where both are the same number or both are absent."""
        if self.ours == self.peer or (math.isnan(self.ours) and math.isnan(self.peer)):
            return 0.0
        return (self.ours - self.peer) / abs(self.peer) if self.peer else math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the table.

    Attributes:
        title: what is compared.
        note: what the reader must know to judge it: data, definitions, where and why the two differ.
        rows: the comparisons.
    """

    title: str
    note: str
    rows: Sequence[Row] = field(default_factory=tuple)


def markdown(sections: Sequence[Section]) -> str:
    """The whole table; promises that are not kept stand out."""
    lines = [
        "# Parity of the physiology",
        "",
        "Written by `python -m benchmarks.parity`; do not edit. A promise that is not kept is **bold**.",
    ]
    for section in sections:
        lines += ["", f"## {section.title}", "", section.note, ""]
        lines += [
            "| what | on | ours | peer's | peer | difference | promise |",
            "| --- | --- | --- | --- | --- | --- | --- |",
        ]
        lines += [_line(row) for row in section.rows]
    return "\n".join(lines) + "\n"


def _line(row: Row) -> str:
    promise = row.promise and (f"{row.promise}: yes" if row.held else f"**{row.promise}: no**")
    cells = (row.what, row.on, _number(row.ours), _number(row.peer), row.peer_name, _percent(row.difference), promise)
    return "| " + " | ".join(cells) + " |"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.5g}"


def _percent(share: float) -> str:
    return "–" if not math.isfinite(share) else f"{100 * share:+.3g} %"

"""A table as Markdown, which reads as plain text too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from cloud_trainer.report.verdicts import against, verdicts
from cloud_trainer.tables.results import ColumnResult, Figure, Interval, RowResult, TableResult

__all__ = ["Told", "as_text", "claims_told", "duration", "number", "peer_lines", "sentences", "with_interval"]

Outcome = Literal["shown", "not shown", "the contrary is shown"]
_SHOWN: Final[dict[str, Outcome]] = {
    "better than": "shown",
    "equal to": "not shown",
    "worse than": "the contrary is shown",
}


@dataclass(frozen=True)
class Told:
    """What a table says of a claim.

    Attributes:
        claim: in words, with the two rows that it compares.
        outcomes: by column, with the difference; a column that the claim leaves out is absent.
    """

    claim: str
    outcomes: dict[str, tuple[Outcome, str]]


def number(value: float | None, *, sign: bool = False) -> str:
    """Return a figure with three digits after the point; a dash where it is not known."""
    return "–" if value is None else f"{value:+.3f}" if sign else f"{value:.3f}"


def with_interval(interval: Interval, *, sign: bool = False) -> str:
    """Return a figure with its interval in brackets."""
    if interval.low is None or interval.high is None:
        return number(interval.value, sign=sign)
    low, high = number(interval.low, sign=sign), number(interval.high, sign=sign)
    return f"{number(interval.value, sign=sign)} ({low} to {high})"


def duration(seconds: float) -> str:
    """Return a duration in seconds or minutes."""
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.1f} min"


def peer_lines(result: TableResult) -> list[str]:
    """Return the published figures, a line per peer and source."""
    figures: dict[tuple[str, str], list[str]] = {}
    for column in result.columns:
        for peer in column.peers:
            figures.setdefault((peer.name, peer.source), []).append(f"{column.name} {peer.value:.3g}")
    return [f"{name}: {', '.join(values)} ({source})" for (name, source), values in figures.items()]


def sentences(result: TableResult) -> list[str]:
    """Return what the table says of its targets, one sentence each."""
    ours = next(row for row in result.rows if row.name == result.ours)
    columns = {column.name: column for column in result.columns}
    said = []
    for verdict in verdicts(result):
        figure, column = ours.figures[verdict.column], columns[verdict.column]
        beside = f"; {verdict.compared} “{result.reference}”" if verdict.compared else ""
        if figure.difference is not None:
            beside += f", difference {with_interval(figure.difference, sign=True)}"
        inside = ", which lies inside the interval" if verdict.inside else ""
        said.append(
            f"{verdict.column}: target {number(column.target)}{inside}: **{verdict.outcome}** by “{ours.name}” with "
            f"{with_interval(figure.value)}{beside}."
        )
    return said


def claims_told(result: TableResult) -> list[Told]:
    """Return what the table says of its claims."""
    better = {column.name: column.more_is_better for column in result.columns}
    return [
        Told(
            f"{claim.text}: “{claim.row}” against “{claim.against}”",
            {
                name: (_SHOWN[against(difference, more_is_better=better[name])], with_interval(difference, sign=True))
                for name, difference in claim.differences.items()
            },
        )
        for claim in result.claims
    ]


def as_text(result: TableResult) -> str:
    """Return the whole table."""
    lines = [
        f"# {result.title}",
        "",
        result.question,
        "",
        _how(result),
        "",
        "| | " + " | ".join(_heading(column) for column in result.columns) + " | cost |",
        "| --- |" + " --- |" * (len(result.columns) + 1),
        *(_line(result, row) for row in result.rows),
        "",
        "| difference from § | " + " | ".join(column.name for column in result.columns) + " |",
        "| --- |" + " --- |" * len(result.columns),
        *(
            f"| {row.name} | " + " | ".join(_difference(row.figures[c.name]) for c in result.columns) + " |"
            for row in result.rows
            if row.name != result.reference
        ),
        "",
    ]
    lines += _claims(result)
    lines += [f"- {line}" for line in sentences(result)]
    lines += [f"- {note}" for note in result.notes]
    lines += [f"- Peer {line}." for line in peer_lines(result)]
    lines += ["", "| row | what it is | how it was tuned |", "| --- | --- | --- |"]
    lines += [f"| {row.name} | {row.what} | {row.tuned or 'not at all'} |" for row in result.rows]
    versions = ", ".join(f"{name} {version}" for name, version in result.libraries.items())
    data = ", ".join(f"{name} {digest[:12]}" for name, digest in result.data.items())
    lines += ["", f"Configuration {result.configuration}; data {data}; {versions}.", ""]
    return "\n".join(lines)


def _claims(result: TableResult) -> list[str]:
    if not result.claims:
        return []
    names = [column.name for column in result.columns]
    lines = ["| claim | " + " | ".join(names) + " |", "| --- |" + " --- |" * len(names)]
    for told in claims_told(result):
        cells = [f"**{found[0]}** {found[1]}" if (found := told.outcomes.get(name)) else "" for name in names]
        lines.append(f"| {told.claim} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _how(result: TableResult) -> str:
    counted = f"{result.groups} {result.group}s, seed {result.seed}, {result.draws} draws"
    return f"{result.protocol} {counted}; 95 % intervals in brackets; ◆ ours, § the row that others are compared with."


def _heading(column: ColumnResult) -> str:
    unit = f", {column.unit}" if column.unit else ""
    sign = "≥" if column.more_is_better else "≤"
    target = f" (target {sign} {column.target:g})" if column.target is not None else ""
    return f"{column.name}{unit}{target}"


def _line(result: TableResult, row: RowResult) -> str:
    mark = " ◆" if row.name == result.ours else ""
    mark += " §" if row.name == result.reference else ""
    cells = " | ".join(_cell(row.figures[column.name]) for column in result.columns)
    return f"| {row.name}{mark} | {cells} | {duration(row.seconds)} |"


def _cell(figure: Figure) -> str:
    worst = figure.worst
    beside = f"; worst {worst.who}: {worst.metric} {number(worst.value)}" if worst is not None else ""
    return with_interval(figure.value) + beside


def _difference(figure: Figure) -> str:
    return "" if figure.difference is None else with_interval(figure.difference, sign=True)

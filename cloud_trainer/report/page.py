"""The report: one HTML page that needs nothing else, a PNG and a text per table."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

from cloud_trainer.report.pictures import picture
from cloud_trainer.report.text import as_text, claims_told, duration, number, peer_lines, sentences, with_interval
from cloud_trainer.report.verdicts import against, verdicts
from cloud_trainer.tables.results import ColumnResult, Figure, RowResult, TableResult, write_whole

__all__ = ["write_report"]

_STYLE: Final = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1d1d1d; margin: 2rem auto; padding: 0 1rem;
  max-width: 76rem; }
h1 { font-size: 1.7rem; margin-bottom: .2rem; }
h2 { margin-top: 3rem; border-top: 1px solid #ddd; padding-top: 1.2rem; }
.question { font-size: 1.05rem; } .quiet { color: #666; font-size: .87rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .87rem; margin: .8rem 0; }
th, td { text-align: left; padding: .28rem .7rem .28rem 0; border-bottom: 1px solid #eee; vertical-align: top; }
th { font-weight: 600; } td.figure { white-space: nowrap; font-variant-numeric: tabular-nums; }
.interval { color: #777; font-size: .8rem; } .ours td:first-child { font-weight: 700; color: #0b6e4f; }
.baseline td:first-child { color: #777; } .met { color: #0b6e4f; font-weight: 600; }
.missed { color: #c0392b; font-weight: 600; } .equal { color: #8a6d00; font-weight: 600; }
img { max-width: 100%; max-height: 36rem; } details { margin: .6rem 0; } summary { cursor: pointer; color: #33547a; }
"""


def write_report(results: Sequence[TableResult], out: Path, *, more: str = "") -> list[Path]:
    """Write page, pictures and texts into a folder and return their paths, the page first.

    Args:
        results: of the tables.
        out: the folder.
        more: sections that follow the tables, as HTML.

    Raises:
        StorageError: the disk refuses.
    """
    pictures = {_name(result): picture(result) for result in results}
    page = out / "index.html"
    write_whole(page, _page(results, pictures, more).encode())
    written = [page]
    for result in results:
        for suffix, content in (("png", pictures[_name(result)]), ("md", as_text(result).encode())):
            path = out / f"{_name(result)}.{suffix}"
            write_whole(path, content)
            written.append(path)
    return written


def _name(result: TableResult) -> str:
    return f"{result.table}-exam" if result.exam else result.table


def _page(results: Sequence[TableResult], pictures: dict[str, bytes], more: str) -> str:
    body = "\n".join(_section(result, pictures[_name(result)]) for result in results)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Attune: what the trainer measured</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        "<h1>What the trainer measured</h1>"
        "<p>Every figure with its 95 % bootstrap interval over people or songs; every rival on the same held-out rows, "
        "its search beside it. A difference whose interval holds zero is called equal, whatever "
        "the point value.</p>"
        f"{_summary(results)}\n{body}{more}</body></html>\n"
    )


def _summary(results: Sequence[TableResult]) -> str:
    rows = []
    for result in results:
        ours = next(row for row in result.rows if row.name == result.ours)
        columns = {column.name: column for column in result.columns}
        for verdict in verdicts(result):
            column, figure = columns[verdict.column], ours.figures[verdict.column]
            reference = next(row for row in result.rows if row.name == result.reference)
            peer = with_interval(reference.figures[verdict.column].value)
            inside = " (target inside the interval)" if verdict.inside else ""
            word = (verdict.compared or "is the peer").split()[0]
            sign = "≥" if column.more_is_better else "≤"
            rows.append(
                f'<tr><td><a href="#{_name(result)}">{escape(_name(result))}</a></td><td>{escape(column.name)}</td>'
                f'<td class="figure">{sign} {column.target:g}</td><td class="figure">{with_interval(figure.value)}</td>'
                f'<td><span class="{verdict.outcome}">{verdict.outcome}</span>{inside}</td>'
                f'<td class="figure">{peer}</td><td><span class="{_colour(word)}">{word}</span></td></tr>'
            )
    heads = ("table", "figure", "target", "ours", "target is", "peer, run again", "ours against the peer")
    return f'<div class="wide"><table><tr>{_heads(heads)}</tr>{"".join(rows)}</table></div>'


def _colour(word: str) -> str:
    return {"better": "met", "worse": "missed"}.get(word, "equal")


def _section(result: TableResult, image: bytes) -> str:
    title = escape(result.title) + (" — exam" if result.exam else "")
    said = "".join(f"<li>{_emphasised(line)}</li>" for line in sentences(result))
    notes = "".join(f"<li>{escape(note)}</li>" for note in result.notes)
    peers = "".join(f"<li>Peer {escape(line)}</li>" for line in peer_lines(result))
    encoded = base64.b64encode(image).decode()
    return (
        f'<h2 id="{_name(result)}">{title}</h2><p class="question">{escape(result.question)}</p>'
        f'<p class="quiet">{escape(result.protocol)} {result.groups} {result.group}s, seed {result.seed}, '
        f"{result.draws} draws.</p>"
        f'<img alt="{title}: every row with its interval" src="data:image/png;base64,{encoded}">'
        '<p class="quiet">Diamond: ours. Blue: rivals. Grey: baselines. Dashed: target. Dotted: published peers.</p>'
        f"{_table(result)}{_claims(result)}<ul>{said}{notes}{peers}</ul>"
        f"<details><summary>What the rows are, how they were tuned, what was chosen</summary>{_rows(result)}</details>"
        f'<p class="quiet">{escape(_origin(result))}</p>'
    )


def _emphasised(line: str) -> str:
    parts = escape(line).split("**")
    return "".join(f"<strong>{part}</strong>" if place % 2 else part for place, part in enumerate(parts))


def _heads(names: Sequence[str]) -> str:
    return "".join(f"<th>{escape(name)}</th>" for name in names)


def _table(result: TableResult) -> str:
    heads = _heads(["", *(column.name for column in result.columns), "cost"])
    rows = "".join(_row(result, row) for row in result.rows)
    return f'<div class="wide"><table><tr>{heads}</tr>{rows}</table></div>'


def _row(result: TableResult, row: RowResult) -> str:
    kind = "ours" if row.name == result.ours else "baseline" if row.baseline else ""
    cells = "".join(_cell(result, row, column) for column in result.columns)
    name = escape(row.name) + (" §" if row.name == result.reference else "")
    return f'<tr class="{kind}"><td>{name}</td>{cells}<td class="figure">{duration(row.seconds)}</td></tr>'


def _cell(result: TableResult, row: RowResult, column: ColumnResult) -> str:
    figure = row.figures[column.name]
    interval = with_interval(figure.value).removeprefix(number(figure.value.value)).strip()
    small = f'<span class="interval">{interval}{_worst(figure)}</span>'
    beside = ""
    if figure.difference is not None and row.name != result.reference:
        word = against(figure.difference, more_is_better=column.more_is_better).split()[0]
        mark = {"better": "▲", "worse": "▼"}.get(word, "=")
        told = f"{word}, {with_interval(figure.difference, sign=True)}"
        beside = f' <span class="{_colour(word)}" title="{told}">{mark}</span>'
    return f'<td class="figure">{number(figure.value.value)}{beside}<br>{small}</td>'


def _worst(figure: Figure) -> str:
    worst = figure.worst
    return "" if worst is None else f"<br>worst {escape(worst.who)}: {escape(worst.metric)} {number(worst.value)}"


def _claims(result: TableResult) -> str:
    if not result.claims:
        return ""
    names = [column.name for column in result.columns]
    rows = []
    for told in claims_told(result):
        cells = []
        for name in names:
            outcome, difference = told.outcomes.get(name, ("", ""))
            kind = {"shown": "met", "not shown": "equal", "the contrary is shown": "missed"}.get(outcome, "")
            cells.append(
                f'<td><span class="{kind}">{outcome}</span><br><span class="interval">{difference}</span></td>'
            )
        rows.append(f"<tr><td>{escape(told.claim)}</td>{''.join(cells)}</tr>")
    return f'<div class="wide"><table><tr>{_heads(["claim", *names])}</tr>{"".join(rows)}</table></div>'


def _rows(result: TableResult) -> str:
    lines = []
    for row in result.rows:
        grid = "; ".join(f"{name} {values}" for name, values in row.grid.items())
        chosen = "; ".join(f"{fold}: {choice}" for fold, choice in list(row.chosen.items())[:3])
        more = f" … ({len(row.chosen)} folds, all in the JSON)" if len(row.chosen) > 3 else ""
        lines.append(
            f"<tr><td>{escape(row.name)}</td><td>{escape(row.what)}</td><td>{escape(row.tuned or 'not at all')}</td>"
            f'<td class="quiet">{escape(grid)}</td><td class="quiet">{escape(chosen + more)}</td></tr>'
        )
    heads = _heads(("row", "what it is", "how it was tuned", "grid", "chosen"))
    return f'<div class="wide"><table><tr>{heads}</tr>{"".join(lines)}</table></div>'


def _origin(result: TableResult) -> str:
    data = ", ".join(f"{name} {digest[:12]}" for name, digest in result.data.items())
    versions = ", ".join(f"{name} {version}" for name, version in result.libraries.items())
    unchecked = f"; no checksums recorded for {', '.join(result.unchecked)}" if result.unchecked else ""
    marks = "§ the peer that is run again; ▲ better, = equal, ▼ worse than it."
    return f"{marks} Configuration {result.configuration}; data {data}{unchecked}; {versions}."

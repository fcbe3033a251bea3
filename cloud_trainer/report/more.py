"""The sections of the report beside the tables: what quantisation costs, and what the searches tried."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

from cloud_trainer.report.quantisation import ModelTable
from cloud_trainer.report.text import duration, number
from cloud_trainer.search.frozen import winner
from cloud_trainer.search.log import RivalLog, SearchLog
from cloud_trainer.search.space import Settings

__all__ = ["attention_section", "quantisation_section", "search_picture", "search_section"]

_NAMES: Final = {"float32": "float32", "dynamic": "int8, dynamic range", "full": "int8, full integer"}

_QUANTISATION: Final = (
    '<h2 id="quantisation">Quantisation</h2><p class="question">What does each variant of a model save, and what does '
    "it lose beside float32?</p>"
)
_SEARCHES: Final = (
    '<h2 id="search">Searches</h2><p class="question">Which settings won on validation rows, with the same number '
    "of trials for every rival?</p>"
)


def attention_section(picture: Path) -> str:
    """Return the picture of what the shipped model looks back at, nothing where there is none.

    Args:
        picture: a PNG, as `cloud_trainer.tables.feeling.attention` draws it.

    Raises:
        StorageError: it cannot be read.
    """
    if not picture.is_file():
        return ""
    encoded = base64.b64encode(picture.read_bytes()).decode()
    return (
        '<h2 id="attention">What the model looks back at</h2>'
        '<p class="question">Which of the steps before do people\'s strongest feelings come from?</p>'
        f'<img alt="attention over a session" src="data:image/png;base64,{encoded}">'
        '<p class="quiet">The shipped model\'s output <em>attention</em> over lab sessions of people that it was '
        "not trained on (SiTunes), in multiples of an even share. The paper (figure 8) finds that emotionally "
        "strong interactions get more; what is found here stands in docs/evaluation.md.</p>"
    )


def quantisation_section(tables: Sequence[ModelTable]) -> str:
    """Return the variants of every model as HTML; nothing where none was measured."""
    if not tables:
        return ""
    parts = [_QUANTISATION]
    for table in tables:
        runtimes = sorted({name for row in table.rows for name in row.ms}, reverse=True)
        rows = []
        for row in table.rows:
            cells = [f"{row.bytes / 1024:.0f}", f"{row.ratio:.3f}", f"{row.loss:+.4f}", f"{row.difference:.1e}"]
            cells += [f"{row.ms[name]:.3f}" if name in row.ms else "–" for name in runtimes]
            mark = " ★" if row.mode == table.preferred else ""
            kind = "ours" if row.ships else ""
            rows.append(f'<tr class="{kind}"><td>{_NAMES.get(row.mode, row.mode)}{mark}</td>{_cells(cells)}</tr>')
        heads = ["", "KB", "of float32", "largest loss", "largest difference", *(f"{name}, ms" for name in runtimes)]
        told = f"{table.why}. {table.judged} rows judged; {table.origin}. Green: in the bundle; ★: runs on the device."
        parts.append(f"<h3>{escape(table.model)}</h3>{_table(heads, rows)}")
        parts.append(f'<p class="quiet">{escape(told)} Times: one thread of x86-64.</p>')
    return "".join(parts)


def search_section(logs: Sequence[SearchLog]) -> str:
    """Return what every search tried and found as HTML; nothing where nothing was searched."""
    if not logs:
        return ""
    parts = [_SEARCHES]
    for log in logs:
        rows = [_rival(rival, winner(log.model, rival.name)) for rival in log.rivals]
        heads = ("rival", "trials", "pruned", "start", "winner", "its settings", "at full length", "frozen", "cost")
        encoded = base64.b64encode(search_picture(log)).decode()
        parts.append(
            f'<h3>{escape(log.model)}</h3><p class="quiet">{escape(log.method)}; seed {log.seed}; validation scores, '
            f'more is better, of one rival each: they compare within a row.</p><img alt="{escape(log.model)}: best '
            f'score by trial" src="data:image/png;base64,{encoded}">{_table(heads, rows)}'
        )
    return "".join(parts)


def search_picture(log: SearchLog) -> bytes:
    """Return a PNG: the scores of all trials of each rival, and the best so far."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(3.2 * len(log.rivals) + 0.6, 2.6), layout="constrained")
        panels = figure.subplots(1, len(log.rivals), squeeze=False)[0]
        for panel, rival in zip(panels, log.rivals, strict=True):
            for state, colour in (("complete", "#0b6e4f"), ("pruned", "#b8b8b8")):
                chosen = [trial for trial in rival.trials if trial.state == state and trial.score is not None]
                panel.plot(
                    [trial.number for trial in chosen], [trial.score for trial in chosen], "o", color=colour, ms=4
                )
            complete = [trial for trial in rival.trials if trial.state == "complete" and trial.score is not None]
            best = [max(one.score or 0.0 for one in complete[: place + 1]) for place in range(len(complete))]
            panel.step([trial.number for trial in complete], best, where="post", color="#33547a", linewidth=1.2)
            panel.set_title(rival.name, fontsize=9)
            panel.set_xlabel("trial", fontsize=8)
        stream = io.BytesIO()
        figure.savefig(stream, dpi=130, format="png", metadata={"Software": None})
    return stream.getvalue()


def _rival(rival: RivalLog, frozen: Settings | None) -> str:
    won, first = rival.trials[rival.winner], rival.trials[0]
    settings = ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in won.settings.items()
    )
    pruned = sum(trial.state == "pruned" for trial in rival.trials)
    cost = duration(sum(trial.seconds for trial in rival.trials))
    kept = "nothing" if frozen is None else "start" if frozen == first.settings else "winner"
    cells = _cells([str(len(rival.trials)), str(pruned), number(first.score), number(won.score)])
    return (
        f'<tr><td title="{escape(rival.what)}">{escape(rival.name)}</td>{cells}<td>{escape(settings)}</td>'
        f"<td>{escape(_confirmation(rival))}</td><td>{kept}</td>"
        f'<td class="figure">{cost}</td></tr>'
    )


def _confirmation(rival: RivalLog) -> str:
    if rival.confirmed is None:
        return "not looked at" if rival.brief and rival.winner else ""
    scores = {"start": rival.confirmed.start, "winner": rival.confirmed.winner}
    told = [f"{name} {', '.join(number(score) for score in by_seed)}" for name, by_seed in scores.items()]
    return f"{'; '.join(told)} ({len(rival.confirmed.seeds)} seeds)"


def _table(names: Sequence[str], rows: Sequence[str]) -> str:
    heads = "".join(f"<th>{escape(name)}</th>" for name in names)
    return f'<div class="wide"><table><tr>{heads}</tr>{"".join(rows)}</table></div>'


def _cells(values: Sequence[str]) -> str:
    return "".join(f'<td class="figure">{value}</td>' for value in values)

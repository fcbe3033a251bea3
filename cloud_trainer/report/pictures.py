"""One picture per table: every row with its interval in every column, targets and peers as lines."""

from __future__ import annotations

import io
from typing import Any, Final

from cloud_trainer.tables.results import ColumnResult, Interval, RowResult, TableResult

__all__ = ["picture"]

_OURS: Final = "#0b6e4f"
_RIVAL: Final = "#33547a"
_BASELINE: Final = "#8a8a8a"
_TARGET: Final = "#c0392b"
_PANEL_INCHES: Final = 3.1
_NAME_INCHES: Final = 2.6
_ROW_INCHES: Final = 0.3
_PANELS_BESIDE: Final = 4
_FAR: Final = 4.0
"""A row whose figure lies this many times the others' spread away is cut off, so that the others can be told apart."""


def picture(result: TableResult) -> bytes:
    """Return a PNG of the table."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    columns = result.columns
    across = min(len(columns), _PANELS_BESIDE if len(columns) != 6 else 3)
    down = -(-len(columns) // across)
    height = down * (_ROW_INCHES * len(result.rows) + 0.9)
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(_NAME_INCHES + _PANEL_INCHES * across, height), layout="constrained")
        axes = figure.subplots(down, across, squeeze=False, sharey=True).ravel()
        for panel, column in zip(axes, columns, strict=False):
            _panel(panel, result, column)
        for panel in axes[len(columns) :]:
            panel.set_visible(False)
        stream = io.BytesIO()
        figure.savefig(stream, dpi=130, format="png", metadata={"Software": None})
    return stream.getvalue()


def _panel(panel: Any, result: TableResult, column: ColumnResult) -> None:  # noqa: ANN401 - matplotlib's axes
    rows = list(reversed(result.rows))
    low, high = _limits(result, column)
    for place, row in enumerate(rows):
        _mark(panel, place, row.figures[column.name].value, _colour(result, row), (low, high))
    panel.set_yticks(range(len(rows)), [row.name for row in rows])
    panel.set_ylim(-0.6, len(rows) - 0.4)
    panel.set_xlim(low, high)
    panel.grid(axis="x", color="#e4e4e4", linewidth=0.7)
    panel.set_axisbelow(True)
    for peer in column.peers:
        panel.axvline(peer.value, color=_BASELINE, linestyle=":", linewidth=1)
    if column.target is not None:
        panel.axvline(column.target, color=_TARGET, linestyle="--", linewidth=1.1)
    better = "more is better" if column.more_is_better else "less is better"
    panel.set_title(column.name.replace(", ", ",\n", 1), fontsize=9)
    panel.set_xlabel(f"{column.unit + ', ' if column.unit else ''}{better}", fontsize=8, color="#555555")


def _mark(
    panel: Any,  # noqa: ANN401
    place: int,
    figure: Interval,
    colour: str,
    limits: tuple[float, float],
) -> None:
    if figure.value is None:
        return
    if not limits[0] <= figure.value <= limits[1]:
        left = figure.value < limits[0]
        panel.annotate(
            f"{'◂ ' if left else ''}{figure.value:.2f}{'' if left else ' ▸'}",
            (limits[0 if left else 1], place),
            ha="left" if left else "right",
            va="center",
            color=colour,
            fontsize=8,
        )
        return
    if figure.low is not None and figure.high is not None:
        panel.plot([figure.low, figure.high], [place, place], color=colour, linewidth=1.6, solid_capstyle="butt")
    panel.plot([figure.value], [place], marker="D" if colour == _OURS else "o", color=colour, markersize=5)


def _colour(result: TableResult, row: RowResult) -> str:
    if row.name == result.ours:
        return _OURS
    return _BASELINE if row.baseline else _RIVAL


def _limits(result: TableResult, column: ColumnResult) -> tuple[float, float]:
    """Return the ends of the axis: all intervals of rows that are not far off, the target, the peers that are near."""
    found = [row.figures[column.name].value for row in result.rows]
    values = sorted(figure.value for figure in found if figure.value is not None)
    middle = values[len(values) // 2]
    apart = sorted(abs(value - middle) for value in values)
    spread = max(apart[len(apart) // 2], 0.02)
    near = [figure for figure in found if figure.value is not None and abs(figure.value - middle) <= _FAR * spread]
    ends = [end for figure in near for end in (figure.value, figure.low, figure.high) if end is not None]
    ends += [column.target] if column.target is not None else []
    margin = 0.06 * (max(ends) - min(ends) or 1.0)
    return min(ends) - margin, max(ends) + margin

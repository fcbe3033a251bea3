"""A whole frame: the panels arranged for the size of the terminal. A pure function of the view."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from rich.box import ROUNDED
from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.text import Text

from agent.commands.live.bundle import bundle_words
from agent.commands.live.certainty import certainty_lines
from agent.commands.live.course import course, course_legend
from agent.commands.live.observed import TRAIL_S, View
from agent.commands.live.palette import DIM, FAINT
from agent.commands.live.panels import (
    agent_lines,
    feeling,
    goal_words,
    header,
    now_lines,
    plane_legend,
    queue_lines,
    weights_legend,
)
from agent.commands.live.plane import plane
from agent.commands.live.streams import stream_lines, streams_title

__all__ = ["SMALLEST", "screen"]

SMALLEST: Final = (60, 18)
"""Columns and rows below which nothing sensible fits."""

_BORDER: Final = 2
_PADDING: Final = 2
_NOW_ROWS: Final = 3
_SHORT_QUEUE: Final = 10
_LONG_QUEUE: Final = 20
_CERTAINTY_ROWS: Final = 2
_COURSE_ROWS: Final = 5
"""Below this height a curve is no curve."""


class _Sizes(NamedTuple):
    """Rows and columns of the panels, their borders included."""

    left: int
    plane: int
    streams: int
    queue: int
    agent: int


def screen(view: View, width: int, height: int) -> RenderableType:
    """Arrange a frame of `width` by `height` cells."""
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return Text(f"The live view needs {SMALLEST[0]} columns and {SMALLEST[1]} rows.")
    sizes = _sizes(view, width, height)
    inner = width - sizes.left - _BORDER - _PADDING
    narrow = sizes.left - _BORDER - _PADDING
    known = list(certainty_lines(view, narrow))
    streams = known + list(stream_lines(view, narrow, sizes.streams - _BORDER - len(known)))
    left = Layout()
    left.split_column(
        Layout(
            _panel(
                plane(view, sizes.left - _BORDER, sizes.plane - _BORDER),
                plane_legend(sizes.left),
                feeling(view, sizes.left),
                tight=True,
            ),
            size=sizes.plane,
        ),
        Layout(_panel(_lines(streams), streams_title(view)), size=sizes.streams),
    )
    queue = view.queue
    right = Layout()
    right.split_column(
        Layout(_panel(_lines(now_lines(view, inner)), "now playing"), size=_NOW_ROWS + _BORDER),
        Layout(
            _panel(
                _lines(queue_lines(view, inner, sizes.queue - _BORDER)),
                f"next, {goal_words(queue.goal if queue else None)}",
                weights_legend(queue.weights if queue else None, inner),
            ),
            size=sizes.queue,
        ),
        Layout(_panel(_lines(agent_lines(view, inner)), "the agent"), size=sizes.agent),
        *_course(view, inner, rows=height - 1 - _NOW_ROWS - _BORDER - sizes.queue - sizes.agent),
    )
    body = Layout()
    body.split_row(Layout(left, size=sizes.left), right)
    frame = Layout()
    frame.split_column(Layout(header(view, width), size=1), body)
    return frame


def _sizes(view: View, width: int, height: int) -> _Sizes:
    rows = height - 1
    count = len(view.health.streams) if view.health is not None else 1
    streams = min(max(count, 1) + _CERTAINTY_ROWS + _BORDER, rows * 2 // 5)
    plane_rows = rows - streams
    # A cell is about twice as high as wide: a square plane has twice as many columns as rows.
    left = max(30, min(width * 45 // 100, 2 * (plane_rows - _BORDER) + _BORDER))
    plane_rows = min(plane_rows, max((left - _BORDER) // 2 + _BORDER, plane_rows * 3 // 4))
    rest = rows - _NOW_ROWS - _BORDER
    degraded = len(view.health.degraded) if view.health is not None else 0
    told = int(view.bundle is not None and bool(bundle_words(view.bundle)))
    agent = min(_BORDER + 3 + degraded + told, max(rest - _SHORT_QUEUE - _BORDER, 4))
    queue = min(rest - agent, _LONG_QUEUE + _BORDER)
    if rest - agent - queue < _COURSE_ROWS + _BORDER:
        agent = rest - queue
    return _Sizes(left, plane_rows, rows - plane_rows, queue, agent)


def _course(view: View, width: int, *, rows: int) -> list[Layout]:
    """What a tall terminal has room for below: the state's course over time."""
    if rows <= 0:
        return []
    chart = course(view, width + _PADDING, rows - _BORDER)
    return [Layout(_panel(chart, f"the last {TRAIL_S / 60:.0f} minutes", course_legend(), tight=True), size=rows)]


def _lines(lines: Iterable[Text]) -> Group:
    return Group(*lines)


def _panel(content: RenderableType, title: str, subtitle: Text | None = None, *, tight: bool = False) -> Panel:
    return Panel(
        content,
        title=Text(title, style=DIM),
        title_align="left",
        subtitle=subtitle,
        subtitle_align="left",
        box=ROUNDED,
        border_style=FAINT,
        padding=(0, 0) if tight else (0, 1),
    )

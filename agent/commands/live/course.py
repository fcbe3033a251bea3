"""The course of the state: valence and arousal over the last minutes, as two curves."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Final

from rich.text import Text

from agent.commands.live.canvas import Canvas
from agent.commands.live.observed import TRAIL_S, View
from agent.commands.live.palette import DIM, Colour, hexadecimal

__all__ = ["course", "course_legend"]

_AXIS: Final[Colour] = (60, 68, 86)
_VALENCE: Final[Colour] = (247, 120, 186)
_AROUSAL: Final[Colour] = (108, 182, 255)
_LONGEST_GAP_S: Final = 20.0
"""Estimates further apart than this are not joined: nothing is known of what was between them."""


def course(view: View, width: int, height: int) -> Canvas:
    """Draw the curves; now is at the right, +1 at the top."""
    canvas = Canvas(width, height)
    for step in range(width):
        canvas.dot((step + 0.5) / width, 0.5, _AXIS)
    for (t0, *before), (t1, *after) in pairwise(view.trail):
        if t1 - t0 > _LONGEST_GAP_S:
            continue
        steps = max(1, math.ceil((t1 - t0) / TRAIL_S * width * 2))
        for step in range(steps + 1):
            share = step / steps
            x = 1.0 + (t0 + (t1 - t0) * share - view.clock) / TRAIL_S
            for first, last, colour in zip(before, after, (_VALENCE, _AROUSAL), strict=True):
                canvas.dot(x, (first + (last - first) * share + 1.0) / 2.0, colour)
    return canvas


def course_legend() -> Text:
    """Which curve is which."""
    legend = Text(no_wrap=True)
    for name, colour in (("valence", _VALENCE), ("arousal", _AROUSAL)):
        legend.append("━ " if not legend else "  ━ ", hexadecimal(colour))
        legend.append(name, DIM)
    return legend

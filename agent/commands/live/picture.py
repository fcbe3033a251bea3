"""A frame as an SVG picture."""

from __future__ import annotations

import io
import re
from typing import Final

from rich.console import Console, RenderableType
from rich.terminal_theme import TerminalTheme

from agent.commands.live.palette import GROUND, Colour

__all__ = ["svg"]

_ANSI: Final[list[Colour]] = [
    (60, 68, 86),
    (255, 107, 107),
    (82, 201, 142),
    (245, 196, 81),
    (108, 182, 255),
    (247, 120, 186),
    (86, 212, 160),
    (200, 205, 215),
]
_THEME: Final = TerminalTheme(GROUND, (230, 233, 239), _ANSI)


def svg(frame: RenderableType, width: int, height: int, *, title: str) -> str:
    """Draw a frame of `width` by `height` cells as SVG, in colour, asking nobody for fonts."""
    console = Console(
        width=width,
        height=height,
        record=True,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
        _environ={},
    )
    console.print(frame)
    drawing = console.export_svg(title=title, theme=_THEME)
    return re.sub(r"@font-face \{.*?\}\s*", "", drawing, flags=re.DOTALL)

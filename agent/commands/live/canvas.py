"""A canvas of braille dots: two by four in every character cell, each cell with one colour and one ground."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import groupby
from typing import Final

from rich.color import Color
from rich.color_triplet import ColorTriplet
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style

from agent.commands.live.palette import Colour

__all__ = ["Canvas"]

_BRAILLE: Final = 0x2800
# Bit of the dot at [column][row] of a cell (Unicode, braille patterns).
_DOTS: Final = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))


@lru_cache(maxsize=8192)
def _style(colour: Colour | None, ground: Colour | None) -> Style:
    return Style(
        color=None if colour is None else Color.from_triplet(ColorTriplet(*colour)),
        bgcolor=None if ground is None else Color.from_triplet(ColorTriplet(*ground)),
    )


class Canvas:
    """Drawn on with coordinates from 0 to 1, the origin at the bottom left; what is drawn later lies on top.

    Args:
        width: in cells.
        height: in cells.
        ground: colour behind a cell, from its coordinates; None leaves the terminal's own.
    """

    def __init__(self, width: int, height: int, ground: Callable[[float, float], Colour] | None = None) -> None:
        self.width, self.height = width, height
        self._ground = ground
        self._bits = [[0] * width for _ in range(height)]
        self._marks: dict[tuple[int, int], str] = {}
        self._colours: dict[tuple[int, int], Colour] = {}

    def dot(self, x: float, y: float, colour: Colour) -> None:
        """Set the dot at a point; points beyond the edge are left out."""
        if not (0.0 <= x <= 1.0 and 0.0 <= y <= 1.0):
            return
        column = min(int(x * self.width * 2), self.width * 2 - 1)
        row = min(int((1.0 - y) * self.height * 4), self.height * 4 - 1)
        self._bits[row // 4][column // 2] |= _DOTS[column % 2][row % 4]
        self._colours[row // 4, column // 2] = colour

    def mark(self, x: float, y: float, character: str, colour: Colour) -> None:
        """Put a character into the cell at a point, over its dots; points beyond the edge go to the edge."""
        column = min(max(int(x * self.width), 0), self.width - 1)
        row = min(max(int((1.0 - y) * self.height), 0), self.height - 1)
        self._put(row, column, character, colour)

    def write(self, row: int, column: int, text: str, colour: Colour) -> None:
        """Write a text into the cells from `column` on; it must have narrow characters."""
        for offset, character in enumerate(text):
            if 0 <= row < self.height and 0 <= column + offset < self.width:
                self._put(row, column + offset, character, colour)

    def _put(self, row: int, column: int, character: str, colour: Colour) -> None:
        self._marks[row, column] = character
        self._colours[row, column] = colour

    def _cells(self, row: int) -> Iterator[tuple[Style, str]]:
        for column in range(self.width):
            bits = self._bits[row][column]
            character = self._marks.get((row, column)) or (chr(_BRAILLE + bits) if bits else " ")
            x, y = (column + 0.5) / self.width, 1.0 - (row + 0.5) / self.height
            ground = self._ground(x, y) if self._ground else None
            yield _style(self._colours.get((row, column)) if character != " " else None, ground), character

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the rows as segments, one for each run of equal style."""
        for row in range(self.height):
            for style, cells in groupby(self._cells(row), key=lambda cell: cell[0]):
                yield Segment("".join(character for _, character in cells), style)
            yield Segment.line()

"""Colours and marks of the live view, and the small drawings made of single characters."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from rich.cells import cell_len, set_cell_size

__all__ = [
    "ACCENT",
    "ALARM",
    "DIM",
    "FAINT",
    "GROUND",
    "SIGNAL_COLOURS",
    "STATE",
    "TEXT",
    "WARNING",
    "Colour",
    "column",
    "duration",
    "emotion_colour",
    "fit",
    "hexadecimal",
    "mix",
    "shade_of_quality",
]

Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""

GROUND: Final[Colour] = (14, 17, 24)
TEXT: Final = "#e6e9ef"
DIM: Final = "#8b93a5"
FAINT: Final = "#414a5c"
ACCENT: Final = "#7cc4ff"
STATE: Final = "#ffffff"
WARNING: Final = "#f5c451"
ALARM: Final = "#ff6b6b"
FINE: Final[Colour] = (82, 201, 142)
SIGNAL_COLOURS: Final = {
    "audio": "#6cb6ff",
    "emotion": "#f778ba",
    "context": "#e3b341",
    "collaborative": "#56d4a0",
}

# The corners of the plane, after the words that Russell's circumplex has there.
_EXCITED: Final[Colour] = (247, 178, 52)
_TENSE: Final[Colour] = (236, 78, 86)
_SAD: Final[Colour] = (82, 120, 255)
_CALM: Final[Colour] = (45, 190, 140)
_EVEN: Final[Colour] = (150, 155, 170)

_COLUMNS: Final = "▁▂▃▄▅▆▇█"


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Blend two colours; `share` of the second, from 0 to 1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


@lru_cache(maxsize=4096)
def hexadecimal(colour: Colour) -> str:
    """Write a colour as rich reads it."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def emotion_colour(valence: float, arousal: float) -> Colour:
    """Give a point of the plane its colour: grey in the middle, a hue of its own in each corner."""
    right, up = (min(max((value + 1.0) / 2.0, 0.0), 1.0) for value in (valence, arousal))
    hue = mix(mix(_SAD, _CALM, right), mix(_TENSE, _EXCITED, right), up)
    return mix(_EVEN, hue, min(1.0, 1.6 * max(abs(valence), abs(arousal))))


def shade_of_quality(quality: float) -> str:
    """Give a quality in [0, 1] its colour, from alarm over warning to fine."""
    alarm, warning = (255, 107, 107), (245, 196, 81)
    if quality < 0.5:
        return hexadecimal(mix(alarm, warning, max(quality, 0.0) * 2.0))
    return hexadecimal(mix(warning, FINE, min(quality, 1.0) * 2.0 - 1.0))


def column(share: float) -> str:
    """Draw a share in [0, 1] as one upright block."""
    return _COLUMNS[min(max(round(share * (len(_COLUMNS) - 1)), 0), len(_COLUMNS) - 1)]


def fit(text: str, width: int) -> str:
    """Cut or pad a text to exactly `width` cells. Tags come from anywhere: what could steer a terminal is replaced."""
    printable = "".join(character if character.isprintable() else "·" for character in text)
    if cell_len(printable) > width > 0:
        printable = set_cell_size(printable, width - 1).rstrip() + "…"
    return set_cell_size(printable, max(width, 0))


def duration(seconds: float) -> str:
    """Write a duration as people read it: `3:05`, `1:02:03`."""
    minutes, rest = divmod(max(round(seconds), 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

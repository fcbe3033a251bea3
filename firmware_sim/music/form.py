"""Form and lead sheet: introduction, theme, contrast, theme again, ending, with a chord for every bar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firmware_sim.music.emotion import Character
from firmware_sim.music.harmony import Chord, Key, choose_key, chord_of, harmonise

__all__ = ["LeadSheet", "Section", "lay_out", "sketch"]

# The last chord rings this long after the last written bar before the fade, whatever the length of the piece.
RINGING_S = 3.0


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of the form.

    Attributes:
        name: `intro`, `A`, `B`, `A'` or `ending`.
        start: its first bar.
        bars: its length.
        level: factor on velocities, the large-scale dynamic shape.
    """

    name: str
    start: int
    bars: int
    level: float


@dataclass(frozen=True, slots=True)
class LeadSheet:
    """What all players share.

    Attributes:
        character: how to play.
        key: tonic and mode.
        bar: beats in a bar, 3 or 4.
        beat_s: seconds a beat at the tempo.
        sections: in order, without gaps.
        chords: one a bar.
    """

    character: Character
    key: Key
    bar: int
    beat_s: float
    sections: tuple[Section, ...]
    chords: tuple[Chord, ...]

    @property
    def beats(self) -> int:
        """Length in beats."""
        return len(self.chords) * self.bar


def lay_out(bars: int) -> tuple[Section, ...]:
    """A form of the given length in bars (at least 5): intro, A, B, A', ending.

    Sections are whole phrases of four bars where there is room; what is left over lengthens the last theme.
    """
    intro = 1 if bars < 14 else 2 if bars < 40 else 4
    ending = 1 if bars < 7 else 2
    body = bars - intro - ending
    unit = 4 if body >= 12 else 2 if body >= 6 else 1
    theme = unit * max(1, round(0.36 * body / unit))
    contrast = unit * max(1, round(0.28 * body / unit))
    lengths = (("intro", intro, 0.86), ("A", theme, 0.94), ("B", contrast, 1.0), ("A'", body - theme - contrast, 1.06))
    sections, start = [], 0
    for name, length, level in (*lengths, ("ending", ending, 0.84)):
        if length > 0:
            sections.append(Section(name, start, length, level))
            start += length
    return tuple(sections)


def sketch(character: Character, seconds: float, waltz: float, rng: np.random.Generator) -> LeadSheet:
    """A lead sheet for a piece of about the given length.

    Args:
        character: what the emotion asks.
        seconds: length of the whole piece, the last chord's ringing included.
        waltz: probability of three beats in a bar.
        rng: chooses key, metre and progressions.
    """
    bar = 3 if rng.random() < waltz else 4
    beat_s = 60 / character.tempo_bpm
    bars = max(5, round((seconds - RINGING_S) / (bar * beat_s)))
    key = choose_key(character, rng)
    sections = lay_out(bars)
    numerals: dict[str, list[str]] = {}
    for section in sections:
        if section.name == "A'":
            numerals["A'"] = _return_of(numerals["A"], section.bars)
        else:
            numerals[section.name] = harmonise(key, section.bars, section.name, rng)
    numerals["intro"] = [numerals["A"][bar % len(numerals["A"])] for bar in range(sections[0].bars)]
    flat = [numeral for section in sections for numeral in numerals[section.name]]
    chords = tuple(chord_of(key, numeral, _colours(character, numeral, rng)) for numeral in flat[:-1])
    return LeadSheet(character, key, bar, beat_s, sections, (*chords, chord_of(key, "1")))


def _return_of(theme: list[str], bars: int) -> list[str]:
    """The theme's harmony again, repeated or cut to the length, with its own close."""
    body = [theme[bar % len(theme)] for bar in range(bars)]
    if bars >= 2:
        body[-2:] = theme[-2:] if len(theme) >= 2 else body[-2:]
    return body


def _colours(character: Character, numeral: str, rng: np.random.Generator) -> tuple[str, ...]:
    """Sixths, sevenths and ninths for calm music, seconds and tritones for tense music; plain triads between."""
    harsh, rich = rng.random() < 1.1 * (character.dissonance - 0.15), rng.random() < 0.75 * character.richness
    if harsh:
        return ("b9",) if numeral.endswith("o") else (str(rng.choice(["b9", "tritone", "7", "b9"])),)
    if rich and not numeral.endswith("o"):
        return (str(rng.choice(["7", "9", "9", "6" if character.mode_brightness > 0 else "7"])),)
    return ()

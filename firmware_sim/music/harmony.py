"""Keys, chords, progressions and voice leading.

Mode is the strongest cue of valence (Eerola, Friberg & Bresin 2013), and dissonance the strongest of tension
(Gabrielsson & Lindström 2010). Progressions are the common stock of tonal, modal and popular music, in degrees of the
mode.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from firmware_sim.music.emotion import Character

__all__ = ["MODES", "Chord", "Key", "choose_key", "chord_of", "harmonise", "lead_voices"]

MODES: dict[str, tuple[int, ...]] = {
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "ionian": (0, 2, 4, 5, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "aeolian": (0, 2, 3, 5, 7, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
}

# Upper end of mode brightness up to which a mode serves; ionian twice, because plain major is what listeners hear as
# happy.
_LADDER: tuple[tuple[float, tuple[str, ...]], ...] = (
    (-0.7, ("harmonic minor", "phrygian")),
    (-0.3, ("aeolian", "harmonic minor")),
    (-0.08, ("aeolian", "dorian")),
    (0.12, ("dorian", "mixolydian")),
    (0.35, ("mixolydian", "ionian")),
    (0.75, ("ionian",)),
    (1.01, ("ionian", "ionian", "lydian")),
)

# Degrees with a third of their mode; prefix b or # shifts the root, suffix M, m, o, s forces major, minor, diminished,
# sus4.
_PROGRESSIONS: dict[str, tuple[str, ...]] = {
    "lydian": ("1 2M 1 5", "1 2M 4 1", "1 5 2M 4", "4 2M 1 5"),
    "ionian": ("1 5 6 4", "1 4 5 1", "1 6 4 5", "1 3 4 5", "1 2 5 1", "4 5 3 6", "1 4 1 5", "6 4 1 5", "1 5 4 4"),
    "mixolydian": ("1 7 4 1", "1 5 7 4", "1 4 7 4", "1 2 4 1"),
    "dorian": ("1 4 1 4", "1 7 4 1", "1 3 4 7", "1 2 7 1"),
    "aeolian": ("1 6 3 7", "1 4 7 3", "1 4 5 1", "1 5 6 4", "6 7 1 1", "1 3 6 4", "1 7 6 7"),
    "harmonic minor": ("1 6 4 5M", "1 4 1 5M", "1 2o 5M 1", "1 b7M 6 5M", "1 4 7o 1"),
    "phrygian": ("1 2 1 7", "1 2 3 2", "1 6 2 1", "1 7 2 1"),
}
_CONTRAST: dict[str, tuple[str, ...]] = {
    "lydian": ("4 1 2M 5", "6 2M 4 1"),
    "ionian": ("4 1 5 6", "6 3 4 1", "2 5 1 6", "4 4 1 5"),
    "mixolydian": ("4 1 7 4", "7 4 1 1"),
    "dorian": ("4 7 1 1", "3 7 4 1"),
    "aeolian": ("6 7 3 1", "4 1 6 7", "3 7 1 6"),
    "harmonic minor": ("4 1 5M 1", "6 2o 5M 1"),
    "phrygian": ("6 2 7 1", "4 1 2 2"),
}
_CADENCES: dict[str, tuple[str, str]] = {
    "lydian": ("5", "1"),
    "ionian": ("5", "1"),
    "mixolydian": ("7", "1"),
    "dorian": ("4", "1"),
    "aeolian": ("5M", "1"),
    "harmonic minor": ("5M", "1"),
    "phrygian": ("2", "1"),
}


@dataclass(frozen=True, slots=True)
class Key:
    """A tonic (pitch class) and a mode (key of `MODES`)."""

    tonic: int
    mode: str

    @property
    def scale(self) -> tuple[int, ...]:
        """The mode's pitch classes, tonic first."""
        return tuple((self.tonic + step) % 12 for step in MODES[self.mode])


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord and the scale that fits it.

    Attributes:
        root: pitch class of the root.
        tones: pitch classes, root first, then third, fifth and what colours it.
        scale: pitch classes that a melody may use over it, the key's bent to hold the chord's.
    """

    root: int
    tones: tuple[int, ...]
    scale: frozenset[int]


def choose_key(character: Character, rng: np.random.Generator) -> Key:
    """A mode as bright as the character asks, on any tonic."""
    modes = next(modes for top, modes in _LADDER if character.mode_brightness < top)
    return Key(tonic=int(rng.integers(12)), mode=str(rng.choice(modes)))


def chord_of(key: Key, numeral: str, colours: tuple[str, ...] = ()) -> Chord:
    """The chord that a numeral of this module's progressions names.

    Args:
        key: where the degrees are counted.
        numeral: such as `1`, `5M`, `b7M`, `2o`.
        colours: added tones, any of `6`, `7`, `9`, `b9`, `tritone`.
    """
    shift = {"b": -1, "#": 1}.get(numeral[0], 0)
    body = numeral[1:] if shift else numeral
    degree, quality = int(body[0]) - 1, body[1:]
    scale = key.scale
    root = (scale[degree] + shift) % 12
    third, fifth = (scale[(degree + 2) % 7] - root) % 12, (scale[(degree + 4) % 7] - root) % 12
    if quality:
        third, fifth = {"M": (4, 7), "m": (3, 7), "o": (3, 6), "s": (5, 7)}[quality]
    offsets = [0, third, fifth, *(_colour(key, degree, root, colour) for colour in colours)]
    tones = tuple(dict.fromkeys((root + offset) % 12 for offset in offsets))
    fitting = {tone for tone in scale if all((tone - own) % 12 not in {1, 11} or tone in tones for own in tones[:3])}
    return Chord(root=root, tones=tones, scale=frozenset(fitting | set(tones[:3])))


def _colour(key: Key, degree: int, root: int, colour: str) -> int:
    if colour == "b9":
        return 1
    if colour == "tritone":
        return 6
    step = {"6": 5, "7": 6, "9": 1}[colour]
    offset = (key.scale[(degree + step) % 7] - root) % 12
    return 2 if colour == "9" and offset == 1 else offset  # a diatonic minor ninth would be harsh where calm is asked


def harmonise(key: Key, bars: int, section: str, rng: np.random.Generator) -> list[str]:
    """Numerals for a section, one a bar: a progression, repeated as needed, closed by the cadence that fits.

    Args:
        key: decides which progressions are idiomatic.
        bars: length of the section.
        section: `A`, `B` (starts away from the tonic, ends open) or `ending` (cadence).
        rng: chooses.
    """
    dominant, tonic = _CADENCES[key.mode]
    if section == "ending":
        return [dominant, tonic][-bars:] if bars <= 2 else ["4", *[dominant] * (bars - 2), tonic]
    stock = _CONTRAST if section == "B" else _PROGRESSIONS
    loop = str(rng.choice(stock[key.mode])).split()
    numerals = [loop[bar % len(loop)] for bar in range(bars)]
    if bars >= 8 and section == "A":
        numerals[bars // 2 - 1] = dominant  # half cadence: the first phrase asks, the second answers
    if section == "B":
        numerals[-1] = dominant
    elif bars >= 4:
        numerals[-2:] = [dominant, tonic]
    return numerals


def lead_voices(chords: list[Chord], centre: float, *, voices: int = 3) -> list[tuple[int, ...]]:
    """Voicings in which every voice moves as little as it can.

    Args:
        chords: in order.
        centre: MIDI pitch around which the voicings stay.
        voices: how many tones of each chord sound (fewer where it has fewer).

    Returns:
        for each chord its MIDI pitches, ascending.
    """
    voiced: list[tuple[int, ...]] = []
    for chord in chords:
        candidates = _voicings(_kept_tones(chord, voices), centre)
        previous = voiced[-1] if voiced else None
        voiced.append(min(candidates, key=lambda pitches: _voicing_cost(pitches, previous, centre)))
    return voiced


def _kept_tones(chord: Chord, voices: int) -> tuple[int, ...]:
    """With more tones than voices the fifth goes first, then the root, which the bass has."""
    tones = list(chord.tones)
    for index in (2, 0):
        if len(tones) > voices:
            tones.pop(index)
    return tuple(tones[:voices])


def _voicings(tones: tuple[int, ...], centre: float) -> list[tuple[int, ...]]:
    floor = round(centre) - 11
    choices = [(lowest := floor + (tone - floor) % 12, lowest + 12) for tone in tones]
    return [tuple(sorted(pitches)) for pitches in itertools.product(*choices)]


def _voicing_cost(pitches: tuple[int, ...], previous: tuple[int, ...] | None, centre: float) -> float:
    cost = 0.4 * abs(sum(pitches) / len(pitches) - centre)
    if previous is not None:
        cost += sum(min(abs(pitch - other) for other in previous) for pitch in pitches)
        cost += sum(min(abs(pitch - other) for pitch in pitches) for other in previous)
    cost += 0.5 * max(0, pitches[-1] - pitches[0] - 14)
    # Close intervals low down sound muddy.
    cost += sum(1.5 for low, high in itertools.pairwise(pitches) if high - low < 3 and low < 60)
    return cost + sum(2.0 for low, high in itertools.pairwise(pitches) if high - low < 4 and low < 50)

"""Melody: a motif, its variations, phrases that ask and answer.

A motif is a rhythm cell and a contour in scale steps. A phrase states it, repeats it moved with the harmony, spins it
on
and comes to rest: on an open tone at a half cadence, on the tonic at the end. Rising contours and wide intervals read
as happy and lively, falling and narrow ones as sad (Gabrielsson & Lindström 2010).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_sim.music.emotion import Character
from firmware_sim.music.harmony import Chord
from firmware_sim.music.rhythm import cell
from firmware_sim.music.score import Note

__all__ = ["Motif", "Theme", "make_motif", "sing", "vary"]


@dataclass(frozen=True, slots=True)
class Motif:
    """One bar of melody without its harmony.

    Attributes:
        onsets: beats within the bar.
        steps: scale steps from the previous note, the first from where the bar starts.
    """

    onsets: NDArray[np.float64]
    steps: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Theme:
    """What a section sings.

    Attributes:
        first: the motif that opens its phrases.
        second: the motif that answers.
        centre: MIDI pitch around which it moves.
        bar: beats in a bar.
    """

    first: Motif
    second: Motif
    centre: float
    bar: int


def make_motif(bar: int, beat_s: float, character: Character, rng: np.random.Generator) -> Motif:
    """A motif as dense, wide and rising as the character asks."""
    onsets = cell(round(character.density * bar * beat_s * float(rng.uniform(0.8, 1.2))), bar, character, rng)
    bias = 0.5 + 0.25 * character.rise
    directions = np.where(rng.random(len(onsets)) < bias, 1, -1)
    sizes = np.where(rng.random(len(onsets)) < character.leap, rng.integers(2, 5, len(onsets)), 1)
    steps = directions * sizes
    steps[rng.random(len(onsets)) < 0.12] = 0
    leaps = np.abs(steps) > 2
    steps[1:][leaps[:-1]] = -np.sign(steps[:-1][leaps[:-1]])  # after a leap the line turns back by step
    return Motif(onsets, steps.astype(np.int64))


def vary(motif: Motif, bar: int, character: Character, rng: np.random.Generator) -> Motif:
    """The same motif, recognisably changed: mirrored, with a passing note, or with another ending."""
    onsets, steps = motif.onsets.copy(), motif.steps.copy()
    kind = int(rng.integers(3))
    if kind == 0:
        steps = -steps
    elif kind == 1 and character.density > 1.5 and len(onsets) < 2 * bar:
        gaps = np.diff(np.append(onsets, bar))
        widest = int(np.argmax(gaps))
        onsets = np.insert(onsets, widest + 1, onsets[widest] + gaps[widest] / 2)
        steps = np.insert(steps, widest + 1, 1 if character.rise > 0 else -1)
    else:
        steps[-1] = -steps[-1] or 1
    return Motif(onsets, steps)


def sing(theme: Theme, chords: list[Chord], start: float, character: Character, rng: np.random.Generator) -> list[Note]:
    """A melody over one chord a bar.

    Args:
        theme: its motifs and register.
        chords: one a bar.
        start: first beat.
        character: articulation, velocity, contour.
        rng: small choices.

    Returns:
        notes with velocities that rise and fall with the phrase.
    """
    notes: list[Note] = []
    pitch = theme.centre - 2 * character.rise  # rising melodies start low, falling ones high
    for index, chord in enumerate(chords):
        place, last = index % 4, index == len(chords) - 1
        begin = start + index * theme.bar
        if last or (place == 3 and rng.random() < 0.7):
            notes += _rest_point(theme, chord, begin, pitch, character)
            pitch = float(notes[-1].pitch)
            continue
        motif = theme.first if place in {0, 1} else theme.second
        if place in {1, 3}:
            motif = vary(motif, theme.bar, character, rng)
        if place == 0:
            pitch = theme.centre - 2 * character.rise
        bar_notes = _bar(motif, theme, chord, (begin, pitch, _arch(index, len(chords))), character)
        notes += bar_notes
        pitch = float(bar_notes[-1].pitch)
    return notes


def _arch(index: int, bars: int) -> float:
    """Dynamic arch: phrases swell towards two thirds of their length (velocity factor)."""
    position = (index % 4 + 1) / min(4, max(bars, 1))
    return 0.9 + 0.18 * float(np.sin(np.pi * min(position, 1.0) * 0.75))


def _bar(
    motif: Motif, theme: Theme, chord: Chord, entry: tuple[float, float, float], character: Character
) -> list[Note]:
    begin, pitch, arch = entry
    scale = _pitches(chord.scale, theme.centre)
    tones = _pitches(frozenset(chord.tones[:3]), theme.centre)
    ends = np.append(motif.onsets[1:], theme.bar)
    notes = []
    for onset, end, step in zip(motif.onsets, ends, motif.steps, strict=True):
        index = int(np.argmin(np.abs(scale - pitch))) + int(step)
        index = int(np.clip(index, 0, len(scale) - 1))
        pitch = float(scale[index])
        strong = onset % 2 == 0
        if strong or end - onset >= 1:
            pitch = float(tones[np.argmin(np.abs(tones - pitch))])
        accent = 1.06 if strong else 0.94
        velocity = float(np.clip(character.velocity * arch * accent, 0.05, 1))
        notes.append(Note(begin + float(onset), float(end - onset) * character.articulation, int(pitch), velocity))
    return notes


def _rest_point(theme: Theme, chord: Chord, begin: float, pitch: float, character: Character) -> list[Note]:
    """The end of a phrase: a long tone of the chord, the nearest one to where the line came from."""
    tones = _pitches(frozenset(chord.tones[:3]), theme.centre)
    target = int(tones[np.argmin(np.abs(tones - (pitch - 1)))])
    length = theme.bar * (0.9 if character.articulation > 0.8 else 0.6)
    return [Note(begin, length, target, float(np.clip(character.velocity * 0.92, 0.05, 1)))]


def _pitches(classes: frozenset[int], centre: float) -> NDArray[np.int64]:
    """All pitches of the given classes within a tenth of the centre."""
    around = np.arange(round(centre) - 11, round(centre) + 15)
    return around[np.isin(around % 12, list(classes))]

"""Accompaniment figures: what the players under the melody do with a chord.

A figure is a function from a `Span` (one chord and how long it lasts) to notes. Calm figures hold and break chords
slowly, excited ones repeat and pulse; heavy ones (tension) sit low and hammer, light ones (joy) bounce off the beat.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from firmware_sim.music.emotion import Character
from firmware_sim.music.rhythm import subdivision
from firmware_sim.music.score import Note

__all__ = ["FIGURES", "Figure", "Span"]


@dataclass(frozen=True, slots=True)
class Span:
    """One chord for one player.

    Attributes:
        start: first beat.
        beats: length.
        voicing: the chord's MIDI pitches, ascending.
        bass: MIDI pitch of the bass.
        next_bass: MIDI pitch of the next chord's bass, to lead there.
        character: how to play.
        beat_s: seconds a beat.
        level: velocity of an unaccented note.
    """

    start: float
    beats: float
    voicing: tuple[int, ...]
    bass: int
    next_bass: int
    character: Character
    beat_s: float
    level: float

    @property
    def rate(self) -> float:
        """Notes a second that broken chords aim at: the accompaniment carries most of the motion."""
        return 2.4 * float(2.7 ** ((self.character.density - 1.0) / 3.4))


Figure = Callable[[Span, np.random.Generator], list[Note]]


def _held(span: Span, _: np.random.Generator) -> list[Note]:
    """The chord, held."""
    return [Note(span.start, span.beats, pitch, span.level) for pitch in span.voicing]


def _final(span: Span, _: np.random.Generator) -> list[Note]:
    """The chord over the bass in octaves, held: a last word."""
    return [Note(span.start, span.beats, pitch, span.level) for pitch in (span.bass - 12, span.bass, *span.voicing)]


def _rolled(span: Span, rng: np.random.Generator) -> list[Note]:
    """The chord, rolled from the bass up like a harp, left to ring."""
    gap = min(0.18, 0.09 / span.beat_s + 0.03)
    pitches = (span.bass, *span.voicing)
    notes = [
        Note(span.start + index * gap, span.beats - index * gap, pitch, span.level * float(rng.uniform(0.9, 1.02)))
        for index, pitch in enumerate(pitches)
    ]
    if span.beats >= 3 and rng.random() < 0.7:  # an echo of the top in the second half keeps slow bars alive
        half = span.start + span.beats / 2
        notes += [
            Note(half + index * 0.5, span.beats / 2, pitch, span.level * 0.8)
            for index, pitch in enumerate(span.voicing[-2:])
        ]
    return notes


def _broken(span: Span, order: tuple[int, ...], *, ring: bool) -> list[Note]:
    per_beat = subdivision(span.rate, span.beat_s)
    count = max(1, round(span.beats * per_beat))
    length = 1 / per_beat
    pitches = (span.bass, *span.voicing)
    notes = []
    for index in range(count):
        at = index * length
        pitch = pitches[order[index % len(order)] % len(pitches)]
        sounding = span.beats - at if ring else length * span.character.articulation
        accent = 1.0 if index == 0 else 0.86
        notes.append(Note(span.start + at, sounding, pitch, span.level * accent))
    return notes


def _arpeggio(span: Span, _: np.random.Generator) -> list[Note]:
    """Up and down the chord from the bass, the pedal held while the music is calm."""
    return _broken(span, (0, 1, 2, 3, 2, 1), ring=span.character.articulation > 0.85)


def _rising(span: Span, _: np.random.Generator) -> list[Note]:
    """Up the chord, again and again."""
    return _broken(span, (0, 1, 2, 3), ring=span.character.articulation > 0.85)


def _alberti(span: Span, _: np.random.Generator) -> list[Note]:
    """Low, high, middle, high."""
    return _broken(span, (0, 3, 1, 2), ring=False)


def _offbeat(span: Span, _: np.random.Generator) -> list[Note]:
    """Bass on the beat, chord after it: the stride of cheerful music."""
    notes = []
    fifth = span.bass + 7
    length = 0.5 * span.character.articulation
    for beat in range(int(span.beats)):
        low = span.bass if beat % 2 == 0 else fifth
        notes.append(Note(span.start + beat, length, low, span.level))
        notes += [Note(span.start + beat + 0.5, length * 0.8, pitch, span.level * 0.85) for pitch in span.voicing]
    return notes


def _comping(span: Span, rng: np.random.Generator) -> list[Note]:
    """Syncopated chords, as a jazz pianist or a rhythm guitarist sets them."""
    stock = ((0.0, 1.5), (0.0, 2.5), (0.5, 2.0), (1.5, 3.0), (0.0, 1.5, 3.0))
    hits = [hit for hit in stock[int(rng.integers(len(stock)))] if hit < span.beats]
    length = 0.35 + 0.9 * max(0.0, span.character.articulation - 0.5)
    return [
        Note(span.start + hit, min(length, span.beats - hit), pitch, span.level * (0.95 if hit else 1.0))
        for hit in hits
        for pitch in span.voicing
    ]


def _pulse(span: Span, rng: np.random.Generator) -> list[Note]:
    """Repeated chords, the weight on the first and, where the music is rough, on unexpected others."""
    per_beat = subdivision(0.75 * span.rate, span.beat_s, (1, 2, 4))
    notes = []
    for index in range(round(span.beats * per_beat)):
        rough = rng.random() < 0.4 * span.character.irregularity
        accent = 1.0 if index % int(2 * per_beat) == 0 or rough else 0.8
        length = (1 / per_beat) * min(0.9, span.character.articulation)
        notes += [Note(span.start + index / per_beat, length, pitch, span.level * accent) for pitch in span.voicing]
    return notes


def _tremolo(span: Span, _: np.random.Generator) -> list[Note]:
    """The chord's outer and inner tones shaken against each other: the oldest figure of agitation."""
    per_beat = subdivision(8.0, span.beat_s, (2, 4, 8))
    inner, outer = span.voicing[1::2] or span.voicing, span.voicing[::2]
    notes = []
    for index in range(round(span.beats * per_beat)):
        swell = 0.75 + 0.25 * index / (span.beats * per_beat)
        group = outer if index % 2 == 0 else inner
        notes += [Note(span.start + index / per_beat, 1 / per_beat, pitch, span.level * swell) for pitch in group]
    return notes


def _strum(span: Span, _: np.random.Generator) -> list[Note]:
    """Down- and upstrokes of a strummed guitar."""
    strokes = ((0.0, 1.0), (1.0, 0.75), (1.5, 0.65), (2.5, 0.7), (3.0, 0.85), (3.5, 0.6))
    notes = []
    for number, (at, strength) in enumerate(strokes):
        if at >= span.beats:
            break
        strings = (span.bass, *span.voicing) if number % 2 == 0 else tuple(reversed(span.voicing))
        gap = 0.012 / span.beat_s
        notes += [
            Note(span.start + at + index * gap, 0.95, pitch, span.level * strength)
            for index, pitch in enumerate(strings)
        ]
    return notes


def _power(span: Span, rng: np.random.Generator) -> list[Note]:
    """Palm-muted eighths on root and fifth, opened on accents."""
    per_beat = subdivision(4.5, span.beat_s, (1, 2, 4))
    root = span.bass + 12
    notes = []
    for index in range(round(span.beats * per_beat)):
        opened = index == 0 or rng.random() < 0.15 + 0.2 * span.character.irregularity
        length = (0.95 if opened else 0.45) / per_beat
        at = span.start + index / per_beat
        notes += [
            Note(at, length, pitch, span.level * (1.0 if opened else 0.8)) for pitch in (root, root + 7, root + 12)
        ]
    return notes


def _hammer(span: Span, rng: np.random.Generator) -> list[Note]:
    """Low octaves against the chord, driving: the left hand of an angry piano."""
    per_beat = subdivision(0.9 * span.rate, span.beat_s, (1, 2, 4))
    notes = []
    for index in range(round(span.beats * per_beat)):
        at, length = span.start + index / per_beat, 0.85 / per_beat
        strong = index % int(2 * per_beat) == 0 or rng.random() < 0.3 * span.character.irregularity
        if strong:
            notes += [Note(at, length * 1.1, pitch, span.level) for pitch in (span.bass - 12, span.bass, *span.voicing)]
        else:
            notes += [
                Note(at, length, pitch, span.level * 0.8)
                for pitch in (span.bass, span.voicing[index % len(span.voicing)])
            ]
    return notes


def _root(span: Span, _: np.random.Generator) -> list[Note]:
    """The root, held."""
    return [Note(span.start, span.beats * 0.98, span.bass, span.level)]


def _root_and_fifth(span: Span, _: np.random.Generator) -> list[Note]:
    """Root and fifth, half a bar each."""
    half = span.beats / 2
    length = half * min(1.0, span.character.articulation)
    return [
        Note(span.start, length, span.bass, span.level),
        Note(span.start + half, length, span.bass + 7, span.level * 0.88),
    ]


def _walking(span: Span, rng: np.random.Generator) -> list[Note]:
    """A step a beat, the last one leading to the next root by a semitone."""
    chord = sorted({span.bass + (pitch - span.bass) % 12 for pitch in span.voicing} | {span.bass})
    notes = []
    for beat in range(int(span.beats)):
        pitch = span.bass if beat == 0 else chord[(beat + int(rng.integers(2))) % len(chord)]
        if beat == int(span.beats) - 1 and span.next_bass != span.bass:
            pitch = span.next_bass + int(rng.choice([-1, 1]))
        notes.append(Note(span.start + beat, 0.9, pitch, span.level * (1.0 if beat == 0 else 0.9)))
    return notes


def _driving(span: Span, _: np.random.Generator) -> list[Note]:
    """Repeated roots, as fast as the music is excited."""
    per_beat = subdivision(0.8 * span.rate, span.beat_s, (1, 2, 4))
    length = min(0.9, span.character.articulation + 0.1) / per_beat
    return [
        Note(
            span.start + index / per_beat, length, span.bass, span.level * (1.0 if index % int(per_beat) == 0 else 0.82)
        )
        for index in range(round(span.beats * per_beat))
    ]


def _octaves(span: Span, _: np.random.Generator) -> list[Note]:
    """Root and its octave in turn: the bass of dance music."""
    return [
        Note(span.start + index / 2, 0.42, span.bass + 12 * (index % 2), span.level * (1.0 if index % 2 == 0 else 0.85))
        for index in range(int(span.beats * 2))
    ]


FIGURES: dict[str, Figure] = {
    "held": _held,
    "final": _final,
    "rolled": _rolled,
    "arpeggio": _arpeggio,
    "rising": _rising,
    "alberti": _alberti,
    "offbeat": _offbeat,
    "comping": _comping,
    "pulse": _pulse,
    "tremolo": _tremolo,
    "strum": _strum,
    "power": _power,
    "hammer": _hammer,
    # of the bass
    "root": _root,
    "root and fifth": _root_and_fifth,
    "walking": _walking,
    "driving": _driving,
    "octaves": _octaves,
}

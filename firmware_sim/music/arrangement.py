"""Arrangement: who plays what of a lead sheet, section by section."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firmware_sim.music.accompaniment import FIGURES, Span
from firmware_sim.music.artists import Artist, Mood, Seat
from firmware_sim.music.emotion import Character, Emotion, character_of
from firmware_sim.music.form import LeadSheet, Section, sketch
from firmware_sim.music.harmony import lead_voices
from firmware_sim.music.melody import Theme, make_motif, sing, vary
from firmware_sim.music.rhythm import DRUM_KEYS, beat_times, drum_bar
from firmware_sim.music.score import Note, Part, Score

__all__ = ["arrange", "compose"]

# Centres of the roles before the register moves them, as MIDI pitches; EMOPIA's piano clips lie around them.
_LEAD_CENTRE, _COMP_CENTRE, _PAD_CENTRE, _BASS_CENTRE = 72, 57, 62, 40
# Velocity above which a section of strings stops holding its chords and bows them again and again.
_STROKES_FROM = 0.66


@dataclass(frozen=True, slots=True)
class _Session:
    """What every player needs to know."""

    sheet: LeadSheet
    mood: Mood
    artist: Artist
    themes: dict[str, Theme]

    @property
    def character(self) -> Character:
        return self.sheet.character


@dataclass(frozen=True, slots=True)
class _Line:
    """What an accompanying player plays: figures for themes, contrast and ending, around a pitch."""

    centre: float
    theme: str
    contrast: str
    ending: str
    level: float
    voices: int = 3


def compose(emotion: Emotion, artist: Artist, seconds: float, rng: np.random.Generator) -> tuple[Score, Character]:
    """A piece by an artist for an emotion.

    Args:
        emotion: what it is to express.
        artist: ensemble and habits.
        seconds: about how long it is to last.
        rng: all chance in it.

    Returns:
        the score, and the character that it was composed for (mixing needs loudness and space).
    """
    character = character_of(emotion, rng)
    sheet = sketch(character, seconds, artist.waltz, rng)
    return arrange(sheet, artist, artist.mood(emotion.valence, emotion.arousal), rng), character


def arrange(sheet: LeadSheet, artist: Artist, mood: Mood, rng: np.random.Generator) -> Score:
    """The score of a lead sheet as an artist plays it in a mood."""
    session = _Session(sheet, mood, artist, _themes(sheet, rng))
    active = [seat for seat in artist.seats if seat.entry <= sheet.character.percussion <= seat.leave]
    if sheet.character.percussion > 0 and sum(seat.role == "lead" for seat in active) > 1:
        active = [seat for seat in active if seat.role != "lead" or seat.entry > 0]  # the later one takes over
    parts = tuple(_part(seat, session, rng) for seat in active)
    return Score(
        parts=tuple(part for part in parts if part.notes),
        beat_times_s=beat_times(sheet.beats, sheet.bar, sheet.character, rng),
        swing=artist.swing,
    )


def _part(seat: Seat, session: _Session, rng: np.random.Generator) -> Part:
    players = {"lead": _lead, "comp": _comp, "pad": _pad, "bass": _bass, "colour": _colour, "drums": _drums}
    notes = players[seat.role](session, rng)
    if seat.octave:
        notes = [note._replace(pitch=note.pitch + 12 * seat.octave) for note in notes]
    return Part(
        role=seat.role,
        instrument=seat.instrument,
        notes=tuple(notes),
        gain_db=seat.gain_db,
        pan=seat.pan,
        send_db=seat.send_db,
        drive=session.artist.drive * max(0.0, 1.4 * session.character.brightness - 0.4),
    )


def _themes(sheet: LeadSheet, rng: np.random.Generator) -> dict[str, Theme]:
    character = sheet.character
    centre = _LEAD_CENTRE + character.register
    first = make_motif(sheet.bar, sheet.beat_s, character, rng)
    second = make_motif(sheet.bar, sheet.beat_s, character, rng)
    contrast = make_motif(sheet.bar, sheet.beat_s, character, rng)
    return {
        "A": Theme(first, second, centre, sheet.bar),
        "B": Theme(contrast, vary(first, sheet.bar, character, rng), centre + 3 + character.rise, sheet.bar),
        "A'": Theme(first, vary(second, sheet.bar, character, rng), centre, sheet.bar),
    }


def _lead(session: _Session, rng: np.random.Generator) -> list[Note]:
    sheet, character = session.sheet, session.character
    notes: list[Note] = []
    for section in sheet.sections:
        chords = list(sheet.chords[section.start : section.start + section.bars])
        start = float(section.start * sheet.bar)
        if section.name in session.themes:
            sung = sing(session.themes[section.name], chords, start, character, rng)
            if section.name == "A'" or character.velocity > 0.72:
                sung = _thicken(sung, session, rng)
            notes += _levelled(sung, section.level)
        elif section.name == "ending":
            notes += _levelled(_farewell(section, session), section.level)
    return notes


def _farewell(section: Section, session: _Session) -> list[Note]:
    """Long tones of the last chords near the melody's centre, the tonic at the very end."""
    sheet, centre = session.sheet, round(session.themes["A"].centre)
    notes = []
    for bar in range(section.start, section.start + section.bars):
        chord = sheet.chords[bar]
        tones = (chord.root,) if bar == len(sheet.chords) - 1 else chord.tones[:3]
        pitches = (pitch for pitch in range(centre - 6, centre + 7) if pitch % 12 in tones)
        pitch = min(pitches, key=lambda pitch: abs(pitch - centre))
        notes.append(Note(float(bar * sheet.bar), sheet.bar * 0.95, pitch, session.character.velocity * 0.9))
    return notes


def _thicken(notes: list[Note], session: _Session, rng: np.random.Generator) -> list[Note]:
    """Octaves under an energetic melody, a chord tone under a gentle one: the theme grows when it returns."""
    sheet, energetic = session.sheet, session.character.velocity > 0.66
    thick = list(notes)
    for note in notes:
        if energetic:
            thick.append(note._replace(pitch=note.pitch - 12, velocity=note.velocity * 0.82))
        elif note.beats >= 0.9 and rng.random() < 0.6:
            tones = sheet.chords[min(int(note.start // sheet.bar), len(sheet.chords) - 1)].tones[:3]
            under = next(pitch for pitch in range(note.pitch - 3, note.pitch - 15, -1) if pitch % 12 in tones)
            thick.append(note._replace(pitch=under, velocity=note.velocity * 0.75))
    return thick


def _comp(session: _Session, rng: np.random.Generator) -> list[Note]:
    character, figures = session.character, session.mood.comp
    line = _Line(
        centre=_COMP_CENTRE + 0.5 * character.register - 2.5 * character.weight,
        theme=figures[0],
        contrast=figures[-1],
        ending="rolled" if character.velocity < 0.6 else "final",
        level=0.84,
    )
    return _figured(line, session, rng)


def _bass(session: _Session, rng: np.random.Generator) -> list[Note]:
    figures = session.mood.bass
    return _figured(_Line(_COMP_CENTRE, figures[0], figures[-1], ending="root", level=0.9), session, rng)


def _pad(session: _Session, rng: np.random.Generator) -> list[Note]:
    """The chords, held while the music is calm, in repeated strokes once it is excited."""
    character = session.character
    figure = "pulse" if character.velocity > _STROKES_FROM else "held"
    centre = _PAD_CENTRE + 0.5 * character.register
    return _figured(_Line(centre, figure, figure, ending="held", level=0.9, voices=4), session, rng)


def _figured(line: _Line, session: _Session, rng: np.random.Generator) -> list[Note]:
    sheet, character = session.sheet, session.character
    voicings = lead_voices(list(sheet.chords), line.centre, voices=line.voices)
    basses = _bass_line(sheet, character)
    notes: list[Note] = []
    for section in sheet.sections:
        figure = FIGURES[{"B": line.contrast, "ending": line.ending}.get(section.name, line.theme)]
        for bar in range(section.start, section.start + section.bars):
            span = Span(
                start=float(bar * sheet.bar),
                beats=float(sheet.bar),
                voicing=voicings[bar],
                bass=basses[bar],
                next_bass=basses[min(bar + 1, len(basses) - 1)],
                character=character,
                beat_s=sheet.beat_s,
                level=character.velocity * line.level,
            )
            notes += _levelled(figure(span, rng), section.level)
    return notes


def _bass_line(sheet: LeadSheet, character: Character) -> list[int]:
    """Roots, each in the octave nearest to where the line was."""
    line: list[int] = []
    at = _BASS_CENTRE + 0.25 * character.register - 2 * character.weight
    previous = at
    for chord in sheet.chords:
        options = [pitch for pitch in range(round(at) - 8, round(at) + 10) if pitch % 12 == chord.root]
        best = min(options, key=lambda pitch: abs(pitch - previous) + 0.5 * abs(pitch - at))
        line.append(best)
        previous = float(best)
    return line


def _colour(session: _Session, _: np.random.Generator) -> list[Note]:
    """A counter-melody in long tones: the upper line of the voice leading, in the later sections."""
    sheet, character = session.sheet, session.character
    voicings = lead_voices(list(sheet.chords), _LEAD_CENTRE + character.register - 3)
    notes = []
    for section in sheet.sections:
        if section.name in {"B", "A'"}:
            for bar in range(section.start, section.start + section.bars):
                start, half = float(bar * sheet.bar), sheet.bar / 2
                upper = voicings[bar][-1], voicings[bar][-2]
                notes += [
                    Note(start + index * half, half * 1.02, pitch, character.velocity * section.level * 0.85)
                    for index, pitch in enumerate(upper)
                ]
    return notes


def _drums(session: _Session, rng: np.random.Generator) -> list[Note]:
    sheet, character = session.sheet, session.character
    if not session.mood.groove:
        return []
    level = 0.4 + 0.5 * character.percussion
    notes: list[Note] = []
    for section in sheet.sections:
        if section.name in {"intro", "ending"}:
            continue
        for bar in range(section.start, section.start + section.bars):
            start = float(bar * sheet.bar)
            notes += _levelled(drum_bar(session.mood.groove, start, sheet.bar, level), section.level)
            if bar == section.start + section.bars - 1 and character.percussion > 0.35:
                notes += _fill(start, sheet.bar, level, rng)
        if character.percussion > 0.6:
            notes.append(Note(float(section.start * sheet.bar), 2.0, DRUM_KEYS["crash"], level * 0.8))
    end = sheet.sections[-1]
    if character.percussion > 0.5:
        notes.append(Note(float((end.start + end.bars - 1) * sheet.bar), 2.0, DRUM_KEYS["crash"], level * 0.7))
    return notes


def _fill(start: float, bar: int, level: float, rng: np.random.Generator) -> list[Note]:
    """Sixteenths on toms over the last beat, leading into the next section."""
    keys = [DRUM_KEYS["snare"], DRUM_KEYS["low tom"]]
    return [
        Note(start + bar - 1 + index / 4, 0.25, keys[index // 2], level * float(rng.uniform(0.5, 0.75)))
        for index in range(4)
    ]


def _levelled(notes: list[Note], level: float) -> list[Note]:
    return [note._replace(velocity=min(1.0, note.velocity * level)) for note in notes]

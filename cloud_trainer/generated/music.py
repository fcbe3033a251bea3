"""Generated music: scores whose tempo, mode, loudness, register and articulation follow a drawn emotion.

How much each cue says of valence and arousal is after Eerola, Friberg & Bresin 2013 (Frontiers in Psychology 4:487) and
Gabrielsson & Lindström 2010 (Handbook of Music and Emotion): mode carries valence; tempo, loudness and staccato carry
arousal; register and tempo add to valence. Cues are noisy, so that no single one gives the emotion away.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from cloud_trainer.data.labels import EMOTIFY_WEIGHTS
from cloud_trainer.generated.files import write_bytes, write_table
from cloud_trainer.progress import Progress
from cloud_trainer.rendering.sampler import Sampler
from cloud_trainer.rendering.score import read_midi
from cloud_trainer.rendering.timbres import TIMBRES, timbre_notes
from models.audio.log_mel import SAMPLE_RATE

__all__ = ["Emotion", "MusicSizes", "compose", "write_music"]

_SCALES: Final = {True: (0, 2, 4, 5, 7, 9, 11), False: (0, 2, 3, 5, 7, 8, 10)}
_CHORDS: Final = {True: ((0, 4, 5, 3), (0, 3, 4, 0), (0, 5, 1, 4)), False: ((0, 5, 2, 6), (0, 3, 4, 0), (0, 6, 5, 4))}
"""Roots of four bars as degrees of the scale, major and minor."""
_GENRES: Final = {"classical": "strings", "rock": "plucked", "electronic": "organ", "pop": "bell"}
_BEATS: Final = 4
_LABEL_NOISE: Final = 0.12


@dataclass(frozen=True)
class Emotion:
    """Valence and arousal in [-1, 1]."""

    valence: float
    arousal: float

    def near(self, random: np.random.Generator, spread: float) -> Emotion:
        """Return an emotion close by."""
        valence, arousal = np.clip(random.normal((self.valence, self.arousal), spread), -1.0, 1.0)
        return Emotion(float(valence), float(arousal))


@dataclass(frozen=True)
class MusicSizes:
    """How many songs of two clips, pieces and recordings, and how long a piece is."""

    songs: int
    pieces: int
    recordings: int
    seconds: float


def compose(emotion: Emotion, random: np.random.Generator, seconds: float) -> bytes:
    """Return a piece for piano as a MIDI file: melody over broken chords in four bars that repeat.

    Args:
        emotion: that the cues follow.
        random: of cues and notes.
        seconds: about how long.
    """
    import pretty_midi

    valence, arousal = emotion.valence, emotion.arousal
    beat_s = 60.0 / float(np.clip(62.0 + 46.0 * (arousal + 1.0) + random.normal(0.0, 9.0), 45.0, 180.0))
    scale = _SCALES[major := bool(random.random() < 1.0 / (1.0 + np.exp(-4.0 * valence)))]
    loudness = 66.0 + 26.0 * arousal + random.normal(0.0, 6.0)
    register = int(np.clip(round(64.0 + 4.0 * arousal + 5.0 * valence + random.normal(0.0, 3.0)), 52, 76))
    length = float(np.clip(0.75 - 0.3 * arousal + random.normal(0.0, 0.08), 0.25, 1.0))
    busy = 0.45 + 0.4 * arousal
    roots = _CHORDS[major][random.integers(len(_CHORDS[major]))]
    piano = pretty_midi.Instrument(program=0)

    def strike(beat: float, degree: int, base: int, beats: float, softer: float = 0.0) -> None:
        pitch = base + 12 * (degree // 7) + scale[degree % 7]
        velocity = int(np.clip(loudness - softer + random.normal(0.0, 5.0), 15, 125))
        piano.notes.append(pretty_midi.Note(velocity, int(pitch), beat * beat_s, (beat + beats) * beat_s))

    degree = 7
    for bar in range(max(1, round(seconds / (beat_s * _BEATS)))):
        root = roots[bar % len(roots)]
        for beat in range(_BEATS):
            at = float(bar * _BEATS + beat)
            strike(at, root + (0, 2, 4, 2)[beat], register - 24, length, softer=10.0)
            degree = int(np.clip(degree + random.integers(-2, 3), 0, 14))
            # The first beat of a bar takes a note of the chord, so that the mode is heard.
            melody = root + 7 * (degree // 7) + (0, 2, 4)[random.integers(3)] if beat == 0 else degree
            strike(at, melody, register, length)
            if random.random() < busy:
                strike(at + 0.5, int(np.clip(degree + random.integers(-1, 2), 0, 14)), register, length / 2)
    midi = pretty_midi.PrettyMIDI(initial_tempo=60.0 / beat_s)
    midi.instruments.append(piano)
    stream = io.BytesIO()
    midi.write(stream)
    return stream.getvalue()


def write_music(root: Path, sizes: MusicSizes, *, seed: int, progress: Progress) -> None:
    """Write sets in the formats of EMOPIA, VGMIDI and Emotify.

    Raises:
        StorageError: the disk refuses.
    """
    with progress.task("generate music", 2 * sizes.songs + sizes.pieces + sizes.recordings) as advance:
        random = np.random.default_rng([seed, 1])
        clips, rows = {}, []
        for song in range(sizes.songs):
            emotion = _drawn(random)
            split = ("val", "train")[song % 5 != 0]
            for clip in range(2):
                heard = emotion.near(random, 0.1)
                quadrant = {(True, True): 1, (False, True): 2, (False, False): 3, (True, False): 4}[
                    (heard.valence >= 0, heard.arousal >= 0)
                ]
                name = f"Q{quadrant}_generated{song:04d}_{clip}"
                clips[f"{name}.mid"] = compose(heard, random, sizes.seconds)
                signs = (1 if heard.valence >= 0 else -1, 1 if heard.arousal >= 0 else -1)
                rows.append((name, quadrant, "A", f"generated{song:04d}", split, *signs, sizes.seconds, 100))
                advance(name)
        write_bytes(root / "emopia" / "midi.zip", _zip(clips))
        columns = "clip_id quadrant annotator song_id official_split valence_sign arousal_sign duration_s n_notes"
        write_table(root / "emopia" / "labels.csv", columns.split(), rows)
        _write_pieces(root / "vgmidi", sizes, random, advance)
        _write_recordings(root / "emotify", sizes, random, advance)


def _write_pieces(folder: Path, sizes: MusicSizes, random: np.random.Generator, advance: Callable[[str], None]) -> None:
    pieces, rows = {}, []
    for number in range(sizes.pieces):
        emotion = _drawn(random)
        name = f"Generated_Attune_Game{number:04d}_Theme Number{number}.mid"
        pieces[name] = compose(emotion, random, sizes.seconds)
        rated = emotion.near(random, _LABEL_NOISE)
        rows.append((name, rated.valence, rated.arousal))
        advance(name)
    write_bytes(folder / "midi.zip", _zip(pieces))
    write_table(folder / "pieces_va.csv", ("midi", "valence_mean", "arousal_mean"), rows)


def _write_recordings(
    folder: Path, sizes: MusicSizes, random: np.random.Generator, advance: Callable[[str], None]
) -> None:
    players = {
        genre: Sampler(timbre_notes(TIMBRES[timbre], seed=number))
        for number, (genre, timbre) in enumerate(_GENRES.items())
    }
    weights, rows = np.array(list(EMOTIFY_WEIGHTS.values())), []
    for number in range(1, sizes.recordings + 1):
        genre, emotion = tuple(_GENRES)[number % len(_GENRES)], _drawn(random)
        sound = players[genre].render(read_midi(compose(emotion, random, sizes.seconds)))
        stream = io.BytesIO()
        soundfile.write(stream, sound[: int(sizes.seconds * SAMPLE_RATE)], SAMPLE_RATE, format="OGG")
        write_bytes(folder / "audio" / f"{number:03d}.ogg", stream.getvalue())
        ticked = 0.2 + 0.13 * weights @ (emotion.valence, emotion.arousal) + random.normal(0.0, 0.03, len(weights))
        rows.append((number, genre, *(float(share) for share in np.clip(ticked, 0.0, 1.0))))
        advance(genre)
    write_table(folder / "tracks.csv", ("track_id", "genre", *EMOTIFY_WEIGHTS), rows)


def _drawn(random: np.random.Generator) -> Emotion:
    valence, arousal = random.uniform(-1.0, 1.0, 2)
    return Emotion(float(valence), float(arousal))


def _zip(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            # A fixed date: the same pieces give the same bytes.
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()

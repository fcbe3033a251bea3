from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.music.arrangement import compose
from firmware_sim.music.artists import ARTISTS, Artist
from firmware_sim.music.emotion import Emotion, character_of, spread
from firmware_sim.music.form import lay_out, sketch
from firmware_sim.music.instruments import INSTRUMENTS
from firmware_sim.music.melody import Theme, make_motif, sing
from firmware_sim.music.rhythm import DRUM_KEYS, beat_times, cell
from firmware_sim.music.score import Score

CORNERS = [(0.8, 0.8), (-0.8, 0.8), (-0.8, -0.8), (0.8, -0.8), (0.0, 0.0)]


def onsets_per_s(score: Score) -> float:
    starts = np.concatenate([score.seconds(np.array([note.start for note in part.notes])) for part in score.parts])
    return len(np.unique(np.round(starts / 0.05))) / float(score.beat_times_s[-1])


@given(st.integers(5, 400))
def test_every_length_has_a_form_without_gaps(bars: int):
    sections = lay_out(bars)
    assert sum(section.bars for section in sections) == bars
    assert [section.start for section in sections] == list(np.cumsum([0, *(s.bars for s in sections)]))[:-1]
    assert sections[0].name == "intro"
    assert sections[1].name == "A"
    assert sections[-1].name == "ending"


def test_pieces_of_the_usual_length_have_all_five_sections():
    for bars in range(9, 60):
        assert [section.name for section in lay_out(bars)] == ["intro", "A", "B", "A'", "ending"]


@given(st.integers(1, 20), st.sampled_from([3, 4]), st.floats(-1, 1), st.floats(-1, 1), st.integers(0, 99))
def test_rhythm_cells_lie_within_the_bar(onsets: int, beats: int, valence: float, arousal: float, seed: int):
    rng = np.random.default_rng(seed)
    rhythm = cell(onsets, beats, character_of(Emotion(valence, arousal), rng), rng)
    assert len(rhythm) >= 1
    assert rhythm[0] >= 0
    assert rhythm[-1] < beats
    assert all(np.diff(rhythm) > 0)


def test_time_goes_forward_and_slows_down_at_the_end():
    character = character_of(Emotion(0.2, -0.2), np.random.default_rng(0))
    lengths = np.diff(beat_times(64, 4, character, np.random.default_rng(0)))
    assert lengths.min() > 0
    assert lengths[-4:].mean() > 1.2 * lengths[:32].mean()
    assert np.median(lengths) == pytest.approx(60 / character.tempo_bpm, rel=0.06)


def test_a_theme_is_recognised_when_it_returns():
    rng = np.random.default_rng(3)
    character = character_of(Emotion(0.5, 0.3), rng)
    sheet = sketch(character, 50, 0, rng)
    theme = Theme(make_motif(4, 0.5, character, rng), make_motif(4, 0.5, character, rng), 72, 4)
    first = sing(theme, list(sheet.chords[:4]), 0, character, rng)
    again = sing(theme, list(sheet.chords[:4]), 16, character, rng)
    opening = [(note.start, note.pitch) for note in first if note.start < 4]
    assert opening == [(note.start - 16, note.pitch) for note in again if note.start < 20]


def test_melodies_use_the_scale_of_their_chords():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        character = character_of(Emotion(*rng.uniform(-1, 1, 2)), rng)
        sheet = sketch(character, 40, 0.3, rng)
        theme = Theme(*(make_motif(sheet.bar, sheet.beat_s, character, rng) for _ in "ab"), 70, sheet.bar)
        for note in sing(theme, list(sheet.chords), 0, character, rng):
            chord = sheet.chords[int(note.start // sheet.bar)]
            assert note.pitch % 12 in chord.scale | set(chord.tones)


@pytest.mark.parametrize("artist", ARTISTS, ids=lambda artist: artist.genre)
@pytest.mark.parametrize(("valence", "arousal"), CORNERS)
def test_every_artist_plays_in_every_mood(artist: Artist, valence: float, arousal: float):
    score, _ = compose(Emotion(valence, arousal), artist, 50, np.random.default_rng(4))
    roles = {part.role for part in score.parts}
    assert {"lead", "comp"} <= roles
    assert sum(part.role == "lead" for part in score.parts) == 1
    assert 38 < score.beat_times_s[-1] < 58
    for part in score.parts:
        assert part.instrument in INSTRUMENTS
        for note in part.notes:
            assert 0 <= note.start <= score.beats
            assert note.beats > 0
            assert 0 < note.velocity <= 1
            assert (note.pitch in DRUM_KEYS.values()) if part.role == "drums" else (12 <= note.pitch <= 110)


def test_the_last_chord_is_the_tonic():
    for seed in range(8):
        rng = np.random.default_rng(seed)
        sheet = sketch(character_of(Emotion(*rng.uniform(-1, 1, 2)), rng), 45, 0.2, rng)
        assert sheet.chords[-1].root == sheet.key.tonic


@settings(max_examples=20, deadline=None)
@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(10, 200), st.integers(0, 99))
def test_a_piece_lasts_about_as_long_as_asked(valence: float, arousal: float, seconds: float, seed: int):
    rng = np.random.default_rng(seed)
    score, _ = compose(Emotion(valence, arousal), ARTISTS[seed % len(ARTISTS)], seconds, rng)
    least = 5 * 4 * 60 / 50  # five bars of four beats, however short the wish
    assert float(score.beat_times_s[-1]) < max(1.2 * seconds, 1.5 * least)
    assert float(score.beat_times_s[-1]) > 0.75 * (seconds - 6)


def test_excited_pieces_have_more_onsets():
    points = spread(40, np.random.default_rng(0))
    rates = [
        onsets_per_s(compose(Emotion(v, a), ARTISTS[i % 8], 40, np.random.default_rng(i))[0])
        for i, (v, a) in enumerate(points)
    ]
    ranks = np.argsort(np.argsort(rates)), np.argsort(np.argsort(points[:, 1]))
    assert np.corrcoef(*ranks)[0, 1] > 0.8

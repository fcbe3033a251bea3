from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.music.emotion import Emotion, character_of
from firmware_sim.music.harmony import MODES, Key, choose_key, chord_of, harmonise, lead_voices

SEED = 5
C_MAJOR = Key(0, "ionian")
A_MINOR = Key(9, "harmonic minor")
# Number of semitones of a mode above its darkest: the sum of its steps orders modes from dark to bright.
BRIGHTNESS = {mode: sum(steps) for mode, steps in MODES.items()}


def modes_at(valence: float) -> list[str]:
    character = replace(character_of(Emotion(valence, 0), np.random.default_rng(0)), mode_brightness=valence)
    return [choose_key(character, np.random.default_rng(seed)).mode for seed in range(40)]


def test_modes_grow_brighter_with_valence():
    course = [np.mean([BRIGHTNESS[mode] for mode in modes_at(valence)]) for valence in (-0.9, -0.4, 0.0, 0.3, 0.6, 0.9)]
    assert all(np.diff(course) > 0)


def test_clearly_pleasant_music_is_major_and_clearly_unpleasant_music_minor():
    assert {4 in MODES[mode] for mode in modes_at(0.6)} == {True}
    assert {3 in MODES[mode] for mode in modes_at(-0.6)} == {True}


@pytest.mark.parametrize(
    ("key", "numeral", "tones"),
    [
        (C_MAJOR, "1", (0, 4, 7)),
        (C_MAJOR, "5", (7, 11, 2)),
        (C_MAJOR, "2", (2, 5, 9)),
        (C_MAJOR, "2M", (2, 6, 9)),
        (C_MAJOR, "4s", (5, 10, 0)),
        (A_MINOR, "5M", (4, 8, 11)),
        (A_MINOR, "2o", (11, 2, 5)),
        (A_MINOR, "b7M", (7, 11, 2)),
    ],
)
def test_numerals_name_the_chords_of_the_textbook(key: Key, numeral: str, tones: tuple[int, ...]):
    assert chord_of(key, numeral).tones == tones


def test_a_chord_outside_the_mode_bends_the_scale_for_the_melody():
    scale = chord_of(Key(9, "aeolian"), "5M").scale
    assert 8 in scale  # the leading tone
    assert 7 not in scale  # and not the natural seventh against it


def test_coloured_chords_keep_their_triad():
    assert chord_of(C_MAJOR, "1", ("7", "9")).tones == (0, 4, 7, 11, 2)
    assert chord_of(C_MAJOR, "1", ("b9",)).tones == (0, 4, 7, 1)


@pytest.mark.parametrize("mode", MODES)
def test_themes_close_on_the_tonic_and_contrasts_stay_open(mode: str):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        key = Key(int(rng.integers(12)), mode)
        assert harmonise(key, 8, "A", rng)[-1] == "1"
        assert harmonise(key, 4, "B", rng)[-1] != "1"
        ending = harmonise(key, 2, "ending", rng)
        assert ending[-1] == "1"
        assert ending[0] != "1"


@given(st.sampled_from(sorted(MODES)), st.integers(0, 11), st.integers(0, 1000), st.floats(48, 70))
def test_voices_move_by_small_steps_and_hold_the_chord(mode: str, tonic: int, seed: int, centre: float):
    rng = np.random.default_rng(seed)
    key = Key(tonic, mode)
    chords = [chord_of(key, numeral) for numeral in harmonise(key, 8, "A", rng)]
    voicings = lead_voices(chords, centre)
    for chord, voicing in zip(chords, voicings, strict=True):
        assert {pitch % 12 for pitch in voicing} <= set(chord.tones)
        assert list(voicing) == sorted(voicing)
        assert abs(np.mean(voicing) - centre) < 12
    for before, after in itertools.pairwise(voicings):
        moves = [min(abs(pitch - other) for other in before) for pitch in after]
        assert np.mean(moves) <= 5

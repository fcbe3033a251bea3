from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.music.emotion import Character, Emotion, character_of, quadrant, spread

coordinates = st.floats(-1, 1)


def mean_character(valence: float, arousal: float) -> dict[str, float]:
    characters = [character_of(Emotion(valence, arousal), np.random.default_rng(seed)) for seed in range(30)]
    names = Character.__slots__
    return {name: float(np.mean([getattr(character, name) for character in characters])) for name in names}


@pytest.mark.parametrize(
    ("parameter", "direction"),
    [
        ("tempo_bpm", 1), ("density", 1), ("velocity", 1), ("brightness", 1), ("loudness_db", 1), ("percussion", 1),
        ("leap", 1), ("articulation", -1), ("attack_s", -1), ("reverberation_s", -1), ("richness", -1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("valence", [-0.8, 0.0, 0.8])
def test_what_follows_arousal_follows_it_at_every_valence(parameter: str, direction: int, valence: float):
    course = [mean_character(valence, arousal)[parameter] for arousal in (-0.9, -0.3, 0.3, 0.9)]
    assert all(np.diff(course) * direction > 0)


@pytest.mark.parametrize(
    ("parameter", "direction"),
    [("mode_brightness", 1), ("register", 1), ("rise", 1), ("dissonance", -1), ("weight", -1)],
)
@pytest.mark.parametrize("arousal", [-0.8, 0.0, 0.8])
def test_what_follows_valence_follows_it_at_every_arousal(parameter: str, direction: int, arousal: float):
    course = [mean_character(valence, arousal)[parameter] for valence in (-0.9, -0.3, 0.3, 0.9)]
    assert all(np.diff(course) * direction > 0)


@given(coordinates, coordinates, st.integers(0, 1000))
def test_every_emotion_gives_parameters_in_their_ranges(valence: float, arousal: float, seed: int):
    character = character_of(Emotion(valence, arousal), np.random.default_rng(seed))
    assert 45 < character.tempo_bpm < 185
    assert -25 < character.loudness_db < -13
    assert 0.4 <= character.articulation <= 1.1
    for name in ("dissonance", "richness", "leap", "velocity", "brightness", "irregularity", "percussion", "weight"):
        assert 0 <= getattr(character, name) <= 1


@pytest.mark.parametrize("seed", range(5))
def test_the_emotions_leave_no_hole_in_the_plane(seed: int):
    points = spread(72, np.random.default_rng(seed))
    assert np.abs(points).max() <= 1
    grid = np.stack(np.meshgrid(np.linspace(-0.95, 0.95, 15), np.linspace(-0.95, 0.95, 15)), axis=-1).reshape(-1, 2)
    nearest = np.linalg.norm(grid[:, None] - points, axis=-1).min(axis=1)
    assert nearest.max() < 0.4  # random points leave holes twice as large
    cells = {(int((v + 1) * 2), int((a + 1) * 2)) for v, a in points}
    assert len(cells) == 16


def test_valence_and_arousal_are_not_correlated_over_the_catalogue():
    points = spread(72, np.random.default_rng(1))
    assert abs(np.corrcoef(points.T)[0, 1]) < 0.05


def test_quadrants_are_counted_as_russell_counts_them():
    assert [quadrant(0.5, 0.5), quadrant(-0.5, 0.5), quadrant(-0.5, -0.5), quadrant(0.5, -0.5)] == [1, 2, 3, 4]

"""The bridge from sound to taste: what is fitted, what is composed, and sounds drawn for an emotion."""

from __future__ import annotations

import numpy as np
import pytest

from cloud_trainer.data.deezer import DeezerMood
from cloud_trainer.recommenders.emotion_bridge import artist_emotions, explained_variance, fit, latent, sound_of
from cloud_trainer.recommenders.interactions import ArtistSpace
from cloud_trainer.recommenders.layout import SIZE, SLICES
from models import identity

RNG = np.random.default_rng(1)
MAP = np.concatenate([RNG.normal(0, 1, (128, 2)), [[0.1, -0.1]]]).astype(np.float32)


def test_the_slices_cover_the_vector_without_a_gap():
    bounds = [(part.start, part.stop) for part in SLICES.values()]
    assert bounds == [(0, 32), (32, 33), (33, 65), (65, 97), (97, 161)]
    assert SIZE == 161


def test_a_linear_relation_is_found_and_composed_with_the_map_from_sound():
    emotions = RNG.uniform(-0.8, 0.8, (400, 2)).astype(np.float32)
    kernel = RNG.normal(0, 1, (2, SIZE)).astype(np.float32)
    vectors = latent(emotions) @ kernel + 3
    emotions[300:] = np.nan
    bridge = fit(vectors, emotions)
    assert bridge.kernel == pytest.approx(kernel, rel=0.1, abs=0.05)
    sounds = sound_of(emotions[:5], MAP, RNG)
    composed = np.concatenate([sounds, np.ones((5, 1))], axis=1) @ bridge.from_sound(MAP)
    assert composed == pytest.approx(bridge.vectors(emotions[:5]), abs=1e-3)
    figures = explained_variance(vectors, emotions, seed=1)
    assert figures["from_emotion.sequence_r2"].value > 0.95


def test_noise_is_not_explained():
    emotions = RNG.uniform(-0.8, 0.8, (300, 2)).astype(np.float32)
    figures = explained_variance(RNG.normal(size=(300, SIZE)).astype(np.float32), emotions, seed=1)
    assert all(abs(figure.value) < 0.05 for figure in figures.values())


def test_without_any_known_emotion_every_track_is_average():
    vectors = RNG.normal(size=(10, SIZE)).astype(np.float32)
    bridge = fit(vectors, np.full((10, 2), np.nan, np.float32))
    assert bridge.vectors(np.array([[0.5, 0.5]], np.float32))[0] == pytest.approx(vectors.mean(axis=0), abs=1e-6)


def test_drawn_sounds_are_unit_vectors_of_their_emotion_and_unknown_ones_are_zero():
    emotions = np.array([[0.5, -0.3], [np.nan, np.nan], [-0.2, 0.9]], np.float32)
    sounds = sound_of(emotions, MAP, RNG)
    assert np.linalg.norm(sounds, axis=1) == pytest.approx([1, 0, 1], abs=1e-5)
    recovered = np.tanh(np.concatenate([sounds, np.ones((3, 1))], axis=1) @ MAP)
    assert recovered[[0, 2]] == pytest.approx(emotions[[0, 2]], abs=1e-3)


def test_an_artist_feels_as_the_mean_of_its_songs():
    keys = np.sort(np.array([identity.key("artist", name) for name in ("Low", "Blur")], np.uint64))
    space = ArtistSpace(keys, ("a", "b"), np.arange(2), np.ones(2, np.int64))
    songs = DeezerMood(
        ("The Low", "low", "Nobody"), ("x", "y", "z"), np.array([[0.2, 0.4], [0.4, 0.0], [1, 1]], np.float32)
    )
    emotions = artist_emotions(space, songs)
    (row,) = space.rows_of(["Low"])
    assert emotions[row] == pytest.approx([0.3, 0.2])
    assert np.isnan(emotions[1 - row]).all()

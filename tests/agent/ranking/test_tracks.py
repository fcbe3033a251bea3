from __future__ import annotations

import numpy as np

from agent.ranking.tracks import EmotionScale


def test_a_large_library_is_measured_by_itself() -> None:
    emotion = np.random.default_rng(0).normal((0.3, -0.2), (0.1, 0.3), (5000, 2)).astype(np.float32)
    scale = EmotionScale.of(emotion)
    np.testing.assert_allclose(scale.mean, [0.3, -0.2], atol=0.02)
    np.testing.assert_allclose(scale.sd, [0.1, 0.3], rtol=0.05)
    np.testing.assert_allclose(scale.relative(emotion).std(axis=0), 1.0, rtol=0.05)


def test_an_empty_library_has_the_usual_scale() -> None:
    scale = EmotionScale.of(np.empty((0, 2), np.float32))
    assert scale.mean.tolist() == [0.0, 0.0]
    assert scale.sd.tolist() == [0.25, 0.25]


def test_a_library_of_one_mood_is_not_blown_up() -> None:
    scale = EmotionScale.of(np.full((10_000, 2), 0.4, np.float32))
    assert np.abs(scale.relative(np.array([0.45, 0.4]))).max() < 1.1

from __future__ import annotations

import numpy as np
import pytest

from cloud_trainer.music_emotion.note_statistics import NOTE_STATISTICS, note_statistics
from cloud_trainer.rendering.score import Score


def _score(pitches: list[int], spacing_s: float = 0.5) -> Score:
    start_s = np.arange(len(pitches)) * spacing_s
    return Score(
        start_s=start_s,
        release_s=start_s + spacing_s,
        end_s=start_s + spacing_s,
        pitch=np.array(pitches),
        velocity=np.full(len(pitches), 64),
    )


def _statistics(score: Score, end_s: float = 10.0) -> dict[str, float]:
    return dict(zip(NOTE_STATISTICS, note_statistics(score, 0.0, end_s).tolist(), strict=True))


def test_a_major_scale_is_major_and_a_harmonic_minor_one_minor():
    major = _statistics(_score([60, 62, 64, 65, 67, 69, 71, 72, 64, 67, 60]))
    minor = _statistics(_score([60, 62, 63, 65, 67, 68, 71, 72, 63, 67, 60]))
    assert major["major_minus_minor"] > 0 > minor["major_minus_minor"]


def test_density_register_and_polyphony_are_those_of_the_notes():
    found = _statistics(_score([60] * 20))
    assert found["log_notes_per_s"] == pytest.approx(np.log(2.0))
    assert found["mean_pitch"] == 60
    assert found["mean_polyphony"] == pytest.approx(1.0)
    assert found["mean_velocity"] == 64


def test_transposing_leaves_the_mode_as_it_is():
    score = _score([60, 62, 64, 65, 67, 69, 71, 72])
    assert _statistics(score)["major_minus_minor"] == pytest.approx(
        _statistics(score.transposed(5))["major_minus_minor"], abs=1e-6
    )


def test_a_stretch_with_two_notes_tells_nothing():
    assert np.isnan(note_statistics(_score([60, 64]), 0.0, 10.0)).all()

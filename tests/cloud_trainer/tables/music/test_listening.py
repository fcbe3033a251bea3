from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cloud_trainer.progress import LogProgress
from cloud_trainer.rendering.score import Score
from cloud_trainer.tables.music.listening import KINDS, features
from cloud_trainer.tables.music.notes import SCORE_STATISTICS, score_statistics
from cloud_trainer.tables.music.pieces import SETS
from cloud_trainer.tables.music.pitches import PITCH_FEATURES, heard_pitches, pitch_features
from models.audio.log_mel import SAMPLE_RATE

FIRST = 24


def tones(pitches: list[int], seconds: float = 1.0) -> np.ndarray:
    """One chord after another, each tone with three partials."""
    times = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    sound = np.zeros(times.size)
    for pitch in pitches:
        hertz = 440.0 * 2.0 ** ((pitch - 69) / 12)
        sound += sum(0.5**partial * np.sin(2 * np.pi * hertz * (partial + 1) * times) for partial in range(3))
    return (0.1 * sound * np.exp(-times)).astype(np.float32)


def named(values: np.ndarray) -> dict[str, float]:
    return dict(zip(PITCH_FEATURES, values.tolist(), strict=True))


@pytest.mark.parametrize("pitch", [48, 60, 69, 84])
def test_the_loudest_tone_heard_is_the_one_that_is_played(pitch: int):
    played = heard_pitches(tones([pitch]))
    assert abs(int(played.sum(axis=1).argmax()) + FIRST - pitch) % 12 == 0


def test_major_and_minor_are_told_apart():
    major = np.concatenate([tones(chord) for chord in ([60, 64, 67], [65, 69, 72], [67, 71, 74], [60, 64, 67])])
    minor = np.concatenate([tones(chord) for chord in ([60, 63, 67], [65, 68, 72], [67, 70, 74], [60, 63, 67])])
    assert named(pitch_features(major))["mode"] > 0.1
    assert named(pitch_features(minor))["mode"] < named(pitch_features(major))["mode"] - 0.2


def test_a_key_does_not_change_the_degrees_and_a_register_does_change_the_pitch():
    low = np.concatenate([tones([pitch]) for pitch in (48, 52, 55, 48, 53, 55, 48)])
    high = np.concatenate([tones([pitch + 14]) for pitch in (48, 52, 55, 48, 53, 55, 48)])
    one, other = pitch_features(low), pitch_features(high)
    np.testing.assert_allclose(one[:12], other[:12], atol=0.05)
    assert named(other)["mean_pitch"] > named(one)["mean_pitch"] + 6


@pytest.mark.parametrize("sound", [np.zeros(SAMPLE_RATE, np.float32), np.full(300, 0.1, np.float32)])
def test_silence_and_a_click_have_finite_features(sound: np.ndarray):
    assert np.isfinite(pitch_features(sound)).all()


def score(pitches: list[int]) -> Score:
    start = 0.5 * np.arange(len(pitches))
    return Score(start, start + 0.4, start + 0.4, np.array(pitches), np.full(len(pitches), 64))


def test_a_score_in_major_leans_to_major_and_steps_are_counted():
    found = dict(zip(SCORE_STATISTICS, score_statistics(score([60, 62, 64, 65, 67, 69, 71, 72])), strict=True))
    assert found["major_minus_minor"] > 0
    assert found["mean_step"] == pytest.approx(12 / 7)
    assert found["velocity_spread"] == 0


def test_a_score_of_two_notes_says_nothing():
    assert np.isnan(score_statistics(score([60, 62]))).all()


def test_features_are_kept_and_taken_from_the_disk(tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pieces = SETS["vgmidi"](tiny_data, seed=1)[:3]
    asked = {"root": tiny_data, "data": tiny_data, "folder": tmp_path, "progress": LogProgress()}
    first = features(pieces, **asked)
    assert {kind: values.shape[0] for kind, values in first.items()} == dict.fromkeys(KINDS, 3)
    monkeypatch.setattr("cloud_trainer.tables.music.listening._of_piece", None)
    again = features(pieces, **asked)
    for kind in KINDS:
        np.testing.assert_array_equal(first[kind], again[kind])


def test_a_recording_has_no_score(tiny_data: Path, tmp_path: Path):
    pieces = SETS["emotify"](tiny_data, seed=1)[:2]
    found = features(pieces, root=tiny_data, data=tiny_data, folder=tmp_path, progress=LogProgress())
    assert np.isnan(found["notes"]).all()
    assert all(np.isfinite(found[kind]).all() for kind in KINDS if kind != "notes")

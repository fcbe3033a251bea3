from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.audio import rhythm, tonality
from models.audio.descriptors import DESCRIPTORS, descriptors
from models.audio.log_mel import SAMPLE_RATE
from models.errors import AudioError


def value(name: str, samples: np.ndarray) -> float:
    return float(descriptors(samples)[DESCRIPTORS.index(name)])


def clicks(bpm: float, *, seconds: float = 15.0) -> np.ndarray:
    samples = np.random.default_rng(0).normal(scale=0.001, size=int(seconds * SAMPLE_RATE))
    burst = np.random.default_rng(1).normal(size=800) * np.exp(-np.arange(800) / 150)
    for beat in np.arange(0.1, seconds - 0.2, 60.0 / bpm):
        start = int(beat * SAMPLE_RATE)
        samples[start : start + burst.size] += burst
    return samples.astype(np.float32)


def chord(*pitches: int, seconds: float = 5.0) -> np.ndarray:
    moment = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tones = [np.sin(2 * np.pi * 440.0 * 2 ** ((pitch - 69) / 12) * moment) for pitch in pitches]
    return (0.1 * np.sum(tones, axis=0)).astype(np.float32)


def test_there_are_78_descriptors_each_with_a_name_of_its_own():
    result = descriptors(clicks(100.0))
    assert result.shape == (78,)
    assert result.dtype == np.float32
    assert len(set(DESCRIPTORS)) == len(DESCRIPTORS) == 78


@pytest.mark.parametrize("bpm", [72.0, 90.0, 120.0, 140.0, 168.0])
def test_the_tempo_of_a_click_track_is_found(bpm: float):
    assert value("tempo", clicks(bpm)) == pytest.approx(bpm, rel=0.02)
    assert value("beat_strength", clicks(bpm)) > 0.4
    assert value("onset_rate", clicks(bpm)) == pytest.approx(bpm / 60.0, rel=0.15)


def test_steady_noise_has_few_onsets_and_no_beat():
    noise = np.random.default_rng(0).normal(scale=0.1, size=SAMPLE_RATE * 15).astype(np.float32)
    assert value("onset_rate", noise) < value("onset_rate", clicks(300.0))
    assert value("beat_strength", noise) < 0.3


def test_the_pitch_class_of_a_tone_is_the_strongest():
    strengths = descriptors(chord(72))[DESCRIPTORS.index("chroma_c") :][:12]
    assert strengths.argmax() == 0


def test_major_and_minor_are_told_apart():
    major = np.concatenate([chord(60, 64, 67), chord(65, 69, 72), chord(67, 71, 74), chord(60, 64, 67)])
    minor = np.concatenate([chord(60, 63, 67), chord(65, 68, 72), chord(67, 71, 74), chord(60, 63, 67)])
    assert value("mode", major) > 0.1
    assert value("mode", minor) < -0.1
    assert value("key_clarity", major) > 0.5


def test_noise_is_flat_and_a_tone_is_not():
    noise = np.random.default_rng(0).normal(scale=0.1, size=SAMPLE_RATE * 3).astype(np.float32)
    assert value("flatness_mean", noise) > 0.3
    assert value("flatness_mean", chord(69)) < 0.01


def test_loudness_is_in_decibels_of_full_scale():
    assert value("rms_mean", chord(69)) == pytest.approx(20 * np.log10(0.1 / np.sqrt(2)), abs=0.2)


@settings(max_examples=25, deadline=None)
@given(length=st.integers(1, 3000), scale=st.sampled_from([0.0, 1e-9, 1e-3, 1.0]))
def test_every_input_gives_finite_numbers(length: int, scale: float):
    samples = (scale * np.random.default_rng(length).normal(size=length)).astype(np.float32)
    assert np.isfinite(descriptors(samples)).all()


def test_no_samples_are_refused():
    with pytest.raises(AudioError):
        descriptors(np.empty(0, dtype=np.float32))


def test_a_silent_spectrum_states_no_key():
    assert tonality.key_and_mode(np.zeros(12, dtype=np.float32)) == (0.0, 0.0)


def test_too_short_an_envelope_has_the_preferred_tempo_without_strength():
    assert rhythm.tempo(np.ones(10, dtype=np.float32)) == (120.0, 0.0)

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cloud_trainer.rendering.sampler import Sampler, piano_samples
from cloud_trainer.rendering.score import Score
from cloud_trainer.rendering.timbres import TIMBRES, timbre_notes
from models.audio.log_mel import SAMPLE_RATE
from models.errors import DataError


def _score(*notes: tuple[float, float, int, int]) -> Score:
    table = np.array(notes, float).reshape(-1, 4)
    return Score(
        start_s=table[:, 0],
        release_s=table[:, 1],
        end_s=table[:, 1],
        pitch=table[:, 2].astype(int),
        velocity=table[:, 3].astype(int),
    )


def _pitch_hz(sound: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(sound.size)))
    return float(spectrum.argmax() * SAMPLE_RATE / sound.size)


@pytest.fixture(scope="module")
def sampler(tiny_data: Path) -> Sampler:
    return Sampler(piano_samples(tiny_data))


@pytest.mark.parametrize("pitch", [36, 60, 61, 62, 69, 80])
def test_a_note_sounds_at_its_pitch_also_between_the_recorded_ones(sampler: Sampler, pitch: int):
    sound = sampler.render(_score((0.0, 0.8, pitch, 100)))
    expected_hz = 440.0 * 2 ** ((pitch - 69) / 12)
    assert _pitch_hz(sound[: int(0.8 * SAMPLE_RATE)]) == pytest.approx(expected_hz, rel=0.02)


def test_a_note_sounds_when_it_is_struck_and_not_before(sampler: Sampler):
    sound = sampler.render(_score((0.5, 1.0, 60, 100)))
    loud = np.flatnonzero(np.abs(sound) > 0.02)
    assert loud[0] / SAMPLE_RATE == pytest.approx(0.5, abs=0.01)


def test_the_damper_ends_a_note_and_leaves_the_highest_strings_ringing(sampler: Sampler):
    damped = sampler.render(_score((0.0, 0.1, 60, 100), (0.9, 1.0, 20, 1)))
    ringing = sampler.render(_score((0.0, 0.1, 100, 100), (0.9, 1.0, 20, 1)))
    late = slice(int(0.6 * SAMPLE_RATE), int(0.8 * SAMPLE_RATE))
    assert np.abs(damped[late]).max() < 0.2 * np.abs(ringing[late]).max()


def test_a_softer_stroke_is_quieter_and_darker():
    random = np.random.default_rng(1)
    noise = {pitch: random.normal(0, 0.1, SAMPLE_RATE).astype(np.float32) for pitch in range(21, 109, 3)}
    player = Sampler(noise)
    loud, soft = (player.render(_score((0.0, 0.8, 60, velocity))) for velocity in (120, 20))
    assert np.abs(soft).max() < 0.3 * np.abs(loud).max()

    def brightness(sound: np.ndarray) -> float:
        spectrum = np.abs(np.fft.rfft(sound)) ** 2
        return float(spectrum[spectrum.size // 2 :].sum() / spectrum.sum())

    assert brightness(soft) < 0.5 * brightness(loud)


def test_rendering_twice_gives_the_same_sound(sampler: Sampler):
    score = _score((0.0, 0.5, 60, 100), (0.25, 0.75, 67, 70))
    assert (sampler.render(score) == sampler.render(score)).all()


def test_pitches_beyond_the_keyboard_sound_at_its_end(sampler: Sampler):
    assert np.isfinite(sampler.render(_score((0.0, 0.2, 5, 100), (0.2, 0.4, 127, 100)))).all()


def test_no_notes_are_silence(sampler: Sampler):
    assert not sampler.render(_score()).any()


def test_a_gap_between_the_samples_is_refused():
    with pytest.raises(DataError, match="pitch 64"):
        Sampler({60: np.ones(100, np.float32)}).render(_score((0.0, 0.1, 64, 100)))


def test_a_folder_without_samples_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="piano-samples"):
        piano_samples(tmp_path)


@pytest.mark.parametrize("name", TIMBRES)
def test_a_synthetic_instrument_plays_in_tune(name: str):
    notes = timbre_notes(TIMBRES[name], seed=0)
    sound = notes[69] if 69 in notes else notes[min(notes, key=lambda pitch: abs(pitch - 69))]
    pitch = min(notes, key=lambda pitch: abs(pitch - 69))
    assert _pitch_hz(sound[:SAMPLE_RATE]) == pytest.approx(440.0 * 2 ** ((pitch - 69) / 12), rel=0.01)
    assert np.abs(sound).max() <= 0.26

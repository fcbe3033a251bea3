from __future__ import annotations

import numpy as np
import pytest

from firmware_sim.music.artists import ARTISTS
from firmware_sim.music.emotion import Emotion, character_of
from firmware_sim.music.instruments import INSTRUMENTS, SAMPLE_RATE, tone
from firmware_sim.music.instruments.tone import Modes, ring
from firmware_sim.music.mixing import CEILING, gated_rms_db, limited, room
from firmware_sim.music.pieces import make_piece
from firmware_sim.music.rhythm import DRUM_KEYS

PITCHED = sorted(set(INSTRUMENTS) - {"kit", "machine"})


def spectral_centroid_hz(samples: np.ndarray) -> float:
    frames = samples[: len(samples) // 4096 * 4096].reshape(-1, 4096) * np.hanning(4096)
    magnitude = np.abs(np.fft.rfft(frames, axis=1)).sum(axis=0)
    return float(magnitude @ np.fft.rfftfreq(4096, 1 / SAMPLE_RATE) / magnitude.sum())


def fundamental_hz(samples: np.ndarray, near_hz: float) -> float:
    spectrum = np.abs(np.fft.rfft(samples[:65536] * np.hanning(len(samples[:65536])), 1 << 19))
    hz = np.fft.rfftfreq(1 << 19, 1 / SAMPLE_RATE)
    around = (hz > near_hz * 0.95) & (hz < near_hz * 1.05)
    return float(hz[around][np.argmax(spectrum[around])])


def test_the_modal_engine_is_the_sum_that_it_says():
    modes = Modes(
        hz=np.array([220.0, 1234.5]),
        decay=np.array([1.0, 5.0]),
        amplitude=np.array([[1.0, 0.5], [0.2, 0.9]]),
        phase=np.array([0.0, 0.7]),
    )
    time = np.arange(round(0.3 * SAMPLE_RATE)) / SAMPLE_RATE
    for layer, amplitude in zip(ring(modes, 0.3), modes.amplitude, strict=True):
        expected = sum(
            a * np.exp(-d * time) * np.sin(2 * np.pi * f * time + p)
            for a, d, f, p in zip(amplitude, modes.decay, modes.hz, modes.phase, strict=True)
        )
        assert np.abs(layer - expected).max() < 1e-4


@pytest.mark.parametrize("name", PITCHED)
@pytest.mark.parametrize("pitch", [43, 60, 76])
def test_instruments_are_in_tune_and_begin_and_end_softly(name: str, pitch: int):
    instrument = INSTRUMENTS[name]
    sounding = pitch
    while sounding > instrument.highest:
        sounding -= 12
    while sounding < instrument.lowest:
        sounding += 12
    layers = tone(name, pitch)
    assert layers.dtype == np.float32
    assert layers.shape[0] == 2
    assert np.isfinite(layers).all()
    expected = 440 * 2 ** ((sounding - 69) / 12)
    assert 1200 * abs(np.log2(fundamental_hz(layers[1], expected) / expected)) < 15
    if not instrument.held:
        assert np.abs(layers[:, 0]).max() < 0.02
        assert np.abs(layers[:, -1]).max() < 1e-3


@pytest.mark.parametrize("name", PITCHED)
def test_a_hard_touch_is_brighter_than_a_soft_one(name: str):
    soft, hard = tone(name, 60)
    assert spectral_centroid_hz(hard) > spectral_centroid_hz(soft)


def test_piano_notes_die_away_quickly_at_first_and_slowly_then():
    level = [20 * np.log10(np.std(tone("piano", 60)[1][round(t * SAMPLE_RATE) :][:8820])) for t in (0, 0.5, 1.5, 2.5)]
    assert (level[0] - level[1]) / 0.5 > (level[2] - level[3]) / 1.0


@pytest.mark.parametrize("kit", ["kit", "machine"])
def test_every_drum_sounds_and_stops(kit: str):
    for key in DRUM_KEYS.values():
        hit = tone(kit, key)
        assert 0.02 < np.abs(hit).max() < 1.5
        assert np.abs(hit[:, -1]).max() < 1e-3


def test_tones_cannot_be_changed_by_who_plays_them():
    with pytest.raises(ValueError, match="read-only"):
        tone("piano", 60)[0, 0] = 1


def test_the_limiter_turns_peaks_down_without_touching_the_rest():
    rng = np.random.default_rng(0)
    quiet = (0.2 * rng.normal(size=(2, SAMPLE_RATE))).clip(-0.6, 0.6).astype(np.float32)
    loud = quiet.copy()
    loud[:, 20_000:20_200] *= 6
    result = limited(loud)
    assert np.abs(result).max() <= CEILING
    assert np.array_equal(result[:, :15_000], quiet[:, :15_000])
    assert np.array_equal(limited(quiet), quiet)
    gain = result[0, 19_000:21_500] / loud[0, 19_000:21_500]
    assert np.abs(np.diff(gain)).max() < 0.02  # a gain that moves smoothly makes no clicks


def test_loudness_of_a_known_tone_is_its_level():
    time = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    tone_ = np.stack([0.1 * np.sin(2 * np.pi * 440 * time)] * 2).astype(np.float32)
    assert gated_rms_db(tone_) == pytest.approx(-23.0, abs=0.1)
    with_silence = np.concatenate([tone_, np.zeros_like(tone_)], axis=1)
    assert gated_rms_db(with_silence) == pytest.approx(-23.0, abs=0.3)
    assert gated_rms_db(np.zeros((2, 100), np.float32)) == -120


def test_the_room_decays_as_it_is_asked_to_and_differs_left_and_right():
    response = room(1.0, 6000, np.random.default_rng(0))
    energy = np.cumsum(response[0, ::-1] ** 2)[::-1]
    at = [10 * np.log10(energy[round(t * SAMPLE_RATE)] / energy[0]) for t in (0.1, 0.6)]
    assert -45 < at[1] - at[0] < -20
    assert abs(np.corrcoef(response)[0, 1]) < 0.3


@pytest.mark.parametrize(
    ("valence", "arousal", "artist"), [(0.8, 0.9, 6), (-0.9, 0.9, 7), (-0.7, -0.9, 0), (0.8, -0.8, 4)]
)
def test_a_piece_is_clean(valence: float, arousal: float, artist: int):
    audio = make_piece(Emotion(valence, arousal), ARTISTS[artist], 14, (7, artist))
    assert audio.dtype == np.float32
    assert audio.shape[1] == 2
    assert np.isfinite(audio).all()
    assert np.abs(audio).max() <= CEILING
    assert np.abs(audio.mean(axis=0)).max() < 2e-4  # no DC
    assert np.abs(audio[0]).max() < 1e-3
    assert np.abs(audio[-1]).max() < 1e-4
    assert np.abs(np.diff(audio, axis=0)).max() < 0.9  # no click
    wanted = character_of(Emotion(valence, arousal), np.random.default_rng([7, artist, 0])).loudness_db
    assert gated_rms_db(audio.T) == pytest.approx(wanted, abs=1.5)
    assert np.std(audio[:, 0] - audio[:, 1]) > 0.01  # stereo


def test_the_same_seed_makes_the_same_samples_and_another_seed_others():
    first, again, other = (make_piece(Emotion(0.2, 0.1), ARTISTS[4], 10, (seed, 3)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_excited_pieces_are_louder_and_brighter_whoever_plays():
    for artist in ARTISTS:
        calm, excited = (make_piece(Emotion(0.3, arousal), artist, 12, (3, 1)) for arousal in (-0.8, 0.8))
        assert gated_rms_db(excited.T) > gated_rms_db(calm.T) + 4
        assert spectral_centroid_hz(excited[:, 0]) > 1.2 * spectral_centroid_hz(calm[:, 0])

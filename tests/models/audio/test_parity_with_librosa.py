"""Parity of the log-mel front end and the descriptors with librosa: the one module that pays for importing it."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile

from models.audio import rhythm, timbre, tonality
from models.audio.descriptors import root_mean_square, zero_crossings
from models.audio.log_mel import HOP, MELS, SAMPLE_RATE, WINDOW, log_mel, power_frames
from models.audio.resampling import to_mono_22050

with warnings.catch_warnings(), pytest.MonkeyPatch.context() as environment:
    # librosa's dependencies warn about themselves when they are imported, and compile for 20 s unless told not to.
    warnings.simplefilter("ignore")
    environment.setenv("NUMBA_DISABLE_JIT", "1")
    pytest.importorskip("numba")
    librosa = pytest.importorskip("librosa")


@pytest.fixture(scope="module", params=["noise", "tone", "sweet-waltz", "Vibe_Ace", "Choice"])
def samples(request: pytest.FixtureRequest) -> np.ndarray:
    time = np.arange(SAMPLE_RATE * 10) / SAMPLE_RATE
    if request.param == "noise":
        return np.random.default_rng(0).normal(scale=0.1, size=time.size).astype(np.float32)
    if request.param == "tone":
        return (0.5 * np.sin(2 * np.pi * 440.0 * time) * np.hanning(time.size)).astype(np.float32)
    clips: Path = request.getfixturevalue("shared_data") / "audio-clips" / "librosa"
    content, rate = soundfile.read(next(clips.glob(f"*{request.param}*.ogg")), dtype="float32", stop=44_100 * 20)
    return to_mono_22050(content, rate)


def librosa_mel_power(samples: np.ndarray) -> np.ndarray:
    return librosa.feature.melspectrogram(
        y=samples, sr=SAMPLE_RATE, n_fft=WINDOW, hop_length=HOP, n_mels=MELS, window="hamming"
    )


def test_log_mel_equals_librosa_within_a_thousandth(samples: np.ndarray):
    power = librosa_mel_power(samples)
    ours = log_mel(samples)
    theirs = librosa.power_to_db(power, ref=1.0, top_db=80.0)
    assert np.abs(ours - theirs).max() < 1e-3 * np.abs(theirs).max()
    np.testing.assert_allclose(10.0 ** (ours / 10.0), 10.0 ** (theirs / 10.0), rtol=1e-3)


@pytest.fixture(scope="module")
def power(samples: np.ndarray) -> np.ndarray:
    """float32[frames, 513]"""
    return np.concatenate([block.copy() for _, block in power_frames(samples)])


def test_mfcc_equals_librosa(samples: np.ndarray):
    spectrogram = log_mel(samples)
    theirs = librosa.feature.mfcc(S=spectrogram, n_mfcc=timbre.MFCCS)
    np.testing.assert_allclose(timbre.mfcc(spectrogram), theirs, atol=1e-2)


def test_spectral_shape_equals_librosa(power: np.ndarray):
    magnitude = np.sqrt(power)
    settings = {"S": magnitude.T, "sr": SAMPLE_RATE, "n_fft": WINDOW}
    centre = timbre.centroid(magnitude)
    np.testing.assert_allclose(centre, librosa.feature.spectral_centroid(**settings)[0], rtol=1e-3)
    spread = librosa.feature.spectral_bandwidth(**settings)[0]
    np.testing.assert_allclose(timbre.bandwidth(magnitude, centre), spread, rtol=1e-3, atol=0.5)
    theirs = librosa.feature.spectral_rolloff(**settings)[0]
    # A cumulative sum in single precision may land on the bin beside.
    assert np.abs(timbre.rolloff(magnitude) - theirs).max() <= 1.01 * SAMPLE_RATE / WINDOW
    np.testing.assert_allclose(timbre.flatness(power), librosa.feature.spectral_flatness(S=magnitude.T)[0], rtol=1e-3)


def test_contrast_equals_librosa_where_its_range_is_not_cut(power: np.ndarray):
    magnitude = np.sqrt(power)
    theirs = librosa.feature.spectral_contrast(S=magnitude.T, sr=SAMPLE_RATE, n_fft=WINDOW).T
    ours = timbre.contrast(magnitude)
    loud = magnitude.min(axis=1) > 1e-7 * magnitude.max()
    np.testing.assert_allclose(ours[loud], theirs[loud], atol=1e-2)


def test_chroma_equals_librosa(samples: np.ndarray):
    window, hop = tonality.CHROMA_WINDOW, tonality.CHROMA_HOP
    power = np.concatenate([block.copy() for _, block in power_frames(samples, window=window, hop=hop)])
    theirs = librosa.feature.chroma_stft(S=power.T, sr=SAMPLE_RATE, n_fft=window, tuning=0.0).T
    np.testing.assert_allclose(tonality.chroma(power), theirs, atol=1e-3)


def test_level_and_crossings_equal_librosa(samples: np.ndarray):
    theirs = librosa.feature.rms(y=samples, frame_length=WINDOW, hop_length=HOP, pad_mode="constant")[0]
    np.testing.assert_allclose(root_mean_square(samples), theirs, rtol=1e-3, atol=1e-6)
    crossings = librosa.feature.zero_crossing_rate(samples, frame_length=WINDOW, hop_length=HOP)[0]
    # librosa repeats the first and last sample beyond the ends instead of zeros.
    np.testing.assert_allclose(zero_crossings(samples)[1:-1], crossings[1:-1], atol=2.0 / WINDOW)


def test_onset_strength_equals_librosa_but_for_its_shift(samples: np.ndarray):
    spectrogram = log_mel(samples)
    theirs = librosa.onset.onset_strength(S=spectrogram, center=False)
    np.testing.assert_allclose(rhythm.onset_strength(spectrogram), theirs, atol=1e-3)

"""Parity of the log-mel front end and the descriptors with librosa: the one module that pays for importing it."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile

from models.audio.log_mel import HOP, MELS, SAMPLE_RATE, WINDOW, log_mel
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

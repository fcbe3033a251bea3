"""The log-mel front end against its definition, against stored MATLAB filter banks, and at its edges."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st

from models.audio.log_mel import (
    HOP,
    MELS,
    SAMPLE_RATE,
    WINDOW,
    frame_count,
    hamming,
    hz_to_mel,
    log_mel,
    mel_filters,
    mel_to_hz,
)
from models.errors import AudioError, Reason


def direct_log_mel(samples: np.ndarray) -> np.ndarray:
    """The module's formulae, written out in double precision without blocks."""
    padded = np.pad(samples.astype(np.float64), WINDOW // 2)
    window = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    frames = [padded[start : start + WINDOW] * window for start in range(0, padded.size - WINDOW + 1, HOP)]
    power = np.abs(np.fft.rfft(np.array(frames), axis=1)) ** 2
    decibels = 10 * np.log10(np.maximum(mel_filters().astype(np.float64) @ power.T, 1e-10))
    return np.maximum(decibels, decibels.max() - 80.0)


def music_like(seconds: float, *, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tone = sum(np.sin(2 * np.pi * 220 * harmonic * time) / harmonic for harmonic in range(1, 12))
    return (0.2 * tone * np.exp(-(time % 0.5) * 6) + 0.01 * generator.normal(size=time.size)).astype(np.float32)


@settings(max_examples=30, deadline=None)
@given(length=st.integers(1, 80_000), seed=st.integers(0, 1000))
def test_blocks_and_banded_filters_give_what_the_formulae_say(length: int, seed: int):
    samples = np.random.default_rng(seed).normal(scale=0.1, size=length).astype(np.float32)
    result = log_mel(samples)
    assert result.shape == (MELS, frame_count(length))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, direct_log_mel(samples), atol=2e-3)


def test_mel_filters_equal_the_stored_matlab_ones(shared_data: Path):
    archive = shared_data / "audio-clips" / "mel-parity" / "librosa_matlab_fixtures.zip"
    compared = 0
    with zipfile.ZipFile(archive) as fixtures:
        for name in fixtures.namelist():
            if "feature-melfb-" not in name:
                continue
            reference = scipy.io.loadmat(io.BytesIO(fixtures.read(name)), squeeze_me=True)
            if int(reference["htk"]) or "norm" in name.lower():
                continue
            filters = mel_filters(
                sample_rate=int(reference["sr"]),
                window=int(reference["nfft"]),
                mels=int(reference["nfilts"]),
                low_hz=float(reference["fmin"]),
                high_hz=float(reference["fmax"]),
            )
            # MATLAB's fft2melmx pads to the full transform and takes an exact width of 1.
            if float(reference["width"]) != 1.0:
                continue
            np.testing.assert_allclose(filters, reference["wts"][:, : filters.shape[1]], rtol=1e-3, atol=1e-6)
            compared += 1
    assert compared >= 20


@given(st.floats(0.0, 20_000.0))
def test_the_mel_scale_turns_back(frequency_hz: float):
    there = hz_to_mel(np.array([frequency_hz]))
    np.testing.assert_allclose(mel_to_hz(there), [frequency_hz], rtol=1e-9, atol=1e-9)


def test_the_window_is_periodic():
    window = hamming()
    np.testing.assert_allclose(window[1:], window[:0:-1], atol=1e-7)
    assert window[WINDOW // 2] == pytest.approx(1.0)


def test_silence_is_flat_at_the_power_floor():
    np.testing.assert_allclose(log_mel(np.zeros(5000, dtype=np.float32)), -100.0, rtol=1e-6)


def test_a_click_reaches_80_db_down_and_no_further():
    samples = np.zeros(SAMPLE_RATE, dtype=np.float32)
    samples[11_000] = 1.0
    result = log_mel(samples)
    assert result.min() == pytest.approx(result.max() - 80.0)


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (np.empty(0, dtype=np.float32), Reason.EMPTY),
        (np.zeros((10, 2), dtype=np.float32), Reason.WRONG_TYPE),
        (np.array([0.0, np.nan], dtype=np.float32), Reason.CORRUPT),
        (np.array([np.inf, -np.inf], dtype=np.float32), Reason.CORRUPT),
        (np.array([3e18, 0.0], dtype=np.float32), Reason.CORRUPT),
    ],
)
def test_what_is_no_mono_signal_is_refused(samples: np.ndarray, reason: Reason):
    with pytest.raises(AudioError) as refusal:
        log_mel(samples)
    assert refusal.value.reason is reason


def test_working_memory_does_not_grow_with_length():
    log_mel(music_like(1.0))
    peaks = []
    for seconds in (20.0, 120.0):
        samples = music_like(seconds)
        tracemalloc.start()
        result = log_mel(samples)
        peaks.append(tracemalloc.get_traced_memory()[1] - result.nbytes)
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 500_000

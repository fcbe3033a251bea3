from __future__ import annotations

import numpy as np
import pytest

from models.audio.log_mel import SAMPLE_RATE
from models.audio.resampling import mono, resample_stream, to_mono_22050
from models.errors import AudioError


def test_channels_are_averaged():
    stereo = np.array([[0.5, -0.5], [1.0, 0.0]], dtype=np.float32)
    np.testing.assert_allclose(mono(stereo), [0.0, 0.5])


def test_a_tone_keeps_its_pitch_and_level():
    time = np.arange(48_000) / 48_000
    tone = (0.5 * np.sin(2 * np.pi * 1000 * time)).astype(np.float32)
    resampled = to_mono_22050(tone, 48_000)
    expected = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(resampled.size) / SAMPLE_RATE)
    assert resampled.size == SAMPLE_RATE
    np.testing.assert_allclose(resampled[500:-500], expected[500:-500], atol=1e-3)


@pytest.mark.parametrize("rate", [22_050, 44_100, 8_000])
def test_a_stream_of_blocks_gives_what_the_whole_gives(rate: int):
    samples = np.random.default_rng(0).normal(scale=0.1, size=(rate, 2)).astype(np.float32)
    blocks = np.array_split(samples, 13)
    streamed = np.concatenate(list(resample_stream(blocks, rate)))
    whole = to_mono_22050(samples, rate)
    assert abs(streamed.size - whole.size) <= 1
    length = min(streamed.size, whole.size)
    np.testing.assert_allclose(streamed[:length], whole[:length], atol=1e-5)


@pytest.mark.parametrize("rate", [0, -1, 10_000_000])
def test_a_rate_that_no_audio_file_has_is_refused(rate: int):
    with pytest.raises(AudioError):
        to_mono_22050(np.zeros(10, dtype=np.float32), rate)
    with pytest.raises(AudioError):
        list(resample_stream([np.zeros(10, dtype=np.float32)], rate))

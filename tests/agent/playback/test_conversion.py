from __future__ import annotations

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.playback.conversion import Converter, stereo

RATES = st.sampled_from([8_000, 11_025, 22_050, 44_100, 48_000, 96_000])


@settings(max_examples=40, deadline=None)
@given(rate_in=RATES, rate_out=RATES, cuts=st.lists(st.integers(1, 5000), min_size=1, max_size=8))
def test_a_stream_in_pieces_is_the_whole_at_once(rate_in: int, rate_out: int, cuts: list[int]):
    whole = np.random.default_rng(1).uniform(-0.5, 0.5, (sum(cuts), 2)).astype(np.float32)
    converter = Converter(rate_in, rate_out)
    pieces = [converter.convert(piece) for piece in np.split(whole, np.cumsum(cuts)[:-1])]
    due = converter.due
    converted = np.concatenate([*pieces, converter.finish()])
    assert abs(len(converted) - due) <= 1
    expected = soxr.resample(whole, rate_in, rate_out, quality="HQ") if rate_in != rate_out else whole
    count = min(len(converted), len(expected))
    np.testing.assert_allclose(converted[:count], expected[:count], atol=1e-6)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 6, 8])
def test_full_scale_on_all_channels_stays_full_scale(channels: int):
    mixed = stereo(np.ones((10, channels), dtype=np.float32))
    assert mixed.shape == (10, 2)
    assert mixed.dtype == np.float32
    np.testing.assert_allclose(mixed, 1.0, rtol=1e-6)


def test_left_stays_left_and_right_stays_right():
    for channels in (2, 3, 4, 5, 6):
        left = np.zeros((1, channels), dtype=np.float32)
        left[0, 0] = 1.0
        mixed = stereo(left)
        assert mixed[0, 0] > 0.2
        assert mixed[0, 1] == 0.0


def test_the_bass_channel_is_left_out():
    bass = np.zeros((1, 6), dtype=np.float32)
    bass[0, 3] = 1.0
    assert not stereo(bass).any()

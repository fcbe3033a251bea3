from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.audio.log_mel import SAMPLE_RATE, log_mel
from models.audio.patches import (
    FRONT_END,
    PATCH_SAMPLES,
    PATCH_SECONDS,
    FrontEnd,
    fill_patch,
    patch,
    patch_starts,
    patches,
)
from models.errors import AudioError, BundleError


def noise(length: int, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=0.1, size=length).astype(np.float32)


def test_a_patch_lasts_15_seconds_and_has_640_frames():
    assert pytest.approx(14.84, abs=0.01) == PATCH_SECONDS
    assert log_mel(noise(PATCH_SAMPLES)).shape == (128, 640)


def test_a_patch_is_the_normalised_log_mel_of_its_own_samples():
    samples = noise(40 * SAMPLE_RATE)
    start = patch_starts(samples.size, 2)[1]
    expected = (log_mel(samples[start : start + PATCH_SAMPLES]) - FRONT_END.mean) / FRONT_END.scale
    np.testing.assert_allclose(patches(samples, count=2)[1], expected, atol=1e-5)


def test_a_bundle_may_state_its_own_normalisation():
    samples = noise(PATCH_SAMPLES)
    decibels = log_mel(samples)
    scaled = patch(samples, front_end=FrontEnd(mean=float(decibels.mean()), scale=float(decibels.std())))
    assert scaled.mean() == pytest.approx(0.0, abs=1e-3)
    assert scaled.std() == pytest.approx(1.0, abs=1e-3)


def test_a_front_end_of_another_rate_is_not_computable():
    assert FrontEnd(mean=1.0, scale=2.0).is_computable()
    assert not FrontEnd(sample_rate=16_000).is_computable()
    assert not FrontEnd(scale=0.0).is_computable()


def test_a_manifest_states_the_front_end_or_is_refused():
    assert FrontEnd.from_manifest({}) == FRONT_END
    assert FrontEnd.from_manifest(FrontEnd(mean=-3.0, scale=9).as_manifest()) == FrontEnd(mean=-3.0, scale=9)
    for wrong in ({"hop": 256}, {"scale": 0.0}, {"mean": "loud"}, {"window": "hann"}, {"pcen": 1}):
        with pytest.raises(BundleError):
            FrontEnd.from_manifest(wrong)


@given(st.integers(1, 50 * PATCH_SAMPLES), st.integers(1, 12))
def test_patches_lie_inside_the_track_in_order_and_evenly(length: int, count: int):
    starts = patch_starts(length, count)
    assert len(starts) == count
    assert starts == sorted(starts)
    assert starts[0] >= 0
    assert starts[-1] + min(PATCH_SAMPLES, length) <= length
    # The same distance from both ends.
    assert abs(starts[0] - (length - min(PATCH_SAMPLES, length) - starts[-1])) <= 1


def test_a_short_track_is_repeated_until_it_fills_a_patch():
    samples = noise(1000)
    filled = fill_patch(samples)
    assert filled.size == PATCH_SAMPLES
    np.testing.assert_array_equal(filled[1000:2000], samples)
    stack = patches(samples, count=3)
    np.testing.assert_array_equal(stack[0], stack[2])


def test_no_samples_are_refused():
    with pytest.raises(AudioError):
        patches(np.empty(0, dtype=np.float32), count=1)

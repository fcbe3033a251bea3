"""Skin conductance, skin temperature and motion."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.physiology import electrodermal, motion, temperature

TIMES = np.arange(0.0, 60.0, 0.25)


def responses(*onsets: float, amplitude: float = 0.2) -> np.ndarray:
    """Conductance with responses that rise in about two seconds and recover in about six."""
    level = np.full(len(TIMES), 2.0)
    for onset in onsets:
        since = np.maximum(TIMES - onset, 0.0)
        level += amplitude * 1.6 * (np.exp(-since / 6.0) - np.exp(-since / 0.9)) * (since > 0)
    return level


@pytest.mark.parametrize("onsets", [(), (20.0,), (10.0, 25.0, 40.0), (5.0, 15.0, 25.0, 35.0, 45.0)])
def test_responses_are_counted(onsets: tuple[float, ...]):
    assert electrodermal.responses_per_min(TIMES, responses(*onsets)) == pytest.approx(len(onsets), abs=0.1)


def test_what_stays_below_the_threshold_is_no_response():
    assert electrodermal.responses_per_min(TIMES, responses(20.0, 40.0, amplitude=0.005)) == 0.0


def test_a_steady_drift_is_no_response():
    assert electrodermal.responses_per_min(TIMES, 2.0 + 0.01 * TIMES) == 0.0
    assert electrodermal.slope_us_per_min(TIMES, 2.0 + 0.01 * TIMES) == pytest.approx(0.6)


def test_an_electrode_without_contact_says_nothing():
    off = np.full(len(TIMES), 0.01)
    assert math.isnan(electrodermal.level_us(TIMES, off))
    assert math.isnan(electrodermal.slope_us_per_min(TIMES, off))
    assert math.isnan(electrodermal.responses_per_min(TIMES, off))


def test_a_stream_too_slow_for_responses_still_has_a_level():
    slow = TIMES[::8]
    assert electrodermal.level_us(slow, np.full(len(slow), 2.0)) == 2.0
    assert math.isnan(electrodermal.responses_per_min(slow, np.full(len(slow), 2.0)))


def test_a_band_on_the_table_has_no_skin_temperature():
    assert math.isnan(temperature.skin_temperature(np.full(30, 21.0)))
    assert temperature.skin_temperature(np.array([33.0, 33.0, 21.0])) == 33.0


def test_warming_skin_has_a_slope():
    times = np.arange(0.0, 60.0)
    assert temperature.skin_temperature_slope(times, 33.0 + times / 600.0) == pytest.approx(0.1)
    assert math.isnan(temperature.skin_temperature_slope(times[:20], 33.0 + times[:20] / 600.0))


def test_gravity_is_no_motion():
    times = np.arange(0.0, 10.0, 1 / 32)
    still = np.tile((0.0, 0.0, 9.81), (len(times), 1))
    assert motion.motion(times, still) == motion.STILLEST
    moving = still + np.outer(np.sin(2 * np.pi * times), (0.0, 0.0, 2.0))
    assert motion.motion(times, moving) == pytest.approx(2.0 / math.sqrt(2.0), rel=0.01)


def test_tonic_and_phasic_add_up_and_a_response_stands_where_it_was_put():
    found = electrodermal.split(TIMES, responses(20.0, 40.0))
    assert found.responses.onsets == pytest.approx([20.0, 40.0], abs=1.0)
    assert found.responses.peaks == pytest.approx([22.1, 42.1], abs=0.8)
    # Eight seconds take a part of a response for tonic; what is left is proportional to it.
    assert found.responses.amplitudes == pytest.approx([0.13, 0.13], abs=0.04)
    smooth = np.interp(found.times, TIMES, responses(20.0, 40.0))
    assert found.tonic + found.phasic == pytest.approx(smooth, abs=0.03)


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=20),
    st.sampled_from([4.0, 8.0, 31.7]),
    st.floats(0.0, 1e9),
)
@settings(max_examples=30, deadline=None)
def test_a_stream_in_packs_of_any_size_is_split_like_its_window(packs: list[int], rate: float, start: float):
    times = start + np.arange(sum(packs)) / rate
    values = 2.0 + 0.3 * np.sin(0.7 * (times - start)) + 0.05 * np.sin(4.0 * (times - start))
    whole = electrodermal.split(times, values)
    stream = electrodermal.Conductance()
    ends = np.cumsum(packs)
    parts = [stream.add(times[end - n : end], values[end - n : end]) for n, end in zip(packs, ends, strict=True)]
    parts.append(stream.finish())
    assert np.concatenate([part.times for part in parts]) == pytest.approx(whole.times, abs=1e-6)
    assert np.concatenate([part.phasic for part in parts]) == pytest.approx(whole.phasic, abs=1e-9)
    assert np.concatenate([part.responses.peaks for part in parts]) == pytest.approx(whole.responses.peaks, abs=1e-6)


def test_a_gap_in_the_conductance_is_no_response_and_memory_stays_bounded():
    stream = electrodermal.Conductance()
    found = 0
    for minute in range(30):
        # Every minute the band is off for a while, and the level is another one afterwards.
        values = np.full(len(TIMES), 2.0 + minute % 3)
        values[200:] = 0.0
        found += len(stream.add(60.0 * minute + TIMES, values).responses.peaks)
    assert found == 0
    assert len(stream._stretch._bins) < 100


def test_late_and_repeated_conductance_is_passed_over():
    stream, again = electrodermal.Conductance(), electrodermal.Conductance()
    level = responses(20.0)
    ours = [stream.add(TIMES[:100], level[:100]), stream.add(TIMES[100:], level[100:]), stream.finish()]
    for first in range(0, len(TIMES), 20):
        for _ in range(2):
            again.add(TIMES[first : first + 20], level[first : first + 20])
        again.add(TIMES[:5], level[:5] + 1.0)
    assert again.finish().phasic == pytest.approx(ours[-1].phasic)


def test_a_band_that_was_just_put_on_has_not_settled():
    times = np.arange(0.0, 60.0)
    assert not temperature.has_settled(times, 33.0 - 5.0 * np.exp(-times / 60.0))
    assert temperature.has_settled(times, 33.0 + 0.2 * times / 60.0)
    assert temperature.has_settled(times[:5], 10.0 * times[:5])


def shaken(strength: float, *rhythms_hz: float, noise: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """Ten seconds at 50 Hz of a sensor that is shaken in rhythms."""
    times = np.arange(0.0, 10.0, 0.02)
    wave = sum(np.sin(2 * np.pi * rhythm * times + 1.0) for rhythm in rhythms_hz)
    up = strength * np.asarray(wave) + noise * np.random.default_rng(1).standard_normal(len(times))
    return times, np.outer(9.81 + up, (0.6, 0.0, 0.8))


@pytest.mark.parametrize(
    ("window", "activity", "steps_hz"),
    [
        (shaken(0.0, 1.0, noise=0.03), motion.Activity.STILL, math.nan),
        (shaken(0.0, 1.0, noise=2.0), motion.Activity.HAND, math.nan),
        (shaken(2.0, 0.8, 5.3), motion.Activity.HAND, math.nan),
        (shaken(2.0, 1.8), motion.Activity.WALKING, 1.8),
        (shaken(1.5, 0.9, 1.8), motion.Activity.WALKING, 1.8),
        (shaken(9.0, 2.7), motion.Activity.RUNNING, 2.7),
    ],
)
def test_the_rhythm_of_the_acceleration_tells_the_activity(
    window: tuple[np.ndarray, np.ndarray], activity: motion.Activity, steps_hz: float
):
    found = motion.movement(*window)
    assert found.activity is activity
    assert found.steps_hz == pytest.approx(steps_hz, abs=0.1, nan_ok=True)
    assert found.motion_ms2 == motion.motion(*window)


def test_a_short_window_tells_no_activity():
    times, values = shaken(2.0, 1.8)
    assert motion.movement(times[:15], values[:15]).activity is None


@pytest.mark.parametrize(("frequency_hz", "below_db"), [(0.09, 3.0), (0.05, 12.0)])
def test_the_phasic_part_is_a_high_pass_whose_corner_the_module_states(frequency_hz: float, below_db: float):
    times = np.arange(0.0, 600.0, 0.05)
    found = electrodermal.split(times, 5.0 + np.sqrt(2) * np.sin(2 * np.pi * frequency_hz * times)).phasic[200:-200]
    assert -20 * np.log10(found.std()) == pytest.approx(below_db, abs=0.8)

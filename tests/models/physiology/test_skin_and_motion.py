"""Skin conductance, skin temperature and motion."""

from __future__ import annotations

import math

import numpy as np
import pytest

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

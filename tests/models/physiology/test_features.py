"""All features of one moment."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.physiology.features import CLEAR_PULSE, FAINT_PULSE, features_of_windows
from models.physiology.pulse import Pulse
from models.physiology.schema import PHYSIOLOGY

POSITION = {feature.name: i for i, feature in enumerate(PHYSIOLOGY)}
START = 1.8e9


def session(seconds: float = 70.0):
    """Every stream of a calm listener."""
    rr = np.full(int(seconds / 0.8), 0.8) + 0.03 * np.sin(np.arange(int(seconds / 0.8)) * 1.2)
    at_ppg = np.arange(0.0, seconds, 1 / 64)
    at_eda = np.arange(0.0, seconds, 0.25)
    at_acc = np.arange(0.0, seconds, 1 / 32)
    pulse = np.sin(2 * np.pi * 1.25 * at_ppg) + 0.4 * np.sin(4 * np.pi * 1.25 * at_ppg + 1)
    return {
        "hr": (START + np.arange(seconds), np.full(int(seconds), 74.0)),
        "rr": (START + np.cumsum(rr), rr),
        "ppg": (START + at_ppg, pulse),
        "eda": (START + at_eda, np.full(len(at_eda), 2.0)),
        "temp": (START + np.arange(seconds), np.full(int(seconds), 33.0)),
        "acc": (START + at_acc, np.tile((0.0, 0.0, 9.81), (len(at_acc), 1))),
    }


def value(values: np.ndarray, name: str) -> float:
    return float(values[POSITION[name]])


def test_a_whole_session_has_every_feature():
    values = features_of_windows(session(), START + 70.0)
    assert values.shape == (len(PHYSIOLOGY),)
    assert np.isfinite(values).all()
    assert value(values, "heart_rate") == pytest.approx(75.0, rel=0.01)
    assert value(values, "eda_level") == pytest.approx(math.log(2.0))
    assert value(values, "motion") == pytest.approx(math.log(0.01))


def test_no_stream_has_no_feature():
    assert np.isnan(features_of_windows({}, START)).all()


def test_streams_that_ended_long_ago_have_no_feature():
    assert np.isnan(features_of_windows(session(), START + 200.0)).all()


def test_samples_after_the_moment_are_not_looked_at():
    streams = session()
    cut = {name: (t[t <= START + 40.0], v[t <= START + 40.0]) for name, (t, v) in streams.items()}
    np.testing.assert_array_equal(features_of_windows(streams, START + 40.0), features_of_windows(cut, START + 40.0))


def test_without_beats_a_clear_pulse_stands_in_for_them():
    streams = {name: stream for name, stream in session().items() if name == "ppg"}
    values = features_of_windows(streams, START + 70.0)
    assert value(values, "heart_rate") == pytest.approx(75.0, rel=0.01)
    assert np.isfinite(value(values, "rmssd"))


def test_without_beats_and_pulse_the_rate_stream_gives_the_rate_alone():
    streams = {name: stream for name, stream in session().items() if name == "hr"}
    values = features_of_windows(streams, START + 70.0)
    assert value(values, "heart_rate") == 74.0
    assert value(values, "heart_rate_slope") == pytest.approx(0.0, abs=1e-9)
    assert np.isnan(value(values, "rmssd"))


def faint(quality: float) -> Pulse:
    """A minute of beats at 80 a minute, trusted so far."""
    times = START + np.arange(1.0, 70.0, 0.75)
    return Pulse(times, 0.75 + 0.02 * np.sin(np.arange(len(times))), np.ones(len(times)), quality)


def test_a_faint_pulse_gives_the_rate_alone_and_a_fainter_one_nothing():
    values = features_of_windows({}, START + 70.0, pulse=faint(FAINT_PULSE))
    assert value(values, "heart_rate") == pytest.approx(80.0, rel=0.01)
    assert np.isnan([value(values, name) for name in ("heart_rate_slope", "rmssd", "sdnn", "respiration_rate")]).all()
    assert np.isnan(value(features_of_windows({}, START + 70.0, pulse=faint(FAINT_PULSE - 0.01)), "heart_rate"))
    assert np.isfinite(value(features_of_windows({}, START + 70.0, pulse=faint(CLEAR_PULSE)), "rmssd"))


def test_a_rate_that_a_wearable_tells_goes_before_that_of_a_faint_pulse():
    streams = {name: stream for name, stream in session().items() if name == "hr"}
    assert value(features_of_windows(streams, START + 70.0, pulse=faint(0.5)), "heart_rate") == 74.0
    assert value(features_of_windows(streams, START + 70.0, pulse=faint(0.9)), "heart_rate") == pytest.approx(
        80.0, rel=0.01
    )


@given(
    st.dictionaries(
        st.sampled_from(["hr", "rr", "ppg", "eda", "temp"]),
        st.lists(st.tuples(st.floats(0, 100), st.floats(-1e6, 1e6, width=32)), max_size=150),
    )
)
def test_whatever_a_stream_holds_features_are_numbers_or_absent(streams: dict[str, list[tuple[float, float]]]):
    arrays = {}
    for name, samples in streams.items():
        samples.sort()
        arrays[name] = (np.array([t for t, _ in samples]), np.array([v for _, v in samples], dtype=np.float32))
    values = features_of_windows(arrays, 100.0)
    assert not np.isinf(values).any()

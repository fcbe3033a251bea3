"""Beats, amplitude and quality of a photoplethysmogram."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import find_peaks

from models.physiology import beats, pulse


def wave(times: np.ndarray, *, rate_hz: float = 1.2, amplitude: float = 1.0) -> np.ndarray:
    phase = 2 * np.pi * rate_hz * times
    return amplitude * (np.sin(phase) + 0.4 * np.sin(2 * phase + 1.0))


@pytest.mark.parametrize("sampling", [25.0, 64.0, 135.0])
@pytest.mark.parametrize("rate_hz", [0.8, 1.2, 2.0])
def test_the_beats_of_a_clean_pulse_are_found(sampling: float, rate_hz: float):
    times = np.arange(0.0, 60.0, 1.0 / sampling)
    found = pulse.analyse(times, wave(times, rate_hz=rate_hz))
    # A slow pulse's second wave is told from a beat once it is seen to come every time.
    # At the end there is no local mean to rise through.
    after = (found.times > 10.0) & (found.times < 59.0)
    assert found.intervals[after][1:] == pytest.approx(1.0 / rate_hz, rel=0.002)
    assert int(after.sum()) == pytest.approx(49.0 * rate_hz, abs=1.5)
    assert found.quality > (0.9 if rate_hz > 1.0 else 0.6)


def test_drift_and_offset_do_not_hide_the_pulse():
    times = np.arange(0.0, 30.0, 1 / 64)
    plain = pulse.analyse(times, wave(times))
    drifting = pulse.analyse(times, wave(times) + 5000.0 + 20.0 * np.sin(2 * np.pi * 0.05 * times) + 3.0 * times)
    assert len(drifting.times) == pytest.approx(len(plain.times), abs=1)
    assert drifting.quality > 0.9


def test_the_amplitude_follows_the_pulse():
    times = np.arange(0.0, 30.0, 1 / 64)
    small, large = (pulse.amplitude(pulse.analyse(times, wave(times, amplitude=a)), since=0.0) for a in (1.0, 3.0))
    assert large / small == pytest.approx(3.0, rel=1e-6)


@pytest.mark.parametrize("kind", ["white", "walk", "flat", "breath"])
def test_what_is_no_pulse_has_no_quality(kind: str):
    times = np.arange(0.0, 60.0, 1 / 64)
    noise = np.random.default_rng(1).standard_normal(len(times))
    signal = {
        "white": noise,
        "walk": np.cumsum(noise),
        "flat": np.full(len(times), 7.0),
        "breath": np.sin(2 * np.pi * 0.05 * times),
    }[kind]
    assert pulse.analyse(times, signal).quality < 0.2


def test_intervals_hold_where_a_double_top_moves_the_peaks():
    """Of two crests on a broad top now the one is higher, now the other, as at a wrist."""
    times = np.arange(0.0, 60.0, 1 / 64)
    signal = np.zeros_like(times)
    higher = np.random.default_rng(3).uniform(-0.06, 0.06, 80)
    for beat, more in zip(np.arange(0.5, 60.0, 0.85), higher, strict=False):
        for delay, height in ((0.0, 1.0 + more), (0.15, 1.0 - more)):
            signal += height * np.exp(-0.5 * ((times - beat - delay) / 0.05) ** 2)
    found = pulse.analyse(times, signal)
    inside = (found.times > 2.0) & (found.times < 58.0)
    assert np.std(np.diff(found.times[inside])) > 0.02
    assert found.intervals[inside] == pytest.approx(0.85, abs=0.006)


def test_no_interval_lies_across_a_gap():
    times = np.arange(0.0, 40.0, 1 / 64)
    keep = (times < 15.0) | (times > 19.0)
    found = pulse.analyse(times[keep], wave(times)[keep])
    assert np.nanmax(found.intervals) < 1.0
    inside = (found.times > 1.5) & (found.times < 14.5) | (found.times > 20.5) & (found.times < 39.0)
    assert np.isfinite(found.intervals[inside]).all()
    assert np.isnan(found.intervals[[0, np.searchsorted(found.times, 19.0)]]).all()
    assert not ((found.times > 15.0) & (found.times < 19.0)).any()


def test_too_little_signal_says_nothing():
    times = np.arange(0.0, 4.0, 1 / 64)
    assert math.isnan(pulse.analyse(times, wave(times)).quality)
    slow = np.arange(0.0, 60.0, 0.1)
    assert math.isnan(pulse.analyse(slow, wave(slow)).quality)


def test_the_pulse_of_a_resting_person_tells_the_intervals_of_the_heart(shared_data: Path):
    """Five minutes of ECG and PPG side by side; the R peaks of a clean ECG are its highest maxima."""
    table = np.genfromtxt(
        shared_data / "signals" / "neurokit" / "bio_resting_5min_100hz.csv.gz", delimiter=",", skip_header=1
    )
    times = np.arange(len(table)) / 100.0
    ecg, ppg = table[:, 0], table[:, 1]
    peaks = times[find_peaks(ecg, distance=40, height=0.5 * np.percentile(ecg, 99.7))[0]]
    truth = beats.beats_of(peaks[1:], np.diff(peaks))
    found = pulse.analyse(times, ppg)
    seen = beats.beats_of(found.times[1:], found.intervals[1:])
    assert found.quality > 0.9
    assert beats.heart_rate_bpm(seen) == pytest.approx(beats.heart_rate_bpm(truth), rel=0.01)
    assert beats.sdnn_ms(seen) == pytest.approx(beats.sdnn_ms(truth), rel=0.15)
    assert beats.rmssd_ms(seen) == pytest.approx(beats.rmssd_ms(truth), rel=0.15)


def stream(times: np.ndarray, values: np.ndarray, rate_hz: float, cuts: tuple[int, ...] = ()) -> pulse.Pulse:
    detector = pulse.PulseBeats(rate_hz)
    found = detector.add(times[:0], values[:0])
    for part in np.split(np.arange(len(times)), sorted(cut % (len(times) + 1) for cut in cuts)):
        found = found.followed_by(detector.add(times[part], values[part]))
    return found.followed_by(detector.finish())


def spoilt(times: np.ndarray, seed: int) -> np.ndarray:
    """A pulse of uneven rhythm with drift, a burst of motion and a saturated stretch."""
    rng = np.random.default_rng(seed)
    beats = np.cumsum(rng.uniform(0.6, 1.1, int(times[-1] / 0.6) + 2))
    delays = times[:, np.newaxis] - beats
    signal = np.exp(-0.5 * (delays / 0.09) ** 2).sum(axis=1) + 0.4 * np.exp(-0.5 * ((delays - 0.3) / 0.1) ** 2).sum(
        axis=1
    )
    first, length = rng.integers(0, len(times)), rng.integers(1, 300)
    signal[first : first + length] += 3.0 * np.cumsum(rng.standard_normal(len(signal[first : first + length]))) / 8.0
    return np.minimum(signal + 0.1 * rng.standard_normal() * times, np.quantile(signal, 0.98))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**16), cuts=st.lists(st.integers(0, 10_000), max_size=40))
def test_a_stream_gives_the_beats_of_the_whole_window_however_it_is_cut(seed: int, cuts: list[int]):
    rng = np.random.default_rng(seed)
    times = np.arange(0.0, 30.0, 1 / 64)
    keep = np.ones(len(times), dtype=np.bool_)
    for _ in range(2):
        first = int(rng.integers(1, len(times) - 90))
        keep[first : first + int(rng.integers(1, 80))] = False
    values = spoilt(times, seed)
    whole = pulse.analyse(times[keep], values[keep])
    cut = stream(times[keep], values[keep], 64.0, tuple(cuts))
    for ours, theirs in zip(cut[:3], whole[:3], strict=True):
        np.testing.assert_array_equal(ours, theirs)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**16), scale=st.floats(1e-6, 1e6), offset=st.floats(-1e3, 1e3))
def test_the_beats_do_not_depend_on_the_unit_or_the_offset(seed: int, scale: float, offset: float):
    times = np.arange(0.0, 20.0, 1 / 64)
    values = wave(times) + 0.1 * np.random.default_rng(seed).standard_normal(len(times))
    plain, other = pulse.analyse(times, values), pulse.analyse(times, scale * (values + offset))
    assert other.times == pytest.approx(plain.times, abs=1e-6)
    assert other.intervals == pytest.approx(plain.intervals, abs=1e-6, nan_ok=True)
    assert other.heights[1:] == pytest.approx(scale * plain.heights[1:], rel=1e-6)
    assert other.quality == pytest.approx(plain.quality, abs=1e-6)


def test_a_second_wave_as_steep_as_the_first_is_no_beat():
    times = np.arange(0.0, 60.0, 1 / 64)
    beats = np.arange(0.5, 60.0, 1.1)
    delays = times[:, np.newaxis] - beats
    signal = np.exp(-0.5 * (delays / 0.09) ** 2).sum(axis=1)
    signal += 0.45 * np.exp(-0.5 * ((delays - 0.38) / 0.07) ** 2).sum(axis=1)
    found = pulse.analyse(times, signal)
    assert np.nanmedian(found.intervals) == pytest.approx(1.1, abs=0.005)
    assert len(found.times) == pytest.approx(len(beats), abs=2)


def test_motion_takes_the_quality_away_and_rest_brings_it_back():
    rng = np.random.default_rng(5)
    times = np.arange(0.0, 90.0, 1 / 64)
    signal = wave(times)
    moving = (times > 30.0) & (times < 50.0)
    signal[moving] += 3.0 * np.cumsum(rng.standard_normal(int(moving.sum()))) / 8.0
    detector = pulse.PulseBeats(64.0)
    quality = [detector.add(part, signal[np.isin(times, part)]).quality for part in np.split(times, 90)]
    assert min(quality[20:28]) > 0.8
    assert max(quality[42:50]) < 0.5
    assert min(quality[70:]) > 0.8


def test_a_saturated_sensor_is_trusted_less():
    times = np.arange(0.0, 60.0, 1 / 64)
    whole = pulse.analyse(times, wave(times)).quality
    clipped = pulse.analyse(times, np.clip(wave(times), -0.3, 0.3))
    assert len(clipped.times) == pytest.approx(72, abs=2)
    assert clipped.quality < 0.7 * whole


def test_a_rate_too_low_for_a_pulse_is_refused():
    with pytest.raises(ValueError, match="samples a second"):
        pulse.PulseBeats(8.0)

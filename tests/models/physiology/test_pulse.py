"""Beats, amplitude and quality of a photoplethysmogram."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
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
    after = found.times > 10.0
    assert found.intervals[after][1:] == pytest.approx(1.0 / rate_hz, rel=0.002)
    assert int(after.sum()) == pytest.approx(50.0 * rate_hz, abs=1.5)
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


def test_no_interval_lies_across_a_gap():
    times = np.arange(0.0, 40.0, 1 / 64)
    keep = (times < 15.0) | (times > 19.0)
    found = pulse.analyse(times[keep], wave(times)[keep])
    assert np.nanmax(found.intervals) < 1.0
    assert int(np.isnan(found.intervals).sum()) == 2
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

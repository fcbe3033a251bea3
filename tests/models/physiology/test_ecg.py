"""R peaks, found while an electrocardiogram streams."""

from __future__ import annotations

import gzip
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.physiology.ecg import EcgBeats
from models.physiology.waveforms.found import Found

RATE_HZ = 130.0


def heart(beats: np.ndarray, times: np.ndarray, *, t_wave: float = 0.25) -> np.ndarray:
    """P, QRS and T of each beat, millivolts."""
    wave = np.zeros(len(times))
    for height, delay, width in ((0.1, -0.16, 0.02), (-0.1, -0.03, 0.01), (1.0, 0.0, 0.012), (-0.2, 0.03, 0.01)):
        wave += height * np.exp(-0.5 * ((times[:, np.newaxis] - beats - delay) / width) ** 2).sum(axis=1)
    return wave + t_wave * np.exp(-0.5 * ((times[:, np.newaxis] - beats - 0.28) / 0.05) ** 2).sum(axis=1)


def rhythm(seconds: float, seed: int = 1) -> np.ndarray:
    intervals = 0.85 + 0.05 * np.random.default_rng(seed).standard_normal(int(seconds / 0.7))
    beats = 0.6 + np.cumsum(intervals)
    return beats[beats < seconds - 0.5]


def find(times: np.ndarray, values: np.ndarray, rate_hz: float = RATE_HZ, cuts: tuple[int, ...] = ()) -> Found:
    detector = EcgBeats(rate_hz)
    found = detector.add(times[:0], values[:0])
    for part in np.split(np.arange(len(times)), sorted(cut % (len(times) + 1) for cut in cuts)):
        found = found.followed_by(detector.add(times[part], values[part]))
    return found.followed_by(detector.finish())


def matches(found: np.ndarray, truth: np.ndarray, tolerance_s: float) -> float:
    """F1."""
    near = np.abs(found[:, np.newaxis] - truth) <= tolerance_s
    hits = min(near.any(axis=0).sum(), near.any(axis=1).sum())
    return float(2 * hits / (len(found) + len(truth)))


@pytest.mark.parametrize("rate_hz", [100.0, 130.0, 250.0, 512.0, 1000.0])
def test_r_peaks_are_found_between_the_samples(rate_hz: float):
    times = np.arange(0.0, 30.0, 1.0 / rate_hz)
    beats = rhythm(30.0)
    found = find(times, heart(beats, times), rate_hz)
    assert len(found.times) == len(beats)
    assert np.abs(found.times - beats).max() < 0.003
    assert found.intervals[1:] == pytest.approx(np.diff(beats), abs=0.004)
    assert np.isnan(found.intervals[0])
    assert found.quality > 0.8


def test_a_tall_t_wave_is_no_beat():
    times = np.arange(0.0, 30.0, 1 / RATE_HZ)
    beats = rhythm(30.0)
    assert len(find(times, heart(beats, times, t_wave=0.9)).times) == len(beats)


def test_electrodes_the_wrong_way_round_give_the_same_beats():
    times = np.arange(0.0, 60.0, 1 / RATE_HZ)
    beats = rhythm(60.0)
    found = find(times, -heart(beats, times))
    late = found.times > 15.0
    assert len(found.times) == len(beats)
    assert np.abs(found.times - beats)[late].max() < 0.005


def test_a_premature_wide_beat_is_found_and_the_pause_after_it_is_not_filled():
    times = np.arange(0.0, 30.0, 1 / RATE_HZ)
    regular = np.arange(0.6, 29.0, 0.9)
    place = 15
    wave = heart(np.delete(regular, place), times)
    early = regular[place] - 0.35
    wave += 1.2 * np.exp(-0.5 * ((times - early) / 0.03) ** 2)
    found = find(times, wave)
    assert len(found.times) == len(regular)
    assert np.abs(found.times - early).min() < 0.02


def test_no_interval_lies_across_a_gap():
    times = np.arange(0.0, 40.0, 1 / RATE_HZ)
    keep = (times < 15.0) | (times > 19.0)
    found = find(times[keep], heart(rhythm(40.0), times)[keep])
    assert int(np.isnan(found.intervals).sum()) == 2
    assert np.nanmax(found.intervals) < 1.2
    assert not ((found.times > 15.1) & (found.times < 18.9)).any()


def test_a_lost_packet_of_a_tenth_of_a_second_costs_nothing():
    times = np.arange(0.0, 30.0, 1 / RATE_HZ)
    beats = rhythm(30.0)
    calm = beats[10] + 0.5
    keep = (times < calm) | (times > calm + 0.1)
    found = find(times[keep], heart(beats, times)[keep])
    assert np.abs(found.times - beats).max() < 0.004


def test_stamps_that_jitter_and_a_clock_that_drifts_do_not_bend_the_intervals():
    times = np.arange(0.0, 60.0, 1 / RATE_HZ)
    beats = rhythm(60.0)
    shaken = 1.002 * times + 0.003 * np.random.default_rng(2).uniform(-1.0, 1.0, len(times))
    found = find(shaken, heart(beats, times))
    assert len(found.times) == len(beats)
    assert np.abs(found.intervals[1:] - 1.002 * np.diff(beats)).max() < 0.004


def test_repeated_late_and_impossible_samples_are_left_out():
    times = np.arange(0.0, 20.0, 1 / RATE_HZ)
    wave = heart(rhythm(20.0), times)
    plain = find(times, wave)
    detector = EcgBeats(RATE_HZ)
    found = detector.add(times[:1300], wave[:1300])
    found = found.followed_by(detector.add(times[600:1300], wave[600:1300]))
    spoilt = wave.copy()
    spoilt[1500] = np.nan
    found = found.followed_by(detector.add(times[1300:], spoilt[1300:])).followed_by(detector.finish())
    assert found.times == pytest.approx(plain.times, abs=0.003)


@pytest.mark.parametrize("kind", ["white", "walk", "flat"])
def test_what_is_no_heart_has_no_quality(kind: str):
    times = np.arange(0.0, 30.0, 1 / RATE_HZ)
    noise = np.random.default_rng(3).standard_normal(len(times))
    signal = {"white": noise, "walk": np.cumsum(noise), "flat": np.full(len(times), 3.25)}[kind]
    assert find(times, signal).quality < 0.2


def test_a_flat_line_ends_the_beats_and_the_quality():
    times = np.arange(0.0, 60.0, 1 / RATE_HZ)
    beats = rhythm(60.0)
    wave = heart(beats, times)
    wave[times > 30.0] = wave[times <= 30.0][-1]
    detector = EcgBeats(RATE_HZ)
    before = detector.add(times[times <= 30.0], wave[times <= 30.0])
    after = detector.add(times[times > 30.0], wave[times > 30.0])
    assert before.quality > 0.8
    assert after.quality == 0.0
    assert len(before.times) + len(after.times) == int((beats < 29.9).sum())


def test_beats_come_three_seconds_after_they_were():
    detector = EcgBeats(RATE_HZ)
    times = np.arange(0.0, 40.0, 1 / RATE_HZ)
    wave = heart(rhythm(40.0), times)
    delays = []
    for first in range(0, len(times), 13):
        found = detector.add(times[first : first + 13], wave[first : first + 13])
        delays += [times[min(first + 12, len(times) - 1)] - time for time in found.times]
    assert 2.5 < np.median(delays) < 4.0


def test_an_hour_takes_no_more_memory_than_a_minute():
    detector = EcgBeats(RATE_HZ)
    times = np.arange(0.0, 600.0, 1 / RATE_HZ)
    wave = np.tile(heart(rhythm(60.0), times[: int(60 * RATE_HZ)]), 10)
    sizes = []
    for minute in range(10):
        part = slice(int(minute * 60 * RATE_HZ), int((minute + 1) * 60 * RATE_HZ))
        for piece in np.array_split(np.arange(part.start, part.stop), 60):
            detector.add(times[piece], wave[piece])
        sizes.append(len(pickle.dumps(detector)))
    assert max(sizes[1:]) < 1.1 * sizes[1]


def test_a_rate_that_no_electrocardiogram_has_is_refused():
    for rate_hz in (25.0, 0.0, float("nan")):
        with pytest.raises(ValueError, match="samples a second"):
            EcgBeats(rate_hz)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    noise=st.sampled_from([0.0, 0.1, 1.0]),
    cuts=st.lists(st.integers(0, 10_000), max_size=40),
)
def test_the_beats_do_not_depend_on_how_the_samples_were_cut(seed: int, noise: float, cuts: list[int]):
    rng = np.random.default_rng(seed)
    times = np.arange(0.0, 25.0, 1 / RATE_HZ)
    keep = np.ones(len(times), dtype=np.bool_)
    for _ in range(3):
        first = int(rng.integers(0, len(times)))
        keep[first : first + int(rng.integers(1, 90))] = False
    wave = heart(rhythm(25.0, seed), times) + noise * rng.standard_normal(len(times))
    whole = find(times[keep], wave[keep])
    cut = find(times[keep], wave[keep], cuts=tuple(cuts))
    for ours, theirs in zip(cut[:3], whole[:3], strict=True):
        np.testing.assert_array_equal(ours, theirs)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    scale=st.floats(1e-6, 1e6),
    offset=st.floats(-100.0, 100.0),
)
def test_the_beats_do_not_depend_on_the_unit_or_the_offset(seed: int, scale: float, offset: float):
    times = np.arange(0.0, 20.0, 1 / RATE_HZ)
    wave = heart(rhythm(20.0, seed), times) + 0.05 * np.random.default_rng(seed).standard_normal(len(times))
    plain, other = find(times, wave), find(times, scale * (wave + offset))
    assert other.times == pytest.approx(plain.times, abs=1e-6)
    assert other.heights == pytest.approx(scale * plain.heights, rel=1e-6)


def read(path: Path) -> np.ndarray:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return np.loadtxt(lines)


@pytest.fixture(scope="module")
def stress(shared_data: Path) -> dict[int, tuple[Found, np.ndarray]]:
    """Per signal-to-noise ratio (dB) of record 118 of the MIT-BIH Noise Stress Test: our beats and the annotated."""
    folder = shared_data / "signals" / "heartpy"
    records = {}
    for level in (0, 6, 24):
        wave = read(folder / f"118e{level:02}.csv.gz")
        truth = read(folder / f"118e{level:02}_ann.csv.gz") / 360.0
        records[level] = (find(np.arange(len(wave)) / 360.0, wave, 360.0), truth)
    return records


@pytest.mark.parametrize(("level", "least"), [(24, 0.99), (6, 0.90), (0, 0.63)])
def test_annotated_beats_are_found_in_noise(stress: dict[int, tuple[Found, np.ndarray]], level: int, least: float):
    found, truth = stress[level]
    assert matches(found.times, truth, 0.1) >= least


def test_quality_tells_a_clean_recording_from_a_noisy_one(stress: dict[int, tuple[Found, np.ndarray]]):
    assert stress[24][0].quality > 0.7
    assert stress[0][0].quality < 0.4

"""Variability in time and frequency: published values, NeuroKit2's, gaps, and what is too short."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.physiology.beats import spectrum, variability
from models.physiology.beats.series import Beats, beats_of
from models.physiology.beats.spline import resample
from models.physiology.beats.variability import sample_entropy

neurokit2 = pytest.importorskip("neurokit2")
interp1d = pytest.importorskip("scipy.interpolate").interp1d

OF_NEUROKIT = {
    "mean_nn_ms": "MeanNN",
    "median_nn_ms": "MedianNN",
    "min_nn_ms": "MinNN",
    "max_nn_ms": "MaxNN",
    "sdnn_ms": "SDNN",
    "cvnn": "CVNN",
    "mad_nn_ms": "MadNN",
    "iqr_nn_ms": "IQRNN",
    "rmssd_ms": "RMSSD",
    "sdsd_ms": "SDSD",
    "cvsd": "CVSD",
    "pnn50_percent": "pNN50",
    "pnn20_percent": "pNN20",
    "vlf_ms2": "VLF",
    "lf_ms2": "LF",
    "hf_ms2": "HF",
    "vhf_ms2": "VHF",
    "total_ms2": "TP",
    "lf_hf": "LFHF",
    "lf_share": "LFn",
    "hf_share": "HFn",
    "ln_hf": "LnHF",
}


def heart(seconds: float = 300.0, *, mean_s: float = 0.85, seed: int = 0) -> np.ndarray:
    """Intervals with a breath at 0.25 Hz and a Mayer wave at 0.1 Hz."""
    rng = np.random.default_rng(seed)
    intervals, t = [], 0.0
    while t < seconds:
        waves = 0.03 * math.sin(2 * math.pi * 0.25 * t) + 0.03 * math.sin(2 * math.pi * 0.1 * t)
        intervals.append(mean_s + waves + 0.02 * math.sin(2 * math.pi * 0.02 * t) + 0.015 * rng.standard_normal())
        t += intervals[-1]
    return np.array(intervals)


def as_it_is(intervals: np.ndarray) -> Beats:
    return beats_of(np.cumsum(intervals), intervals, corrected=False)


def measures(beats: Beats) -> dict[str, float]:
    return variability.time_domain(beats)._asdict() | spectrum.frequency_domain(beats)._asdict()


def test_published_values_of_a_recording(shared_data: Path):
    folder = shared_data / "signals" / "hrv-analysis"
    published = json.loads((folder / "expected.json").read_text())
    beats = as_it_is(np.loadtxt(folder / "test_nn_intervals.txt") / 1000.0)
    found = variability.time_domain(beats)
    of_time = published["time_domain"]
    assert found.mean_nn_ms == pytest.approx(of_time["mean_nni"], rel=1e-9)
    assert found.sdnn_ms == pytest.approx(of_time["sdnn"], rel=1e-9)
    assert found.rmssd_ms == pytest.approx(of_time["rmssd"], rel=1e-9)
    assert found.pnn50_percent == pytest.approx(of_time["pnni_50"], rel=1e-9)
    assert found.pnn20_percent == pytest.approx(of_time["pnni_20"], rel=1e-9)
    assert found.mean_rate_bpm == pytest.approx(of_time["mean_hr"], rel=1e-9)
    # SDSD, SD1 and SD2 divide by n there and by n − 1 here; entropy takes the spread of n.
    assert found.sdsd_ms == pytest.approx(of_time["sdsd"], rel=1e-3)
    assert found.sd1_ms == pytest.approx(published["poincare"]["sd1"], rel=1e-3)
    assert found.sd2_ms == pytest.approx(published["poincare"]["sd2"], rel=2e-3)
    assert found.csi == pytest.approx(published["csi_cvi"]["csi"], rel=2e-3)
    assert found.cvi == pytest.approx(published["csi_cvi"]["cvi"], rel=1e-3)
    assert found.csi_modified == pytest.approx(published["csi_cvi"]["modified_csi"], rel=5e-3)
    assert sample_entropy(beats) == pytest.approx(published["sampen"], rel=0.01)


@pytest.mark.parametrize(("mean_s", "seed"), [(0.6, 1), (0.85, 2), (1.1, 3)])
def test_five_minutes_are_those_of_neurokit(mean_s: float, seed: int):
    peaks = np.round(np.concatenate(([0.0], np.cumsum(heart(mean_s=mean_s, seed=seed)))) * 1e4)
    found = measures(as_it_is(np.diff(peaks) / 1e4))
    time = neurokit2.hrv_time(peaks, sampling_rate=10_000)
    frequency = neurokit2.hrv_frequency(peaks, sampling_rate=10_000, interpolation_rate=4, normalize=False)
    theirs = {name: float(table[name].iloc[0]) for table in (time, frequency) for name in table}
    for ours, name in OF_NEUROKIT.items():
        assert found[ours] == pytest.approx(theirs[f"HRV_{name}"], rel=0.01), ours


def test_the_waves_that_were_put_in_are_found():
    found = spectrum.frequency_domain(as_it_is(heart()))
    assert found.hf_peak_hz == pytest.approx(0.25, abs=0.008)
    assert found.lf_peak_hz == pytest.approx(0.1, abs=0.008)
    # Half of the amplitude's square, the noise in the band on top.
    assert found.lf_ms2 == pytest.approx(0.5 * 30.0**2, rel=0.3)


@pytest.mark.parametrize("seconds", [5.0, 20.0, 45.0, 90.0, 200.0, 300.0])
def test_a_measure_is_absent_exactly_as_long_as_it_waits(seconds: float):
    beats = as_it_is(heart(seconds))
    waits = variability.waits_s(beats) | spectrum.waits_s(beats)
    found = measures(beats) | {"sample_entropy": sample_entropy(beats)}
    for name, value in found.items():
        needs = name if name in waits else "mean_nn_ms"
        assert math.isnan(value) == (waits[needs] > 0.0), name
    assert (set(waits) - set(found)) == set()


def test_nothing_is_sampled_across_a_gap():
    first, second = heart(130.0, seed=4), heart(130.0, seed=5)
    times = np.concatenate((np.cumsum(first), np.cumsum(second) + first.sum() + 30.0))
    both = beats_of(times, np.concatenate((first, second)), corrected=False)
    apart = [spectrum.frequency_domain(as_it_is(part)) for part in (first, second)]
    found = spectrum.frequency_domain(both)
    assert found.hf_ms2 == pytest.approx(np.mean([part.hf_ms2 for part in apart]), rel=0.01)
    assert found.lf_ms2 == pytest.approx(np.mean([part.lf_ms2 for part in apart]), rel=0.01)
    assert math.isnan(found.vlf_ms2)


def test_no_difference_is_taken_across_a_gap():
    first, second = heart(60.0), heart(60.0) * 0.7
    times = np.concatenate((np.cumsum(first), np.cumsum(second) + first.sum() + 5.0))
    both = variability.time_domain(beats_of(times, np.concatenate((first, second)), corrected=False))
    changes = np.concatenate((np.diff(first), np.diff(second)))
    assert both.rmssd_ms == pytest.approx(1000.0 * np.sqrt(np.mean(changes**2)), rel=1e-9)


def test_a_constant_heart_varies_by_nothing():
    found = measures(as_it_is(np.full(400, 0.8)))
    assert found["rmssd_ms"] == 0.0
    assert found["sdnn_ms"] == pytest.approx(0.0, abs=1e-9)
    assert math.isnan(found["csi"])
    assert found["hf_ms2"] == pytest.approx(0.0, abs=1e-12)


@settings(deadline=None)
@given(st.floats(0.7, 1.4), st.integers(0, 20))
def test_a_slower_heart_varies_in_proportion(scale: float, seed: int):
    intervals = heart(70.0 / scale, seed=seed)[:70]
    one = variability.time_domain(as_it_is(intervals))
    other = variability.time_domain(as_it_is(scale * intervals))
    for name in ("sdnn_ms", "rmssd_ms", "sdsd_ms", "sd1_ms", "sd2_ms", "mean_nn_ms"):
        mine, wanted = getattr(other, name), scale * getattr(one, name)
        assert math.isnan(mine) or math.isnan(wanted) or mine == pytest.approx(wanted, rel=1e-6)


@settings(deadline=None)
@given(st.integers(0, 50))
def test_backwards_the_spread_is_the_same(seed: int):
    intervals = heart(70.0, seed=seed)
    one = variability.time_domain(as_it_is(intervals))
    other = variability.time_domain(as_it_is(intervals[::-1]))
    assert one == pytest.approx(other, rel=1e-9, nan_ok=True)


@settings(deadline=None)
@given(st.lists(st.floats(0.3, 2.0), max_size=60), st.lists(st.booleans(), min_size=60, max_size=60))
def test_whatever_comes_measures_are_numbers_or_absent(intervals: list[float], follows: list[bool]):
    rr = np.array(intervals)
    times = np.cumsum(rr) + np.cumsum(~np.array(follows[: len(rr)], dtype=bool)) * 20.0
    assert not any(math.isinf(value) for value in measures(beats_of(times, rr)).values())


@settings(deadline=None)
@given(st.lists(st.floats(0.3, 2.0), min_size=3, max_size=80), st.integers(0, 2**31))
def test_the_spline_is_that_of_scipy(distances: list[float], seed: int):
    times = np.cumsum(distances)
    values = np.random.default_rng(seed).standard_normal(len(times))
    at = np.linspace(times[0], times[-1], 101)
    np.testing.assert_allclose(
        resample(times, values, at), interp1d(times, values, kind="quadratic")(np.minimum(at, times[-1])), atol=1e-8
    )

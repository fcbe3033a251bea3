"""Artefacts: their classes as the paper has them, and the truth under them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.physiology.beats.artefacts import Kind, classify, correct

neurokit2 = pytest.importorskip("neurokit2")

from neurokit2.signal.signal_fixpeaks import _find_artifacts  # noqa: E402 - after the check that it is there

TICK_HZ = 1_000_000


def lively_heart(count: int = 300, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    i = np.arange(count)
    return 0.85 + 0.04 * np.sin(1.3 * i) + 0.03 * np.sin(0.05 * i) + 0.012 * rng.standard_normal(count)


def spoil(intervals: np.ndarray, kind: str, at: int, size: float = 0.3) -> np.ndarray:
    """The series as it looks with an artefact at one beat."""
    rr = intervals.tolist()
    if kind in {"premature", "late"}:
        shift = size * rr[at] * (1.0 if kind == "premature" else -1.0)
        rr[at : at + 2] = [rr[at] - shift, rr[at + 1] + shift]
    elif kind == "missed":
        rr[at : at + 2] = [rr[at] + rr[at + 1]]
    elif kind == "extra":
        rr[at : at + 1] = [size * rr[at], (1.0 - size) * rr[at]]
    else:
        rr[at] *= 1.5 if kind == "long" else 0.6
    return np.array(rr)


def of_neurokit(intervals: np.ndarray) -> np.ndarray:
    """NeuroKit2's classes, by interval: long and short are one."""
    peaks = np.round(np.concatenate(([0.0], np.cumsum(intervals))) * TICK_HZ)
    artefacts, _ = _find_artifacts(peaks, sampling_rate=TICK_HZ)
    kind = np.zeros(len(intervals), dtype=np.int8)
    names = (("ectopic", Kind.ECTOPIC), ("missed", Kind.MISSED), ("extra", Kind.EXTRA), ("longshort", Kind.LONG))
    for name, value in names:
        kind[np.array(artefacts[name], dtype=int) - 1] = value
    return kind


def restored_by_neurokit(intervals: np.ndarray) -> np.ndarray:
    peaks = np.round(np.concatenate(([0.0], np.cumsum(intervals))) * TICK_HZ).astype(int)
    _, clean = neurokit2.signal_fixpeaks(peaks, sampling_rate=TICK_HZ, method="kubios", iterative=True)
    return np.diff(clean) / TICK_HZ


def error_ms(found: np.ndarray, truth: np.ndarray) -> float:
    return 1000.0 * float(np.abs(found - truth).mean()) if len(found) == len(truth) else np.inf


@pytest.mark.parametrize("seed", range(6))
def test_classes_are_those_of_neurokit(seed: int):
    rng = np.random.default_rng(seed)
    rr = lively_heart(seed=seed)
    for at in np.arange(280, 20, -14):
        kind = rng.choice(["premature", "late", "missed", "extra", "long", "short"])
        rr = spoil(rr, kind, int(at), rng.uniform(0.15, 0.45))
    ours = classify(rr)
    ours[ours == Kind.SHORT] = Kind.LONG
    theirs = of_neurokit(rr)
    # NeuroKit2 puts the mean before the first interval, here the median stands there; its newest two are not judged.
    np.testing.assert_array_equal(ours[2:-2], theirs[2:-2])
    assert np.count_nonzero(theirs) >= 15


def test_classes_of_a_day_of_beats_are_those_of_neurokit(shared_data: Path):
    peaks = np.loadtxt(
        shared_data / "signals" / "neurokit" / "mit_long_term_rpeaks.csv.gz", delimiter=",", skiprows=1, usecols=0
    )
    rr = np.diff(peaks[:12_000]) / 128.0
    ours = classify(rr)
    ours[ours == Kind.SHORT] = Kind.LONG
    assert np.mean(ours == of_neurokit(rr)) > 0.999


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("premature", Kind.ECTOPIC),
        ("late", Kind.ECTOPIC),
        ("missed", Kind.MISSED),
        ("extra", Kind.EXTRA),
        ("long", Kind.LONG),
        ("short", Kind.SHORT),
    ],
)
@pytest.mark.parametrize("at", [3, 150, 290])
def test_every_class_is_named_and_put_right(kind: str, wanted: Kind, at: int):
    truth = lively_heart()
    found = correct(spoil(truth, kind, at))
    assert set(found.kind[found.kind > 0]) == {wanted}
    assert len(found.intervals) == len(truth)
    np.testing.assert_allclose(found.intervals, truth, atol=0.12)
    untouched = found.kind == Kind.NORMAL
    np.testing.assert_allclose(found.intervals[untouched], truth[untouched], atol=1e-12)


@pytest.mark.parametrize("kind", ["premature", "late", "missed", "extra"])
def test_the_truth_is_restored_at_least_as_well_as_by_neurokit(kind: str):
    ours, theirs = [], []
    for seed in range(12):
        truth = lively_heart(150, seed)
        spoiled = spoil(truth, kind, 20 + 9 * seed, 0.2 + 0.02 * seed)
        ours.append(error_ms(correct(spoiled).intervals, truth))
        theirs.append(error_ms(restored_by_neurokit(spoiled), truth))
    assert np.mean(ours) <= min(np.mean(theirs), 2.0)


@pytest.mark.parametrize("kind", ["premature", "late", "missed", "extra"])
def test_beats_keep_their_times(kind: str):
    truth = lively_heart()
    found = correct(spoil(truth, kind, 150))
    np.testing.assert_allclose(found.times, np.cumsum(truth), atol=0.06)
    np.testing.assert_allclose(np.diff(found.times), found.intervals[1:], atol=1e-9)


def test_a_leap_across_a_gap_is_no_leap():
    rr = np.concatenate((lively_heart(60), lively_heart(60, 1) * 0.7))
    joined = np.ones(len(rr), dtype=bool)
    joined[[0, 60]] = False
    found = correct(rr, joined=joined)
    assert np.count_nonzero(found.kind) <= 1
    assert not found.joined[60]
    assert found.joined[[59, 61]].all()


def test_a_series_without_spread_has_artefacts_all_the_same():
    rr = np.full(80, 0.8)
    rr[40:42] = 0.55, 1.05
    found = correct(rr)
    np.testing.assert_allclose(found.intervals, 0.8)


def test_the_newest_beat_is_not_taken_on_trust():
    rr = lively_heart(80)
    rr[-1] *= 0.65
    assert correct(rr).kind[-1] == Kind.SHORT


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_beats_are_let_be(count: int):
    rr = np.array([0.3, 1.9])[:count]
    assert correct(rr).intervals.tolist() == rr.tolist()


@settings(deadline=None)
@given(st.floats(0.6, 1.6), st.integers(0, 30))
def test_a_slower_heart_has_the_same_artefacts(scale: float, seed: int):
    rr = spoil(spoil(lively_heart(120, seed), "premature", 40), "missed", 80)
    np.testing.assert_array_equal(classify(rr), classify(scale * rr))
    np.testing.assert_allclose(scale * correct(rr).intervals, correct(scale * rr).intervals, rtol=1e-6)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(1e-3, 10.0), max_size=150), st.integers(0, 2**31))
def test_whatever_comes_time_is_kept_and_the_series_is_whole(intervals: list[float], seed: int):
    rr = np.array(intervals)
    joined = np.random.default_rng(seed).random(len(rr)) < 0.9
    joined[:1] = False
    found = correct(rr, joined=joined)
    assert len({len(values) for values in found}) == 1
    assert len(found.intervals) <= 64 * len(rr)
    assert (found.intervals > 0.0).all()
    assert np.isfinite(found.intervals).all()
    if len(rr):
        assert found.times[-1] <= rr.sum() + 1e-6
        assert set(found.kind.tolist()) <= {kind.value for kind in Kind}
        assert (np.diff(found.source) >= 0).all()
        assert found.source[-1] == len(rr) - 1

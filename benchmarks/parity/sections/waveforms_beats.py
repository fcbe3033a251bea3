"""Beats of ECG and PPG: against NeuroKit2 where it is clean, against annotations and other sensors beside NeuroKit2."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.parity.table import Row, Section
from benchmarks.parity.waveforms import (
    ANNOTATED,
    CLEAN_ECG,
    CLEAN_PPG,
    HELD_OUT,
    annotated,
    ecg,
    f1,
    find,
    listenings,
    ppg,
    their_pulses,
    their_r_peaks,
)
from models.physiology.ecg import EcgBeats
from models.physiology.pulse import PulseBeats
from models.physiology.waveforms.found import Found

__all__ = ["section"]

Array = NDArray[np.float64]
_NEUROKIT: Final = "NeuroKit2"
_NEAR_S: Final = 0.05
_LOOSE_S: Final = 0.1
"""The delay from the heart to the finger varies with breathing."""
_AAMI_S: Final = 0.15
_EDGE_S: Final = 1.0
_LEAST_F1: Final = 0.99
_COVERED: Final = 0.8
_RUN: Final = 10
_RESTING: Final = "NeuroKit2, resting 5 min"


def _milliseconds(seconds: float) -> str:
    return f"{1e3 * seconds:.0f}"


def section(data: Path) -> Section:
    """Compare on every recording."""
    return Section(
        title="Beats of ECG and PPG",
        note=(
            "F1 of the beats, streamed in packets of a second. Clean recordings: NeuroKit2's own beats (default "
            "methods) are the truth, within 50 ms, but for the first and last second, where NeuroKit2 leaves "
            "out beats that are there. In the ECG of the resting recording the five beats on which the two "
            "differ lie in bursts of noise; the pulse beside it (NeuroKit2's peaks, shifted by their median "
            "delay) says who is right. Record 118 of the MIT-BIH Noise Stress Test: the annotations are the "
            "truth for both, within 50 ms and within the 150 ms of ANSI/AAMI EC57; no weight was set on it: "
            "they were set on simulated noise, added to the clean recordings (but for BioSPPy's, 3 kHz and "
            "good_4000 ECG) and to hearts made of Holter rhythms. PPG against our R peaks of the ECG beside it, "
            "shifted likewise; our intervals are measured at the upstrokes. "
            f"HKU956, {HELD_OUT} people on whom nothing was set: how far runs of ten intervals of "
            "the E4's own lie from the nearest run of ours, in songs of which the E4 covers 80 % and more; it "
            "counts in steps of 16 ms."
        ),
        rows=[*_clean_ecg(data), *_annotated(data), *_clean_ppg(data), *_pulse_of_the_heart(data), *_wristband(data)],
    )


def _clean_ecg(data: Path) -> Iterator[Row]:
    for name in CLEAN_ECG:
        recording = ecg(data, name)
        found, _ = find(EcgBeats(recording.rate_hz), recording)
        theirs = their_r_peaks(recording)
        yield _agreement("ECG, F1 with NeuroKit2", name, found.times, theirs, recording.seconds)
        if name == _RESTING:
            yield _noisy_rest(data, found.times, theirs)


def _noisy_rest(data: Path, ours: Array, theirs: Array) -> Row:
    """R peaks against the pulse beside them."""
    pulses = their_pulses(ppg(data, _RESTING))
    scores = [_against_heart(pulses, peaks)[0] for peaks in (ours, theirs)]
    return Row(
        what=f"ECG, F1 with the pulse, {_milliseconds(_LOOSE_S)} ms",
        on=_RESTING,
        ours=scores[0],
        peer=scores[1],
        peer_name=_NEUROKIT,
        promise="at least the peer's",
        held=scores[0] >= scores[1],
    )


def _clean_ppg(data: Path) -> Iterator[Row]:
    for name in CLEAN_PPG:
        recording = ppg(data, name)
        found, _ = find(PulseBeats(recording.rate_hz), recording)
        yield _agreement("PPG, F1 with NeuroKit2", name, found.times, their_pulses(recording), recording.seconds)


def _agreement(what: str, on: str, ours: Array, theirs: Array, seconds: float) -> Row:
    score = f1(ours, theirs, _NEAR_S, within=(_EDGE_S, seconds - _EDGE_S))
    if what.startswith("ECG") and on == _RESTING:
        return Row(what=what, on=on, ours=score, peer=1.0, peer_name=_NEUROKIT)
    return Row(
        what=what, on=on, ours=score, peer=1.0, peer_name=_NEUROKIT, promise="at least 0.99", held=score >= _LEAST_F1
    )


def _annotated(data: Path) -> Iterator[Row]:
    for level in ANNOTATED:
        recording, truth = annotated(data, level)
        found, _ = find(EcgBeats(recording.rate_hz), recording)
        theirs = their_r_peaks(recording)
        for tolerance in (_NEAR_S, _AAMI_S):
            ours, peer = f1(found.times, truth, tolerance), f1(theirs, truth, tolerance)
            yield Row(
                what=f"ECG, F1 with annotations, {_milliseconds(tolerance)} ms",
                on=f"118, {level} dB",
                ours=ours,
                peer=peer,
                peer_name=_NEUROKIT,
                promise="at least the peer's",
                held=ours >= peer,
            )


def _pulse_of_the_heart(data: Path) -> Iterator[Row]:
    recording = ppg(data, _RESTING)
    truth, _ = find(EcgBeats(recording.rate_hz), ecg(data, _RESTING))
    found, _ = find(PulseBeats(recording.rate_hz), recording)
    ours, ours_ms = _against_heart(found.times, truth.times)
    peer, peer_ms = _against_heart(their_pulses(recording), truth.times)
    on = _RESTING
    yield Row(
        what=f"PPG, F1 with R peaks, {_milliseconds(_LOOSE_S)} ms",
        on=on,
        ours=ours,
        peer=peer,
        peer_name=_NEUROKIT,
        promise="at least 0.99 of the peer's",
        held=ours >= _LEAST_F1 * peer,
    )
    yield Row(
        what="PPG, RMS error of intervals between peaks, ms",
        on=on,
        ours=ours_ms,
        peer=peer_ms,
        peer_name=_NEUROKIT,
        promise="at most the peer's",
        held=ours_ms <= peer_ms,
    )
    yield Row(
        what="PPG, RMS error of intervals as measured, at the upstrokes, ms",
        on=on,
        ours=(measured_ms := _error_of_intervals(found, truth.times)),
        peer=peer_ms,
        peer_name=_NEUROKIT,
        promise="at most the peer's",
        held=measured_ms <= peer_ms,
    )


def _error_of_intervals(found: Found, peaks: Array) -> float:
    """Root mean square difference to the R-R intervals of the same beats, ms."""
    pulses = np.minimum(np.searchsorted(found.times, peaks + 0.15), len(found.times) - 1)
    after = found.times[pulses] - peaks
    near = np.abs(after - np.median(after)) <= _LOOSE_S
    same = near[1:] & near[:-1] & (np.diff(pulses) == 1)
    return 1e3 * float(np.sqrt(np.nanmean(np.square(found.intervals[pulses[1:]] - np.diff(peaks))[same])))


def _against_heart(pulses: Array, peaks: Array) -> tuple[float, float]:
    """F1 with the R peaks, and the root mean square difference of the intervals, ms."""
    after = pulses[np.minimum(np.searchsorted(pulses, peaks + 0.15), len(pulses) - 1)] - peaks
    delay = float(np.median(after))
    near = np.abs(after - delay) <= _LOOSE_S
    both = near[1:] & near[:-1]
    error = 1e3 * float(np.sqrt(np.mean(np.square(np.diff(after)[both]))))
    return f1(pulses - delay, peaks, _LOOSE_S, within=(_EDGE_S, float(peaks[-1]) - _EDGE_S)), error


def _wristband(data: Path) -> Iterator[Row]:
    ours: list[float] = []
    theirs: list[float] = []
    for listening in listenings(data):
        if listening.coverage >= _COVERED:
            found, _ = find(PulseBeats(listening.pulse.rate_hz), listening.pulse)
            ours += _runs(found.intervals, listening.intervals)
            theirs += _runs(np.diff(their_pulses(listening.pulse)), listening.intervals)
    for what, value, peer, better in (
        ("median distance, ms", 1e3 * float(np.median(ours)), 1e3 * float(np.median(theirs)), -1),
        ("share within 20 ms", float(np.mean(np.array(ours) < 0.02)), float(np.mean(np.array(theirs) < 0.02)), 1),
    ):
        yield Row(
            what=f"PPG, runs of the E4's intervals: {what}",
            on=f"HKU956, {len(ours)} runs",
            ours=value,
            peer=peer,
            peer_name=_NEUROKIT,
            promise="at most the peer's" if better < 0 else "at least the peer's",
            held=better * value >= better * peer,
        )


def _runs(intervals: Array, truth: Array) -> list[float]:
    """Of each run of ten true intervals, the mean absolute distance to the nearest run of those found, seconds."""
    if len(intervals) < _RUN:
        return [np.inf] * (len(truth) // _RUN)
    every = np.lib.stride_tricks.sliding_window_view(intervals, _RUN)
    away = [np.abs(every - truth[i : i + _RUN]).mean(axis=1) for i in range(0, len(truth) - _RUN + 1, _RUN)]
    return [float(np.nanmin(one)) if not np.isnan(one).all() else np.inf for one in away]

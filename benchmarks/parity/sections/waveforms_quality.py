"""The quality of ECG and PPG: whether it tells good windows from bad ones, beside NeuroKit2's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import neurokit2
import numpy as np
from numpy.typing import NDArray

from benchmarks.parity.recordings import quietly
from benchmarks.parity.table import Row, Section
from benchmarks.parity.waveforms import (
    HELD_OUT,
    Recording,
    annotated,
    area_under_curve,
    find,
    listenings,
    ppg,
    their_pulses,
    their_r_peaks,
)
from models.physiology.ecg import EcgBeats
from models.physiology.pulse import PulseBeats
from models.physiology.waveforms.quality import JUDGED_S

__all__ = ["section"]

Array = NDArray[np.float64]
_NEUROKIT: Final = "NeuroKit2"
_DELAY_S: Final = 3.5
"""Our quality after a packet speaks of ten seconds that ended this much earlier: beats are settled late."""
_NOISE_FROM_S: Final = 45
"""The excerpts of record 118 begin with their clean part."""
_GOOD, _BAD = 0.8, 0.2
"""Share of a song that the E4's own beats cover."""
_MOTION_MS2: Final = 1.5
_LEAST: Final = 0.9
_RESTING: Final = "NeuroKit2, resting 5 min"
_MOVING: Final = ("S1", "S4", "S6", "S10")


def section(data: Path) -> Section:
    """Compare on noise, on motion and on wristbands."""
    return Section(
        title="Quality of ECG and PPG",
        note=(
            "Area under the ROC curve: the chance that a clean stretch of ten seconds gets the higher quality. "
            "ECG: record 118 with 24 dB against the noisy part of 6 and 0 dB. PPG: NeuroKit2's resting "
            "recording against itself with the real PPG of people who move added (wrists of exam takers, motion "
            "above 1.5 m/s², every ten seconds of it scaled to the pulse's size, and to twice that); and whole "
            f"songs of {HELD_OUT} people of HKU956 whose E4 found beats for 80 % of the time against those below 20 %. "
            "NeuroKit2: `ecg_quality` (averageQRS, which is scaled within each recording) and `ppg_quality` "
            "(template matching), with their default settings."
        ),
        rows=[*_noise(data), *_motion(data), _songs(data)],
    )


def _row(what: str, on: str, ours: float, peer: float) -> Row:
    return Row(what=what, on=on, ours=ours, peer=peer, peer_name=_NEUROKIT, promise="above 0.9", held=ours >= _LEAST)


def _windows(quality: Array, since_s: int) -> Array:
    """Qualities of stretches of ten seconds, side by side, none of it before `since_s`."""
    first = since_s + int(JUDGED_S + _DELAY_S)
    chosen: Array = quality[first :: int(JUDGED_S) // 2]
    return chosen[~np.isnan(chosen)]


def _noise(data: Path) -> Iterator[Row]:
    ours, theirs = {}, {}
    for level in (24, 6, 0):
        recording, _ = annotated(data, level)
        since = 0 if level == 24 else _NOISE_FROM_S
        ours[level] = _windows(find(EcgBeats(recording.rate_hz), recording)[1], since)
        theirs[level] = _their_windows(_their_ecg_quality(recording), recording.rate_hz, since)
    for level in (6, 0):
        yield _row(
            "ECG quality, AUC",
            f"118, 24 dB against {level} dB",
            area_under_curve(ours[24], ours[level]),
            area_under_curve(theirs[24], theirs[level]),
        )


def _their_windows(quality: Array, rate_hz: float, since_s: int) -> Array:
    width = int(JUDGED_S * rate_hz)
    starts = range(int(since_s * rate_hz), len(quality) - width + 1, width // 2)
    return np.array([np.nanmean(quality[start : start + width]) for start in starts])


def _their_ecg_quality(recording: Recording) -> Array:
    rate = int(recording.rate_hz)
    with quietly():
        clean = neurokit2.ecg_clean(recording.values, sampling_rate=rate)
        peaks = np.round(their_r_peaks(recording) * rate).astype(int)
        return np.asarray(neurokit2.ecg_quality(clean, rpeaks=peaks, sampling_rate=rate), dtype=np.float64)


def _their_ppg_quality(recording: Recording) -> Array:
    rate = int(recording.rate_hz)
    with quietly():
        clean = neurokit2.ppg_clean(recording.values, sampling_rate=rate)
        peaks = np.round(their_pulses(recording) * rate).astype(int)
        quality = neurokit2.ppg_quality(clean, peaks=peaks, sampling_rate=rate)
        return np.asarray(quality, dtype=np.float64)


def _motion(data: Path) -> Iterator[Row]:
    resting = ppg(data, _RESTING)
    clean = _windows(find(PulseBeats(resting.rate_hz), resting)[1], 0)
    theirs = _their_windows(_their_ppg_quality(resting), resting.rate_hz, 0)
    motion = _moving_wrists(data, len(resting.values), resting.rate_hz)
    motion *= float(np.std(resting.values))
    for share, name in ((1.0, "as large as the pulse"), (2.0, "twice as large")):
        moved = Recording(resting.values + share * motion, resting.rate_hz)
        yield _row(
            "PPG quality, AUC",
            f"resting against resting with motion {name}",
            area_under_curve(clean, _windows(find(PulseBeats(moved.rate_hz), moved)[1], 0)),
            area_under_curve(theirs, _their_windows(_their_ppg_quality(moved), moved.rate_hz, 0)),
        )


def _moving_wrists(data: Path, length: int, rate_hz: float) -> Array:
    """The PPG of exam takers while their wrists move, end to end, every ten seconds of unit size."""
    parts: list[Array] = []
    for person in _MOVING:
        folder = data / "exam-stress-e4" / person / "Midterm1"
        pulse = np.loadtxt(folder / "BVP.csv.gz", skiprows=2, max_rows=64 * 3600)
        motion = np.loadtxt(folder / "ACC.csv.gz", delimiter=",", skiprows=2, max_rows=32 * 3600)
        size = np.linalg.norm(motion, axis=1) / 64.0 * 9.81
        moving = [start for start in range(0, 3590, 10) if size[32 * start : 32 * (start + 10)].std() > _MOTION_MS2]
        stretches = [pulse[64 * start : 64 * (start + 10)] for start in moving]
        parts += [stretch / stretch.std() for stretch in stretches if stretch.std() > 0.0]
    whole = np.concatenate(parts)
    every = np.arange(length) / rate_hz
    if every[-1] >= len(whole) / 64.0:
        whole = np.tile(whole, int(every[-1] * 64.0 / len(whole)) + 1)
    return np.interp(every, np.arange(len(whole)) / 64.0, whole)


def _songs(data: Path) -> Row:
    ours: dict[bool, list[float]] = {True: [], False: []}
    theirs: dict[bool, list[float]] = {True: [], False: []}
    for listening in listenings(data):
        if _BAD <= listening.coverage < _GOOD:
            continue
        detector = PulseBeats(listening.pulse.rate_hz, judged_s=np.inf)
        found, _ = find(detector, listening.pulse)
        ours[listening.coverage >= _GOOD].append(np.nan_to_num(found.quality))
        theirs[listening.coverage >= _GOOD].append(float(np.nanmean(_their_ppg_quality(listening.pulse))))
    return _row(
        "PPG quality, AUC",
        f"HKU956, {len(ours[True])} good songs against {len(ours[False])} bad",
        area_under_curve(np.array(ours[True]), np.array(ours[False])),
        area_under_curve(np.array(theirs[True]), np.array(theirs[False])),
    )

"""Recordings of ECG and PPG, and the measures that the sections on beat detection share."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import neurokit2
import numpy as np
from numpy.typing import NDArray

from benchmarks.parity.recordings import quietly
from models.physiology.ecg import EcgBeats
from models.physiology.pulse import PulseBeats
from models.physiology.waveforms.found import Found

__all__ = [
    "ANNOTATED",
    "CLEAN_ECG",
    "CLEAN_PPG",
    "HELD_OUT",
    "Listening",
    "Recording",
    "annotated",
    "area_under_curve",
    "ecg",
    "f1",
    "find",
    "listenings",
    "ppg",
    "their_pulses",
    "their_r_peaks",
]

Array = NDArray[np.float64]
ANNOTATED: Final = (24, 6, 0)
"""Signal-to-noise ratios of record 118 of the MIT-BIH Noise Stress Test, dB."""
HELD_OUT: Final = 12
"""People of HKU956 that are reported on: all but the first twelve, on whom were chosen the point from which a pulse's
intervals are measured, the scales of its quality, and the quality from which it is clear."""


class Recording(NamedTuple):
    """Samples and how many came a second."""

    values: Array
    rate_hz: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.values) / self.rate_hz


class _File(NamedTuple):
    path: str
    column: int
    skip: int
    rate_hz: float


CLEAN_ECG: Final = {
    "NeuroKit2, event-related": _File("neurokit/bio_eventrelated_100hz.csv.gz", 0, 1, 100.0),
    "NeuroKit2, resting 5 min": _File("neurokit/bio_resting_5min_100hz.csv.gz", 0, 1, 100.0),
    "NeuroKit2, resting 8 min": _File("neurokit/bio_resting_8min_100hz.csv.gz", 0, 1, 100.0),
    "NeuroKit2, 1 kHz": _File("neurokit/ecg_1000hz.csv.gz", 0, 1, 1000.0),
    "NeuroKit2, 3 kHz": _File("neurokit/ecg_3000hz.csv.gz", 0, 1, 3000.0),
    "good_4000": _File("neurokit/good_4000.csv.gz", 1, 0, 4000.0),
    "e0103": _File("heartpy/e0103.csv.gz", 0, 0, 250.0),
    "BioSPPy": _File("biosppy/ecg.txt.gz", 0, 4, 1000.0),
}
CLEAN_PPG: Final = {
    "NeuroKit2, resting 5 min": _File("neurokit/bio_resting_5min_100hz.csv.gz", 1, 1, 100.0),
    "HeartPy, example 1": _File("heartpy/data.csv.gz", 0, 0, 100.0),
    "HeartPy, example 3 (saturated)": _File("heartpy/data3.csv.gz", 1, 1, 100.0),
    "BioSPPy": _File("biosppy/ppg.txt.gz", 0, 4, 1000.0),
}


def ecg(data: Path, name: str) -> Recording:
    """One of `CLEAN_ECG`."""
    return _read(data, CLEAN_ECG[name])


def ppg(data: Path, name: str) -> Recording:
    """One of `CLEAN_PPG`."""
    return _read(data, CLEAN_PPG[name])


def annotated(data: Path, level_db: int) -> tuple[Recording, Array]:
    """The excerpt of record 118 with noise of this level, and the times of its annotated beats, seconds."""
    beats = _read(data, _File(f"heartpy/118e{level_db:02}_ann.csv.gz", 0, 0, 360.0)).values / 360.0
    return _read(data, _File(f"heartpy/118e{level_db:02}.csv.gz", 0, 0, 360.0)), beats


def _read(data: Path, file: _File) -> Recording:
    with gzip.open(data / "signals" / file.path, "rt", encoding="utf-8") as lines:
        rows = list(lines)[file.skip :]
    return Recording(np.array([float(row.split(",")[file.column]) for row in rows]), file.rate_hz)


def find(detector: EcgBeats | PulseBeats, recording: Recording) -> tuple[Found, Array]:
    """Stream a recording in packets of a second; all beats, and the quality after each packet."""
    times = np.arange(len(recording.values)) / recording.rate_hz
    packets = np.array_split(np.arange(len(times)), max(1, int(times[-1])))
    every = [detector.add(times[packet], recording.values[packet]) for packet in packets]
    quality = np.array([found.quality for found in every])
    every.append(detector.finish())
    beats, intervals, heights = (np.concatenate([found[i] for found in every]) for i in range(3))
    return Found(beats, intervals, heights, every[-1].quality), quality


def their_r_peaks(recording: Recording) -> Array:
    """NeuroKit2's R peaks with its default method, seconds."""
    rate = int(recording.rate_hz)
    with quietly():
        _, found = neurokit2.ecg_peaks(neurokit2.ecg_clean(recording.values, sampling_rate=rate), sampling_rate=rate)
    return np.asarray(found["ECG_R_Peaks"], dtype=np.float64) / rate


def their_pulses(recording: Recording) -> Array:
    """NeuroKit2's systolic peaks with its default method, seconds."""
    rate = int(recording.rate_hz)
    with quietly():
        _, found = neurokit2.ppg_peaks(neurokit2.ppg_clean(recording.values, sampling_rate=rate), sampling_rate=rate)
    return np.asarray(found["PPG_Peaks"], dtype=np.float64) / rate


def f1(found: Array, truth: Array, tolerance_s: float, *, within: tuple[float, float] = (-np.inf, np.inf)) -> float:
    """Harmonic mean of sensitivity and precision; every beat is matched at most once."""
    ours, theirs = (np.sort(beats[(beats > within[0]) & (beats < within[1])]) for beats in (found, truth))
    i = j = hits = 0
    while i < len(ours) and j < len(theirs):
        away = ours[i] - theirs[j]
        hits += abs(away) <= tolerance_s
        i, j = i + (away <= tolerance_s), j + (away >= -tolerance_s)
    return 2.0 * hits / max(1, len(ours) + len(theirs))


def area_under_curve(good: Array, bad: Array) -> float:
    """Chance that a good window has the higher quality; a half where they are equal."""
    return float((np.subtract.outer(good, bad) > 0).mean() + 0.5 * (np.subtract.outer(good, bad) == 0).mean())


class Listening(NamedTuple):
    """A song's recording from an Empatica E4: its pulse, its own beat intervals (s), and the time they account for."""

    pulse: Recording
    intervals: Array
    coverage: float


def listenings(data: Path) -> Iterator[Listening]:
    """Those of the held-out people of HKU956 that last 20 s and more."""
    folder = data / "hku956"
    with (folder / "recording_quality.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    people = sorted({row["participant_id"] for row in rows})[-HELD_OUT:]
    for person in people:
        with np.load(folder / "signals" / f"{person}.npz") as signals:
            for row in (row for row in rows if row["participant_id"] == person):
                name = f"{int(row['song_no']):02}_{row['song_id']}/"
                pulse = signals[name + "BVP"].astype(np.float64)
                intervals = signals[name + "IBI"] if name + "IBI" in signals else np.empty(0)
                if len(pulse) >= 20 * 64:
                    yield Listening(Recording(pulse, 64.0), intervals.astype(np.float64), float(row["ibi_coverage"]))

"""The recordings that the sections compare on, and NeuroKit2 without its warnings."""

from __future__ import annotations

import gzip
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import neurokit2
import numpy as np
from numpy.typing import NDArray

from models.physiology.beats import Beats

__all__ = ["BREATHING", "Breathing", "breathing", "holters", "milliseconds", "published", "quietly", "untouched"]

Array = NDArray[np.float64]
BREATHING: Final = ("bio_resting_5min_100hz", "bio_resting_8min_100hz", "bio_eventrelated_100hz")
"""NeuroKit2's recordings with an electrocardiogram and a breathing belt."""
_RATE_HZ: Final = 100
_FINE_HZ: Final = 1000
_HOLTER_HZ: Final = 128


class Breathing(NamedTuple):
    """A recording.

    Attributes:
        beats: float64 [n], R peaks as NeuroKit2 finds them, seconds, to a millisecond.
        belt: float64 [m], the chest's width, 100 Hz.
    """

    beats: Array
    belt: Array


@contextmanager
def quietly() -> Iterator[None]:
    """NeuroKit2 warns of what this table compares with open eyes: short recordings, zero thresholds."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def breathing(data: Path, name: str) -> Breathing:
    """One of `BREATHING`."""
    path = data / "signals" / "neurokit" / f"{name}.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        columns = lines.readline().strip().split(",")
        table = np.loadtxt(lines, delimiter=",", usecols=(columns.index("ECG"), columns.index("RSP")))
    with quietly():
        fine = neurokit2.signal_resample(table[:, 0], sampling_rate=_RATE_HZ, desired_sampling_rate=_FINE_HZ)
        _, found = neurokit2.ecg_peaks(neurokit2.ecg_clean(fine, sampling_rate=_FINE_HZ), sampling_rate=_FINE_HZ)
    return Breathing(np.asarray(found["ECG_R_Peaks"], dtype=np.float64) / _FINE_HZ, table[:, 1])


def published(data: Path) -> Array:
    """The thousand normal intervals of hrv-analysis, seconds, float64 [1000]."""
    return np.loadtxt(data / "signals" / "hrv-analysis" / "test_nn_intervals.txt") / 1000.0


def holters(data: Path) -> list[Array]:
    """Intervals of the seven people of MIT-BIH Long-Term, two hours each, seconds; 54,448 together."""
    path = data / "signals" / "neurokit" / "mit_long_term_rpeaks.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [line.split(",", 2) for line in lines][1:]
    people = sorted({person for _, person, _ in rows})
    return [np.diff([float(peak) for peak, owner, _ in rows if owner == person]) / _HOLTER_HZ for person in people]


def untouched(intervals: Array) -> Beats:
    """A series as it stands, without a gap, for comparing formulas alone."""
    joined = np.ones(len(intervals), dtype=np.bool_)
    joined[:1] = False
    return Beats(np.cumsum(intervals), intervals, joined, np.ones(len(intervals), dtype=np.bool_))


def milliseconds(*calls: Callable[[], object], repeats: int) -> list[float]:
    """The least CPU time of each call, in turns, after one that warms up: whatever else runs here only adds to it."""
    for call in calls:
        call()
    least = [float("inf")] * len(calls)
    for _ in range(repeats):
        for i, call in enumerate(calls):
            start = time.process_time()
            call()
            least[i] = min(least[i], time.process_time() - start)
    return [1e3 * seconds for seconds in least]

"""A series of beats without its artefacts, gaps and all.

Rules:

- Gaps are not stitched shut. A successive difference is taken only between two intervals that were measured and of
  which the second directly follows the first; a value that its neighbours led to is no measurement of change.
- An interval outside 0.3–2.0 s (30–200 beats a minute) that no correction explains is no beat of a listener at rest or
  at play: it is a gap.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.physiology.beats.artefacts import MOST_PASSES, Kind, correct
from models.physiology.windows import Floats, slope_per_minute

__all__ = [
    "LONGEST_S",
    "SHORTEST_S",
    "Beats",
    "beats_of",
    "clean_rate",
    "covered_s",
    "heart_rate_bpm",
    "heart_rate_slope",
    "newest",
    "normal_share",
    "runs",
    "successive",
]

SHORTEST_S: Final = 0.3
LONGEST_S: Final = 2.0
_LATE_SHARE: Final = 1.5
_LATE_S: Final = 0.25
"""A beat that comes later than 1.5 intervals and 0.25 s after the one before has lost a neighbour. Anything stricter
would take the packets of a chest strap, which stamp two beats at once every second, for gaps."""
_RATE_RANGE_BPM: Final = (25.0, 240.0)
_JUDGED_S: Final = 10.0
"""Longest interval that is judged at all: beyond it, it is a gap that someone stamped as one."""
_MEASURED: Final = np.isin(list(Kind), (Kind.NORMAL, Kind.EXTRA, Kind.MISSED))
"""By kind. Halves of a whole err less in RMSSD than leaving them out: the table of parity has the figures."""
_NAN: Final = float("nan")


class Beats(NamedTuple):
    """Normal intervals.

    Attributes:
        times: float64 [n], when each interval ended, seconds.
        intervals: float64 [n], seconds.
        joined: bool [n], whether the interval directly follows the one before it in the arrays.
        measured: bool [n], whether its time was measured: as it stands, in two pieces, or as half of two; else its
            neighbours led to its value.
    """

    times: NDArray[np.float64]
    intervals: NDArray[np.float64]
    joined: NDArray[np.bool_]
    measured: NDArray[np.bool_]


def beats_of(times: Floats, intervals: Floats, *, corrected: bool = True) -> Beats:
    """Put artefacts right (`artefacts.correct`), and find the gaps.

    Args:
        times: [n], when each beat came, seconds, ascending.
        intervals: [n], seconds since the beat before; whatever is no positive number up to 10 s is a gap.
        corrected: False for a series that someone else has put right.
    """
    t = np.asarray(times, dtype=np.float64)
    rr = np.asarray(intervals, dtype=np.float64)
    judged, ended, follows = _judged(t, rr)
    found = correct(judged, times=ended, joined=follows, passes=MOST_PASSES if corrected else 0)
    plausible = (found.intervals >= SHORTEST_S) & (found.intervals <= LONGEST_S)
    if plausible.all():
        return Beats(found.times, found.intervals, found.joined, _MEASURED[found.kind])
    kept = np.flatnonzero(plausible)
    joined = found.joined[kept]
    joined[:1] = False
    joined[1:] &= np.diff(kept) == 1
    return Beats(found.times[kept], found.intervals[kept], joined, _MEASURED[found.kind[kept]])


def _judged(t: NDArray[np.float64], rr: NDArray[np.float64]) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Intervals that are time between beats, when they ended, and whether they follow directly."""
    kept = np.flatnonzero((rr > 0.0) & (rr <= _JUDGED_S))
    t, rr = t[kept], rr[kept]
    joined = np.zeros(len(kept), dtype=np.bool_)
    if len(kept) > 1:
        late = np.diff(t) > _LATE_SHARE * rr[1:] + _LATE_S
        joined[1:] = (np.diff(kept) == 1) & ~late
    return rr, t, joined


def normal_share(times: Floats, intervals: Floats) -> float:
    """Share of the intervals that are normal beats as they stand, in [0, 1]; 0 where there are none."""
    judged, ended, follows = _judged(np.asarray(times, dtype=np.float64), np.asarray(intervals, dtype=np.float64))
    found = correct(judged, times=ended, joined=follows)
    normal = (found.kind == Kind.NORMAL) & (found.intervals >= SHORTEST_S) & (found.intervals <= LONGEST_S)
    return int(np.count_nonzero(normal)) / len(times) if len(times) else 0.0


def newest(beats: Beats, *, since: float) -> Beats:
    """The beats after a moment."""
    first = int(np.searchsorted(beats.times, since, side="right"))
    return Beats(beats.times[first:], beats.intervals[first:], beats.joined[first:], beats.measured[first:])


def runs(beats: Beats) -> list[slice]:
    """The stretches without a gap, in order."""
    n = len(beats.times)
    if not n:
        return []
    starts = np.unique(np.append(0, np.flatnonzero(~beats.joined)))
    ends = np.append(starts[1:], n)
    return [slice(int(start), int(end)) for start, end in zip(starts, ends, strict=True)]


def successive(beats: Beats) -> NDArray[np.bool_]:
    """Which neighbours are two measured intervals in a row, bool [n − 1]."""
    pairs: NDArray[np.bool_] = beats.joined[1:] & beats.measured[1:] & beats.measured[:-1]
    return pairs


def covered_s(beats: Beats) -> float:
    """Seconds that the intervals cover, gaps left out."""
    return float(np.add.reduce(beats.intervals))


def clean_rate(times: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Drop the fill values (0, 255) and impossible rates of an hr stream, beats a minute."""
    low, high = _RATE_RANGE_BPM
    good = (values >= low) & (values <= high)
    return times[good], values[good]


def heart_rate_bpm(beats: Beats) -> float:
    """Mean heart rate over normal intervals, beats a minute; NaN below 10 s of them."""
    total = covered_s(beats)
    return 60.0 * len(beats.intervals) / total if total >= 10.0 else _NAN


def heart_rate_slope(beats: Beats) -> float:
    """Least-squares slope of the beat-to-beat rate, beats a minute per minute; NaN below 15 beats over 30 s."""
    return slope_per_minute(beats.times, 60.0 / beats.intervals, least=15, span_s=30.0)

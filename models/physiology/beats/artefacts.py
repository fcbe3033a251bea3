"""Artefacts in a series of beats: what they are, and the series without them.

After Lipponen & Tarvainen 2019 (J Med Eng Technol 43:173), the method of Kubios: an interval is judged by how far it
leaps from the one before (dRR) and strays from the local median (mRR), each against a threshold that the series'
own spread sets, so that neither a quiet nor a lively heart needs a setting. The pattern of the leaps names the class.

Rules:

- What is judged is time that passed between beats: every interval is positive and finite.
- No leap is taken across a gap; the first interval after one is judged by the median of its neighbourhood.
- A beat is added or taken away only where time says so: two intervals become one that fits, one becomes two that fit.
  An ectopic beat is moved, its two intervals keep their sum where that is the sum of two normal ones. All that is put
  in stays marked as such.

NeuroKit2 reads the paper otherwise (`signal_fixpeaks(method="kubios")`): the beat *after* an ectopic one is moved, its
early leap is an artefact of its own; a series without spread has none; and the newest two beats are not judged, where
here a leap is `LONG` or `SHORT` until its followers tell. Nor does it keep the thresholds of its first pass.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.physiology.beats.rolling import rolling_quantiles
from models.physiology.windows import Floats

__all__ = ["MOST_PASSES", "Corrected", "Kind", "classify", "correct"]

_ALPHA: Final = 5.2
"""Thresholds in quartile deviations: 3.5 standard deviations of a normal distribution."""
_SPREAD_OVER: Final = 91
"""Beats whose spread sets the threshold."""
_MEDIAN_OVER: Final = 11
"""Beats whose median an interval may not stray from."""
_SLOPE: Final = 0.13
_OFFSET: Final = 0.17
"""c1 and c2: the border of the ectopic beats in the plane of neighbouring leaps."""
_FAR: Final = 3.0
"""mRR from which an interval is long or short whatever its neighbours do."""
_SHORT_WEIGHT: Final = 2.0
"""Deviations below the median count twice: a heart cannot shorten an interval as far as it can lengthen it."""
_LEAST_THRESHOLD_S: Final = 0.01
"""Ten ticks of a strap: a series without spread still has artefacts, but its own rounding is none."""
_GAP_SHARE: Final = 1.7
"""A long interval of this many normal ones hides a beat or more at a place that nobody can tell."""
MOST_PASSES: Final = 10
"""Real series need two or three; noise may go on for ever."""

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Kind(IntEnum):
    """What an interval is, or was before it was corrected."""

    NORMAL = 0
    ECTOPIC = 1
    """The beat before this interval came early or late: with the interval before that, it makes two normal ones."""
    MISSED = 2
    """Two intervals: a beat was not detected."""
    EXTRA = 3
    """Together with the next one a single interval: something else was taken for a beat."""
    LONG = 4
    SHORT = 5


_NORMAL, _ECTOPIC, _MISSED, _EXTRA, _LONG, _SHORT = (int(kind) for kind in Kind)
# As plain numbers: looking a member up takes longer than comparing an array with it.
_REPLACED: Final = np.isin(list(Kind), (_ECTOPIC, _LONG, _SHORT))
"""By kind: whether the interval's value is put in from its neighbours."""
_REBUILT: Final = np.isin(list(Kind), (_EXTRA, _MISSED))
"""By kind: whether intervals are joined or cut."""


class Corrected(NamedTuple):
    """A series without its artefacts.

    Attributes:
        times: float64 [m], when each interval ends, seconds.
        intervals: float64 [m], seconds.
        joined: bool [m], whether the interval directly follows the one before it.
        kind: int8 [m], the `Kind` that the interval was corrected from; `NORMAL` where it was measured as it stands.
        source: int64 [m], the place in the input of the interval that it is, or is part of, or ends with.
    """

    times: Array
    intervals: Array
    joined: Mask
    kind: NDArray[np.int8]
    source: NDArray[np.int64]


class _Judged(NamedTuple):
    """Classes, and the local figures that the correction needs; [n] each."""

    kind: NDArray[np.int8]
    leap: Array
    median: Array
    threshold: Array


def classify(intervals: Floats, joined: Mask | None = None) -> NDArray[np.int8]:
    """Name every interval's class.

    Args:
        intervals: [n], seconds, positive.
        joined: [n], whether each follows directly on the one before; all but the first where absent.

    Returns:
        int8 [n], `Kind`. A premature beat shows as `SHORT` (its early leap) followed by `ECTOPIC`, as in the paper.
    """
    rr = np.asarray(intervals, dtype=np.float64)
    return _judge(rr, _all_joined(len(rr)) if joined is None else joined)[0].kind


def correct(
    intervals: Floats, *, times: Floats | None = None, joined: Mask | None = None, passes: int = MOST_PASSES
) -> Corrected:
    """Put right what is no normal beat, until nothing more is found.

    Args:
        intervals: [n], seconds, positive.
        times: [n], when each ended, seconds; their sums where absent.
        joined: [n], whether each follows directly on the one before; all but the first where absent.
        passes: the most that are made.
    """
    rr = np.array(intervals, dtype=np.float64)
    series = Corrected(
        times=np.cumsum(rr) if times is None else np.array(times, dtype=np.float64),
        intervals=rr,
        joined=_all_joined(len(rr)) if joined is None else np.array(joined, dtype=np.bool_),
        kind=np.zeros(len(rr), dtype=np.int8),
        source=np.arange(len(rr)),
    )
    thresholds = None
    fewest = len(rr) + 1
    for _ in range(passes):
        # What the first pass mends were outliers: they hardly moved the quartiles, which cost the most to find.
        known = None if thresholds is None else thresholds[:, series.source]
        judged, known = _judge(series.intervals, series.joined, known)
        thresholds = known if thresholds is None else thresholds
        count = int(np.count_nonzero(judged.kind))
        if not 0 < count < fewest:
            break
        fewest = count
        joining = _pairs_of_extra(series, judged)
        series = _without_extra(_with_missed(_moved(series, joining), joining))
    return series


def _all_joined(count: int) -> Mask:
    joined = np.ones(count, dtype=np.bool_)
    joined[:1] = False
    return joined


def _judge(rr: Array, joined: Mask, thresholds: Array | None = None) -> tuple[_Judged, Array]:
    """Figure 1 of the paper. Also gives the thresholds of leaps and deviations, [2, n], if they were not given."""
    if len(rr) < 3:
        least = np.full((2, len(rr)), _LEAST_THRESHOLD_S)
        return _Judged(np.zeros(len(rr), dtype=np.int8), rr, rr, least[1]), least
    (median,) = rolling_quantiles(rr, _MEDIAN_OVER, (0.5,))
    both = np.empty((2, len(rr)))
    leap, stray = both
    leap[:] = stray[:] = rr - median
    np.subtract(rr[1:], rr[:-1], out=leap[1:], where=joined[1:])
    np.minimum(stray, _SHORT_WEIGHT * stray, out=stray)
    if thresholds is None:
        thresholds = _thresholds(both)
    both /= thresholds
    kind = np.zeros(len(rr), dtype=np.int8)
    for position, found in _walk(rr, joined, leap, (stray, median, thresholds[1])):
        kind[position] = found
    return _Judged(kind, leap, median, thresholds[1]), thresholds


def _walk(rr: Array, joined: Mask, leap: Array, strays: tuple[Array, Array, Array]) -> list[tuple[int, int]]:
    """Classify where there is a leap; all else is normal."""
    stray, median, threshold = strays
    size = np.abs(leap)
    leaps = np.flatnonzero(size > 1.0)
    if not len(leaps):
        return []
    ectopic, lasting = _patterns(leap)
    ectopic &= joined
    off = lasting | (np.abs(stray) > _FAR)
    # Nothing yet speaks for the newest two where they leap.
    off[-2:] |= size[-2:] > 1.0
    following = np.append(rr[1:], np.inf)
    extra = lasting & (leap < 0.0) & (np.abs(rr + following - median) < threshold)
    missed = lasting & (leap > 0.0) & (np.abs(rr / 2.0 - median) < threshold)
    found: list[tuple[int, int]] = []
    after = 0
    for i in leaps.tolist():
        if i < after:
            continue
        if ectopic[i]:
            found.append((i, _ECTOPIC))
            continue
        # The greater leap of two may follow: then the second is what is wrong, and is judged in the same way.
        second = i + 2 < len(rr) and size[i + 1] < size[i + 2]
        after = i + 2 if second else i + 1
        for j in range(i, after):
            if extra[j]:
                found.append((j, _EXTRA))
            elif missed[j]:
                found.append((j, _MISSED))
            elif off[j]:
                found.append((j, _LONG if stray[j] > 0.0 else _SHORT))
    return found


def _patterns(leap: Array) -> tuple[Mask, Mask]:
    """Leaps between two of the other sign (ectopic), and leaps that the next two take back; mirrored at the ends."""
    before = np.concatenate((leap[1:2], leap[:-1]))
    after = np.concatenate((leap[1:], leap[-2:-1]))
    later = np.concatenate((after[1:], leap[-3:-2]))
    up, down = leap > 1.0, leap < -1.0
    ectopic = up & (np.maximum(before, after) < -_SLOPE * leap - _OFFSET)
    ectopic |= down & (np.minimum(before, after) > -_SLOPE * leap + _OFFSET)
    lasting = up & (np.minimum(after, later) < -1.0)
    lasting |= down & (np.maximum(after, later) > 1.0)
    # What the newest two leaps turn into is not known yet.
    ectopic[-1:] = False
    lasting[-2:] = False
    return ectopic, lasting


def _thresholds(values: Array) -> Array:
    """Of leaps and deviations, [2, n]: their quartile deviation in the neighbourhood."""
    low, high = rolling_quantiles(np.abs(values), _SPREAD_OVER, (0.25, 0.75))
    return np.asarray(np.maximum(_ALPHA * (high - low) / 2.0, _LEAST_THRESHOLD_S))


def _pairs_of_extra(series: Corrected, judged: _Judged) -> _Judged:
    """Decide which two intervals an extra beat lies between; the first of them is marked, the second is let be.

    The paper looks at the interval that follows. Which side fits better is open as long as the extra beat may lie
    early or late in its interval, and a short interval that fits the one before it is no other case.
    """
    rr, joined = series.intervals, series.joined
    with_next = np.full(len(rr), np.inf)
    with_next[:-1] = np.where(joined[1:], np.abs(rr[:-1] + rr[1:] - judged.median[:-1]), np.inf)
    with_last = np.append(np.inf, with_next[:-1])
    kind = judged.kind.copy()
    before_ectopic = np.append(kind[1:] == _ECTOPIC, [False])
    short = (kind == _SHORT) & (with_last < judged.threshold) & ~before_ectopic
    candidates = (kind == _EXTRA) | short
    if not candidates.any():
        return judged
    kind[kind == _EXTRA] = _SHORT
    order = np.flatnonzero(candidates)
    order = order[np.argsort(np.minimum(with_next, with_last)[order], kind="stable")]
    taken = np.zeros(len(rr) + 1, dtype=np.bool_)
    for i in order.tolist():
        first = i if with_next[i] <= with_last[i] else i - 1
        if first >= 0 and not taken[first] and not taken[first + 1]:
            taken[first] = taken[first + 1] = True
            kind[first], kind[first + 1] = _EXTRA, _NORMAL
    return judged._replace(kind=kind)


def _pairs_of_ectopic(judged: _Judged, joined: Mask) -> NDArray[np.int64]:
    """The second intervals of the pairs around ectopic beats.

    A beat's early leap, after a leap the other way, looks like an ectopic beat itself. Of two that claim an interval
    the greater leap has it; what is left over shows in the next pass.
    """
    found = np.flatnonzero((judged.kind == _ECTOPIC) & joined)
    found = found[(found > 0) & ~_REBUILT[judged.kind[found - 1]]]
    if len(found) < 2 or np.diff(found).min() > 1:
        return np.asarray(found)
    taken = np.zeros(len(joined), dtype=np.bool_)
    pairs = []
    for j in found[np.argsort(-np.abs(judged.leap[found]), kind="stable")].tolist():
        if not taken[j - 1] and not taken[j]:
            taken[j - 1] = taken[j] = True
            pairs.append(j)
    return np.sort(np.array(pairs, dtype=np.int64))


def _moved(series: Corrected, judged: _Judged) -> tuple[Corrected, NDArray[np.int8]]:
    """Give ectopic, long and short intervals the values that their neighbours lead to."""
    times, rr, joined, was, source = series
    pairs = _pairs_of_ectopic(judged, joined)
    kind = np.where(judged.kind == _ECTOPIC, np.int8(_NORMAL), judged.kind)
    kind[pairs - 1] = kind[pairs] = _ECTOPIC
    replaced = _REPLACED[kind]
    normal = np.flatnonzero(kind == _NORMAL)
    if not replaced.any() or not len(normal):
        return series, np.where(replaced, _NORMAL, kind).astype(np.int8)
    position = np.arange(len(rr))
    smooth = np.where(replaced, np.interp(position, normal, rr[normal]), rr)
    off = rr[pairs - 1] + rr[pairs] - smooth[pairs - 1] - smooth[pairs]
    kept = np.abs(off) < 2.0 * judged.threshold[pairs]
    pairs, off = pairs[kept], off[kept]
    smooth[pairs - 1] += off / 2.0
    smooth[pairs] += off / 2.0
    moved = times.copy()
    moved[pairs - 1] = times[pairs] - smooth[pairs]
    after = np.where(replaced, kind, was).astype(np.int8)
    # What lasted for two beats and more was a gap; one normal interval does not fill it.
    whole = joined & ~((kind == _LONG) & (rr > _GAP_SHARE * smooth))
    return Corrected(moved, smooth, whole, after, source), np.where(replaced, _NORMAL, kind).astype(np.int8)


def _with_missed(found: tuple[Corrected, NDArray[np.int8]], judged: _Judged) -> tuple[Corrected, NDArray[np.int8]]:
    """Cut intervals in two where a beat was missed, along the trend of their neighbours."""
    (times, rr, joined, was, source), kind = found
    missed = np.flatnonzero(kind == _MISSED)
    if not len(missed):
        return found
    usual = np.where(kind == _NORMAL, rr, judged.median)
    before, after = usual[np.maximum(missed - 1, 0)], usual[np.minimum(missed + 1, len(rr) - 1)]
    threshold = judged.threshold[missed]
    second = rr[missed] / 2.0 + np.clip((after - before) / 6.0, -threshold, threshold)
    cut = rr.copy()
    cut[missed] = second
    marked = was.copy()
    marked[missed] = _MISSED
    # What is inserted before an interval is its first half: it takes over the way the whole hung on its neighbour.
    linked = joined.copy()
    linked[missed] = True
    result = Corrected(
        np.insert(times, missed, times[missed] - second),
        np.insert(cut, missed, rr[missed] - second),
        np.insert(linked, missed, joined[missed]),
        np.insert(marked, missed, np.int8(_MISSED)),
        np.insert(source, missed, source[missed]),
    )
    return result, np.insert(kind, missed, np.int8(_NORMAL))


def _without_extra(found: tuple[Corrected, NDArray[np.int8]]) -> Corrected:
    """Join intervals that something between two beats had cut."""
    (times, rr, joined, was, source), kind = found
    into_next = kind == _EXTRA
    into_next[:-1] &= joined[1:]
    into_next[-1:] = False
    if not into_next.any():
        return found[0]
    first = np.flatnonzero(~np.concatenate(([False], into_next[:-1])))
    last = np.flatnonzero(~into_next)
    marked = was.copy()
    marked[last[last != first]] = _EXTRA
    return Corrected(times[last], np.add.reduceat(rr, first), joined[first], marked[last], source[last])

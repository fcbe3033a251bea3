"""How far the beats of late are to be trusted, in [0, 1].

Six parts multiply, so that one fatal flaw is enough:

    likeness    the beats look like the mean of those before (Orphanidou et al. 2015, IEEE JBHI 19:832)
    rivalry     nothing between two beats is as strong as they are
    evenness    they are about equally strong: motion makes crests of any size
    regularity  their intervals are a heart's: noise makes beats at any distance, and even atrial fibrillation keeps to
                a third of the usual interval
    clipping    their tops and feet are not cut off by the sensor's range
    coverage    they account for the time that has passed
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["JUDGED_S", "Clarity", "Judged", "Trust", "clipped_share"]

JUDGED_S: Final = 10.0
"""Seconds that the quality of a stream looks back."""
_AGAIN_S: Final = 2.0
_LEAST_S: Final = 5.0
_LEAST_BEATS: Final = 2
_UNEVEN: Final = 0.45
"""Mean absolute log ratio of successive strengths that halves the trust: breathing alone makes 0.1 to 0.2."""
_IRREGULAR: Final = 0.25
"""The same of the intervals: a young heart at rest has 0.05 to 0.1, noise 0.3 to 0.5."""
_BARELY_CLIPPED: Final = 0.06
"""Share of a beat's samples at its very top or foot that a coarse converter makes."""
_WHOLLY_CLIPPED: Final = 0.5
_MOST_RIVALRY: Final = 2.0
_NAN: Final = math.nan


class Clarity(NamedTuple):
    """Where trust begins and where it is whole, as seen on signals of that kind.

    Attributes:
        likeness: mean correlation with the template.
        rivalry: strength of the strongest thing between two beats over that of the beat: whole first.
    """

    likeness: tuple[float, float]
    rivalry: tuple[float, float]


class Judged(NamedTuple):
    """What is remembered of a beat.

    Attributes:
        time: seconds.
        interval: seconds; NaN where there is none.
        likeness: to the template; NaN where there was none.
        rivalry: see `Clarity`.
        strength: any unit.
        clipped: share of its samples that are cut off.
        unevenness: absolute log ratio of its strength to that of the beat before; NaN where there is none.
        irregularity: the same of its interval.
    """

    time: float
    interval: float
    likeness: float
    rivalry: float
    strength: float
    clipped: float
    unevenness: float = _NAN
    irregularity: float = _NAN


class Trust:
    """Judges the last beats of a stream.

    Args:
        clarity: the scales of the signal.
        judged_s: seconds to look back.
        delay_s: how long after its time a beat is settled.
        remembered_s: seconds that `over` may look back, where that is further.
    """

    def __init__(self, clarity: Clarity, judged_s: float, delay_s: float, remembered_s: float = 0.0) -> None:
        self._clarity = clarity
        self._judged_s = judged_s
        self._delay_s = delay_s
        self._remembered_s = max(judged_s, remembered_s)
        self._beats: deque[Judged] = deque()
        self._first = self._newest = self._judged_at = self._judged = _NAN

    def beat(self, beat: Judged) -> None:
        """Note a settled beat."""
        if self._beats and not math.isnan(beat.interval):
            before = self._beats[-1]
            # Successive beats alone are compared: trust is blind to what drifts.
            beat = beat._replace(
                unevenness=abs(math.log(beat.strength / before.strength)),
                irregularity=abs(math.log(beat.interval / before.interval)),
            )
        self._beats.append(beat._replace(rivalry=min(beat.rivalry, _MOST_RIVALRY)))

    def heard(self, first: float, newest: float) -> None:
        """Note that samples came, of these times."""
        if math.isnan(self._first):
            self._first = first
        self._newest = newest

    def now(self, *, settled: bool = False) -> float:
        """Quality; NaN below five settled seconds and before there is a template.

        Judged anew every two seconds, for it looks back on ten.

        Args:
            settled: whether no beat is open any more.
        """
        if settled or not self._newest - self._judged_at < _AGAIN_S:
            self._judged = self._judge(self._judged_s, settled=settled)
            self._judged_at = self._newest
        return self._judged

    def over(self, seconds: float) -> float:
        """The same of the last `seconds`, as far as they are remembered; judged anew at every call."""
        return self._judge(seconds, settled=False)

    def _judge(self, seconds: float, *, settled: bool) -> float:
        until = self._newest - (0.0 if settled else self._delay_s)
        while self._beats and self._beats[0].time < until - self._remembered_s:
            self._beats.popleft()
        since = max(self._first, until - seconds)
        beats = [beat for beat in self._beats if beat.time >= since]
        if not until - self._first >= _LEAST_S:
            return _NAN
        if sum(not math.isnan(beat.likeness) for beat in beats) < _LEAST_BEATS:
            # A template takes some beats; where ten seconds made none there is no heart.
            return 0.0 if until - self._first >= JUDGED_S else _NAN
        table = np.array(beats)
        known = ~np.isnan(table)
        totals, counts = np.add.reduce(table, axis=0, where=known), np.maximum(np.add.reduce(known, axis=0), 1)
        mean = Judged(*(totals / counts).tolist())
        # The beats at both ends reach half an interval beyond on average: no fault of the signal.
        covered = (float(totals[1]) + mean.interval) / (max(until, beats[-1].time) - since)
        return self._clear(mean) * _steady(mean) * min(1.0, covered)

    def _clear(self, mean: Judged) -> float:
        """Likeness, rivalry and clipping."""
        clear = _ramp(mean.likeness, *self._clarity.likeness) * (1.0 - _ramp(mean.rivalry, *self._clarity.rivalry))
        return clear * (1.0 - _ramp(mean.clipped, _BARELY_CLIPPED, _WHOLLY_CLIPPED))


def clipped_share(beat: NDArray[np.float64]) -> float:
    """Share of the samples that are equal to the highest or the lowest one, but for one each."""
    if len(beat) < 3:
        return 0.0
    top, foot = beat.max(), beat.min()
    if not top > foot:
        return 1.0
    return float(np.count_nonzero(beat == top) + np.count_nonzero(beat == foot) - 2) / len(beat)


def _steady(mean: Judged) -> float:
    """Evenness and regularity."""
    return 1.0 / (1.0 + (mean.unevenness / _UNEVEN) ** 2) / (1.0 + (mean.irregularity / _IRREGULAR) ** 2)


def _ramp(value: float, none: float, whole: float) -> float:
    return min(max((value - none) / (whole - none), 0.0), 1.0)

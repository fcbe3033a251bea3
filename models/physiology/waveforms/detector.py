"""The steps that ECG and PPG share on the way from samples to beats.

    samples -> even samples -> activity -> crests -> candidates -> settled beats -> times, intervals, heights

Invariants:
    - Every sample is touched a fixed number of times; memory is bounded by `_KEPT_S` seconds of signal.
    - The beats do not depend on how the samples were cut into chunks, nor on the signal's unit and offset.
    - No interval lies across a gap.
    - Intervals lie between marks, which need not be the peaks: what is highest is not always what is sharpest in time.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.physiology.waveforms.candidates import Crests
from models.physiology.waveforms.found import NOTHING, Found
from models.physiology.waveforms.history import History
from models.physiology.waveforms.quality import JUDGED_S, Clarity, Judged, Trust, clipped_share
from models.physiology.waveforms.samples import EvenSamples, Piece
from models.physiology.waveforms.template import Template
from models.physiology.waveforms.tracker import Candidate, Rhythm, Settled, Tracker
from models.physiology.windows import Floats

__all__ = ["BeatDetector", "Peak"]

_KEPT_S: Final = 12.0
"""Signal behind the newest sample: the first level takes three seconds, a settled beat is about as old, and so far
again lies the beat before it."""
_AROUND_S: Final = 0.5
"""The time of a beat is read from the stamps of all samples this near: one stamp may be late, the mean is not."""
_ROUNDING: Final = 1e-9
"""Activity below this share of the samples, or of the strongest activity, is rounding and no signal."""
_DELAY_S: Final = 1.0
"""What filters and templates add to the tracker's lag, at most."""
_NAN: Final = math.nan


_Beat = tuple[float, float, float]


class Peak(NamedTuple):
    """Where a beat stands.

    Attributes:
        place: sample number with fraction.
        height: in the stream's unit.
        mark: sample number with fraction of the point from which and to which its intervals are measured; None for
            `place` itself, NaN where there is no such point: then neither of the two intervals is known.
    """

    place: float
    height: float
    mark: float | None = None


class BeatDetector(ABC):
    """One pass over a stream.

    Args:
        rate_hz: samples a second as the sender states it.
        enough_hz: faster streams are thinned to no less than this.
        rhythm: the weights of the tracker.
        shape_s: seconds of the template before and after a candidate.
        clarity: the scales of the quality.
        judged_s: seconds that the quality looks back.
        remembered_s: seconds that `quality_over` may look back, where that is further.

    Raises:
        ValueError: the rate is no positive number.
    """

    def __init__(
        self,
        rate_hz: float,
        *,
        enough_hz: float,
        rhythm: Rhythm,
        shape_s: tuple[float, float],
        clarity: Clarity,
        judged_s: float = JUDGED_S,
        remembered_s: float = 0.0,
    ) -> None:
        if not 0.0 < rate_hz < math.inf:
            raise ValueError(f"a stream has a positive number of samples a second, not {rate_hz}")
        self._samples = EvenSamples(rate_hz, enough_hz)
        self.rate_hz = rate = self._samples.rate_hz
        self._before, self._after = round(shape_s[0] * rate), round(shape_s[1] * rate)
        self._around = round(_AROUND_S * rate)
        self._memories: list[History] = []
        self._times = self._memory()
        self._values = self._memory()
        self._shapes = self._memory()
        self._crests = Crests(round(0.5 * rhythm.refractory_s * rate))
        self._queue: list[tuple[int, float]] = []
        self._tracker = Tracker(rhythm, rate, self._look)
        self._template = Template(self._before + self._after + 1)
        self._trust = Trust(clarity, judged_s, rhythm.lag_s + _DELAY_S, remembered_s)
        self._last_mark = _NAN
        self._strongest = 0.0

    def add(self, times: Floats, values: Floats) -> Found:
        """Take samples and return the beats that became certain through them.

        Args:
            times: [n], seconds, ascending; a gap ends a stretch, jitter and drift of the stamps are smoothed.
            values: [n], any unit. What is no number, or not later than the samples before, is left out.
        """
        found: list[_Beat] = []
        for piece in self._samples.add(times, values):
            if piece.fresh:
                found += self._end()
            if len(piece.values):
                self._push(piece)
                found += self._advance()
        return self._found(found, self._trust.now())

    def finish(self) -> Found:
        """The beats that were still open. What comes afterwards follows a gap."""
        return self._found(self._end(), self._trust.now(settled=True))

    def quality_over(self, seconds: float) -> float:
        """Quality of the last `seconds`, as far as they are remembered; NaN where `Found.quality` would be."""
        return self._trust.over(seconds)

    @abstractmethod
    def _activity(self, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """From new samples, the newly known parts of the template's signal and of the activity, in this order."""

    @abstractmethod
    def _rest_of_activity(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The same for the end of a stretch."""

    @abstractmethod
    def _peak(self, settled: Settled) -> Peak:
        """Where exactly a settled beat stands."""

    def _memory(self) -> History:
        """A history of the length that the detector needs, kept and emptied by it."""
        memory = History(int(_KEPT_S * self.rate_hz))
        self._memories.append(memory)
        return memory

    def _push(self, piece: Piece) -> None:
        self._trust.heard(float(piece.times[0]), float(piece.times[-1]))
        self._times.push(piece.times)
        self._values.push(piece.values)
        shapes, activity = self._activity(piece.values)
        self._shapes.push(shapes)
        self._queue += self._crests.push(activity)

    def _advance(self) -> list[_Beat]:
        """Follow the candidates whose surroundings are complete."""
        found: list[_Beat] = []
        known = self._shapes.end - self._after
        done = 0
        for place, strength in self._queue:
            if place >= known:
                break
            done += 1
            found += self._follow(place, strength)
        del self._queue[:done]
        if not self._queue:
            found += [self._accept(settled) for settled in self._tracker.idle(min(known, self._crests.known))]
        for memory in self._memories:
            memory.trim()
        return found

    def _follow(self, place: int, strength: float) -> list[_Beat]:
        return [self._accept(settled) for settled in self._tracker.add(place, strength)]

    def _look(self, place: int, strength: float) -> Candidate | None:
        if strength < _ROUNDING * self._strongest:
            return None
        if strength > self._strongest:
            around = self._values.between(place - self._before, place + self._after)
            if not strength > _ROUNDING * max(float(around.max()), -float(around.min())):
                return None
            self._strongest = strength
        return Candidate(place, strength, self._template.likeness(self._shape(place)))

    def _shape(self, place: int) -> NDArray[np.float64]:
        return self._shapes.between(place - self._before, place + self._after + 1)

    def _accept(self, settled: Settled) -> _Beat:
        self._template.learn(self._shape(settled.candidate.place))
        peak = self._peak(settled)
        time = self._time(peak.place)
        mark = time if peak.mark is None else self._time(peak.mark)
        interval = mark - self._last_mark if settled.before is not None and mark > self._last_mark else _NAN
        self._last_mark = mark
        self._trust.beat(self._judged(settled, time, interval))
        return time, interval, peak.height

    def _judged(self, settled: Settled, time: float, interval: float) -> Judged:
        beat, before = settled.candidate, settled.before
        first = before.place if before is not None else beat.place - self._before
        clipped = clipped_share(self._values.between(first, beat.place + self._after))
        return Judged(time, interval, beat.likeness, settled.between / beat.strength, beat.strength, clipped)

    def _time(self, place: float) -> float:
        """The time at a place, from the stamps of all samples around it; NaN for NaN."""
        if math.isnan(place):
            return _NAN
        middle = round(place)
        first = max(middle - self._around, 0)
        stamps = self._times.between(first, middle + self._around + 1)
        centre = first + 0.5 * (len(stamps) - 1)
        start = float(stamps[0])
        return start + float((stamps - start).sum()) / len(stamps) + (place - centre) / self.rate_hz

    def _end(self) -> list[_Beat]:
        """Settle everything: the stretch is over."""
        if not self._values.end:
            return []
        shapes, activity = self._rest_of_activity()
        self._shapes.push(shapes)
        self._queue += self._crests.push(activity)
        self._queue += self._crests.finish()
        found: list[_Beat] = []
        for place, strength in self._queue:
            found += self._follow(place, strength)
        found += [self._accept(settled) for settled in self._tracker.finish()]
        self._queue.clear()
        for memory in self._memories:
            memory.clear()
        return found

    @staticmethod
    def _found(beats: list[_Beat], quality: float) -> Found:
        if not beats:
            return NOTHING._replace(quality=quality)
        times, intervals, heights = np.array(beats, dtype=np.float64).reshape(-1, 3).T
        return Found(times, intervals, heights, quality)

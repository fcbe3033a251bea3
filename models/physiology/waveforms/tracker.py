"""Which of the candidates are beats: the likeliest rhythm through them, settled a little later.

Every candidate has a strength. A sequence of beats scores, per beat, how far the strength stands above what beats of
late had, and per interval how near it is to those of late:

    score = Σ min(ln(strength / (share · level)), best) + likeness - stiffness · min(|ln(interval / usual)|, cap)²

The best sequence is found by dynamic programming over the open candidates, as trackers of musical beats do (Ellis 2007,
J. New Music Res. 36:51). So one step does what Pan & Tompkins 1985 (IEEE Trans. Biomed. Eng. 32:230) do with two
thresholds and a search back: a weak candidate where a beat is due counts, a strong one where none can be does not.
Beats are settled `lag` samples after they came, and what is settled is never revised.

Strengths enter as ratios alone: nothing depends on the signal's unit.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Final, NamedTuple

__all__ = ["USUAL", "Candidate", "Rhythm", "Settled", "Tracker"]

_REMEMBERED: Final = 8
"""Beats that make the level and the usual interval: as in Pan & Tompkins."""
_LEARNING_S: Final = 3.0
"""Candidates are gathered this long before the first level is set; a heart beats twice meanwhile."""
_LONGEST_S: Final = 2.5
"""Beats further apart (24 a minute) are not successive."""
_USUAL_S: Final = 0.8
"""The interval to begin with; it prices what is left out, not what is odd."""
_CONTRAST: Final = 1.4
"""Log ratio of a beat's strength to the strongest thing between two beats, before any is known."""
_CONTRASTS: Final = (0.5, 1.8)
"""Its range: strength always tells something, and never that a third of a beat is none."""
_FAINT: Final = 0.12
"""Candidates below this share of the level are not looked at."""


class Rhythm(NamedTuple):
    """How candidates are weighed; see the module.

    Attributes:
        refractory_s: no two beats are closer.
        lag_s: how much later a beat is settled.
        spread: standard deviation of the strengths' logarithm, of beats and of others.
        best: score beyond which a strength does not rise; a burst is no better than a beat.
        stiffness: weight of the interval's squared log ratio once eight intervals are known.
        cap: log ratio beyond which an interval is simply odd.
        miss: price of a beat that a sequence leaves out.
        loose: median log ratio of late at which half of the stiffness is left: an irregular heart foretells little.
        likeness: weight of the likeness to earlier beats.
        alike: likeness that counts for nothing either way.
        twin: ratio of strengths from which every second beat is taken for the first one's second wave.
    """

    refractory_s: float
    lag_s: float
    spread: float
    best: float
    stiffness: float
    cap: float
    miss: float
    loose: float
    likeness: float
    alike: float
    twin: float


class Candidate(NamedTuple):
    """Something that may be a beat.

    Attributes:
        place: sample number.
        strength: any unit, above 0.
        likeness: to earlier beats, [-1, 1]; NaN where there are none.
    """

    place: int
    strength: float
    likeness: float


class Settled(NamedTuple):
    """A beat.

    Attributes:
        candidate: it.
        before: the beat before; None where that is too far off, or there is none.
        between: strength of the strongest candidate between the two; 0 where there is none.
    """

    candidate: Candidate
    before: Candidate | None
    between: float


class _Open:
    """A candidate and the best sequence that ends with it."""

    __slots__ = ("back", "candidate", "value")

    def __init__(self, candidate: Candidate, value: float, back: _Open | None) -> None:
        self.candidate = candidate
        self.value = value
        self.back = back


USUAL: Final = Rhythm(
    refractory_s=0.3,
    lag_s=2.5,
    spread=0.6,
    best=3.0,
    stiffness=9.0,
    cap=0.5,
    miss=1.0,
    loose=0.05,
    likeness=1.0,
    alike=0.5,
    twin=math.inf,
)
"""Set once for ECG and PPG, on simulated noise added to clean recordings: every weight stands on a plateau."""


class Tracker:
    """Settles beats.

    Args:
        rhythm: the weights.
        rate_hz: sample numbers a second.
        look: from place and strength of something to its candidate, or None where it is nothing. It costs more than
            all else, so it is asked about what is not too faint alone.
    """

    def __init__(self, rhythm: Rhythm, rate_hz: float, look: Callable[[int, float], Candidate | None]) -> None:
        self._rhythm = rhythm
        self._look = look
        self._rate_hz = rate_hz
        self._refractory = rhythm.refractory_s * rate_hz
        self._lag = rhythm.lag_s * rate_hz
        self._longest = _LONGEST_S * rate_hz
        self._learning = _LEARNING_S * rate_hz
        self._levels: deque[float] = deque(maxlen=_REMEMBERED)
        self._intervals: deque[float] = deque(maxlen=_REMEMBERED)
        self._level = math.nan
        self._usual = _USUAL_S * rate_hz
        self._stiffness = 0.0
        self._contrast = _CONTRAST
        self._noises: deque[float] = deque(maxlen=_REMEMBERED)
        self._waiting: list[Candidate] = []
        self._recent: deque[tuple[int, float]] = deque()
        self._passed: deque[tuple[int, float]] = deque()
        self._since: int | None = None
        self._newest: int | None = None
        self._open: list[_Open] = []
        self._last: _Open | None = None

    def add(self, place: int, strength: float) -> list[Settled]:
        """Take the next crest and return what it settles."""
        settled = self.idle(place)
        self._newest = place
        if math.isnan(self._level):
            if (candidate := self._look(place, strength)) is not None:
                self._waiting.append(candidate)
            enough = self._waiting and place - self._waiting[0].place >= self._learning
            return settled + (self._learnt() if enough else [])
        level = self._level_at(place, strength)
        if strength >= _FAINT * level and (candidate := self._look(place, strength)) is not None:
            self._weigh(candidate, level)
        return settled + self._settle(place, place - self._lag)

    def idle(self, place: int) -> list[Settled]:
        """Note that no candidate came up to `place`: after three seconds of that nothing stays open."""
        if self._newest is None or place - self._newest <= self._learning:
            return []
        settled = self._learnt() if self._waiting else []
        settled += self._settle(self._newest, math.inf)
        self._newest = None
        return settled

    def finish(self) -> list[Settled]:
        """Settle what is open; the next candidates follow a gap. Level and usual interval stay."""
        settled = self._learnt() if self._waiting else []
        if self._newest is not None:
            settled += self._settle(self._newest, math.inf)
        for memory in (self._open, self._recent, self._passed):
            memory.clear()
        self._last = self._since = self._newest = None
        return settled

    def _learnt(self) -> list[Settled]:
        """Set the first level, and begin."""
        waiting, self._waiting = self._waiting, []
        highest: dict[int, float] = {}
        for one in waiting:
            second = int((one.place - waiting[0].place) / self._rate_hz)
            highest[second] = max(one.strength, highest.get(second, 0.0))
        # The middle one of three seconds: one of them may hold no beat, and one a burst.
        self._level = _middle(highest.values())
        settled: list[Settled] = []
        for one in waiting:
            self._weigh(one, self._level_at(one.place, one.strength))
            settled += self._settle(one.place, one.place - self._lag)
        return settled

    def _weigh(self, candidate: Candidate, level: float) -> None:
        self._passed.append((candidate.place, candidate.strength))
        self._join(candidate, level)

    def _join(self, candidate: Candidate, level: float) -> None:
        """Put a candidate at the end of the best of the sequences that may lead to it."""
        best, back = self._beginning(candidate), self._last
        for one in reversed(self._open):
            interval = candidate.place - one.candidate.place
            if interval > self._longest:
                break
            if interval >= self._refractory and (value := one.value - self._oddness(interval)) > best:
                best, back = value, one
        if best > -math.inf:
            self._open.append(_Open(candidate, best + self._score(candidate, level), back))

    def _score(self, candidate: Candidate, level: float) -> float:
        """What a candidate tells by itself."""
        rhythm = self._rhythm
        above = min(math.log(candidate.strength / level), 0.0)
        score = min(self._contrast * (above + 0.5 * self._contrast) / rhythm.spread**2, rhythm.best)
        if not math.isnan(candidate.likeness):
            score += rhythm.likeness * (candidate.likeness - rhythm.alike)
        return score

    def _level_at(self, place: int, strength: float) -> float:
        """The usual strength of a beat, or the strongest candidate of late where that is weaker."""
        recent = self._recent
        if self._since is None:
            self._since = place
        while recent and recent[0][0] < place - self._learning:
            recent.popleft()
        # Kept falling, so that the strongest stands first.
        while recent and recent[-1][1] <= strength:
            recent.pop()
        recent.append((place, strength))
        # A stretch's first second may hold no beat, so its strongest candidate says nothing yet.
        return min(self._level, recent[0][1]) if place - self._since >= self._learning else self._level

    def _beginning(self, candidate: Candidate) -> float:
        """Value of the sequence in which this candidate follows the last settled beat, or is the first of all."""
        if self._last is None:
            return -self._silence(candidate.place - self._open[0].candidate.place) if self._open else 0.0
        interval = candidate.place - self._last.candidate.place
        if interval < self._refractory:
            return -math.inf
        return -self._oddness(interval)

    def _oddness(self, interval: float) -> float:
        """Price of an interval: of its distance from the nearest multiple of the usual one, and of beats left out."""
        beats = max(1, round(interval / self._usual))
        away = min(abs(math.log(interval / (beats * self._usual))), self._rhythm.cap)
        return self._stiffness * away * away + self._rhythm.miss * (beats - 1)

    def _silence(self, duration: float) -> float:
        """Price of a stretch without a beat."""
        return self._rhythm.miss * max(0.0, duration / self._usual - 1.0)

    def _settle(self, now: int, until: float) -> list[Settled]:
        """Settle the best sequence as far as its beats lie before `until`; what else lies there is out."""
        settled: list[Settled] = []
        while self._open and self._open[0].candidate.place < until:
            best = max(self._open, key=lambda one: one.value - self._silence(now - one.candidate.place))
            first = self._first_of(best)
            if first.candidate.place < until and not self._better_none(best, now):
                settled.append(self._accept(first))
            else:
                self._open = [one for one in self._open if self._first_of(one).candidate.place >= until]
        return settled

    def _better_none(self, best: _Open, now: int) -> bool:
        """Whether no beat at all after the last one is likelier than the best sequence."""
        if self._last is None:
            return False
        silence = self._silence(now - self._last.candidate.place)
        return best.value - self._silence(now - best.candidate.place) < -silence

    def _first_of(self, one: _Open) -> _Open:
        """The first beat of a sequence after the last settled one."""
        while one.back is not None and one.back is not self._last:
            one = one.back
        return one

    def _accept(self, first: _Open) -> Settled:
        before = self._last.candidate if self._last is not None else None
        beat, after = first.candidate, [one.candidate for one in self._open if one is not first]
        if before is not None and beat.place - before.place > self._longest:
            before = None
        self._open = [one for one in self._open if one is not first and self._first_of(one) is first]
        for one in self._open:
            one.value -= first.value
        first.back, first.value, self._last = None, 0.0, first
        settled = Settled(beat, before, self._left_out(beat))
        self._learn(settled)
        if self._twins():
            self._part()
            self._open = []
            for candidate in after:
                if candidate.place > beat.place:
                    self._join(candidate, self._level)
        self._set()
        return settled

    def _learn(self, settled: Settled) -> None:
        """Remember a beat."""
        beat, before, between = settled
        if not beat.likeness < self._rhythm.alike:
            self._levels.append(beat.strength)
        if before is not None:
            self._intervals.append(beat.place - before.place)
            self._noises.append(between)

    def _set(self) -> None:
        """Set level, contrast and usual interval by what is remembered."""
        if self._levels:
            self._level = _middle(self._levels)
        if self._intervals:
            ratio = self._level / max(_middle(self._noises), 1e-3 * self._level)
            self._contrast = min(max(math.log(ratio), _CONTRASTS[0]), _CONTRASTS[1])
            self._usual = _middle(self._intervals)
            spread = _middle(abs(math.log(one / self._usual)) for one in self._intervals)
            known = len(self._intervals) / _REMEMBERED
            self._stiffness = self._rhythm.stiffness * known / (1.0 + (spread / self._rhythm.loose) ** 2)

    def _twins(self) -> bool:
        """Whether strong and weak beats take turns, a strong one being the last."""
        if len(self._levels) < _REMEMBERED or len(self._intervals) < _REMEMBERED:
            return False
        strengths = list(self._levels)
        return min(strengths[1::2]) >= self._rhythm.twin * max(strengths[0::2])

    def _part(self) -> None:
        """From now on the weak ones of the twins are no beats."""
        strengths, intervals = list(self._levels), list(self._intervals)
        self._levels = deque(strengths[1::2], _REMEMBERED)
        self._noises = deque(strengths[0::2], _REMEMBERED)
        self._intervals = deque((one + other for one, other in pairwise(intervals)), _REMEMBERED)
        self._set()

    def _left_out(self, beat: Candidate) -> float:
        """The strongest candidate between the last beat and this one."""
        strongest, passed = 0.0, self._passed
        while passed and passed[0][0] <= beat.place:
            place, strength = passed.popleft()
            if place != beat.place:
                strongest = max(strongest, strength)
        return strongest


def _middle(values: Iterable[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2]

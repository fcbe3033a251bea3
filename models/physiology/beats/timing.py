"""The times of beats that a wearable reports in packets.

A heart rate strap notifies about once a second and lists the intervals that ended since (Bluetooth Heart Rate Service
1.0, section 3.1.1.4). It says how long each was, not when it ended: the arrival of the packet is late by up to one
notification, by the radio's retries, and by whatever held up the host. The intervals themselves are exact to a tick of
1/1024 s. So the beats hang on a chain of their intervals, and arrivals only say where the chain hangs.

Rules:

- Inside a run, neighbouring beats lie their interval apart, to within half a tick: the chain is moved towards the
  arrivals by at most `SLEW` of each interval. That is the worst that Bluetooth allows a sleep clock to drift (Core
  Specification 5.4, volume 6, part B, section 4.2.2), and it loses nothing that the sensor measured.
- A beat lies before its packet: the earliest arrivals, which waited least, say where the chain hangs (the lower
  envelope of the delays; Moon, Skelly & Towsley 1999, INFOCOM, on one-way delays).
- Beats that were lost are a gap, wide enough for `clean` to see it. They are never stitched shut.
- A packet that is late with its followers right behind it was held up; nothing is lost then. Until the next packet
  tells the one from the other, a late packet waits.
- A repeated packet is refused, and so are fill values; after a fill value the chain begins anew.
- Times ascend, whatever arrives; only a clock that is set back starts them again.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.physiology.windows import Floats

__all__ = ["BeatClock"]

SLEW: Final = 500e-6
"""Share of an interval by which a beat may be moved."""
LONGEST_CHAINED_S: Final = 10.0
"""An interval up to this is time that passed, if no heartbeat; 65535 ticks (64 s) is a fill value."""
PLAUSIBLE_S: Final = (0.25, 2.4)
"""Intervals that are handed on: the range of the wire's `rr`."""
_USUAL_S: Final = 1.0
"""Between two notifications, until the wearable showed what is usual for it."""
_JITTER_S: Final = 0.4
"""A packet that waited longer than beats can wait, and this, is late."""
_HURRY: Final = 0.7
"""A packet that follows sooner than this share of what is usual was queued behind the one before."""
_REPEAT_SHARE: Final = 0.5
"""A packet equal to the one before is a repetition when less than this share of its own beats' time has passed
since."""
_REPEAT_AHEAD_S: Final = 0.25
"""Likewise when its beats would lie this far ahead of what any packet's delay allows."""
_ENVELOPE: Final = 64
"""Packets whose shortest delay hangs the chain: a minute, in which the beats' phase has been everywhere."""
_AHEAD_S: Final = 1.5
"""Beats this far after their own packet's arrival did not happen."""
_GAP: Final = (0.5, 0.3)
"""A gap is wider than the interval by this share and these seconds at least, so that it can be told from jitter."""
_MOST_WAITING: Final = 8
"""Late packets that wait for each other: more seconds than a radio link usually survives in silence."""
_STEP_BACK_S: Final = 1.0
"""Arrivals that go back further than this come from a clock that was set."""
_NAN: Final = float("nan")
_NONE: Final[NDArray[np.float64]] = np.empty(0)

Placed = tuple[NDArray[np.float64], NDArray[np.float64]]


class BeatClock:
    """Places the beats of one wearable in time. Bounded: it keeps 64 delays and at most a few seconds of packets.

    Attributes:
        repeated: packets that were refused because they came twice.
        refused: intervals that were refused: fill values, no heartbeats, and beats ahead of their own arrival.
        gaps: breaks of the chain.
    """

    def __init__(self) -> None:
        self.repeated = 0
        self.refused = 0
        self.gaps = 0
        self._end = -np.inf
        """When the newest beat handed out came."""
        self.lost()

    def lost(self) -> None:
        """The link is gone: what comes next begins a new run. Packets that waited are gone with it."""
        self._chained_s = 0.0
        self._anchor = _NAN
        self._delays: deque[float] = deque(maxlen=_ENVELOPE)
        self._spacings: deque[float] = deque(maxlen=9)
        self._arrived = _NAN
        self._heard = _NAN
        self._previous: NDArray[np.float64] = _NONE
        self._waiting: list[tuple[float, NDArray[np.float64]]] = []

    def packet(self, arrived: float, intervals: Floats) -> Placed:
        """Take a packet; hand out the beats that can be placed by now.

        Args:
            arrived: when the packet came, seconds on the host's clock.
            intervals: [n], seconds, oldest first; n may be 0.

        Returns:
            Times and intervals, float64 [m] each, ascending. m may be 0 (nothing new, or the packet is late and waits
            for the next one) or more than n (with the ones that waited).
        """
        if arrived < self._arrived - _STEP_BACK_S:
            self.lost()
            self._end = -np.inf
        found = np.asarray(intervals, dtype=np.float64).reshape(-1)
        repeated = self._is_repeated(arrived, found)
        self._heard = arrived
        if repeated:
            self.repeated += 1
            return _NONE, _NONE
        since = arrived - self._arrived
        self._arrived = arrived
        if since >= 0.0:
            self._spacings.append(since)
        if len(found):
            self._previous = found
        time_passed = (found > 0.0) & (found <= LONGEST_CHAINED_S)
        if not time_passed.all():
            return self._around_fill_values(arrived, found, time_passed)
        return self._continue(arrived, found, since)

    def _usual_s(self) -> float:
        """Between two notifications."""
        return float(np.median(self._spacings)) if len(self._spacings) >= 3 else _USUAL_S

    def _patience_s(self, last: float) -> float:
        """The longest that a packet's last beat may have waited: until the next beat, or the next notification."""
        return min(self._usual_s(), 1.3 * last) + _JITTER_S

    def _delay_s(self, arrived: float, found: NDArray[np.float64]) -> float:
        """From the last of these beats to their arrival, but for a constant: on the chain's own clock."""
        waiting = sum(float(packet.sum()) for _, packet in self._waiting)
        return arrived - self._chained_s - waiting - float(found.sum())

    def _is_repeated(self, arrived: float, found: NDArray[np.float64]) -> bool:
        # While packets wait, equal neighbours are two of a queue that was held up.
        if self._waiting or not len(found) or not np.array_equal(found, self._previous):
            return False
        if arrived - self._heard < _REPEAT_SHARE * float(np.clip(found, 0.0, LONGEST_CHAINED_S).sum()):
            return True
        known = not np.isnan(self._anchor)
        return known and self._delay_s(arrived, found) - min(self._delays) < -_REPEAT_AHEAD_S

    def _is_ahead(self, delay: float) -> bool:
        """Whether the chain would put beats later than they arrived by more than any guess is wrong."""
        return delay - self._anchor < -_AHEAD_S

    def _around_fill_values(self, arrived: float, found: NDArray[np.float64], time_passed: NDArray[np.bool_]) -> Placed:
        """Nobody knows how long a fill value took: beats before it end the chain, those after it begin another."""
        bad = np.flatnonzero(~time_passed)
        head, tail = found[: bad[0]], found[bad[-1] + 1 :]
        self.refused += len(found) - len(head) - len(tail)
        unplaced = np.isnan(self._anchor) or self._is_ahead(self._delay_s(arrived, head))
        before = self._refuse(head) if unplaced else self._place_waiting(head)
        self._break()
        if not len(tail):
            return before
        after = self._begin(arrived, [(arrived, tail)])
        return np.concatenate((before[0], after[0])), np.concatenate((before[1], after[1]))

    def _continue(self, arrived: float, found: NDArray[np.float64], since: float) -> Placed:
        """A packet of plausible intervals: on the chain, waiting, or the first of a new one."""
        if not len(found):
            return _NONE, _NONE
        if np.isnan(self._anchor):
            return self._begin(arrived, [(arrived, found)])
        delay = self._delay_s(arrived, found)
        if self._is_ahead(delay):
            return self._refuse(found)
        excess = delay - min(self._delays)
        if excess <= self._patience_s(float(found[-1])):
            self._delays.append(delay)
            return self._place_waiting(found)
        held_up = not self._waiting or since < _HURRY * self._usual_s()
        self._waiting.append((arrived, found))
        # Beats that wait for longer than any radio holds on to its link are no queue.
        if held_up and len(self._waiting) <= _MOST_WAITING:
            return _NONE, _NONE
        waiting = self._waiting
        self._break()
        return self._begin(arrived, waiting)

    def _break(self) -> None:
        """The chain ends here."""
        self.gaps += 1
        self._anchor = _NAN
        self._delays.clear()
        self._waiting = []

    def _refuse(self, found: NDArray[np.float64]) -> Placed:
        self.refused += len(found)
        return _NONE, _NONE

    def _begin(self, arrived: float, packets: list[tuple[float, NDArray[np.float64]]]) -> Placed:
        """Hang a new chain.

        One packet waited somewhere between nothing and one notification: half of it is the best guess. The first beat
        lies far enough behind the last run for the gap to show.
        """
        found = np.concatenate([packet for _, packet in packets])
        chained = np.cumsum(found)
        ends = np.cumsum([float(packet.sum()) for _, packet in packets])
        delays = [moment - end for (moment, _), end in zip(packets, ends, strict=True)]
        anchor = min(delays) - 0.5 * min(self._usual_s(), float(found[-1])) / len(delays)
        share, seconds = _GAP
        earliest = self._end + (1.0 + share) * float(found[0]) + seconds
        anchor = max(anchor, earliest - float(found[0]))
        if anchor + float(chained[-1]) > arrived + _AHEAD_S:
            return self._refuse(found)
        self._anchor, self._chained_s = anchor, float(ends[-1])
        self._delays.extend(delays)
        return self._hand_out(anchor + chained, found)

    def _place_waiting(self, found: NDArray[np.float64]) -> Placed:
        """Put what waited, and these, on the chain."""
        found = np.concatenate([*(packet for _, packet in self._waiting), found])
        self._waiting = []
        if not len(found):
            return _NONE, _NONE
        # One move for the packet: every interval gives its share.
        total = float(found.sum())
        towards = min(self._delays) - self._anchor
        moved = float(np.clip(towards, -SLEW * total, SLEW * total))
        chained = np.cumsum(found)
        times = self._anchor + self._chained_s + chained * (1.0 + moved / total)
        self._anchor += moved
        self._chained_s += total
        return self._hand_out(times, found)

    def _hand_out(self, times: NDArray[np.float64], found: NDArray[np.float64]) -> Placed:
        self._end = float(times[-1])
        shortest, longest = PLAUSIBLE_S
        good = (found >= shortest) & (found <= longest)
        self.refused += int((~good).sum())
        return times[good], found[good]

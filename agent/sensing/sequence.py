"""Pack numbers (`seq`): which packs are repeats, which are late, how many never came.

Rules:

- A number that was seen among the last 64 is a repeat.
- A number above the last one opens a gap of what lies between; a late pack out of that gap closes its part again.
- A wearable that restarts counts from the beginning, and so does a counter of 8, 16 or 32 bits that has run over: a
  number far below, or one of the first few with samples newer than all before, starts the count anew. The samples'
  times alone cannot tell, because those of a pack with relative times that a broker delivers twice look new as well.
- A pack of the count before, late or repeated, is told by its number, which lies near that count's end: it opens no
  gap in the new one.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

__all__ = ["Arrival", "SequenceWatch"]

_REMEMBERED: Final = 64
"""Packs: a minute at one a second, the longest that a late sample may drive the state."""
_FIRST_FEW: Final = 4
_LOST_AT_MOST: Final = 100_000
"""Packs. A jump by a day's worth is another count, not a gap."""
_BITS: Final = (1 << _REMEMBERED) - 1


class Arrival(Enum):
    """What a pack's number says about it."""

    NEXT = auto()
    LATE = auto()
    REPEATED = auto()
    RESTARTED = auto()


class SequenceWatch:
    """Follows the numbers of one stream's packs.

    Attributes:
        missing: packs that were counted by the wearable and never came.
    """

    def __init__(self) -> None:
        self.missing = 0
        self._last: int | None = None
        self._seen = 0
        self._before: tuple[int, int] | None = None

    def arrive(self, number: int, *, newer: bool) -> Arrival:
        """Judge a pack.

        Args:
            number: the pack's number.
            newer: whether its newest sample is newer than all samples before.
        """
        if (straggler := self._of_before(number)) is not None:
            return straggler
        if self._last is None or self._restarts(number, newer=newer):
            arrival = Arrival.NEXT if self._last is None else Arrival.RESTARTED
            self._before = None if self._last is None else (self._last, self._seen)
            self._last, self._seen = number, 1
            return arrival
        ahead = number - self._last
        if ahead > 0:
            self.missing += ahead - 1
            self._seen = ((self._seen << min(ahead, _REMEMBERED)) | 1) & _BITS
            self._last = number
            return Arrival.NEXT
        if self._seen >> -ahead & 1:
            return Arrival.REPEATED
        self._seen |= 1 << -ahead
        # What came before the watch began was never counted as missing.
        self.missing = max(0, self.missing - 1)
        return Arrival.LATE

    def _of_before(self, number: int) -> Arrival | None:
        """What a pack of the count before is; None when the number belongs to this one."""
        if self._before is None or self._last is None:
            return None
        last, seen = self._before
        behind = last - number
        if self._last >= _REMEMBERED or not 0 <= behind < _REMEMBERED or abs(number - self._last) < _REMEMBERED:
            return None
        self._before = last, seen | 1 << behind
        if seen >> behind & 1:
            return Arrival.REPEATED
        self.missing = max(0, self.missing - 1)
        return Arrival.LATE

    def _restarts(self, number: int, *, newer: bool) -> bool:
        behind = (self._last or 0) - number
        if behind < -_LOST_AT_MOST:
            return True
        return behind >= _REMEMBERED or (behind > 0 and newer and number < _FIRST_FEW)

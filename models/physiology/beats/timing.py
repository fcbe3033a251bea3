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
"""A packet equal to the one before is a repetition when less than this share of its own beats' time has passed."""
_ENVELOPE: Final = 64
"""Packets whose shortest delay hangs the chain: a minute, in which the beats' phase has been everywhere."""
_AHEAD_S: Final = 1.5
"""Beats this far after their own packet's arrival did not happen."""
_GAP: Final = (0.5, 0.3)
"""A gap is wider than the interval by this share and these seconds at least, so that it can be told from jitter."""
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
        found = np.asarray(intervals, dtype=np.float64).reshape(-1)
        return np.full(len(found), arrived), found

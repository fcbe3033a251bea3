"""One stream: a quantity of one wearable, its samples of the last minute and what is known about them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.sensing import contact, quality
from agent.sensing.beats import BeatTrack
from agent.sensing.contact import Signs
from agent.sensing.quality import NOWHERE, Surroundings
from agent.sensing.ring import Ring
from agent.sensing.sequence import SequenceWatch
from models.physiology.features import LONGEST_WINDOW_S
from models.physiology.motion import MOTION_S, Movement, movement
from models.physiology.windows import Floats, window
from models.wire.quantities import QUANTITIES

__all__ = ["Stream"]

_MOST_HZ: Final = {
    "hr": 4,
    "rr": 6,
    "ppg": 200,
    "ecg": 300,
    "eda": 32,
    "temp": 32,
    "acc": 200,
    "spo2": 4,
    "batt": 1,
}
"""Highest rates that are kept for the whole window; a faster stream keeps a shorter one."""
_MARGIN_S: Final = 10.0
"""A sample may be five seconds ahead; the windows must be whole all the same."""
_MICRO: Final = 1e6
_JUDGE_EVERY_S: Final = 1.0
_STIRS_EVERY_S: Final = 5.0
"""A minute of acceleration is much to look at, and changes slowly."""
_AHEAD_S: Final = 5.0
_UNKNOWN: Final = Movement(None, float("nan"), float("nan"))
_NO_SIGNS: Final = Signs()


class Stream:
    """Samples of one quantity of one wearable.

    Args:
        wearable: its name on the wire.
        quantity: of the wire.
        now: seconds since the epoch.

    Attributes:
        sequence: of its packs' numbers.
        packs: how many came.
    """

    def __init__(self, wearable: str, quantity: str, now: float) -> None:
        self.wearable = wearable
        self.quantity = quantity
        self.sequence = SequenceWatch()
        self.packs = 0
        self.forget(now)

    def forget(self, now: float) -> None:
        """Begin anew, but for the packs' numbers: the clock was set, and what is stored lies in another time."""
        capacity = int(_MOST_HZ[self.quantity] * (LONGEST_WINDOW_S + _MARGIN_S))
        self.ring = Ring(capacity, max(1, len(QUANTITIES[self.quantity].channels)))
        self.beats = BeatTrack(self.quantity) if self.quantity in {"ecg", "ppg"} else None
        self.heard_at = now
        self._pack_interval_s = 0.0
        self._judged_at = -np.inf
        self._signal_quality = 0.0
        self._moved_at = -np.inf
        self._movement = _UNKNOWN
        self._signs_at = -np.inf
        self._signs = _NO_SIGNS

    def arrived(self, now: float) -> None:
        """Note that a pack came."""
        self.packs += 1
        if len(self.ring):
            interval = min(max(now - self.heard_at, 0.0), LONGEST_WINDOW_S)
            # A fifth of the newest: the usual interval within a handful of packs, unmoved by one that was late.
            self._pack_interval_s += 0.2 * (interval - self._pack_interval_s)
        self.heard_at = now

    def add(self, times: NDArray[np.float64], values: NDArray[np.float64]) -> int:
        """Keep samples of the last minute, in the wire's units, ascending in time.

        Returns:
            How many were kept; the others were there already, down to time and value.
        """
        if self.quantity == "eda":
            values = values * _MICRO
        if len(self.ring) and times[0] <= self.ring.newest:
            new = ~self._known(times, values)
            times, values = times[new], values[new]
        self.ring.add(times, values)
        if self.beats is not None:
            self.beats.add(times, values)
        return len(times)

    def _known(self, times: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which samples are stored already; of two beats that share their time the value tells which."""
        stored_times, stored = self.ring.times, self.ring.values
        first = np.searchsorted(stored_times, times, side="left")
        last = np.searchsorted(stored_times, times, side="right")
        candidates = values.astype(np.float32).reshape(len(times), -1)
        stored = stored.reshape(len(stored_times), -1)
        known: NDArray[np.bool_] = first < last
        known[known] = (stored[first[known]] == candidates[known]).all(axis=1)
        for i in np.flatnonzero(~known & (last - first > 1)):
            known[i] = bool((stored[first[i] : last[i]] == candidates[i]).all(axis=1).any())
        return known

    def age_s(self, now: float) -> float:
        """Seconds since the newest sample; infinite when there is none."""
        return max(0.0, now - self.ring.newest)

    def rate_hz(self) -> float:
        """Samples a second over what is kept; 0 when that cannot be told."""
        times = self.ring.times
        return float((len(times) - 1) / span) if len(times) > 1 and (span := times[-1] - times[0]) > 0.0 else 0.0

    def last(self) -> float | None:
        """The newest value, in the unit of the wire; the magnitude where there are several channels."""
        if not len(self.ring):
            return None
        value = float(np.linalg.norm(self.ring.values[-1]))
        if self.ring.values.ndim == 1:
            value = float(self.ring.values[-1])
        return value / _MICRO if self.quantity == "eda" else value

    def window(self, now: float, seconds: float) -> tuple[Floats, Floats]:
        """Views of the samples of the last `seconds`."""
        return window(self.ring.times, self.ring.values, at=now, seconds=seconds)

    def movement(self, now: float) -> Movement:
        """Of an `acc` stream: what its wearer does, at most a second old."""
        if not 0.0 <= now - self._moved_at < _JUDGE_EVERY_S:
            self._movement = movement(*self.window(now, MOTION_S))
            self._moved_at = now
        return self._movement

    def signs(self, now: float) -> Signs:
        """What a `temp`, `eda` or `acc` stream says of the wearable's place, some seconds old at most."""
        if not 0.0 <= now - self._signs_at < (_STIRS_EVERY_S if self.quantity == "acc" else _JUDGE_EVERY_S):
            times, values = self.ring.times, self.ring.values
            if self.quantity == "temp":
                self._signs = Signs(
                    cel=contact.level(times, values, now), cel_per_min=contact.cooling(times, values, now)
                )
            elif self.quantity == "eda":
                self._signs = Signs(us=contact.level(times, values, now))
            elif self.quantity == "acc":
                self._signs = Signs(ms2=contact.stirring(times, values, now))
            self._signs_at = now
        return self._signs

    def is_ahead(self, now: float) -> bool:
        """Whether the newest sample lies further ahead than any that is taken: the clock was set back since."""
        return self.ring.newest > now + _AHEAD_S

    def quality(self, now: float, around: Surroundings = NOWHERE) -> float:
        """Quality in [0, 1], the signal's own part judged at most once a second.

        Args:
            now: seconds since the epoch.
            around: what else is known of the wearable; what the beats say is added.
        """
        if self.is_ahead(now):
            return 0.0
        if not 0.0 <= now - self._judged_at < _JUDGE_EVERY_S:
            if self.beats is not None:
                around = around._replace(beats=self.beats.quality)
            self._signal_quality = quality.signal_quality(self.quantity, self.ring.times, self.ring.values, around)
            self._judged_at = now
        age = self.age_s(now)
        return self._signal_quality * quality.freshness(self.quantity, age_s=age, pack_interval_s=self._pack_interval_s)

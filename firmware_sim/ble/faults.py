"""What a Bluetooth wearable does wrong, on purpose: the gateway must live with all of it.

A fault is written in one of these ways:

- `name` or `name:share`: it befalls that part of the notices at random (one in twenty where no share is given);
- `name@start` or `name@start+length`: it befalls everything from `start` seconds on, for `length` seconds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from firmware_sim.ble.gatt import Notice
from models.errors import Reason, SettingsError

__all__ = ["FAULTS", "Fault", "Liar", "parse_faults"]

FAULTS: Final = {
    "drop": "the link is lost, and the wearable out of reach",
    "silent": "nothing is sent over a link that stands",
    "truncated": "payloads are cut",
    "extended": "payloads have bytes too many",
    "random": "payloads are noise",
    "copies": "everything comes five times",
    "zero": "0 beats a minute, as without contact",
    "fill": "255 beats a minute, as a fill value",
    "frozen": "the heart rate stays as it was, and so do its intervals",
    "future": "the clock is an hour ahead",
    "1970": "the clock was never set",
}
"""What can go wrong, by name."""

_DEFAULT_SHARE = 0.05
_COPIES = 5
_PATTERN = re.compile(r"(?P<name>[a-z0-9]+)(?::(?P<share>[0-9.]+)|@(?P<start>[0-9.]+)(?:\+(?P<length>[0-9.]+))?)?\Z")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        name: which.
        share: the part of the notices that it befalls, 0 to 1.
        start_s: from when on, seconds since the start.
        end_s: until when.
    """

    name: str
    share: float = 1.0
    start_s: float = 0.0
    end_s: float = float("inf")

    def covers(self, t_s: float) -> bool:
        """Whether it may come at this time."""
        return self.start_s <= t_s < self.end_s


def parse_faults(texts: Sequence[str]) -> tuple[Fault, ...]:
    """Read faults as the module's docstring writes them.

    Raises:
        SettingsError: a name is unknown, or a number is none or out of range.
    """
    return tuple(_parse(text) for text in texts)


def _parse(text: str) -> Fault:
    match = _PATTERN.match(text)
    if match is None or match["name"] not in FAULTS:
        raise SettingsError(
            f"There is no fault {text!r}",
            reason=Reason.WRONG_VALUE,
            remedy=f"Write {', '.join(FAULTS)}; with :0.1 for one in ten, @30+5 for 5 s from the 30th second on",
        )
    try:
        start = float(match["start"] or 0)
        length = float(match["length"] or "inf")
        share = float(match["share"]) if match["share"] else 1.0 if match["start"] else _DEFAULT_SHARE
    except ValueError:
        share, start, length = -1.0, 0.0, 0.0
    if not 0 <= share <= 1 or (match["name"] == "drop" and match["start"] is None):
        raise SettingsError(
            f"The fault {text!r} has no share or time",
            reason=Reason.WRONG_VALUE,
            remedy=f"Write {match['name']}@30+5 for 5 s from the 30th second on, or a share from 0 to 1 (not for drop)",
        )
    return Fault(match["name"], share, start, start + length)


class Liar:
    """Decides which faults come, and spoils notices.

    Args:
        faults: what may go wrong.
        generator: decides at random.
    """

    def __init__(self, faults: Sequence[Fault], generator: np.random.Generator) -> None:
        self._faults = faults
        self._generator = generator
        self.told: Counter[str] = Counter()
        """How often each fault came."""

    def is_away(self, t_s: float) -> bool:
        """Whether a fault holds the wearable out of reach now; nothing is counted."""
        return any(fault.name == "drop" and fault.covers(t_s) for fault in self._faults)

    def tells(self, name: str, t_s: float) -> bool:
        """Whether a fault comes now; each call is another chance."""
        for fault in self._faults:
            if fault.name == name and fault.covers(t_s) and self._generator.random() < fault.share:
                self.told[name] += 1
                return True
        return False

    def spoil(self, notice: Notice, t_s: float) -> list[Notice]:
        """What is sent instead of a notice; at most one fault befalls it."""
        payload = notice.payload
        if self.tells("silent", t_s):
            return []
        if self.tells("truncated", t_s):
            payload = payload[: int(self._generator.integers(0, len(payload)))] if payload else payload
        elif self.tells("extended", t_s):
            payload += self._generator.bytes(int(self._generator.integers(1, 8)))
        elif self.tells("random", t_s):
            payload = self._generator.bytes(len(payload))
        elif self.tells("copies", t_s):
            return [notice] * _COPIES
        return [replace(notice, payload=payload)]

"""Heart Rate Service 1.0 (0x180D) and what the Heart Rate Profile 1.0 asks of a collector.

Rules:

- Flags (section 3.1.1.1): bit 0 the rate's width, bits 1 and 2 skin contact, bit 3 energy expended, bit 4 RR
  intervals. Reserved bits are ignored. Energy expended shifts the RR intervals by two bytes.
- RR intervals fill the rest of the packet, oldest first, in 1/1024 s (section 3.1.1.4). An odd number of bytes means
  that the packet was cut, so nothing in it can be trusted: it is refused. Bytes behind a packet without RR intervals
  are padding, ignored and counted `padded`.
- 0 and 255 beats a minute (65535 with 16 bits) are what straps send that do not feel a heart; they are left out and
  counted `fill_value`. Any other rate is handed on, the impossible ones too: sensing counts those as implausible,
  leaves them out of the features and lowers the stream's quality.
- RR intervals of 0 and 65535 ticks are handed to the beat clock, which refuses them and begins a new run of beats, so
  that the gap stays a gap; they are counted `fill_interval`.
- Without skin contact nothing is handed on (`no_contact`), but only once the wearable has said in this connection
  that it had contact: some support the bit and never set it.
- A packet that comes twice is counted `repeated` and taken once: one with beats is recognised by the beat clock, one
  without by its coming sooner than a strap notifies.
- Several beats arrive in one packet. When each of them fell is reconstructed by `models.physiology.beats`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.sensing.gateway.profiles.fields import Fields, full_uuid
from agent.sensing.gateway.profiles.profile import Count, Profile, Readings, readings
from models.physiology.beats.timing import BeatClock

__all__ = ["MEASUREMENT", "Contact", "HeartRate", "HeartRateMeasurement", "parse"]

MEASUREMENT: Final = full_uuid(0x2A37)
_WIDE, _ENERGY, _INTERVALS = 0x01, 0x08, 0x10
_TICKS_A_SECOND: Final = 1024.0
_FILL_TICKS: Final = (0, 0xFFFF)
_COPY_S: Final = 0.25
"""Straps notify about once a second; the radio may hold packets up and hand over two at once, of which two with the
same rate and no beats say no more than one."""


class Contact(Enum):
    """What the packet says about the skin (HRS 1.0, table 3.2)."""

    UNSUPPORTED = 0
    MISSING = 2
    GOOD = 3


@dataclass(frozen=True, slots=True)
class HeartRateMeasurement:
    """One Heart Rate Measurement (0x2A37).

    Attributes:
        rate_bpm: beats a minute, 0..65535; None where it is a fill value.
        contact: skin contact.
        energy_kj: energy expended since it was reset, kilojoules; None where the packet holds none.
        ticks: int64 [n], RR intervals in 1/1024 s, oldest first, fill values included.
        padding: bytes behind the last field.
    """

    rate_bpm: int | None
    contact: Contact
    energy_kj: int | None
    ticks: NDArray[np.int64]
    padding: int


def parse(payload: bytes) -> HeartRateMeasurement:
    """Read a Heart Rate Measurement.

    Raises:
        WireError: MALFORMED or OVERSIZED.
    """
    fields = Fields(payload, "a heart rate measurement")
    flags = fields.unsigned(1)
    width = 2 if flags & _WIDE else 1
    rate = fields.unsigned(width)
    energy = fields.unsigned(2) if flags & _ENERGY else None
    ticks = np.empty(0, dtype=np.int64)
    if flags & _INTERVALS:
        if len(fields) % 2:
            raise fields.malformed("ends in the middle of an RR interval")
        ticks = np.frombuffer(fields.rest(), dtype="<u2").astype(np.int64)
    return HeartRateMeasurement(
        rate_bpm=None if rate in {0, 256**width - 1} or (width == 2 and rate == 255) else rate,
        contact=Contact(flags >> 1 & 3) if flags & 0x04 else Contact.UNSUPPORTED,
        energy_kj=energy,
        ticks=ticks,
        padding=len(fields),
    )


class HeartRate(Profile):
    """Yields `hr` and `rr`; counts `fill_value`, `fill_interval`, `no_contact`, `padded` and `repeated`."""

    name = "heart_rate"
    service = full_uuid(0x180D)
    notifies = (MEASUREMENT,)
    # HRS 1.0, section 3.1: notified about once a second while notifications are on.
    silent_s = 20.0

    def __init__(self, count: Count, *, waveforms: bool = True) -> None:
        super().__init__(count, waveforms=waveforms)
        self._beats = BeatClock()
        self._had_contact = False
        self._last = b"", float("-inf")

    def begin(self) -> None:
        """See `Profile.begin`."""
        self._beats.lost()
        self._had_contact = False

    def take(self, characteristic: str, payload: bytes, arrived: float) -> list[Readings]:
        """See `Profile.take`."""
        del characteristic
        found = parse(payload)
        (before, heard_at), self._last = self._last, (payload, arrived)
        if not len(found.ticks) and payload == before and 0.0 <= arrived - heard_at < _COPY_S:
            self._count("repeated")
            return []
        if found.padding:
            self._count("padded")
        self._had_contact |= found.contact is Contact.GOOD
        if found.contact is Contact.MISSING and self._had_contact:
            self._count("no_contact")
            self._beats.lost()
            return []
        return self._readings(found, arrived)

    def _readings(self, found: HeartRateMeasurement, arrived: float) -> list[Readings]:
        repeated = self._beats.repeated
        beats = self._beats.packet(arrived, found.ticks / _TICKS_A_SECOND)
        if self._beats.repeated > repeated:
            self._count("repeated")
            return []
        if found.rate_bpm is None:
            self._count("fill_value")
        for _ in range(int(np.isin(found.ticks, _FILL_TICKS).sum())):
            self._count("fill_interval")
        rate = [] if found.rate_bpm is None else readings("hr", arrived, found.rate_bpm)
        return rate + readings("rr", *beats)

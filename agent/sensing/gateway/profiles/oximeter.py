"""Pulse Oximeter Service 1.0.1 (0x1822), continuous measurements.

Rules:

- PLX Continuous Measurement (0x2A5F, section 3.3): flags; saturation and pulse rate as SFLOATs; then, each if its flag
  is set, the fast pair (bit 0), the slow pair (bit 1), the measurement status (bit 2, 16 bits), the device and sensor
  status (bit 3, 24 bits), the pulse amplitude index (bit 4, SFLOAT). The normal pair is always there, and is what is
  handed on: fast and slow are the same measurement under another filter.
- A value that is no number is left out and counted `fill_value`.
- A measurement that the oximeter itself calls unavailable or invalid, or one from its storage, for demonstration or for
  testing, is left out and counted `invalid`; with the sensor off the finger, unplugged or broken, `no_contact`.
- Spot checks (0x2A5E) are not followed: a single old reading says nothing about now.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from agent.sensing.gateway.profiles.fields import Fields, full_uuid
from agent.sensing.gateway.profiles.profile import Profile, Readings, readings

__all__ = ["CONTINUOUS", "ContinuousMeasurement", "Oximeter", "parse"]

CONTINUOUS: Final = full_uuid(0x2A5F)
_FAST, _SLOW, _MEASUREMENT_STATUS, _SENSOR_STATUS, _AMPLITUDE = 0x01, 0x02, 0x04, 0x08, 0x10
# Measurement Status (PLXS 1.0.1, table 3.4): from storage, for demonstration, for testing; unavailable; invalid.
_INVALID: Final = 1 << 9 | 1 << 10 | 1 << 11 | 1 << 13 | 1 << 15
# Device and Sensor Status (table 3.5): malfunction; sensor unconnected, displaced, malfunctioning, disconnected.
_NO_CONTACT: Final = 1 << 1 | 1 << 11 | 1 << 13 | 1 << 14 | 1 << 15


@dataclass(frozen=True, slots=True)
class ContinuousMeasurement:
    """One PLX Continuous Measurement (0x2A5F).

    Attributes:
        saturation: oxygen saturation, per cent; NaN or infinite where it is no number.
        rate_bpm: pulse rate, beats a minute; likewise.
        measurement_status: its bits; 0 where the packet holds none.
        sensor_status: likewise.
        amplitude: pulse amplitude index, per cent; NaN where the packet holds none.
    """

    saturation: float
    rate_bpm: float
    measurement_status: int
    sensor_status: int
    amplitude: float


def parse(payload: bytes) -> ContinuousMeasurement:
    """Read a PLX Continuous Measurement.

    Raises:
        WireError: MALFORMED or OVERSIZED.
    """
    fields = Fields(payload, "a continuous oximeter measurement")
    flags = fields.unsigned(1)
    saturation, rate = fields.short_float(), fields.short_float()
    for pair in (_FAST, _SLOW):
        if flags & pair:
            fields.take(4)
    return ContinuousMeasurement(
        saturation=saturation,
        rate_bpm=rate,
        measurement_status=fields.unsigned(2) if flags & _MEASUREMENT_STATUS else 0,
        sensor_status=fields.unsigned(3) if flags & _SENSOR_STATUS else 0,
        amplitude=fields.short_float() if flags & _AMPLITUDE else math.nan,
    )


class Oximeter(Profile):
    """Yields `spo2` and `hr`; counts `fill_value`, `invalid` and `no_contact`."""

    name = "oximeter"
    service = full_uuid(0x1822)
    notifies = (CONTINUOUS,)
    # PLXS 1.0.1, section 3.3: notified about once a second.
    silent_s = 20.0

    def take(self, characteristic: str, payload: bytes, arrived: float) -> list[Readings]:
        """See `Profile.take`."""
        del characteristic
        found = parse(payload)
        if found.sensor_status & _NO_CONTACT:
            self._count("no_contact")
            return []
        if found.measurement_status & _INVALID:
            self._count("invalid")
            return []
        taken: list[Readings] = []
        for quantity, value in (("spo2", found.saturation), ("hr", found.rate_bpm)):
            if math.isfinite(value) and value > 0.0:
                taken += readings(quantity, arrived, value)
            else:
                self._count("fill_value")
        return taken

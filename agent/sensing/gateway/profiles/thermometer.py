"""Health Thermometer Service 1.0 (0x1809): temperature, once or while it settles.

Rules:

- Flags (section 3.1.1.1): bit 0 Fahrenheit, bit 1 a time stamp, bit 2 where it was measured.
- The value is an IEEE 11073 FLOAT; one that stands for no number is left out and counted `fill_value`.
- The wire's `temp` is skin temperature. A reading from inside the body (ear, mouth, rectum, eardrum, gastrointestinal
  tract) would look like a skin far too warm: it is left out and counted `core_temperature`.
- The time stamp has no time zone and is often never set (section 3.1.1.3); a reading is stamped by its arrival.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from agent.sensing.gateway.profiles.fields import Fields, full_uuid
from agent.sensing.gateway.profiles.profile import Profile, Readings, readings

__all__ = ["INTERMEDIATE", "MEASUREMENT", "TemperatureMeasurement", "Thermometer", "parse"]

MEASUREMENT: Final = full_uuid(0x2A1C)
INTERMEDIATE: Final = full_uuid(0x2A1E)
_FAHRENHEIT, _STAMPED, _TYPED = 0x01, 0x02, 0x04
_DATE_TIME_BYTES: Final = 7
_CORE: Final = frozenset({3, 5, 6, 7, 9})
"""Temperature Type (0x2A1D): ear, gastrointestinal tract, mouth, rectum, tympanum. The others are armpit (1), body in
general (2), finger (4) and toe (8)."""


@dataclass(frozen=True, slots=True)
class TemperatureMeasurement:
    """One Temperature Measurement (0x2A1C) or Intermediate Temperature (0x2A1E).

    Attributes:
        celsius: degrees; NaN or infinite where it is no number.
        place: Temperature Type (0x2A1D); None where the packet does not say.
    """

    celsius: float
    place: int | None


def parse(payload: bytes) -> TemperatureMeasurement:
    """Read a Temperature Measurement.

    Raises:
        WireError: MALFORMED or OVERSIZED.
    """
    fields = Fields(payload, "a temperature measurement")
    flags = fields.unsigned(1)
    value = fields.long_float()
    if flags & _STAMPED:
        fields.take(_DATE_TIME_BYTES)
    place = fields.unsigned(1) if flags & _TYPED else None
    return TemperatureMeasurement((value - 32.0) / 1.8 if flags & _FAHRENHEIT else value, place)


class Thermometer(Profile):
    """Yields `temp`; counts `fill_value` and `core_temperature`."""

    name = "thermometer"
    service = full_uuid(0x1809)
    notifies = (MEASUREMENT, INTERMEDIATE)

    def take(self, characteristic: str, payload: bytes, arrived: float) -> list[Readings]:
        """See `Profile.take`."""
        del characteristic
        found = parse(payload)
        if not math.isfinite(found.celsius):
            self._count("fill_value")
            return []
        if found.place in _CORE:
            self._count("core_temperature")
            return []
        return readings("temp", arrived, found.celsius)

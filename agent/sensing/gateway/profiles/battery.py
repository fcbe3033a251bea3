"""Battery Service 1.0 (0x180F): how much charge is left.

The level is a percentage (section 3.1); 101 and above are reserved, so a packet that says so is refused. It is read
once after connecting, because many wearables notify only when it changes.
"""

from __future__ import annotations

from typing import Final

from agent.sensing.gateway.profiles.fields import Fields, full_uuid
from agent.sensing.gateway.profiles.profile import Profile, Readings, readings
from models.errors import Reason

__all__ = ["LEVEL", "Battery", "parse"]

LEVEL: Final = full_uuid(0x2A19)


def parse(payload: bytes) -> int:
    """Read a Battery Level (0x2A19).

    Returns:
        Per cent, 0..100.

    Raises:
        WireError: MALFORMED, OVERSIZED, or WRONG_VALUE above 100.
    """
    fields = Fields(payload, "a battery level")
    level = fields.unsigned(1)
    if level > 100:
        raise fields.malformed("is above 100 %", Reason.WRONG_VALUE)
    return level


class Battery(Profile):
    """Yields `batt`."""

    name = "battery"
    service = full_uuid(0x180F)
    notifies = (LEVEL,)
    reads = (LEVEL,)

    def take(self, characteristic: str, payload: bytes, arrived: float) -> list[Readings]:
        """See `Profile.take`."""
        del characteristic
        return readings("batt", arrived, parse(payload))

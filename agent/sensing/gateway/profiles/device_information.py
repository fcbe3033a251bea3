"""Device Information Service 1.1 (0x180A): who made the wearable and what runs on it.

Texts are UTF-8 (section 3); what is not is shown with replacement characters, because a name is there for people and a
wrong one does no harm. The serial number is not read: it says nothing that the listener needs, and it follows them.
"""

from __future__ import annotations

from typing import Final

from agent.sensing.gateway.profiles.fields import Fields, full_uuid
from agent.sensing.gateway.profiles.profile import Count, Profile, Readings

__all__ = ["FIRMWARE", "MANUFACTURER", "MODEL", "DeviceInformation", "parse"]

MODEL: Final = full_uuid(0x2A24)
FIRMWARE: Final = full_uuid(0x2A26)
MANUFACTURER: Final = full_uuid(0x2A29)
_NAMES: Final = {MANUFACTURER: "manufacturer", MODEL: "model", FIRMWARE: "firmware"}
_LONGEST: Final = 64
"""Characters that are kept: longer than any name on a box."""


def parse(payload: bytes) -> str:
    """Read one text of the service.

    Returns:
        Its printable characters without the zeros that some wearables pad it with, at most 64; may be empty.

    Raises:
        WireError: OVERSIZED.
    """
    if not payload:
        return ""
    text = Fields(payload, "a text of the device information").rest().decode(errors="replace")
    return "".join(letter for letter in text if letter.isprintable()).strip()[:_LONGEST]


class DeviceInformation(Profile):
    """Yields no readings.

    Attributes:
        found: what the wearable says of itself: `manufacturer`, `model`, `firmware`.
    """

    name = "device_information"
    service = full_uuid(0x180A)
    reads = (MANUFACTURER, MODEL, FIRMWARE)

    def __init__(self, count: Count, *, waveforms: bool = True) -> None:
        super().__init__(count, waveforms=waveforms)
        self.found: dict[str, str] = {}

    def take(self, characteristic: str, payload: bytes, arrived: float) -> list[Readings]:
        """See `Profile.take`."""
        del arrived
        text = parse(payload)
        if text and characteristic in _NAMES:
            self.found[_NAMES[characteristic]] = text
        return []

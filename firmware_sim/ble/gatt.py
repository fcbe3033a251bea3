"""What a wearable offers over GATT, without a Bluetooth stack: services, characteristics, notices."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

__all__ = ["Characteristic", "Notice", "Service", "address_of", "assigned"]

# Assigned numbers stand for these 128 bits (Core 5.4, Vol 3, Part B, 2.5.1).
_BASE: Final = "-0000-1000-8000-00805f9b34fb"


def assigned(number: int) -> str:
    """The UUID of a 16-bit assigned number, in full."""
    return str(uuid.UUID(f"{number:08x}{_BASE}"))


def address_of(name: str) -> str:
    """A random static address that a name always has (Core 5.4, Vol 6, Part B, 1.3.2.1: the top two bits are set)."""
    digest = bytearray(hashlib.sha256(name.encode()).digest()[:6])
    digest[0] |= 0xC0
    return ":".join(f"{byte:02X}" for byte in digest)


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification or indication on its way.

    Attributes:
        uuid: of the characteristic.
        payload: its value.
    """

    uuid: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Characteristic:
    """One characteristic.

    Attributes:
        uuid: in full, lower case.
        read: yields its value where it can be read.
        written: takes what is written and the ATT MTU of the connection, and returns the notices that answer it.
        notifies: whether values are pushed without confirmation.
        indicates: whether values are pushed and confirmed.
    """

    uuid: str
    read: Callable[[], bytes] | None = None
    written: Callable[[bytes, int], list[Notice]] | None = None
    notifies: bool = False
    indicates: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """One primary service.

    Attributes:
        uuid: in full, lower case.
        characteristics: in the order of their handles.
        advertised: whether the advertisement names it.
    """

    uuid: str
    characteristics: tuple[Characteristic, ...]
    advertised: bool = False

"""What the gateway needs of a Bluetooth adapter: to scan, to connect, and to be started afresh when it hangs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

__all__ = ["CONNECT_TIMEOUT_S", "Adapter", "OnAdvertisement", "OnDisconnect"]

OnAdvertisement = Callable[[BLEDevice, AdvertisementData], None]
"""Called on the event loop for every advertisement that is heard, repeats included."""
OnDisconnect = Callable[[BleakClient], None]
"""Called on the event loop once when a connection ends, whoever ended it."""

CONNECT_TIMEOUT_S = 20.0
"""How long a connection may take, seconds. BlueZ gives up after 20 to 30; a strap advertises at least every two."""


class Adapter(Protocol):
    """A Bluetooth adapter as bleak sees it.

    Everything that it yields is bleak's own; what it raises is a `bleak.exc.BleakError` or a `TimeoutError`.
    """

    @property
    def name(self) -> str:
        """What it was opened as: `system` or `hci:…`."""
        ...

    def scanner(self, on_advertisement: OnAdvertisement) -> BleakScanner:
        """A scanner that has not been started. Starting it fails with BleakError while the adapter is gone."""
        ...

    def client(
        self, device: BLEDevice | str, on_disconnect: OnDisconnect, *, timeout_s: float = CONNECT_TIMEOUT_S
    ) -> BleakClient:
        """A client that has not been connected.

        Args:
            device: as scanned, or its address.
            on_disconnect: told when the connection ends.
            timeout_s: how long connecting may take; longer fails with TimeoutError.
        """
        ...

    async def gone(self) -> None:
        """Return as soon as the adapter is known to be lost; where nothing tells, never."""
        ...

    async def reset(self) -> None:
        """Start the adapter afresh: connections end and are reported, scanners must be started again.

        Raises:
            BleakError: it does not come back.
        """
        ...

"""The operating system's Bluetooth, through bleak's own backend."""

from __future__ import annotations

import asyncio

from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError
from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from agent.sensing.gateway.adapters.adapter import CONNECT_TIMEOUT_S, OnAdvertisement, OnDisconnect

__all__ = ["SystemAdapter"]

_PATH = "/org/bluez/hci0"
# BlueZ answers within milliseconds; a controller that takes longer to wake has hung.
_POWER_TIMEOUT_S = 10.0
# Some controllers refuse to be powered up in the moment after they were powered down.
_OFF_S = 0.5


class SystemAdapter:
    """BlueZ's first adapter. BlueZ may come and go underneath: bleak then raises, and works again when it is back."""

    @property
    def name(self) -> str:
        """What it was opened as."""
        return "system"

    def scanner(self, on_advertisement: OnAdvertisement) -> BleakScanner:
        """See `Adapter.scanner`."""
        return BleakScanner(on_advertisement)

    def client(
        self, device: BLEDevice | str, on_disconnect: OnDisconnect, *, timeout_s: float = CONNECT_TIMEOUT_S
    ) -> BleakClient:
        """See `Adapter.client`."""
        return BleakClient(device, disconnected_callback=on_disconnect, timeout=timeout_s)

    async def reset(self) -> None:
        """Power the adapter off and on again through BlueZ's D-Bus interface (org.bluez.Adapter1).

        Raises:
            BleakError: BlueZ is not there, refuses, or does not answer.
        """
        try:
            async with asyncio.timeout(_POWER_TIMEOUT_S):
                bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
                try:
                    await _set_power(bus, on=False)
                    await asyncio.sleep(_OFF_S)
                    await _set_power(bus, on=True)
                finally:
                    bus.disconnect()
        except (OSError, TimeoutError) as error:
            raise BleakError(f"BlueZ cannot be reached to reset the adapter: {error}") from error


async def _set_power(bus: MessageBus, *, on: bool) -> None:
    reply = await bus.call(
        Message(
            destination="org.bluez",
            path=_PATH,
            interface="org.freedesktop.DBus.Properties",
            member="Set",
            signature="ssv",
            body=["org.bluez.Adapter1", "Powered", Variant("b", on)],
        )
    )
    if reply is not None and reply.message_type == MessageType.ERROR:
        raise BleakError(f"BlueZ does not power the adapter {'on' if on else 'off'}: {reply.error_name}")

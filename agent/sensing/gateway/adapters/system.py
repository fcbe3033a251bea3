"""The operating system's Bluetooth, through bleak's own backend."""

from __future__ import annotations

import asyncio
from typing import Any

from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError
from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from agent.sensing.gateway.adapters.adapter import CONNECT_TIMEOUT_S, OnAdvertisement, OnDisconnect

__all__ = ["SystemAdapter", "power_cycle"]

_ADAPTER = "org.bluez.Adapter1"
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

    async def gone(self) -> None:
        """See `Adapter.gone`: bleak does not tell when BlueZ goes away while it scans."""
        await asyncio.Event().wait()

    async def reset(self) -> None:
        """Power the adapter off and on again through BlueZ's D-Bus interface (org.bluez.Adapter1, doc/adapter-api).

        Raises:
            BleakError: BlueZ is not there, refuses, or does not answer.
        """
        try:
            async with asyncio.timeout(_POWER_TIMEOUT_S):
                bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
                try:
                    await power_cycle(bus)
                finally:
                    bus.disconnect()
        except (OSError, TimeoutError) as error:
            raise BleakError(f"BlueZ cannot be reached to reset the adapter: {error}") from error


async def power_cycle(bus: MessageBus) -> None:
    """Power BlueZ's first adapter off and on again.

    Raises:
        BleakError: there is none, or BlueZ refuses.
    """
    (objects,) = await _ask(bus, "/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
    adapters = sorted(path for path, interfaces in objects.items() if _ADAPTER in interfaces)
    if not adapters:
        raise BleakError("BlueZ has no adapter to reset")
    for on in (False, True):
        value = (_ADAPTER, "Powered", Variant("b", on))
        await _ask(bus, adapters[0], "org.freedesktop.DBus.Properties", "Set", signature="ssv", body=value)
        if not on:
            await asyncio.sleep(_OFF_S)


async def _ask(
    bus: MessageBus, path: str, interface: str, member: str, *, signature: str = "", body: tuple[Any, ...] = ()
) -> list[Any]:
    reply = await bus.call(
        Message(
            destination="org.bluez",
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
    )
    if reply is None or reply.message_type is MessageType.ERROR:
        raise BleakError(f"BlueZ refuses {member}: {reply.error_name if reply is not None else 'no answer'}")
    return list(reply.body)

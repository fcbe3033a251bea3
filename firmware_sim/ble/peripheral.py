"""A GATT server on the virtual air: advertises, serves one central at a time, leaves and comes back.

Rules:

- Notices never wait for the radio: what a central does not take in time is dropped, the oldest first, and counted.
- After every disconnection it advertises again, unless it is away.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from bumble import gatt
from bumble.att import ATT_Error, AttributeValue, ErrorCode
from bumble.core import UUID, AdvertisingData, BaseBumbleError
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.hci import Address
from bumble.host import Host
from bumble.transport.common import AsyncPipeSink

from firmware_sim.ble.air import Air
from firmware_sim.ble.gatt import Characteristic, Notice, Service, address_of, assigned

__all__ = ["LARGEST_MTU", "Peripheral"]

_log = logging.getLogger(__name__)
_Properties = gatt.Characteristic.Properties
# Milliseconds. Straps advertise every 0.1 to 1 s; nothing is won by waiting longer on a virtual link.
_ADVERTISE_EVERY_MS = 100.0
# What the Polar H10 agrees to: a frame of 73 samples of ECG fits, header included.
LARGEST_MTU: Final = 232
"""Bytes of the largest ATT packet that a wearable agrees to."""
# Seconds of all streams of the busiest wearable.
_MOST_WAITING = 256


class Peripheral:
    """One wearable's Bluetooth side.

    Args:
        air: where it is within reach.
        name: that it advertises, at most 20 bytes.
        services: what it offers.
        on_disconnect: called when its central is gone.
    """

    def __init__(
        self, air: Air, name: str, services: Sequence[Service], on_disconnect: Callable[[], None] | None = None
    ) -> None:
        self.name = name
        self.address = address_of(name)
        self._air = air
        self._on_disconnect = on_disconnect
        self._controller = air.controller(name)
        host = Host(controller_source=self._controller, controller_sink=AsyncPipeSink(self._controller))
        self._device = Device(
            config=DeviceConfiguration(
                name=name,
                address=Address(self.address),
                advertising_data=_advertisement(name, services),
                scan_response_data=b"",
                advertising_interval_min=_ADVERTISE_EVERY_MS,
                advertising_interval_max=_ADVERTISE_EVERY_MS,
            ),
            host=host,
        )
        self._device.gatt_server.max_mtu = LARGEST_MTU
        self._characteristics: dict[str, gatt.Characteristic[bytes]] = {}
        self._device.add_services([self._service(service) for service in services])
        self._device.on(Device.EVENT_CONNECTION, self._connected)
        self._connection: Connection | None = None
        self._sender: asyncio.Task[None] | None = None
        self._waiting: deque[Notice] = deque(maxlen=_MOST_WAITING)
        self._wake = asyncio.Event()
        self._away = True
        self._tasks: set[asyncio.Task[None]] = set()
        self.sent = 0
        """Notices handed to the radio while a central was there; whether it had subscribed is its own affair."""
        self.dropped = 0
        """Notices that came faster than the central took them."""
        self.connections = 0
        """How often a central connected."""

    def _service(self, service: Service) -> gatt.Service:
        built = []
        for each in service.characteristics:
            made = self._characteristic(each)
            self._characteristics[each.uuid] = made
            built.append(made)
        return gatt.Service(_uuid(service.uuid), built)

    def _characteristic(self, described: Characteristic) -> gatt.Characteristic[bytes]:
        properties, permissions = _Properties(0), gatt.Characteristic.Permissions(0)
        read, written = described.read, described.written
        if read is not None:
            properties |= _Properties.READ
            permissions |= gatt.Characteristic.Permissions.READABLE
        if written is not None:
            properties |= _Properties.WRITE
            permissions |= gatt.Characteristic.Permissions.WRITEABLE
        if described.notifies:
            properties |= _Properties.NOTIFY
        if described.indicates:
            properties |= _Properties.INDICATE

        def on_read(_connection: Connection) -> bytes:
            if read is None:
                raise ATT_Error(ErrorCode.READ_NOT_PERMITTED)
            return read()

        def on_write(connection: Connection, value: bytes) -> None:
            if written is None:
                raise ATT_Error(ErrorCode.WRITE_NOT_PERMITTED)
            for notice in written(bytes(value), connection.att_mtu):
                self.notify(notice)

        value: AttributeValue[bytes] = AttributeValue(read=on_read, write=on_write)
        return gatt.Characteristic(_uuid(described.uuid), properties, permissions, value)

    @property
    def connected(self) -> bool:
        """Whether a central is there."""
        return self._connection is not None

    async def start(self) -> None:
        """Power on and come within reach."""
        await self._device.power_on()
        await self.come_back()

    async def come_back(self) -> None:
        """Be within reach: advertise until somebody connects."""
        self._away = False
        if self._connection is None:
            await self._device.start_advertising()

    async def leave(self) -> None:
        """Go out of reach: a central sees a link loss, and no advertisement any more."""
        self._away = True
        await self._device.stop_advertising()
        self._controller.sever()

    async def close(self) -> None:
        """Leave for good."""
        await self.leave()
        self._air.remove(self._controller)
        tasks = [task for task in (*self._tasks, self._sender) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._device.power_off()

    def notify(self, notice: Notice) -> None:
        """Push a value to the central, if one is there and has subscribed. Never waits."""
        if self._connection is None:
            return
        if len(self._waiting) == _MOST_WAITING:
            self.dropped += 1
        self._waiting.append(notice)
        self._wake.set()

    def _connected(self, connection: Connection) -> None:
        self._connection = connection
        self.connections += 1
        self._waiting.clear()
        self._sender = asyncio.create_task(self._send(connection), name=f"ble-{self.name}")
        connection.on(Connection.EVENT_DISCONNECTION, self._disconnected)
        if self._away:
            # It left while the central was connecting.
            self._controller.sever()

    def _disconnected(self, reason: int) -> None:
        _log.info("%s: the central is gone (%#04x)", self.name, reason)
        self._connection = None
        if self._sender is not None:
            self._sender.cancel()
        if self._on_disconnect is not None:
            self._on_disconnect()
        if not self._away:
            task = asyncio.create_task(self._advertise(), name=f"ble-{self.name}-advertise")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _advertise(self) -> None:
        if not self._away and self._connection is None:
            await self._device.start_advertising()

    async def _send(self, connection: Connection) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                notice = self._waiting.popleft()
                characteristic = self._characteristics[notice.uuid]
                # What fails here fails because the central goes away at this moment; it is told elsewhere.
                with contextlib.suppress(BaseBumbleError, TimeoutError):
                    if _Properties.INDICATE in characteristic.properties:
                        await self._device.indicate_subscriber(connection, characteristic, notice.payload)
                    else:
                        await self._device.notify_subscriber(connection, characteristic, notice.payload)
                        await connection.drain()
                    self.sent += 1


def _uuid(text: str) -> UUID:
    """An assigned number in its short form, as wearables send it; any other in full."""
    return UUID.from_16_bits(int(text[:8], 16)) if text == assigned(int(text[:8], 16)) else UUID(text)


def _advertisement(name: str, services: Sequence[Service]) -> bytes:
    """Flags, the services that are advertised, and the name: at most 31 bytes (Core 5.4, Vol 6, Part B, 2.3.1)."""
    short = b"".join(_uuid(each.uuid).to_bytes() for each in services if each.advertised)
    parts: list[tuple[int, bytes]] = [
        (AdvertisingData.Type.FLAGS, b"\x06"),
        (AdvertisingData.Type.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, short),
        (AdvertisingData.Type.COMPLETE_LOCAL_NAME, name.encode()),
    ]
    return bytes(AdvertisingData([part for part in parts if part[1]]))

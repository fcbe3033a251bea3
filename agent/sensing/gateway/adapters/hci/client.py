"""bleak's client over a `Radio`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import cast

from bleak.args import SizedBuffer
from bleak.assigned_numbers import CharacteristicPropertyName
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError
from bumble.att import ATT_Error
from bumble.device import Connection, Peer
from bumble.gatt import Characteristic
from bumble.gatt_client import CharacteristicProxy
from bumble.hci import Address

from agent.sensing.gateway.adapters.hci.radio import Radio, finished
from agent.sensing.gateway.adapters.hci.scanner import uuid_text

__all__ = ["HciClient"]

# The largest attribute that GATT knows is 512 bytes long (Core 5.4, Vol 3, Part F, 3.2.9); BlueZ asks for as much.
_LARGEST_MTU = 517
# Opcode and handle precede a value that is written (Core 5.4, Vol 3, Part F, 3.4.5).
_WRITE_HEADER = 3


class HciClient(BaseBleakClient):
    """Speaks GATT with one peripheral. Built by `bleak.BleakClient`, which passes what the base class asks for.

    Args:
        radio: the controller to connect with.
    """

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        disconnected_callback: Callable[[], None] | None,
        timeout: float,
        radio: Radio,
        **_others: object,
    ) -> None:
        super().__init__(address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout)
        self._radio = radio
        self._target: Address | None = None
        self._name: str | None = None
        if isinstance(address_or_ble_device, BLEDevice):
            self._name = address_or_ble_device.name
            self._target = cast("Address", address_or_ble_device.details["address"])
        self._connection: Connection | None = None
        self._subscriptions: dict[int, Callable[[bytes], None]] = {}

    @property
    def name(self) -> str:
        """The name that it advertised, else its address with dashes."""
        return self._name or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        """The largest ATT packet that both sides take, bytes."""
        return self._connected().att_mtu

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands and its services are known."""
        return self._connection is not None and self.services is not None

    def _connected(self) -> Connection:
        if self._connection is None:
            raise BleakError(f"Not connected to {self.address}")
        return self._connection

    async def connect(self, pair: bool, **_others: object) -> None:  # noqa: FBT001 - bleak's signature
        """Connect, agree on the packet size and discover all services.

        Raises:
            TimeoutError: the peripheral did not answer in time.
            BleakError: the controller is gone, or the peripheral went away while it was being discovered.
        """
        if self._connection is not None:
            raise BleakError(f"Already connected to {self.address}")
        target = self._target or self._radio.address_of(self.address)
        connection = await self._radio.connect(target, timeout_s=self._timeout)
        self._connection = connection
        connection.on(Connection.EVENT_DISCONNECTION, self._disconnected)
        try:
            if pair:
                await self.pair()
            services = await finished(_discover(connection, lambda: self.mtu_size), timeout_s=self._timeout)
        except BaseException:
            # Cancelled or failed: a connection that nobody knows of would keep others from connecting.
            self._forget()
            await self._radio.disconnect(connection)
            raise
        if self._connection is None:
            raise BleakError("disconnected while being discovered")
        self.services = services

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.remove_listener(Connection.EVENT_DISCONNECTION, self._disconnected)
        self._connection = None
        self.services = None
        self._subscriptions.clear()

    def _disconnected(self, _reason: int) -> None:
        was_connected = self.is_connected
        self._forget()
        if was_connected and self._disconnected_callback is not None:
            self._disconnected_callback()

    async def disconnect(self) -> None:
        """End the connection; nothing happens where there is none."""
        connection = self._connection
        if connection is None:
            return
        await self._radio.disconnect(connection)
        if self._connection is connection:
            # The controller did not say that the connection ended; for us it has.
            self._disconnected(0)

    async def pair(self, *_args: object, **_others: object) -> None:
        """Pair without input or output ("just works"); the bond holds until the adapter is closed.

        Raises:
            BleakError: the peripheral refuses.
            TimeoutError: it does not answer.
        """
        await finished(self._connected().pair(), timeout_s=self._timeout)

    async def unpair(self) -> None:
        """Forget the bond."""
        keystore = self._radio.device.keystore
        if keystore is not None:
            await keystore.delete(str(self._target or self._radio.address_of(self.address)))

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **_others: object
    ) -> bytearray:
        """Read a value; the cache is never used.

        Raises:
            BleakGATTProtocolError: the peripheral refuses.
            BleakError: the connection was lost.
        """
        del use_cached
        self._connected()
        return bytearray(await finished(characteristic.obj.read_value(), timeout_s=self._timeout))

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **_others: object
    ) -> bytearray:
        """Read a descriptor; see `read_gatt_char`."""
        del use_cached
        self._connected()
        return bytearray(await finished(descriptor.obj.read_value(), timeout_s=self._timeout))

    async def write_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        data: SizedBuffer,
        response: bool,  # noqa: FBT001 - bleak's signature
    ) -> None:
        """Write a value, with or without waiting for the peripheral's answer.

        Raises:
            BleakGATTProtocolError: the peripheral refuses (only where `response` is asked for).
            BleakError: the connection was lost, or the value does not fit into one packet without a response.
        """
        mtu = self._connected().att_mtu
        payload = bytes(memoryview(data))
        if not response and len(payload) > mtu - _WRITE_HEADER:
            raise BleakError(f"{len(payload)} bytes do not fit into one packet of {mtu}; write with response")
        work = characteristic.obj.write_value(payload, with_response=response)
        await finished(work, timeout_s=self._timeout)

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        """Write a descriptor, with response; see `write_gatt_char`."""
        self._connected()
        work = descriptor.obj.write_value(bytes(memoryview(data)), with_response=True)
        await finished(work, timeout_s=self._timeout)

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_others: object
    ) -> None:
        """Subscribe; notifications where the characteristic offers both kinds, else indications.

        Raises:
            BleakError: it is subscribed to already, offers neither, the peripheral refuses, or the connection is lost.
        """
        self._connected()
        if characteristic.handle in self._subscriptions:
            raise BleakError(f"Notifications of {characteristic.uuid} are already on")

        def notify(value: bytes) -> None:
            callback(bytearray(value))

        self._subscriptions[characteristic.handle] = notify
        try:
            await finished(characteristic.obj.subscribe(notify), timeout_s=self._timeout)
        except BaseException:
            self._subscriptions.pop(characteristic.handle, None)
            raise

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Unsubscribe.

        Raises:
            BleakError: it was not subscribed to, or the connection is lost.
        """
        self._connected()
        notify = self._subscriptions.pop(characteristic.handle, None)
        if notify is None:
            raise BleakError(f"Notifications of {characteristic.uuid} are not on")
        await finished(characteristic.obj.unsubscribe(notify), timeout_s=self._timeout)


async def _discover(connection: Connection, mtu: Callable[[], int]) -> BleakGATTServiceCollection:
    """Agree on the packet size, then list services, characteristics and descriptors."""
    peer = Peer(connection)
    with contextlib.suppress(ATT_Error):  # some know no other size than the smallest
        await peer.request_mtu(_LARGEST_MTU)
    for each_service in await peer.discover_services():
        for each_characteristic in await each_service.discover_characteristics():
            await each_characteristic.discover_descriptors()
    found = BleakGATTServiceCollection()
    for service in peer.services:
        known = BleakGATTService(service, service.handle, uuid_text(service.uuid))
        found.add_service(known)
        for each in service.characteristics:
            characteristic = BleakGATTCharacteristic(
                each, each.handle, uuid_text(each.uuid), _properties(each), lambda: mtu() - _WRITE_HEADER, known
            )
            found.add_characteristic(characteristic)
            for descriptor in each.descriptors:
                found.add_descriptor(
                    BleakGATTDescriptor(descriptor, descriptor.handle, uuid_text(descriptor.type), characteristic)
                )
    return found


def _properties(characteristic: CharacteristicProxy[bytes]) -> list[CharacteristicPropertyName]:
    """The properties' names as bleak writes them, such as `write-without-response`."""
    present = [kind for kind in Characteristic.Properties if kind in characteristic.properties]
    return [cast("CharacteristicPropertyName", str(kind.name).lower().replace("_", "-")) for kind in present]

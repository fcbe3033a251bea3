"""Wearables in the air and one adapter, with every fault that a radio has, behind bleak's own client and scanner."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from bleak import BleakClient, BleakScanner
from bleak.args import SizedBuffer
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDeviceNotFoundError, BleakError

__all__ = ["Air", "FakeWearable"]

NEVER_S = 1e6


class FakeWearable:
    """A peripheral.

    Attributes:
        present: in reach of the adapter.
        advertises_every_s: while nobody is connected.
        hangs: what never answers: `connect`, `subscribe`, `read`, `write`, `disconnect`.
        fails: what fails with an error, by the same names.
        held: connected by a process that is gone, so that it does not advertise.
        values: what reads give, by UUID.
        on_write: answers requests; gets UUID and payload, returns (UUID, payload) notifications.
        connects: how often it was connected to; `written`: what was written.
    """

    def __init__(self, address: str, name: str, services: dict[str, tuple[str, ...]]) -> None:
        self.address, self.name, self.services = address, name, services
        self.present = True
        self.advertises_every_s = 0.5
        self.hangs: set[str] = set()
        self.fails: dict[str, BleakError] = {}
        self.held = False
        self.values: dict[str, bytes] = {}
        self.on_write: Callable[[str, bytes], list[tuple[str, bytes]]] = lambda _uuid, _payload: []
        self.written: list[tuple[str, bytes]] = []
        self.connects = 0
        self.bonds = 0
        self.client: FakeClient | None = None

    def notify(self, uuid: str, payload: bytes) -> bool:
        """Send a notification; tells whether anybody listens."""
        callback = self.client.callbacks.get(uuid) if self.client is not None else None
        if callback is None:
            return False
        callback(bytearray(payload))
        return True

    def walk_away(self) -> None:
        self.present = False
        if self.client is not None:
            self.client.lose()

    async def answer(self, what: str) -> None:
        if what in self.hangs:
            await asyncio.sleep(NEVER_S)
        await asyncio.sleep(0.02)
        if what in self.fails:
            raise self.fails[what]


class Air:
    """All that is in reach, and the adapter that reaches it.

    Attributes:
        broken: the adapter is gone: nothing can be started, nothing is connected.
        mended_by: what brings it back, `reset` or `reopening`; otherwise only who set `broken`.
        scans: scanners that believe they run.
        resets, openings, starts: how often.
    """

    def __init__(self, *wearables: FakeWearable) -> None:
        self.wearables = {each.address: each for each in wearables}
        self.broken = False
        self.mended_by = ""
        self.name = "hci:fake"
        self.scans: set[FakeScanner] = set()
        self.resets = self.openings = self.starts = 0
        self.released: list[str] = []
        self._known_to_be_gone = asyncio.Event()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Air]:
        self.openings += 1
        if self.mended_by == "reopening":
            self.broken = False
        advertising = [asyncio.create_task(self._advertise(each)) for each in self.wearables.values()]
        try:
            yield self
        finally:
            for task in advertising:
                task.cancel()
            await asyncio.gather(*advertising, return_exceptions=True)

    async def release(self, _adapter: object, address: str) -> None:
        """End a connection that a killed process left behind, as BlueZ does when asked."""
        self.released.append(address)
        if address in self.wearables:
            self.wearables[address].held = False

    def scanner(self, on_advertisement: Callable[[BLEDevice, AdvertisementData], None]) -> BleakScanner:
        return BleakScanner(on_advertisement, backend=FakeScanner, air=self)

    def client(
        self, device: BLEDevice | str, on_disconnect: Callable[[BleakClient], None], *, timeout_s: float = 20.0
    ) -> BleakClient:
        return BleakClient(device, on_disconnect, timeout=timeout_s, backend=FakeClient, air=self)

    async def gone(self) -> None:
        await self._known_to_be_gone.wait()

    async def reset(self) -> None:
        self.resets += 1
        if self.mended_by == "reset":
            self.broken = False
        if self.broken:
            raise BleakError("it does not come back")

    def break_down(self, *, silently: bool, mended_by: str = "") -> None:
        """The adapter is pulled out, or restarted by somebody else."""
        self.broken, self.mended_by = True, mended_by
        self.deafen()
        for wearable in self.wearables.values():
            if wearable.client is not None:
                wearable.client.lose(silently=silently)

    def pull_and_put_back(self) -> None:
        """The adapter tells that it was lost; a scan that is started anew works."""
        self.deafen()
        self._known_to_be_gone.set()
        self._known_to_be_gone.clear()

    def deafen(self) -> None:
        """Scans go on believing that they run."""
        for scan in self.scans:
            scan.deaf = True

    async def _advertise(self, wearable: FakeWearable) -> None:
        while True:
            await asyncio.sleep(wearable.advertises_every_s)
            if wearable.present and wearable.client is None and not wearable.held and not self.broken:
                for scan in tuple(self.scans):
                    scan.hear(wearable)


class FakeScanner(BaseBleakScanner):
    def __init__(self, detection_callback: Any, service_uuids: Any, _mode: str, *, air: Air, **_others: Any) -> None:
        super().__init__(detection_callback, service_uuids)
        self.air = air
        self.deaf = False
        self.seen_devices = {}

    async def start(self) -> None:
        self.air.starts += 1
        if self.air.broken:
            raise BleakError("org.bluez.Error.NotReady")
        self.air.scans.add(self)

    async def stop(self) -> None:
        if self.deaf:
            raise BleakError("org.bluez.Error.Failed: No discovery started")
        self.air.scans.discard(self)

    def hear(self, wearable: FakeWearable) -> None:
        if self.deaf:
            return
        heard = AdvertisementData(wearable.name, {}, {}, list(wearable.services), None, -60, ())
        device = self.create_or_update_device(wearable.address, wearable.address, wearable.name, {}, heard)
        self.call_detection_callbacks(device, heard)


class FakeClient(BaseBleakClient):
    def __init__(self, device: BLEDevice | str, *, air: Air, **kwargs: Any) -> None:
        super().__init__(device, disconnected_callback=kwargs["disconnected_callback"], timeout=kwargs["timeout"])
        self.air = air
        self.wearable = air.wearables[self.address]
        self.callbacks: dict[str, NotifyCallback] = {}

    @property
    def name(self) -> str:
        return self.wearable.name

    @property
    def mtu_size(self) -> int:
        return 247

    @property
    def is_connected(self) -> bool:
        return self.wearable.client is self

    async def connect(self, pair: bool, **_others: Any) -> None:  # noqa: ARG002 - bleak names it
        await self.wearable.answer("connect")
        if not self.wearable.present or self.air.broken or self.wearable.held:
            raise BleakDeviceNotFoundError(self.address, "not found")
        self.wearable.client = self
        self.wearable.connects += 1
        self.services = _services(self.wearable)

    async def disconnect(self) -> None:
        if self.wearable.client is self:
            await self.wearable.answer("disconnect")
            self.lose()

    def lose(self, *, silently: bool = False) -> None:
        if self.wearable.client is self:
            self.wearable.client = None
            self.callbacks.clear()
            if not silently and self._disconnected_callback is not None:
                self._disconnected_callback()

    async def pair(self, *_args: Any, **_kwargs: Any) -> None:
        self.wearable.bonds += 1
        self.wearable.fails.pop("subscribe", None)

    async def unpair(self) -> None:
        self.wearable.bonds = 0

    async def read_gatt_char(self, characteristic: BleakGATTCharacteristic, **_kwargs: Any) -> bytearray:
        await self.wearable.answer("read")
        return bytearray(self.wearable.values.get(characteristic.uuid, b""))

    async def read_gatt_descriptor(self, descriptor: BleakGATTDescriptor, **_kwargs: Any) -> bytearray:
        raise AssertionError(f"the gateway reads no descriptor, and asks for {descriptor}")

    async def write_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        data: SizedBuffer,
        response: bool,  # noqa: ARG002 - bleak names it
    ) -> None:
        await self.wearable.answer("write")
        self.wearable.written.append((characteristic.uuid, bytes(data)))
        for uuid, payload in self.wearable.on_write(characteristic.uuid, bytes(data)):
            self.wearable.notify(uuid, payload)

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        raise AssertionError(f"the gateway writes no descriptor, and puts {data!r} to {descriptor}")

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_kwargs: Any
    ) -> None:
        await self.wearable.answer("subscribe")
        self.callbacks[characteristic.uuid] = callback

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        self.callbacks.pop(characteristic.uuid, None)


def _services(wearable: FakeWearable) -> BleakGATTServiceCollection:
    found, handle = BleakGATTServiceCollection(), 0
    for uuid, characteristics in wearable.services.items():
        service = BleakGATTService(None, handle := handle + 1, uuid)
        found.add_service(service)
        for each in characteristics:
            characteristic = BleakGATTCharacteristic(None, handle := handle + 1, each, ["notify"], lambda: 244, service)
            found.add_characteristic(characteristic)
    return found

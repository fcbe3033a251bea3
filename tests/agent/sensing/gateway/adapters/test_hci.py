from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest
from bleak import BleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakBluetoothNotAvailableError, BleakError, BleakGATTProtocolError

from agent.sensing.gateway.adapters import Adapter, open_adapter
from firmware_sim.ble.air import Air
from firmware_sim.ble.gatt import Characteristic, Notice, Service, assigned
from firmware_sim.ble.peripheral import LARGEST_MTU, Peripheral
from models.errors import AttuneError, Reason, SettingsError

PATIENCE_S = 30.0
HEART, LEVEL, CONTROL, TEMPERATURE = assigned(0x2A37), assigned(0x2A19), assigned(0x2A39), assigned(0x2A1C)


@dataclass
class Band:
    """A peripheral, and what was written to it."""

    peripheral: Peripheral
    written: list[bytes] = field(default_factory=list)


@dataclass
class World:
    """Two bands on the air, and an adapter within their reach."""

    air: Air
    port: int
    bands: list[Band]
    adapter: Adapter

    async def find(self, band: Band) -> BLEDevice:
        found: asyncio.Future[BLEDevice] = asyncio.get_running_loop().create_future()

        def see(device: BLEDevice, _data: AdvertisementData) -> None:
            if device.address == band.peripheral.address and not found.done():
                found.set_result(device)

        async with self.adapter.scanner(see):
            return await asyncio.wait_for(found, PATIENCE_S)

    @asynccontextmanager
    async def connected(self, band: Band, on_disconnect: Callable[[BleakClient], None]) -> AsyncIterator[BleakClient]:
        client = self.adapter.client(await self.find(band), on_disconnect)
        await client.connect()
        try:
            yield client
        finally:
            await client.disconnect()


def band(air: Air, name: str) -> Band:
    written: list[bytes] = []

    def take(payload: bytes, mtu: int) -> list[Notice]:
        written.append(payload)
        return [Notice(TEMPERATURE, bytes([mtu]))]

    services = (
        Service(
            assigned(0x180D),
            (Characteristic(HEART, notifies=True), Characteristic(CONTROL, written=take)),
            advertised=True,
        ),
        Service(assigned(0x180F), (Characteristic(LEVEL, read=lambda: b"\x57", notifies=True),)),
        Service(assigned(0x1809), (Characteristic(TEMPERATURE, indicates=True),)),
    )
    return Band(Peripheral(air, name, services), written)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    air = Air()
    bands = [band(air, "First"), band(air, "Second")]
    async with air.served("127.0.0.1", 0) as port:
        for each in bands:
            await each.peripheral.start()
        async with open_adapter(f"hci:tcp-client:127.0.0.1:{port}") as adapter:
            yield World(air, port, bands, adapter)
        for each in bands:
            await each.peripheral.close()


class Told:
    """Something that happens on the loop, to be waited for."""

    def __init__(self) -> None:
        self.values: list[object] = []
        self._news = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, *values: object) -> None:
        self.values.append(values[-1])
        task = asyncio.ensure_future(self._wake())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _wake(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def count(self, number: int) -> None:
        async with asyncio.timeout(PATIENCE_S), self._news:
            await self._news.wait_for(lambda: len(self.values) >= number)


def nobody(_client: BleakClient) -> None:
    pass


async def test_a_scan_tells_names_services_and_strength(world: World):
    seen: dict[str, tuple[str | None, AdvertisementData]] = {}
    both = asyncio.Event()

    def see(device: BLEDevice, data: AdvertisementData) -> None:
        seen[device.address] = (device.name, data)
        if len(seen) == 2:
            both.set()

    async with world.adapter.scanner(see) as scanner:
        await asyncio.wait_for(both.wait(), PATIENCE_S)
        assert {device.name for device in scanner.discovered_devices} == {"First", "Second"}
    name, data = seen[world.bands[0].peripheral.address]
    assert name == "First"
    assert data.service_uuids == [assigned(0x180D)]
    assert -127 <= data.rssi <= 20


async def test_services_are_listed_with_what_can_be_done_with_them(world: World):
    async with world.connected(world.bands[0], nobody) as client:
        heart = client.services.get_characteristic(HEART)
        assert heart is not None
        assert heart.properties == ["notify"]
        assert heart.service_uuid == assigned(0x180D)
        assert [each.uuid for each in heart.descriptors] == [assigned(0x2902)]
        assert client.mtu_size == LARGEST_MTU
        assert heart.max_write_without_response_size == LARGEST_MTU - 3
        assert client.name == "First"


async def test_values_are_read_and_refused_as_the_peripheral_says(world: World):
    async with world.connected(world.bands[0], nobody) as client:
        assert await client.read_gatt_char(LEVEL) == b"\x57"
        with pytest.raises(BleakGATTProtocolError):
            await client.read_gatt_char(HEART)


@pytest.mark.parametrize("response", [True, False])
async def test_what_is_written_arrives_and_is_answered_by_an_indication(world: World, response: bool):
    told = Told()
    async with world.connected(world.bands[0], nobody) as client:
        await client.start_notify(TEMPERATURE, told)
        await client.write_gatt_char(CONTROL, b"\x01\x02", response=response)
        await told.count(1)
    assert world.bands[0].written == [b"\x01\x02"]
    assert told.values == [bytes([LARGEST_MTU])]


async def test_a_value_that_fits_into_no_packet_is_written_in_parts_or_refused(world: World):
    long = bytes(range(200)) + bytes(range(200))
    async with world.connected(world.bands[0], nobody) as client:
        with pytest.raises(BleakError, match="do not fit"):
            await client.write_gatt_char(CONTROL, long, response=False)
        await client.write_gatt_char(CONTROL, long, response=True)
    assert world.bands[0].written == [long]


async def test_notifications_come_in_order_until_they_are_stopped(world: World):
    told = Told()
    peripheral = world.bands[0].peripheral
    async with world.connected(world.bands[0], nobody) as client:
        await client.start_notify(HEART, told)
        for number in range(100):
            peripheral.notify(Notice(HEART, bytes([number])))
        await told.count(100)
        await client.stop_notify(HEART)
        peripheral.notify(Notice(HEART, b"\xff"))
        assert await client.read_gatt_char(LEVEL) == b"\x57"
        await client.start_notify(HEART, told)
        peripheral.notify(Notice(HEART, b"\x64"))
        await told.count(101)
    assert told.values == [bytes([number]) for number in range(101)]


async def test_a_characteristic_is_subscribed_to_once(world: World):
    async with world.connected(world.bands[0], nobody) as client:
        await client.start_notify(HEART, lambda _sender, _value: None)
        with pytest.raises(BleakError, match="already on"):
            await client.start_notify(HEART, lambda _sender, _value: None)
        with pytest.raises(BleakError, match="not on"):
            await client.stop_notify(LEVEL)


async def test_two_peripherals_are_connected_at_the_same_time_and_told_apart(world: World):
    told = [Told(), Told()]
    devices = [await world.find(each) for each in world.bands]
    clients = [world.adapter.client(device, nobody) for device in devices]
    await asyncio.gather(*(client.connect() for client in clients))
    for number, client in enumerate(clients):
        await client.start_notify(HEART, told[number])
        world.bands[number].peripheral.notify(Notice(HEART, bytes([number])))
    for number, each in enumerate(told):
        await each.count(1)
        assert each.values == [bytes([number])]
    await asyncio.gather(*(client.disconnect() for client in clients))


async def test_a_peripheral_that_walks_away_is_reported_once_and_is_connected_to_again(world: World):
    gone, told = Told(), Told()
    peripheral = world.bands[0].peripheral
    async with world.connected(world.bands[0], gone) as client:
        for times in (1, 2):
            await peripheral.leave()
            await gone.count(times)
            assert not client.is_connected
            await peripheral.come_back()
            await client.connect()
            await client.start_notify(HEART, told)
            peripheral.notify(Notice(HEART, b"\x01"))
            await told.count(times)
    assert len(gone.values) == 3, "two walks, and the end"


async def test_a_read_under_way_when_the_link_is_lost_fails_and_does_not_look_like_a_cancellation(world: World):
    gone = Told()
    band = world.bands[0]
    async with world.connected(band, gone) as client:
        reading = asyncio.create_task(client.read_gatt_char(LEVEL))
        await asyncio.sleep(0)
        world.air.drop_hosts()
        with pytest.raises(BleakError):
            await reading
        await gone.count(1)
        with pytest.raises(BleakError):
            await client.read_gatt_char(LEVEL)


async def test_a_connection_attempt_that_takes_too_long_is_taken_back(world: World):
    band = world.bands[0]
    device = await world.find(band)
    await band.peripheral.leave()
    with pytest.raises(TimeoutError):
        await world.adapter.client(device, nobody, timeout_s=0.05).connect()
    await band.peripheral.come_back()
    assert not band.peripheral.connected
    # The controller is free for another, and nothing of the attempt is left.
    async with world.connected(world.bands[1], nobody) as client:
        assert client.is_connected
        assert not band.peripheral.connected


async def test_a_connection_attempt_that_is_cancelled_leaves_nothing_behind(world: World):
    band = world.bands[0]
    device = await world.find(band)
    await band.peripheral.leave()
    attempt = asyncio.create_task(world.adapter.client(device, nobody).connect())
    for _ in range(20):  # until the controller has the request
        await asyncio.sleep(0)
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt
    await band.peripheral.come_back()
    async with world.connected(band, nobody) as client:
        assert client.is_connected


async def test_an_adapter_that_is_pulled_ends_all_connections_and_is_there_again_after_a_reset(world: World):
    gone = Told()
    async with world.connected(world.bands[0], gone) as first, world.connected(world.bands[1], gone) as second:
        world.air.drop_hosts()
        await gone.count(2)
        assert not first.is_connected
        assert not second.is_connected
        with pytest.raises(BleakBluetoothNotAvailableError):
            await first.connect()
        await world.adapter.reset()
        await first.connect()
        assert await first.read_gatt_char(LEVEL) == b"\x57"


async def test_a_scan_opens_an_adapter_that_was_pulled_and_put_back(world: World):
    gone = Told()
    async with world.connected(world.bands[0], gone) as client:
        world.air.drop_hosts()
        await gone.count(1)
        assert await world.find(world.bands[0])
        await client.connect()
        assert await client.read_gatt_char(LEVEL) == b"\x57"


async def test_an_adapter_tells_at_once_that_it_was_pulled_and_waits_anew_when_it_is_back(world: World):
    waiting = asyncio.ensure_future(world.adapter.gone())
    async with world.adapter.scanner(lambda _device, _data: None):
        assert not waiting.done()
        world.air.drop_hosts()
        await asyncio.wait_for(waiting, PATIENCE_S)
    await world.adapter.reset()
    waiting = asyncio.ensure_future(world.adapter.gone())
    assert await world.find(world.bands[0])
    assert not waiting.done()
    waiting.cancel()


async def test_a_transport_that_fails_without_a_word_to_its_host_ends_the_connections_too(world: World):
    gone = Told()
    async with world.connected(world.bands[0], gone):
        # As Bumble's pumped transports do (USB, WebSocket, UDP): the reason is kept, and nobody is called.
        world.adapter._radio._transport.source.terminated.set_exception(OSError("pulled"))  # type: ignore[attr-defined]
        await gone.count(1)
        await asyncio.wait_for(world.adapter.gone(), PATIENCE_S)


async def test_no_scan_starts_while_an_adapter_is_gone():
    air = Air()
    async with AsyncExitStack() as stack:
        async with air.served("127.0.0.1", 0) as port:
            adapter = await stack.enter_async_context(open_adapter(f"hci:tcp-client:127.0.0.1:{port}"))
        scanner = adapter.scanner(lambda _device, _data: None)
        for _ in range(2):
            with pytest.raises(BleakError):
                await scanner.start()
        with pytest.raises(BleakBluetoothNotAvailableError):
            await adapter.reset()
        async with air.served("127.0.0.1", port), scanner:
            assert air.hosts == 1


async def test_a_reset_ends_what_still_stands(world: World):
    gone = Told()
    async with world.connected(world.bands[0], gone) as client:
        await world.adapter.reset()
        await gone.count(1)
        assert not client.is_connected
        assert await world.find(world.bands[0])
    assert world.air.hosts == 1


async def test_two_scanners_share_the_radio(world: World):
    one, two = Told(), Told()
    first = world.adapter.scanner(lambda device, _data: one(device))
    second = world.adapter.scanner(lambda device, _data: two(device))
    await first.start()
    await second.start()
    await one.count(1)
    await two.count(1)
    await first.stop()
    heard = len(two.values)
    await two.count(heard + 2)
    await second.stop()


async def test_an_address_alone_is_enough_to_connect(world: World):
    client = world.adapter.client(world.bands[0].peripheral.address, nobody)
    async with client:
        assert client.name == world.bands[0].peripheral.address.replace(":", "-")


async def test_a_controller_that_is_not_there_is_told_with_a_remedy(unused_port: int):
    with pytest.raises(AttuneError) as caught:
        async with open_adapter(f"hci:tcp-client:127.0.0.1:{unused_port}"):
            pass
    assert caught.value.reason is Reason.NO_DEVICE
    assert caught.value.remedy


@pytest.mark.parametrize("name", ["hci", "bluetooth", "", "usb:0"])
async def test_an_adapter_of_no_kind_is_refused(name: str):
    with pytest.raises(SettingsError) as caught:
        async with open_adapter(name):
            pass
    assert caught.value.reason is Reason.WRONG_VALUE


@pytest.mark.parametrize("name", ["nonsense", "usb:nonsense", "tcp-client:nowhere"])
async def test_a_transport_of_no_kind_is_no_device(name: str):
    with pytest.raises(AttuneError) as caught:
        async with open_adapter(f"hci:{name}"):
            pass
    assert caught.value.reason is Reason.NO_DEVICE


async def test_where_bumble_is_not_installed_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in sys.modules if name.startswith("agent.sensing.gateway.adapters.hci")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "bumble.att", None)
    with pytest.raises(AttuneError) as caught:
        async with open_adapter("hci:usb:0"):
            pass
    assert caught.value.reason is Reason.MISSING
    assert "attune[sim]" in caught.value.remedy


async def test_the_systems_adapter_needs_neither_bumble_nor_bluetooth_to_be_opened(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "bumble.att", None)
    async with open_adapter("system") as adapter:
        assert adapter.name == "system"
        with pytest.raises(BleakError):
            await adapter.reset()


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

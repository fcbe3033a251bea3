"""Runs a listener with Bluetooth wearables in real time: the body, the virtual air, and the truth over MQTT."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from firmware_sim.ble.air import Air
from firmware_sim.ble.peripheral import Peripheral
from firmware_sim.ble.wearable import BleWearable
from firmware_sim.link import Link, Outgoing
from firmware_sim.physiology.body import BLOCK_S, Block
from firmware_sim.settings import SimulatorSettings
from firmware_sim.simulation import Report, Simulation
from models.errors import Reason, SettingsError, WireError
from models.wire.messages import Now, decode
from models.wire.topics import DeviceTopics

__all__ = ["OnAir", "Radio", "stream"]

_log = logging.getLogger(__name__)
# What was sent last may still be on its way.
_FLUSH_S = 1.0


class Radio(msgspec.Struct, frozen=True):
    """What happened on the air to one wearable.

    Attributes:
        address: by which it is found.
        connections: how often a central connected.
        sent: notices handed to a central.
        dropped: notices that the central did not take in time.
    """

    address: str
    connections: int
    sent: int
    dropped: int


@dataclass(frozen=True, slots=True)
class OnAir:
    """Everything that is within reach, for whoever wants to disturb it.

    Attributes:
        air: the virtual air.
        port: on which it hands out controllers.
        peripherals: by the wearables' names.
    """

    air: Air
    port: int
    peripherals: Mapping[str, Peripheral]


class _Worn:
    """A wearable with its radio, as a simulation wears one; what it sends goes over the air, not over MQTT."""

    def __init__(self, wearable: BleWearable, peripheral: Peripheral) -> None:
        self.wearable = wearable
        self.peripheral = peripheral
        self.name = wearable.name
        self.packs, self.samples = wearable.packs, wearable.samples

    @property
    def gaps(self) -> int:
        return self.wearable.gaps

    @property
    def faults(self) -> dict[str, int]:
        return self.wearable.faults

    def next(self, block: Block) -> list[Outgoing]:
        for notice in self.wearable.live(block):
            self.peripheral.notify(notice)
        return []


async def stream(
    settings: SimulatorSettings,
    *,
    seconds: float | None,
    stop: asyncio.Event,
    ready: Callable[[OnAir], None] = lambda _on_air: None,
) -> tuple[Report, dict[str, Radio]]:
    """Live, and be within reach over the virtual link, until `seconds` are over or `stop` is set.

    A broker is needed for the truth and for what the player says alone; the wearables work without one.

    Args:
        settings: who, what they wear over Bluetooth, and how they feel.
        seconds: how long; None is until `stop`.
        stop: ends it early.
        ready: called as soon as all are within reach.

    Raises:
        AttuneError: the link's port is in use.
        SettingsError: a fault, a script or a name is wrong.
    """
    started_at = time.time()
    simulation = Simulation(msgspec.structs.replace(settings, wearables=()), started_at=started_at, length_s=seconds)
    air = Air()
    worn = [_put_on(air, settings, each, started_at) for each in range(len(settings.ble.wearables))]
    if len({each.name for each in worn}) < len(worn):
        raise SettingsError(
            f"Two wearables share a name: {', '.join(each.name for each in worn)}",
            reason=Reason.WRONG_VALUE,
            remedy="Give every wearable a name of its own",
        )
    simulation.wearables.extend(worn)
    link = _link(settings, simulation)
    async with air.served(settings.ble.host, settings.ble.port) as port, asyncio.TaskGroup() as tasks:
        connection = tasks.create_task(link.run(), name="link")
        try:
            for each in worn:
                await each.peripheral.start()
            ready(OnAir(air, port, {each.name: each.peripheral for each in worn}))
            await _live(simulation, worn, link, seconds, stop)
            await link.flush(_FLUSH_S)
        finally:
            connection.cancel()
            for each in worn:
                await each.peripheral.close()
    return simulation.report(), {each.name: _radio(each.peripheral) for each in worn}


def _put_on(air: Air, settings: SimulatorSettings, number: int, started_at: float) -> _Worn:
    section = settings.ble.wearables[number]
    wearable = BleWearable(section, seed=settings.listener.seed, started_at=started_at)
    return _Worn(wearable, Peripheral(air, wearable.advertised_name, wearable.services, wearable.disconnected))


def _radio(peripheral: Peripheral) -> Radio:
    return Radio(peripheral.address, peripheral.connections, peripheral.sent, peripheral.dropped)


def _link(settings: SimulatorSettings, simulation: Simulation) -> Link:
    def see(topic: str, payload: bytes) -> None:
        try:
            simulation.see(decode(payload, Now))
        except WireError as error:
            _log.warning("%s: %s", topic, error)

    follows = settings.listener.course == "follow" or settings.listener.skips
    return Link(
        settings.broker,
        client_id=f"attune-sim-ble-{settings.listener.id}-{os.getpid()}",
        filters=(DeviceTopics(settings.device.id).now,) if follows else (),
        on_message=see,
    )


async def _live(
    simulation: Simulation, worn: list[_Worn], link: Link, seconds: float | None, stop: asyncio.Event
) -> None:
    """Advance block by block, each at its time; after a pause of the machine it catches up."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    reachable = {each.name: True for each in worn}
    while not stop.is_set() and (seconds is None or simulation.elapsed_s < seconds):
        due_s = begun + simulation.elapsed_s + BLOCK_S - loop.time()
        try:
            await asyncio.wait_for(stop.wait(), max(0.0, due_s))
        except TimeoutError:
            for message in simulation.next():
                link.publish(message)
            for each in worn:
                if each.wearable.reachable != reachable[each.name]:
                    reachable[each.name] = each.wearable.reachable
                    _log.info("%s %s", each.name, "comes back" if each.wearable.reachable else "goes out of reach")
                    await (each.peripheral.come_back() if each.wearable.reachable else each.peripheral.leave())

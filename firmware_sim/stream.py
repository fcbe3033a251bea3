"""Runs a simulation in real time over MQTT."""

from __future__ import annotations

import asyncio
import logging
import os
import time

from firmware_sim.link import Link
from firmware_sim.physiology.body import BLOCK_S
from firmware_sim.settings import SimulatorSettings
from firmware_sim.simulation import Report, Simulation
from models.errors import BrokerError, Reason, WireError
from models.wire.messages import Now, decode
from models.wire.topics import DeviceTopics

__all__ = ["stream"]

_log = logging.getLogger(__name__)
# What was sent last may still be on its way.
_FLUSH_S = 3.0


async def stream(settings: SimulatorSettings, *, seconds: float | None, stop: asyncio.Event) -> tuple[Report, Link]:
    """Live and send until `seconds` are over or `stop` is set; `None` is until then only.

    Returns:
        What was done, and the link with its counters.

    Raises:
        BrokerError: nothing could be sent in all that time, or the password or certificates cannot be read.
        SettingsError: as `Simulation`.
        DataError: as `Simulation`.
    """
    simulation = Simulation(settings, started_at=time.time(), length_s=seconds)
    now_topic = DeviceTopics(settings.device.id).now
    follows = settings.listener.course == "follow" or settings.listener.skips

    def see(topic: str, payload: bytes) -> None:
        try:
            simulation.see(decode(payload, Now))
        except WireError as error:
            _log.warning("%s: %s", topic, error)

    link = Link(
        settings.broker,
        client_id=f"attune-sim-{settings.listener.id}-{os.getpid()}",
        filters=(now_topic,) if follows else (),
        on_message=see,
    )
    async with asyncio.TaskGroup() as tasks:
        connection = tasks.create_task(link.run(), name="link")
        await _live(simulation, link, seconds, stop)
        await link.flush(_FLUSH_S)
        connection.cancel()
    if not link.connections:
        raise BrokerError(
            f"No broker answered at {settings.broker.address}:{settings.broker.port}",
            reason=Reason.UNREACHABLE,
            remedy="Start the agent or a broker first, or name another with --host and --port",
        )
    return simulation.report(), link


async def _live(simulation: Simulation, link: Link, seconds: float | None, stop: asyncio.Event) -> None:
    """Advance block by block, each at its time; after a pause of the machine it catches up."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while not stop.is_set() and (seconds is None or simulation.elapsed_s < seconds):
        due_s = begun + simulation.elapsed_s + BLOCK_S - loop.time()
        try:
            await asyncio.wait_for(stop.wait(), max(0.0, due_s))
        except TimeoutError:
            for message in simulation.next():
                link.publish(message)

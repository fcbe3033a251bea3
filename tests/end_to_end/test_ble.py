"""The whole way of a heart beat: virtual wearable, bleak, the gateway's process, broker, agent, queue."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tomllib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from running_agent import PATIENCE_S, RunningAgent, running_agent, write_settings

from agent.sensing.gateway.pairings import Pairing, Pairings
from firmware_sim.ble.peripheral import Peripheral
from firmware_sim.ble.stream import OnAir, stream
from firmware_sim.settings import BleSection, BleWearableSection, BrokerSection, ListenerSection, SimulatorSettings
from models.wire.senml import decode

SENSE = "attune/1/listener/me/sense/chest/"


@dataclass
class Body:
    """The virtual link, and the wearable on it."""

    on_air: OnAir

    @property
    def chest(self) -> Peripheral:
        return self.on_air.peripherals["chest"]


@contextlib.asynccontextmanager
async def worn(port: int, *faults: str) -> AsyncIterator[Body]:
    """A listener who wears a virtual Polar H10, in this process, in real time."""
    chest = BleWearableSection(name="chest", kind="polar", gaps_per_hour=0.0, faults=faults)
    settings = SimulatorSettings(
        broker=BrokerSection(port=port),
        listener=ListenerSection(id="me", course="scripted", script="steady"),
        ble=BleSection(port=0, wearables=(chest,)),
    )
    stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
    living = asyncio.create_task(stream(settings, seconds=None, stop=stop, ready=ready.set_result))
    try:
        yield Body(await asyncio.wait_for(ready, PATIENCE_S))
    finally:
        stop.set()
        await living


@contextlib.asynccontextmanager
async def running_gateway(config: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    with (config.parent / "gateway.log").open("ab") as told:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent", "gateway", "--config", str(config), "--json"),
            stdout=asyncio.subprocess.PIPE,
            stderr=told,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await asyncio.wait_for(process.wait(), PATIENCE_S)


async def command(*arguments: str) -> Any:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "agent", *arguments, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 0
    return json.loads(output)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if condition():
                return
            await asyncio.sleep(0.02)


def lead_to(body: Body, config: Path, port: int) -> None:
    """Write settings whose gateway reaches the virtual link."""
    adapter = f"hci:tcp-client:127.0.0.1:{body.on_air.port}"
    music = tomllib.loads(config.read_text())["library"]["folders"]
    write_settings(config.parent, port=port, library={"folders": music}, gateway={"adapter": adapter})


def pair(body: Body, config: Path) -> None:
    Pairings(config.parent / "data").pair(Pairing(body.chest.address, "chest", "me"))


@pytest.fixture
async def body(config: Path, port: int) -> AsyncIterator[Body]:
    """The wearable within reach, and settings that lead to it."""
    async with worn(port) as body:
        lead_to(body, config, port)
        yield body


@pytest.fixture
def paired(config: Path, body: Body) -> Body:
    """The same, and the wearable belongs to the listener."""
    pair(body, config)
    return body


async def next_beats(agent: RunningAgent) -> None:
    """Wait until beats come that have not come before."""
    seen = len(agent.log[SENSE + "rr"])
    await until(lambda: len(agent.log[SENSE + "rr"]) > seen)


def assert_every_beat_came_once(agent: RunningAgent) -> None:
    beats = [beat for payload in agent.log[SENSE + "rr"] for beat in decode(payload, quantity="rr", now=0.0).times]
    assert beats
    assert beats == sorted(set(beats)), "every beat once, in order"


async def test_a_wearable_in_the_air_is_found_and_paired(config: Path, body: Body) -> None:
    found = await command("wearables", "--config", str(config), "--seconds", "1", "--json")
    assert [each["address"] for each in found] == [body.chest.address]
    await command("wearables", "pair", body.chest.address, "--name", "chest", "--config", str(config), "--json")
    assert [each.name for each in Pairings(config.parent / "data").load()] == ["chest"]


async def test_beats_reach_the_queue_over_bluetooth_and_come_back_when_the_link_was_lost_twice(
    config: Path, port: int, paired: Body
) -> None:
    body = paired
    async with running_agent(config, port) as agent, running_gateway(config):
        await agent.client.subscribe(SENSE + "#", qos=1)
        await agent.wait("affect", lambda value: value["sources"].get("rr", {}).get("wearable") == "chest")
        await agent.wait("queue", lambda value: value["cause"]["kind"] == "sample")
        await until(lambda: bool(agent.log[SENSE + "ecg"] and agent.log[SENSE + "acc"]))

        # The listener walks away and returns.
        connections = body.chest.connections
        await body.chest.leave()
        await until(lambda: not body.chest.connected)
        await body.chest.come_back()
        await until(lambda: body.chest.connections == connections + 1)
        await next_beats(agent)

        # The adapter is pulled from underneath the gateway.
        body.on_air.air.drop_hosts()
        await until(lambda: body.chest.connections == connections + 2)
        await next_beats(agent)

        queues = agent.count("queue")
        await agent.wait("queue", lambda value: value["cause"]["kind"] == "sample", after=queues)
        assert_every_beat_came_once(agent)
        health = await agent.wait("health")
        assert health["status"] == "ok"


async def test_a_gateway_that_was_killed_while_connected_is_followed_by_the_next_one(
    config: Path, port: int, paired: Body
) -> None:
    body = paired
    async with running_agent(config, port) as agent:
        await agent.client.subscribe(SENSE + "#", qos=1)
        async with running_gateway(config) as first:
            await next_beats(agent)
            first.kill()
            await first.wait()
        await until(lambda: not body.chest.connected)
        async with running_gateway(config):
            await next_beats(agent)
            await until(lambda: body.chest.connections >= 2)


async def test_a_wearable_that_sends_nonsense_costs_its_nonsense_alone(config: Path, port: int) -> None:
    faults = ("copies:0.2", "truncated:0.1", "extended:0.1", "random:0.1", "zero:0.1", "fill:0.1", "1970:0.1")
    async with worn(port, *faults) as body, running_agent(config, port) as agent:
        lead_to(body, config, port)
        pair(body, config)
        await agent.client.subscribe(SENSE + "#", qos=1)
        async with running_gateway(config) as gateway:
            for _ in range(5):
                await next_beats(agent)
            gateway.terminate()
            output, _ = await asyncio.wait_for(gateway.communicate(), PATIENCE_S)
            assert gateway.returncode == 0
            counters = json.loads(output)["counters"]
        refused = {name.rpartition(".")[2] for name in counters}
        assert refused & {"malformed", "oversized", "unsupported", "repeated"}, counters
        assert_every_beat_came_once(agent)
        await agent.wait("affect", lambda value: value["sources"])
        health = await agent.wait("health")
        assert health["status"] == "ok"

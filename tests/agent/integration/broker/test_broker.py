from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from brokers import PATIENCE_S, eventually, settings_for, take

from agent.integration.broker import EmbeddedBroker
from agent.integration.broker import embedded as embedded_module
from agent.integration.broker.configuration import configuration
from agent.integration.broker.mosquitto import MosquittoChild, find_mosquitto
from agent.integration.link import Link
from models.errors import BrokerError, Reason

needs_mosquitto = pytest.mark.skipif(find_mosquitto() is None, reason="needs mosquitto: sudo apt install mosquitto")
KINDS = [pytest.param("mosquitto", marks=needs_mosquitto), "amqtt"]


@pytest.mark.parametrize("kind", KINDS)
async def test_it_accepts_connections_once_it_is_entered(kind: str, tmp_path: Path):
    async with EmbeddedBroker(0, tmp_path, kind=kind) as broker:  # type: ignore[arg-type]
        assert (broker.kind, broker.restarts) == (kind, 0)
        async with Link(settings_for(broker, "a")) as link, asyncio.timeout(PATIENCE_S):
            await link.connected()


@pytest.mark.parametrize("kind", KINDS)
async def test_it_listens_on_loopback_alone(kind: str, tmp_path: Path):
    async with EmbeddedBroker(0, tmp_path, kind=kind) as broker:  # type: ignore[arg-type]
        process = psutil.Process(broker.pid or os.getpid())
        addresses = {
            c.laddr.ip for c in process.net_connections() if c.status == "LISTEN" and c.laddr.port == broker.port
        }
        assert addresses == {"127.0.0.1"}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_port_in_use_is_named_with_the_remedy(kind: str, tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BrokerError, match=str(port)) as caught:
            await EmbeddedBroker(port, tmp_path, kind=kind).__aenter__()  # type: ignore[arg-type]
    assert caught.value.reason is Reason.PORT_IN_USE
    assert "[broker]" in caught.value.remedy


@pytest.mark.parametrize("kind", KINDS)
async def test_it_can_be_started_again_on_the_same_port(kind: str, tmp_path: Path):
    async with EmbeddedBroker(0, tmp_path, kind=kind) as broker:  # type: ignore[arg-type]
        port = broker.port
        async with Link(settings_for(broker, "a")) as link, asyncio.timeout(PATIENCE_S):
            await link.connected()
    async with EmbeddedBroker(port, tmp_path, kind=kind) as broker:  # type: ignore[arg-type]
        assert broker.port == port


async def test_without_mosquitto_it_is_amqtt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(embedded_module, "find_mosquitto", lambda: None)
    async with EmbeddedBroker(0, tmp_path) as broker:
        assert (broker.kind, broker.persistent, broker.pid) == ("amqtt", False, None)
    with pytest.raises(BrokerError, match="not installed"):
        await EmbeddedBroker(0, tmp_path, kind="mosquitto").__aenter__()


@needs_mosquitto
async def test_a_broker_that_dies_is_started_again_and_counted(tmp_path: Path):
    async with EmbeddedBroker(0, tmp_path) as broker, Link(settings_for(broker, "a")) as link:
        link.subscribe("x")
        for deaths in (1, 2):
            assert broker.pid is not None
            os.kill(broker.pid, signal.SIGKILL)
            await eventually(lambda deaths=deaths: broker.restarts == deaths)  # type: ignore[misc]
            async with asyncio.timeout(PATIENCE_S):
                await link.connected()
            link.publish("x", b"", qos=1)
            await take(link.messages(), 1)


@needs_mosquitto
async def test_retained_state_and_sessions_survive_a_restart(tmp_path: Path):
    folder = tmp_path / "a folder # with odd\ncharacters"
    async with EmbeddedBroker(0, folder) as broker:
        settings = settings_for(broker, "a", clean_session=False)
        async with Link(settings) as link:
            link.subscribe("x/#")
            await link.connected()
        async with Link(settings_for(broker, "b")) as other:
            await other.connected()
            other.publish("x/event", b"1", qos=1)
            other.publish("y/state", b"2", qos=1, retain=True)
            other.publish("y/end", b"", qos=1)
            await other.drain()
    async with EmbeddedBroker(broker.port, folder):
        link = Link(settings)
        link.subscribe("x/#")
        link.subscribe("y/#")
        async with link:
            assert {message.payload for message in await take(link.messages(), 2)} == {b"1", b"2"}


@needs_mosquitto
async def test_no_orphan_is_left_when_the_agent_is_killed(tmp_path: Path, repository: Path):
    script = (
        "import asyncio, sys, pathlib\n"
        "from agent.integration.broker import EmbeddedBroker\n"
        "async def main():\n"
        "    async with EmbeddedBroker(0, pathlib.Path(sys.argv[1])) as broker:\n"
        "        print(broker.pid, flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, cwd=repository, text=True
    ) as agent:
        assert agent.stdout is not None
        child = psutil.Process(int(await asyncio.to_thread(agent.stdout.readline)))
        assert child.name() == "mosquitto"
        agent.kill()
        await asyncio.to_thread(child.wait, PATIENCE_S)
        assert not child.is_running()


@needs_mosquitto
async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BrokerError, match="file"):
        await EmbeddedBroker(0, tmp_path / "file" / "broker").__aenter__()


async def test_a_binary_that_does_not_work_is_told_with_its_last_words(tmp_path: Path):
    binary = tmp_path / "mosquitto"
    binary.write_text("#!/bin/sh\necho 'library missing' >&2\nexit 3\n")
    binary.chmod(0o755)
    child = MosquittoChild(str(binary), port=1, folder=tmp_path)
    with pytest.raises(BrokerError, match=r"code 3.*library missing"):
        await child.start()
    assert child.pid is None


def test_only_root_keeps_its_rights():
    assert "user root" in configuration(1, as_root=True)
    assert "user root" not in configuration(1, as_root=False)

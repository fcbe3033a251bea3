"""The broker configuration that ships keeps players and listeners apart, in a real Mosquitto."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiomqtt
import pytest

from agent.integration.broker.mosquitto import find_mosquitto
from models.settings import shipped_text

SENSE = "attune/1/listener/me/sense/strap/hr"
D = "attune/1/device/living-room"
USERS = ("living-room", "kitchen", "me", "you", "trainer")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def configuration(folder: Path, port: int) -> str:
    """The shipped files, moved to a folder and a loopback port."""
    text = shipped_text("mosquitto/attune.conf").replace("/etc/mosquitto/attune.", f"{folder}/attune.")
    text = text.replace("\nlistener 1883\n", f"\nlistener {port} 127.0.0.1\n")
    return text + ("user root\n" if os.geteuid() == 0 else "")


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    binary, passwd = find_mosquitto(), shutil.which("mosquitto_passwd")
    if binary is None or passwd is None:
        pytest.skip("needs Mosquitto: apt install mosquitto")
    port = free_port()
    (tmp_path / "mosquitto.conf").write_text(configuration(tmp_path, port))
    (tmp_path / "attune.acl").write_text(shipped_text("mosquitto/attune.acl"))
    passwords = tmp_path / "attune.passwd"
    passwords.write_text("".join(f"{user}:secret-{user}\n" for user in USERS))
    hashing = await asyncio.create_subprocess_exec(passwd, "-U", str(passwords))
    assert await hashing.wait() == 0
    broker = await asyncio.create_subprocess_exec(
        binary, "-c", str(tmp_path / "mosquitto.conf"), stderr=asyncio.subprocess.PIPE
    )
    try:
        await until_ready(broker, port)
        yield port
    finally:
        with contextlib.suppress(ProcessLookupError):
            broker.terminate()
        await broker.communicate()


async def until_ready(broker: asyncio.subprocess.Process, port: int) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                assert broker.returncode is None, (await broker.communicate())[1].decode()
                await asyncio.sleep(0.01)
            else:
                writer.close()
                await writer.wait_closed()
                return


def client(port: int, user: str) -> aiomqtt.Client:
    return aiomqtt.Client("127.0.0.1", port, username=user, password=f"secret-{user}")


async def passes(port: int, sender: str, receiver: str, topic: str, topic_filter: str = "") -> bool:
    """Whether what `sender` publishes reaches `receiver`: asked together with a message that always does."""
    always = f"attune/1/device/{receiver}/now"
    async with asyncio.timeout(10), client(port, receiver) as listening, client(port, sender) as publishing:
        await listening.subscribe(topic_filter or topic, qos=1)
        await listening.subscribe(always, qos=1)
        await publishing.publish(topic, b"probe", qos=1)
        await listening.publish(always, b"end", qos=1)
        heard = []
        async for message in listening.messages:
            heard.append(message.payload)
            if message.payload == b"end":
                return b"probe" in heard
    return False


async def test_nobody_gets_in_without_a_password(port: int) -> None:
    with pytest.raises(aiomqtt.MqttError):
        async with aiomqtt.Client("127.0.0.1", port):
            pass
    with pytest.raises(aiomqtt.MqttError):
        async with aiomqtt.Client("127.0.0.1", port, username="me", password="wrong"):
            pass


@pytest.mark.parametrize(
    ("sender", "receiver", "topic"),
    [
        ("me", "living-room", SENSE),
        ("living-room", "me", f"{D}/affect"),
        ("me", "living-room", f"{D}/command/next"),
        ("living-room", "me", f"{D}/command/next/error"),
        ("living-room", "me", f"{D}/reply/r-1"),
        ("living-room", "living-room", f"{D}/health"),
        ("living-room", "trainer", "attune/1/feedback/living-room"),
        ("trainer", "kitchen", "attune/1/bundles/stable/metadata/timestamp"),
        ("living-room", "kitchen", f"{D}/bundle"),
        ("living-room", "trainer", f"{D}/bundle"),
    ],
)
async def test_what_the_wire_needs_gets_through(port: int, sender: str, receiver: str, topic: str) -> None:
    assert await passes(port, sender, receiver, topic)


@pytest.mark.parametrize(
    ("sender", "receiver", "topic", "topic_filter"),
    [
        ("me", "kitchen", SENSE, ""),  # another player hears no heart of mine
        ("me", "you", SENSE, "#"),  # nor does another person
        ("living-room", "you", f"{D}/affect", ""),
        ("living-room", "kitchen", f"{D}/affect", "attune/1/device/+/affect"),
        ("living-room", "trainer", f"{D}/affect", "#"),
        ("you", "living-room", f"{D}/command/next", ""),  # somebody else's hand
        ("you", "living-room", SENSE, ""),  # somebody else's heart under my name
        ("me", "living-room", f"{D}/affect", ""),  # state is the player's own to say
        ("kitchen", "trainer", "attune/1/feedback/living-room", ""),
        ("living-room", "kitchen", "attune/1/bundles/stable/metadata/timestamp", ""),  # models come from the trainer
        ("me", "kitchen", "attune/1/bundles/stable/metadata/timestamp", ""),
        ("kitchen", "trainer", f"{D}/bundle", ""),  # nobody speaks for another player
        ("trainer", "kitchen", "attune/1/device/living-room/bundle", ""),
    ],
)
async def test_what_is_nobody_elses_business_does_not(
    port: int, sender: str, receiver: str, topic: str, topic_filter: str
) -> None:
    assert not await passes(port, sender, receiver, topic, topic_filter)

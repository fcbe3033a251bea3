"""What goes wrong around the agent, and how it lives on."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import psutil
from running_agent import running_agent

from models.bundle.reader import default_bundle


def attune_agent(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agent", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def retained_on(port: int, topic: str) -> bytes:
    """What a new client is told on a topic, once the broker is there again."""
    for _ in range(100):
        command = ["mosquitto_sub", "-p", str(port), "-t", topic, "-C", "1", "-W", "30"]
        answer = subprocess.run(command, capture_output=True, check=False)
        if answer.stdout:
            return answer.stdout
        time.sleep(0.1)
    raise AssertionError(answer.stderr)


def add(config: Path, section: str) -> None:
    config.write_text(f"{config.read_text()}{section}\n")


async def test_a_bundle_with_a_flipped_byte_is_refused_and_the_one_that_ships_plays(config: Path, port: int) -> None:
    bundle = config.parent / "bundle"
    shutil.copytree(default_bundle(), bundle)
    content = bytearray((bundle / "items.npz").read_bytes())
    content[100] ^= 1
    (bundle / "items.npz").write_bytes(bytes(content))
    add(config, f"[bundle]\nfolder = {json.dumps(str(bundle))}")
    async with running_agent(config, port) as agent:
        told = await agent.wait("bundle")
        assert told["outcome"] == "refused"
        assert "items.npz" in told["reason"]
        health = await agent.wait("health", lambda value: value["counters"].get("bundle.tampered"))
        assert "bundle" in health["degraded"]
        await agent.wait("now", lambda value: value["status"] == "playing")


async def test_the_embedded_broker_may_die_and_the_state_is_there_again(config: Path, port: int) -> None:
    async with running_agent(config, port) as agent:
        await agent.wait("now", lambda value: value["status"] == "playing")
        broker = next(child for child in psutil.Process(agent.process.pid).children() if "mosquitto" in child.name())
        broker.kill()
        broker.wait()
        again = await asyncio.to_thread(retained_on, port, "attune/1/device/test/availability")
        assert again == b"online\n"
        assert json.loads(await asyncio.to_thread(retained_on, port, "attune/1/device/test/queue"))["tracks"]
        assert agent.process.returncode is None


def test_a_port_in_use_is_named_with_the_remedy(config: Path, port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        ended = attune_agent("run", "--config", str(config))
    assert ended.returncode == 1
    assert str(port) in ended.stderr
    assert "[broker]" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_broken_settings_file_is_named_by_line_key_and_allowed_values(config: Path) -> None:
    text = config.read_text().replace('output = "silent"', 'output = "loud"')
    config.write_text(text)
    line = text.splitlines().index('output = "loud"') + 1
    ended = attune_agent("run", "--config", str(config))
    assert ended.returncode == 1
    for named in (str(config), str(line), "output", "device", "file", "silent"):
        assert named in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_a_second_agent_on_the_same_data_is_refused(config: Path, port: int) -> None:
    async with running_agent(config, port):
        other = config.with_name("other.toml")
        other.write_text(config.read_text().replace(f"port = {port}", "port = 1"))
        ended = attune_agent("run", "--config", str(other))
        assert ended.returncode == 1
        assert "another agent" in ended.stderr


async def test_a_full_disk_refuses_what_it_cannot_keep_loses_nothing_and_does_not_stop_the_music(
    config: Path, port: int
) -> None:
    database = config.parent / "data" / "attune.db"
    assert database.exists()
    limit = database.stat().st_size + 64 * 1024
    async with running_agent(config, port, largest_file=limit) as agent:
        await agent.wait("now", lambda value: value["status"] == "playing")
        accepted = 0
        for number in range(400):
            await agent.command("feeling", {"valence": 0.1, "arousal": 0.1, "id": f"n{number}"})
            answer = await agent.wait_any(f"reply/n{number}", "command/feeling/error")
            if "error" in answer:
                assert answer["code"] in {"disk_full", "failed"}
                break
            accepted += 1
        else:
            raise AssertionError("the disk never became full")
        health = await agent.wait("health", lambda value: "storage" in value["degraded"])
        assert health["degraded"]["storage"]
        await agent.command("pause")
        await agent.wait("now", lambda value: value["status"] == "paused")
    with sqlite3.connect(database) as connection:
        stored = connection.execute("SELECT count(*) FROM commands WHERE verb = 'feeling'").fetchone()[0]
    assert stored == accepted > 0

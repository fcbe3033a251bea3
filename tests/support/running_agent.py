"""A real agent in a process of its own, with an embedded broker on a free port, seen by a real MQTT client."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiomqtt
import numpy as np
import soundfile

PATIENCE_S = 60.0
"""How long a busy machine may take for what takes a second; only a failing test waits so long."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_tone(path: Path, *, hertz: float, seconds: float, rate: int = 44_100) -> Path:
    """A quiet tone with a sawtooth's overtones, faded at both ends."""
    t = np.arange(int(seconds * rate)) / rate
    tone = sum(np.sin(2 * np.pi * hertz * k * t) / k for k in (1, 2, 3)) * 0.1
    ramp = np.minimum(1.0, np.minimum(t, seconds - t) / 0.05)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.stack([tone * ramp] * 2, axis=1), rate)
    return path


def write_settings(folder: Path, *, port: int, **sections: dict[str, object]) -> Path:
    """Settings of an agent that lives in `folder` altogether; sections are merged over the test's defaults."""
    settings: dict[str, dict[str, object]] = {
        "device": {"id": "test"},
        "listener": {"id": "me"},
        "broker": {"port": port},
        "library": {"folders": [str(folder / "music")]},
        "storage": {"folder": str(folder / "data")},
        "playback": {"output": "silent", "file": str(folder / "played.wav"), "volume_percent": 100.0},
    }
    for name, keys in sections.items():
        settings.setdefault(name, {}).update(keys)
    lines = []
    for name, keys in settings.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
    path = folder / "agent.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


class RunningAgent:
    """What a test sees of the agent: its topics.

    Attributes:
        process: the agent.
        client: connected to its broker.
        log: everything received, by topic, oldest first.
    """

    def __init__(self, process: asyncio.subprocess.Process, client: aiomqtt.Client, port: int) -> None:
        self.process, self.client, self.port = process, client, port
        self.log: dict[str, list[bytes]] = defaultdict(list)
        self._news = asyncio.Condition()

    async def read(self) -> None:
        async for message in self.client.messages:
            async with self._news:
                self.log[str(message.topic)].append(bytes(message.payload))
                self._news.notify_all()

    async def wait(
        self,
        part: str,
        matches: Callable[[Any], bool] = lambda _: True,
        *,
        after: int = 0,
        within_s: float = PATIENCE_S,
    ) -> Any:
        """The first payload on D/{part} beyond the first `after` that matches."""
        topic = f"attune/1/device/test/{part}"

        def found() -> Any:
            for payload in self.log[topic][after:]:
                value = json.loads(payload) if payload[:1] in {b"{", b"["} else payload.decode()
                if matches(value):
                    return value
            return None

        async with self._news:
            try:
                async with asyncio.timeout(within_s):
                    await self._news.wait_for(lambda: found() is not None)
            except TimeoutError:
                last = self.log[topic][-1:]
                raise AssertionError(f"nothing on {topic} matched within {within_s} s; the last was {last}") from None
            return found()

    async def wait_any(self, *parts: str, within_s: float = PATIENCE_S) -> Any:
        """The first payload on any of D/{part}, which must be JSON."""
        topics = [f"attune/1/device/test/{part}" for part in parts]
        async with self._news, asyncio.timeout(within_s):
            await self._news.wait_for(lambda: any(self.log[topic] for topic in topics))
        return json.loads(next(self.log[topic][0] for topic in topics if self.log[topic]))

    def count(self, part: str) -> int:
        return len(self.log[f"attune/1/device/test/{part}"])

    async def command(self, verb: str, payload: dict[str, object] | bytes = b"", *, retain: bool = False) -> None:
        content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        await self.client.publish(f"attune/1/device/test/command/{verb}", content, qos=1, retain=retain)

    async def sense(self, quantity: str, payload: bytes, wearable: str = "strap") -> None:
        await self.client.publish(f"attune/1/listener/me/sense/{wearable}/{quantity}", payload, qos=1)


@contextlib.asynccontextmanager
async def running_agent(
    config: Path, port: int, *, host: str = "127.0.0.1", largest_file: int | None = None
) -> AsyncIterator[RunningAgent]:
    """Start `attune-agent run` and wait until it is online.

    `largest_file` in bytes makes every write beyond fail, as a full disk does.
    """
    log = config.parent / "agent.log"
    with log.open("ab") as told:
        process = await asyncio.create_subprocess_exec(
            *(["prlimit", f"--fsize={largest_file}"] if largest_file else []),
            *(sys.executable, "-m", "agent", "run", "--config", str(config)),
            stderr=told,
        )
    try:
        await _listening(host, port, process, log)
        async with aiomqtt.Client(host, port) as client:
            agent = RunningAgent(process, client, port)
            reading = asyncio.create_task(agent.read())
            try:
                await client.subscribe("attune/1/device/test/#", qos=1)
                await agent.wait("availability", lambda value: value == "online")
                yield agent
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), PATIENCE_S)
            except TimeoutError:
                process.kill()
                await process.wait()
                raise


async def _listening(host: str, port: int, process: asyncio.subprocess.Process, log: Path) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            assert process.returncode is None, log.read_text()[-2000:]
            try:
                _, writer = await asyncio.open_connection(host, port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return


def scan(config: Path) -> dict[str, Any]:
    """Run `attune-agent scan` to its end and return its answer."""
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "agent", "scan", "--config", str(config), "--json"],
        capture_output=True,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer

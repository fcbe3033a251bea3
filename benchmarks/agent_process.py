"""A real agent process over a catalogue of made-up tracks, for the benchmarks that measure it from outside."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiomqtt
import numpy as np
import psutil

from agent.storage.database import Database
from agent.storage.records import TrackRow
from models.bundle.reader import Bundle, default_bundle

DEVICE = "attune/1/device/bench"
_START_S = 60.0


@dataclass(frozen=True, slots=True)
class MeasuredAgent:
    """A running agent.

    Attributes:
        process: to be asked for memory and processor time; the broker is a child of it.
        port: of its broker.
        first_queue_s: seconds from the start of the process to its first queue at an outside client.
    """

    process: psutil.Process
    port: int
    first_queue_s: float


async def _fill(folder: Path, count: int) -> None:
    space = Bundle.open(default_bundle()).manifest.embedding_space
    random = np.random.default_rng(0)
    embedding = random.normal(size=(count, 128)).astype(np.float32)
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    emotion = random.uniform(-1, 1, (count, 2))
    async with await Database.open(folder) as database:
        await database.upsert_tracks(
            [
                TrackRow(
                    id=f"{row:016x}",
                    path=f"/nowhere/{row:06d}.flac".encode(),
                    size=1,
                    mtime_ns=1,
                    fingerprint=row.to_bytes(8, "little"),
                    title=f"Track {row}",
                    artist=f"Artist {row % 997}",
                    album=f"Album {row % 4001}",
                    duration_s=180.0,
                    valence=float(emotion[row, 0]),
                    arousal=float(emotion[row, 1]),
                    embedding=embedding[row],
                    descriptors=np.zeros(78, np.float32),
                    embedding_space=space,
                    analysed_t=0.0,
                )
                for row in range(count)
            ]
        )


def _settings(folder: Path, port: int, evaluate_every_s: float) -> Path:
    sections: dict[str, dict[str, object]] = {
        "device": {"id": "bench"},
        "broker": {"port": port},
        "library": {"folders": [str(folder)]},
        "storage": {"folder": str(folder / "data")},
        # Nothing plays: the tracks are made up, and what is measured is the way from a sample to a queue.
        "playback": {"output": "silent", "autoplay": False},
        "affect": {"evaluate_every_s": evaluate_every_s},
        "log": {"level": "warning"},
    }
    lines = []
    for name, keys in sections.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
    path = folder / "agent.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


async def _first_queue(port: int) -> None:
    async with asyncio.timeout(_START_S):
        while True:
            try:
                async with aiomqtt.Client("127.0.0.1", port) as client:
                    await client.subscribe(f"{DEVICE}/queue", qos=1)
                    async for _ in client.messages:
                        return
            except aiomqtt.MqttError:
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def measured_agent(tracks: int, *, evaluate_every_s: float = 1.0) -> AsyncIterator[MeasuredAgent]:
    """Start an agent over a catalogue of so many tracks, and wait for its first queue."""
    with tempfile.TemporaryDirectory(prefix="attune-bench-") as name, socket.socket() as probe:
        folder = Path(name)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        await _fill(folder / "data", tracks)
        config = _settings(folder, port, evaluate_every_s)
        started = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "agent", "run", "--config", str(config), stderr=asyncio.subprocess.DEVNULL
        )
        try:
            await _first_queue(port)
            yield MeasuredAgent(psutil.Process(process.pid), port, time.perf_counter() - started)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            await process.wait()

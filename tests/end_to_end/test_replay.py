"""Recorded people in front of the whole player, and recordings of what was replayed."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from brokers import PATIENCE_S
from numpy.typing import NDArray
from running_agent import running_agent

from agent.integration.broker import EmbeddedBroker
from firmware_sim.recordings import exam_stress
from firmware_sim.recordings.recording import Recording, Series, entries, header
from models.wire import senml, topics
from models.wire.session import SessionReader, SessionWriter

T = 1_600_000_000.0


@contextlib.asynccontextmanager
async def running(program: str, *arguments: object) -> AsyncIterator[asyncio.subprocess.Process]:
    """`attune-agent` or `attune-sim` as a process; ended by SIGINT where it still runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", f"from {program}.cli import main; main()", *map(str, arguments)),
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        _, told = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        assert process.returncode == 0, told.decode()


def written(path: Path, recording: Recording) -> Path:
    with SessionWriter(path, header(recording)) as writer:
        writer.write(entries(recording, listener="me"))
    return path


def samples(path: Path, quantity: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times and values of everything of a quantity in a session, in the order of arrival."""
    topic = topics.sense("me", "e4", quantity)
    with SessionReader(path) as session:
        packs = [senml.decode(e.payload, quantity=quantity, now=e.t) for e in session if e.topic == topic]
    return np.concatenate([pack.times for pack in packs]), np.concatenate([pack.values for pack in packs])


async def test_what_is_replayed_and_recorded_again_is_the_same_to_the_sample(tmp_path: Path, port: int) -> None:
    noise = np.random.default_rng(1)
    beats = T + np.cumsum(noise.uniform(0.3, 0.5, 8))
    series = {
        "hr": Series.even(T, 4.0, noise.uniform(60.0, 90.0, 12)),
        "rr": Series(beats, noise.uniform(0.3, 0.5, 8)),
    }
    first = written(tmp_path / "first.session.gz", Recording(source="test", licence="", wearable="e4", series=series))
    second = tmp_path / "second.session.gz"
    where = ("--host", "127.0.0.1", "--port", port)
    async with EmbeddedBroker(port, tmp_path / "broker"), running("agent", "record", second, *where) as recording:
        assert recording.stderr is not None
        assert b"Recording into" in await asyncio.wait_for(recording.stderr.readline(), PATIENCE_S)
        async with running("firmware_sim", "replay", first, *where) as replaying:
            await asyncio.wait_for(replaying.wait(), PATIENCE_S)
    for quantity in series:
        before, after = samples(first, quantity), samples(second, quantity)
        np.testing.assert_array_equal(before[1], after[1])
        shift = after[0] - before[0]
        np.testing.assert_allclose(shift, shift[0], atol=1e-5)
        assert shift[0] > 1e7, "stamped to now"


@pytest.fixture
def exam(tmp_path: Path, shared_data: Path) -> Path:
    """A student's wristband, from the middle of an exam on."""
    return written(tmp_path / "exam.session.gz", exam_stress.read(shared_data / "exam-stress-e4", "S6", "Final"))


async def test_a_recorded_wristband_moves_the_state_and_the_queue(config: Path, port: int, exam: Path) -> None:
    async with running_agent(config, port) as agent:
        before = await agent.wait("affect")
        seen = agent.count("queue")
        arguments = ("replay", exam, "--host", "127.0.0.1", "--port", port, "--from", 7200)
        async with running("firmware_sim", *arguments):
            worn = {"hr", "eda", "temp"}
            affect = await agent.wait("affect", lambda value: value["sources"].keys() >= worn)
            assert {affect["sources"][quantity]["wearable"] for quantity in worn} == {"e4"}
            queue = await agent.wait("queue", lambda value: value["cause"]["kind"] == "sample", after=seen)
            assert queue["tracks"]
            moved = await agent.wait("affect", lambda value: abs(value["arousal"] - before["arousal"]) > 0.02)
            assert moved["quality"] > 0.5

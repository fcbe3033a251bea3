"""`attune-agent record` beside a real broker, and its core beside a line that the test holds."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from brokers import PATIENCE_S

from agent.commands.recorder import Recorder
from agent.integration.broker import EmbeddedBroker
from agent.integration.link import Message
from models.errors import DataError, Reason, StorageError
from models.wire import senml, topics
from models.wire.session import Entry, Header, SessionReader, SessionWriter

T = 1767225600.0
HR = topics.sense("me", "band", "hr")
D = "attune/1/device/living-room"
ENVIRONMENT = {**os.environ, "XDG_CONFIG_HOME": "/nonexistent"}


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free: int = probe.getsockname()[1]
    async with EmbeddedBroker(free, tmp_path / "broker"):
        yield free


def command(port: int, *arguments: object) -> list[str]:
    program = (sys.executable, "-c", "from agent.cli import main; main()", "record")
    return [*program, *map(str, arguments), "--host", "127.0.0.1", "--port", str(port)]


async def started(*arguments: str) -> asyncio.subprocess.Process:
    """A recorder that has said that it records."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*arguments, stdout=pipe, stderr=pipe, env=ENVIRONMENT)
    assert process.stderr is not None
    async with asyncio.timeout(PATIENCE_S):
        while b"Recording into" not in (line := await process.stderr.readline()):
            assert line, "it ended instead"
    return process


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    return process.returncode, out.decode(), err.decode()


def read(path: Path) -> list[Entry]:
    with SessionReader(path) as session:
        return list(session)


async def holds(path: Path, count: int) -> None:
    """Wait until so much is on the disk: a recording can be read before its end."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with contextlib.suppress(DataError):  # nothing whole is on the disk yet
                if len(read(path)) >= count:
                    return
            await asyncio.sleep(0.05)


def heart_rate(number: int) -> bytes:
    return senml.encode("hr", [T + number], [60.0 + number], sequence=number)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_the_recording_with_everything_in_it(
    port: int, tmp_path: Path, sent: signal.Signals
) -> None:
    file = tmp_path / "x.session.gz"
    recording = await started(*command(port, file, "--json"))
    async with aiomqtt.Client("127.0.0.1", port) as client:
        for number in range(20):
            await client.publish(HR, heart_rate(number), qos=1)
        await client.publish(HR, b"no pack", qos=1)
        await client.publish(f"{D}/affect", b"{}", qos=1)
        await client.publish(topics.sense("you", "band", "hr"), heart_rate(1), qos=1)
    await holds(file, 21)
    recording.send_signal(sent)
    code, out, err = await ended(recording)
    assert (code, err) == (0, "")
    assert json.loads(out)["packs"] == {"band hr": 21}
    entries = read(file)
    assert {entry.topic for entry in entries} == {HR}
    packs = [senml.decode(entry.payload, quantity="hr", now=entry.t) for entry in entries[:20]]
    assert [pack.sequence for pack in packs] == list(range(20))
    assert [pack.values.tolist() for pack in packs] == [[60.0 + number] for number in range(20)]
    assert entries[20].payload == b"no pack"


async def test_with_the_state_it_records_what_the_player_tells_too(port: int, tmp_path: Path) -> None:
    file = tmp_path / "x.session.gz"
    async with aiomqtt.Client("127.0.0.1", port) as client:
        for part in ("affect", "now", "queue", "health"):
            await client.publish(f"{D}/{part}", b'{"t": 1.5}', qos=1, retain=True)
        await client.publish(HR, heart_rate(0), qos=1, retain=True)
    process = await started(*command(port, file, "--with-state", "--seconds", 0.5))
    code, out, _ = await ended(process)
    assert code == 0
    assert "1 packs and 3 other messages" in out
    entries = read(file)
    assert {entry.topic for entry in entries} == {HR, f"{D}/affect", f"{D}/now", f"{D}/queue"}
    assert json.loads(next(entry.payload for entry in entries if entry.topic == f"{D}/now")) == {"t": 1.5}


async def test_a_terminal_is_shown_one_line_that_grows(port: int, tmp_path: Path) -> None:
    leader, follower = pty.openpty()
    arguments = command(port, tmp_path / "x.session.gz", "--seconds", 0.3)
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=follower, env=ENVIRONMENT)
    os.close(follower)
    told = await asyncio.to_thread(_all_of, leader)
    assert await asyncio.to_thread(process.wait, PATIENCE_S) == 0
    assert b"\r\x1b[K" in told
    assert b"nothing yet" in told


def _all_of(descriptor: int) -> bytes:
    told = b""
    try:
        while select.select([descriptor], [], [], PATIENCE_S)[0] and (more := os.read(descriptor, 4096)):
            told += more
    except OSError:
        pass  # the other end of a terminal that is closed is an error on Linux
    finally:
        os.close(descriptor)
    return told


async def failed(*arguments: str) -> str:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*arguments, stdout=pipe, stderr=pipe, env=ENVIRONMENT)
    code, out, err = await ended(process)
    assert (code, out) == (1, "")
    assert "Traceback" not in err
    return err


async def test_what_cannot_be_recorded_is_told_in_words(port: int, tmp_path: Path) -> None:
    file = tmp_path / "x.session.gz"
    file.write_bytes(b"")
    assert "exists already" in await failed(*command(port, file))
    assert file.read_bytes() == b""
    assert "folder" in await failed(*command(port, tmp_path / "nowhere" / "x.gz"))
    assert "NOT-A-NAME" in await failed(*command(port, tmp_path / "y.gz", "--listener", "NOT-A-NAME"))


async def test_without_a_broker_no_file_is_begun(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    file = tmp_path / "x.session.gz"
    assert str(port) in await failed(*command(port, file))
    assert not file.exists()


async def test_a_full_disk_ends_the_recording_and_leaves_what_fitted(port: int, tmp_path: Path) -> None:
    file = tmp_path / "x.session.gz"
    process = await started("prlimit", "--fsize=8192", *command(port, file))
    async with aiomqtt.Client("127.0.0.1", port) as client:
        for _ in range(300):
            await client.publish(HR, os.urandom(100), qos=1)
    code, _, err = await ended(process)
    assert code == 1
    assert "does not fit on the disk" in err
    assert "Traceback" not in err
    with SessionReader(file) as session:
        assert {entry.topic for entry in session} <= {HR}


class Line:
    """A link whose messages the test hands in."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[Message] = asyncio.Queue()
        self.taken = 0

    async def messages(self) -> AsyncIterator[Message]:
        while True:
            yield await self.incoming.get()
            self.taken += 1


async def test_a_slow_disk_holds_the_line_back_and_loses_nothing(tmp_path: Path) -> None:
    line: Any = Line()
    for number in range(5000):
        line.incoming.put_nowait(Message(HR, heart_rate(number), 1, retain=False, duplicate=False))
    most = []
    stop = asyncio.Event()

    def tell(recorder: Recorder) -> None:
        most.append(recorder.packs.total())
        if recorder.packs.total() == 5000:
            stop.set()

    with SessionWriter(tmp_path / "x.gz", Header(t=T)) as writer:
        await asyncio.wait_for(Recorder(line, writer).run(stop, seconds=None, tell=tell), PATIENCE_S)
    assert most[0] < 5000, "it reads no further until the disk has taken what came"
    assert len(read(tmp_path / "x.gz")) == 5000


async def test_a_disk_that_fills_up_is_told_to_the_caller(tmp_path: Path) -> None:
    line: Any = Line()
    line.incoming.put_nowait(Message(HR, heart_rate(0), 1, retain=False, duplicate=False))

    class FullDisk(SessionWriter):
        def flush(self) -> None:
            raise StorageError("full", reason=Reason.DISK_FULL)

    with FullDisk(tmp_path / "x.gz", Header(t=T)) as writer, pytest.raises(StorageError):
        await asyncio.wait_for(
            Recorder(line, writer).run(asyncio.Event(), seconds=None, tell=lambda _: None), PATIENCE_S
        )


async def test_arrivals_ascend_whatever_the_time_of_day_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line: Any = Line()
    with SessionWriter(tmp_path / "x.gz", Header(t=T)) as writer:
        recorder = Recorder(line, writer)
        monkeypatch.setattr("agent.commands.recorder.time.time", lambda: 0.0)
        for number in range(3):
            line.incoming.put_nowait(Message(HR, heart_rate(number), 1, retain=False, duplicate=False))
        await recorder.run(asyncio.Event(), seconds=0.05, tell=lambda _: None)
    times = [entry.t for entry in read(tmp_path / "x.gz")]
    assert times == sorted(times)
    assert min(times) > T

"""`watch` and `status` look at a running device over MQTT alone."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiomqtt
import pytest

from agent.integration.broker import EmbeddedBroker

D = "attune/1/device/living-room"
ENVIRONMENT = {**os.environ, "XDG_CONFIG_HOME": "/nonexistent", "PYTHONWARNINGS": "ignore"}
ENVIRONMENT.pop("NO_COLOR", None)


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free: int = probe.getsockname()[1]
    async with EmbeddedBroker(free, tmp_path / "broker"):
        yield free


@pytest.fixture
async def device(port: int, messages: list[tuple[str, bytes]]) -> int:
    """A device that has published its state; the port of its broker."""
    async with aiomqtt.Client("127.0.0.1", port) as client:
        for name, payload in dict(messages).items():
            await client.publish(f"{D}/{name}", payload, qos=1, retain=True)
    return port


async def attune_agent(*arguments: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from agent.cli import main; main()", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=ENVIRONMENT,
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_status_tells_people_how_it_is(device: int) -> None:
    code, out, err = await attune_agent("status", "--host", "127.0.0.1", "--port", str(device))

    assert (code, err) == (0, "")
    assert "living-room, online" in out
    assert "playing Harbour at First Light" in out


async def test_status_tells_programs_how_it_is(device: int) -> None:
    code, out, _ = await attune_agent("status", "--port", str(device), "--json")

    answer = json.loads(out)
    assert code == 0
    assert answer["online"] is True
    assert len(answer["queue"]["tracks"]) == 10
    assert answer["affect"]["sources"]["hr"]["wearable"] == "strap"


async def test_status_of_an_offline_device_fails_and_still_tells_the_last_that_was_known(device: int) -> None:
    async with aiomqtt.Client("127.0.0.1", device) as client:
        await client.publish(f"{D}/availability", b"offline", qos=1, retain=True)

    code, out, _ = await attune_agent("status", "--port", str(device))

    assert code == 1
    assert "living-room, offline" in out


async def test_status_of_a_device_that_nobody_heard_of_fails(port: int) -> None:
    code, out, _ = await attune_agent("status", "--port", str(port), "--device", "attic", "--timeout", "0.5")

    assert code == 1
    assert "attic, never heard of" in out


async def test_without_a_broker_status_and_a_single_frame_fail_with_the_remedy() -> None:
    with socket.socket() as taken:  # bound and not listening: nobody else gets the port, nobody answers on it
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        for command in (["status"], ["watch", "--once"]):
            code, out, err = await attune_agent(*command, "--port", port)
            assert (code, out) == (1, "")
            assert "cannot be reached" in err
            assert "--host and --port" in err
            assert "Traceback" not in err


async def test_watch_draws_a_single_frame_without_colour_into_a_pipe(device: int) -> None:
    code, out, err = await attune_agent("watch", "--port", str(device), "--once", "--size", "100x30")

    assert (code, err) == (0, "")
    assert out.count("\n") == 30
    assert "Harbour at First Light" in out
    assert "\x1b" not in out


async def test_watch_saves_the_last_frame_as_a_picture(device: int, tmp_path: Path) -> None:
    picture = tmp_path / "watch.svg"
    code, out, _ = await attune_agent("watch", "--port", str(device), "--seconds", "0.7", "--save", str(picture))

    assert code == 0
    assert "next Morning on the Canal" in out
    assert "Harbour" in picture.read_text(encoding="utf-8")


async def test_a_picture_that_cannot_be_written_is_an_error(device: int) -> None:
    code, _, err = await attune_agent("watch", "--port", str(device), "--once", "--save", "/nonexistent/a.svg")

    assert code == 1
    assert "Cannot write the picture" in err


def on_terminal(port: int, end: Callable[[subprocess.Popen[bytes], int], object], **more: str) -> tuple[int, bytes]:
    """Run `watch` on a terminal of its own, end it once a frame was seen, and return its code and what it drew."""
    parent, child = pty.openpty()
    before = termios.tcgetattr(child)
    process = subprocess.Popen(
        [sys.executable, "-c", "from agent.cli import main; main()", "watch", "--port", str(port)],
        stdin=child,
        stdout=child,
        env={**ENVIRONMENT, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30", **more},
        start_new_session=True,
    )
    shown = bytearray()
    try:
        while b"Harbour" not in shown:
            assert select.select([parent], [], [], 20.0)[0], "nothing was drawn"
            shown += os.read(parent, 65536)
        end(process, parent)
        while process.poll() is None:
            if select.select([parent], [], [], 0.05)[0]:
                shown += os.read(parent, 65536)
        while select.select([parent], [], [], 0)[0]:
            shown += os.read(parent, 65536)
        assert termios.tcgetattr(child) == before, "the terminal was not left as it was found"
    finally:
        process.kill()
        process.wait()
        os.close(child)
        os.close(parent)
    return process.returncode, bytes(shown)


async def test_q_leaves_the_live_view_and_the_terminal_as_it_was(device: int) -> None:
    code, shown = await asyncio.to_thread(on_terminal, device, lambda _, terminal: os.write(terminal, b"q"))

    assert code == 0
    assert shown.index(b"\x1b[?1049h") < shown.index(b"\x1b[?1049l")  # the screen before is given back
    assert b"\x1b[38" in shown  # in colour


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_leaves_it_too(device: int, number: signal.Signals) -> None:
    code, shown = await asyncio.to_thread(on_terminal, device, lambda process, _: process.send_signal(number))

    assert code == 0
    assert b"\x1b[?1049l" in shown


async def test_no_color_is_respected_on_a_terminal(device: int) -> None:
    _, shown = await asyncio.to_thread(on_terminal, device, lambda _, terminal: os.write(terminal, b"q"), NO_COLOR="1")

    assert b"38;" not in shown
    assert b"48;" not in shown

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from typer.testing import CliRunner

from firmware_sim.cli import app
from firmware_sim.demo.workspace import free_port
from firmware_sim.link import Link, Outgoing
from firmware_sim.settings import BrokerSection, SimulatorSettings
from firmware_sim.stream import stream
from models.errors import BrokerError
from models.wire.messages import Truth, decode
from models.wire.senml import decode as decode_pack
from models.wire.topics import parse_sense


async def command(*arguments: str) -> tuple[int, bytes]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from firmware_sim.cli import main; main()",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert not errors, errors
    return process.returncode or 0, output


async def run_and_tell(client: aiomqtt.Client, *arguments: str) -> dict[str, Any]:
    """Run the command; what it sent lies before the message `attune/1/end`."""
    status, output = await command(*arguments)
    await client.publish("attune/1/end", qos=1)
    assert status == 0
    return json.loads(output)


async def test_a_wearable_process_streams_through_a_real_broker(mosquitto: int):
    seen: Counter[str] = Counter()
    arguments = ["stream", "--port", str(mosquitto), "--seconds", "3", "--listener", "anna", "--json"]
    arguments += ["--wearable", "band", "--wearable", "strap:strap"]
    async with asyncio.timeout(30), aiomqtt.Client("127.0.0.1", mosquitto) as client:
        await client.subscribe("attune/1/#", qos=1)
        run = asyncio.create_task(run_and_tell(client, *arguments))
        async for message in client.messages:
            topic = message.topic.value
            if topic == "attune/1/end":
                break
            if topic == "attune/1/sim/anna/truth":
                truth = decode(message.payload, Truth)
                continue
            sense = parse_sense(topic)
            pack = decode_pack(message.payload, quantity=sense.quantity, now=truth.t)
            assert sense.listener == "anna"
            assert abs(pack.times[-1] - truth.t) < 5
            seen[f"{sense.wearable}/{sense.quantity}"] += 1
        report = await run
    assert (report["connections"], report["lost"]) == (1, 0)
    for wearable, packs in report["packs"].items():
        assert {name: seen[f"{wearable}/{name}"] for name in packs} == packs
    assert {"ppg", "acc", "eda", "temp", "rr", "batt"} <= report["packs"]["band"].keys()


async def test_without_a_broker_the_stream_fails_with_a_remedy():
    settings = SimulatorSettings(broker=BrokerSection(port=free_port(0)))
    with pytest.raises(BrokerError) as refusal:
        await stream(settings, seconds=0.5, stop=asyncio.Event())
    assert refusal.value.remedy


async def test_a_stop_ends_the_stream_early(mosquitto: int):
    stop = asyncio.Event()
    stop.set()
    with pytest.raises(BrokerError):
        # Stopped before the first connection: nothing was sent, and that is said.
        await stream(SimulatorSettings(broker=BrokerSection(port=mosquitto)), seconds=None, stop=stop)


async def test_what_is_sent_at_qos_1_waits_for_the_broker_and_the_rest_is_lost(mosquitto: int):
    received: asyncio.Queue[bytes] = asyncio.Queue()
    link = Link(
        BrokerSection(port=mosquitto),
        client_id="test-link",
        filters=("t",),
        on_message=lambda _, payload: received.put_nowait(payload),
    )
    link.publish(Outgoing("t", b"lost", qos=0))
    for number in range(3):
        link.publish(Outgoing("t", str(number).encode(), qos=1))
    run = asyncio.create_task(link.run())
    assert await link.flush(10)
    async with asyncio.timeout(10):
        assert [await received.get() for _ in range(3)] == [b"0", b"1", b"2"]
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    assert (link.sent, link.lost, link.connections) == (3, 1, 1)


async def test_the_buffer_is_bounded_and_drops_the_oldest():
    link = Link(BrokerSection(), client_id="test-buffer")
    for number in range(600):
        link.publish(Outgoing("t", str(number).encode(), qos=1))
    assert link.lost == 600 - 512
    assert not await link.flush(0.0)


async def test_an_unreadable_password_is_no_reason_to_retry(tmp_path: Path):
    broker = BrokerSection(username="me", password_file=tmp_path / "none")
    with pytest.raises(BrokerError, match="password"):
        await Link(broker, client_id="test-password").run()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--fault", "gremlins"],
        ["--course", "sideways"],
        ["--quantities", "hr,aura"],
        ["--wearable", "band:ring"],
        ["--listener", "a/b"],
        ["--script", "no-such-script"],
        ["--format", "xml"],
    ],
)
def test_wrong_use_exits_with_2_and_says_what_is_right(arguments: list[str]):
    result = CliRunner().invoke(app, ["stream", "--seconds", "1", *arguments])
    assert result.exit_code == 2
    assert "Traceback" not in result.output


@pytest.mark.parametrize("name", ["stream", "music", "demo"])
def test_every_command_has_help_with_an_example(name: str):
    result = CliRunner().invoke(app, [name, "--help"])
    assert result.exit_code == 0
    assert f"Example: attune-sim {name}" in result.output


async def test_a_cancellation_is_heeded_even_when_the_connection_breaks_in_the_same_moment(
    mosquitto: int, monkeypatch: pytest.MonkeyPatch
):
    link = Link(BrokerSection(port=mosquitto), client_id="test-cancel")
    run = asyncio.create_task(link.run())

    async def break_while_cancelled(_: aiomqtt.Client) -> None:
        run.cancel()
        raise aiomqtt.MqttError("broken")

    monkeypatch.setattr(link, "_send", break_while_cancelled)
    async with asyncio.timeout(10):
        with pytest.raises(asyncio.CancelledError):
            await run

from __future__ import annotations

import asyncio
import json
import socket
import sys
from typing import Any

import aiomqtt
import pytest
from bumble.device import Device, Peer
from bumble.hci import Address
from bumble.transport import open_transport
from typer.testing import CliRunner

from firmware_sim.ble.air import Air
from firmware_sim.ble.stream import OnAir, stream
from firmware_sim.cli import app
from firmware_sim.settings import BleSection, BleWearableSection, BrokerSection, ListenerSection, SimulatorSettings
from models.errors import AttuneError, Reason, SettingsError
from models.wire.messages import Truth, decode

PATIENCE_S = 30.0


def settings(*wearables: BleWearableSection, port: int = 1) -> SimulatorSettings:
    return SimulatorSettings(
        broker=BrokerSection(port=port),
        listener=ListenerSection(id="anna", course="scripted", script="0,0.5,-0.5; 60,0.5,-0.5"),
        ble=BleSection(port=0, wearables=wearables or (BleWearableSection(gaps_per_hour=0.0),)),
    )


async def test_the_truth_is_published_as_by_the_wearables_that_speak_mqtt(mosquitto: int):
    async with asyncio.timeout(PATIENCE_S), aiomqtt.Client("127.0.0.1", mosquitto) as client:
        await client.subscribe("attune/1/#", qos=1)
        report, radios = await stream(settings(port=mosquitto), seconds=2.5, stop=asyncio.Event())
        message = await anext(aiter(client.messages))
        assert message.topic.value == "attune/1/sim/anna/truth"
        truth = decode(message.payload, Truth)
        assert (truth.valence, truth.arousal) == (0.5, -0.5)
    assert report.packs["strap"]["hr"] == 2
    assert radios["strap"].connections == 0


async def test_a_host_on_the_port_connects_to_a_wearable_that_needs_no_broker():
    stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
    living = asyncio.create_task(stream(settings(), seconds=None, stop=stop, ready=ready.set_result))
    async with asyncio.timeout(PATIENCE_S):
        on_air: OnAir = await ready
        async with await open_transport(f"tcp-client:127.0.0.1:{on_air.port}") as transport:
            host = Device.with_hci("host", Address("F0:F1:F2:F3:F4:F5"), transport.source, transport.sink)
            await host.power_on()
            strap = on_air.peripherals["strap"]
            connection = await host.connect(Address(strap.address))
            services = await Peer(connection).discover_services()
            assert "UUID-16:180D (Heart Rate)" in {str(service.uuid) for service in services}
            assert strap.connected
        stop.set()
        _, radios = await living
    assert radios["strap"].connections == 1


async def test_two_wearables_of_one_name_are_refused():
    with pytest.raises(SettingsError, match="share a name"):
        await stream(settings(BleWearableSection(), BleWearableSection()), seconds=1.0, stop=asyncio.Event())


async def test_a_port_that_is_taken_is_told_with_a_remedy():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(AttuneError) as caught:
            async with Air().served("127.0.0.1", taken.getsockname()[1]):
                pass
    assert caught.value.reason is Reason.PORT_IN_USE
    assert "--listen" in caught.value.remedy


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["ble", *arguments])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--wearables", "necklace"],
        ["--wearables", "Strap:strap"],
        ["--listen", "6402"],
        ["--listen", "127.0.0.1:99999"],
        ["--fault", "drop"],
        ["--script", "nothing-of-this-name"],
    ],
)
def test_a_wrong_value_on_the_command_line_is_refused_before_anything_starts(arguments: list[str]):
    result = invoke("--seconds", "1", *arguments)
    assert result.exit_code == 2
    assert "attune-sim ble:" in result.stderr


def test_the_command_runs_several_wearables_and_sums_up():
    result = invoke(
        *("--wearables", "strap,polar,mine:sense,oximeter,thermometer", "--seconds", "1", "--port", "1"),
        *("--listen", "127.0.0.1:0", "--fault", "drop@0.5+10", "--no-gaps", "--json"),
    )
    assert result.exit_code == 0, result.stderr
    summary = json.loads(result.stdout)
    assert list(summary["radios"]) == ["strap", "polar", "mine", "oximeter", "thermometer"]
    assert summary["gaps"] == dict.fromkeys(summary["radios"], 1)
    assert summary["packs_sent"] == 0


def test_where_bumble_is_not_installed_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    for name in ("firmware_sim.ble.stream", "firmware_sim.ble.air", "firmware_sim.ble.peripheral"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "bumble.controller", None)
    monkeypatch.setitem(sys.modules, "bumble", None)
    result = invoke("--seconds", "1")
    assert result.exit_code == 1
    assert "attune[sim]" in result.stderr

"""`attune-agent gateway` and `attune-agent wearables`, on a fake adapter."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from fake_air import Air, FakeWearable
from typer.testing import CliRunner
from virtual_time import run_virtually

from agent.cli import app
from agent.sensing.gateway.pairings import Pairings
from agent.sensing.gateway.process import changes
from agent.sensing.gateway.profiles import Battery, HeartRate
from models.errors import AttuneError, Reason

STRAP, LAMP = "F0:F1:F2:F3:F4:01", "F0:F1:F2:F3:F4:09"
Run = Callable[..., Result]


@pytest.fixture
def air() -> Air:
    strap = FakeWearable(STRAP, "HR Strap", {kind.service: kind.notifies for kind in (HeartRate, Battery)})
    return Air(strap, FakeWearable(LAMP, "Lamp", {}))


@pytest.fixture
def run(air: Air, tmp_path: Path, unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr("agent.sensing.gateway.adapters.open_adapter", lambda _name: air.open())
    monkeypatch.setattr("agent.sensing.gateway.process.open_adapter", lambda _name: air.open())
    monkeypatch.setattr(asyncio, "run", run_virtually)
    config = tmp_path / "agent.toml"
    config.write_text(f'[storage]\nfolder = "{tmp_path}/data"\n[broker]\nport = {unused_tcp_port}\n')

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, [*arguments, "--config", str(config)])

    return invoke


def refused(result: Result) -> AttuneError:
    assert isinstance(result.exception, AttuneError), result.output
    return result.exception


def test_sensors_in_the_air_are_listed_and_the_rest_on_request(run: Run) -> None:
    listed = run("wearables")

    assert listed.exit_code == 0
    assert [line.split()[0] for line in listed.output.splitlines()] == [STRAP]
    assert "HR Strap" in listed.output
    assert "heart rate" in listed.output
    assert LAMP in run("wearables", "--all").output


def test_the_list_is_there_for_programs_too(run: Run) -> None:
    (found,) = json.loads(run("wearables", "--json").output)

    assert (found["address"], found["rssi_dbm"], found["services"]) == (STRAP, -60, ["battery", "heart_rate"])
    assert (found["wearable"], found["listener"]) == ("", "")


def test_an_empty_room_is_said_to_be_empty(run: Run, air: Air) -> None:
    air.wearables[STRAP].present = False

    listed = run("wearables")

    assert listed.exit_code == 0
    assert "No wearable in the air (1 other devices" in listed.output


def test_a_wearable_is_paired_by_its_own_name_and_stays_listed_when_away(run: Run, air: Air, tmp_path: Path) -> None:
    assert run("wearables", "pair", STRAP.lower()).output == f"hr-strap ({STRAP}) belongs to me\n"
    assert [each.model for each in Pairings(tmp_path / "data").load()] == ["HR Strap"]

    air.wearables[STRAP].present = False
    listed = run("wearables").output
    assert "not heard" in listed
    assert "hr-strap, of me" in listed


def test_name_and_listener_may_be_chosen_and_kept_when_paired_again(run: Run, tmp_path: Path) -> None:
    run("wearables", "pair", STRAP, "--name", "chest", "--listener", "you")
    made = json.loads(run("wearables", "pair", STRAP, "--listener", "me", "--json").output)

    assert (made["name"], made["listener"]) == ("chest", "me")
    assert len(Pairings(tmp_path / "data").load()) == 1


def test_what_is_not_there_is_paired_only_on_request(run: Run, air: Air, tmp_path: Path) -> None:
    air.wearables[STRAP].present = False

    assert refused(run("wearables", "pair", STRAP)).reason is Reason.NO_DEVICE
    assert Pairings(tmp_path / "data").load() == ()
    assert run("wearables", "pair", STRAP, "--unseen", "--name", "strap").exit_code == 0


def test_a_wearable_is_forgotten_once(run: Run, tmp_path: Path) -> None:
    run("wearables", "pair", STRAP)

    assert run("wearables", "forget", "hr-strap").output == f"hr-strap ({STRAP}) is forgotten\n"
    assert refused(run("wearables", "forget", "hr-strap")).reason is Reason.WRONG_VALUE
    assert Pairings(tmp_path / "data").load() == ()


@pytest.mark.parametrize("arguments", [["pair", "nonsense"], ["pair", STRAP, "--name", "My Strap"]])
def test_what_cannot_be_paired_is_refused(run: Run, arguments: list[str]) -> None:
    assert refused(run("wearables", *arguments)).reason is Reason.WRONG_VALUE


def test_wrong_use_is_told_apart_from_failure(run: Run) -> None:
    assert run("wearables", "pair").exit_code == 2
    assert run("wearables", "--seconds", "0").exit_code == 2
    assert run("gateway", "--seconds", "-1").exit_code == 2
    assert run("wearables", "--json", "pair", STRAP).exit_code == 2


def test_bluetooth_that_is_off_is_told_with_a_remedy(run: Run, air: Air) -> None:
    air.broken = True

    error = refused(run("wearables"))
    assert error.reason is Reason.NO_DEVICE
    assert "bluetoothctl" in error.remedy


def test_the_gateway_runs_for_as_long_as_it_is_told_and_says_what_happened(run: Run, air: Air) -> None:
    run("wearables", "pair", STRAP)
    wearable = air.wearables[STRAP]

    ended = run("gateway", "--seconds", "20", "--json")

    assert ended.exit_code == 0, ended.output
    status = json.loads(ended.stdout)
    assert [each["state"] for each in status["wearables"]] == ["connected"]
    assert status["counters"]["connection.made"] == wearable.connects >= 1


def test_the_gateway_publishes_on_a_foreign_broker_only_where_the_listener_allows_it(run: Run, tmp_path: Path) -> None:
    error = refused(run("gateway", "--host", "127.0.0.1", "--seconds", "1"))

    assert error.reason is Reason.WRONG_VALUE
    assert "publish_streams" in error.remedy
    config = tmp_path / "agent.toml"
    config.write_text(config.read_text() + "[privacy]\npublish_streams = true\n")
    assert run("gateway", "--host", "127.0.0.1", "--seconds", "1").exit_code == 0


def test_an_adapter_that_this_installation_has_not_ends_the_gateway(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> None:
        raise AttuneError("it needs Bumble", reason=Reason.MISSING, remedy="Install it")

    monkeypatch.setattr("agent.sensing.gateway.process.open_adapter", missing)

    assert refused(run("gateway", "--seconds", "60")).reason is Reason.MISSING


def test_only_what_grew_is_told_in_the_log() -> None:
    assert changes({"packs": 10, "scan.silent": 2}, {"packs": 15, "scan.silent": 2, "polar.malformed": 1}) == (
        "packs +5, polar.malformed +1"
    )


@pytest.mark.parametrize("command", ["gateway", "wearables", "wearables pair", "wearables forget"])
def test_every_command_has_help_with_an_example(command: str) -> None:
    result = CliRunner().invoke(app, [*command.split(), "--help"], env={"COLUMNS": "200"})

    assert result.exit_code == 0
    assert f"Example: attune-agent {command}" in " ".join(result.stdout.split())

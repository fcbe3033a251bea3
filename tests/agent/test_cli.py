"""The command line: what it prints where, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent import cli
from agent.settings import AgentSettings, as_dict
from models.settings import default_text

runner = CliRunner()


@pytest.fixture(autouse=True)
def _no_settings_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def config_file(tmp_path: Path, text: str) -> str:
    path = tmp_path / "agent.toml"
    path.write_text(text)
    return str(path)


def main(*arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["attune-agent", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert isinstance(caught.value.code, int)
    return caught.value.code


@pytest.mark.parametrize(
    "command",
    [
        "run",
        "scan",
        "track",
        "watch",
        "status",
        "config check",
        "config show",
        "config path",
        "record",
        "gateway",
        "wearables",
        "wearables pair",
        "wearables forget",
    ],
)
def test_every_command_has_help_with_an_example(command: str) -> None:
    result = runner.invoke(cli.app, [*command.split(), "--help"], env={"COLUMNS": "200"})

    assert result.exit_code == 0
    assert f"Example: attune-agent {command}" in " ".join(result.stdout.split())


def test_the_version_is_told() -> None:
    assert runner.invoke(cli.app, ["--version"]).stdout.startswith("attune 0.")


def test_wrong_use_ends_with_2_and_says_so_on_standard_error() -> None:
    result = runner.invoke(cli.app, ["watch", "--size", "big"])

    assert result.exit_code == 2
    assert result.stdout == ""
    assert "no size" in result.stderr


def test_a_mistake_in_the_settings_is_one_message_and_no_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config_file(tmp_path, "[broker]\nprt = 1\n")

    assert main("run", "--config", path, monkeypatch=monkeypatch) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"attune-agent: {path}:2: `[broker] prt` is not known; did you mean `port`?")
    assert "Traceback" not in printed.err


def test_a_settings_file_that_is_missing_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main("config", "check", "--config", str(tmp_path / "no.toml"), monkeypatch=monkeypatch) == 1
    assert "does not exist" in capsys.readouterr().err


def test_check_lists_every_mistake_with_its_line(tmp_path: Path) -> None:
    path = config_file(tmp_path, "[broker]\nport = 0\n\n[bundel]\n")

    result = runner.invoke(cli.app, ["config", "check", "--config", path])

    assert result.exit_code == 1
    assert [line.split(": ")[0] for line in result.stdout.splitlines()] == [f"{path}:2", f"{path}:4"]


def test_check_answers_programs_in_json(tmp_path: Path) -> None:
    path = config_file(tmp_path, "[broker]\nport = 0\n")

    result = runner.invoke(cli.app, ["config", "check", "--config", path, "--json"])

    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert answer["file"] == path
    assert answer["problems"][0] | {"error": ""} == {
        "line": 2,
        "key": "[broker] port",
        "code": "wrong_value",
        "error": "",
    }


def test_a_file_without_mistakes_is_fine(tmp_path: Path) -> None:
    path = config_file(tmp_path, "[broker]\nport = 1884\n")

    result = runner.invoke(cli.app, ["config", "check", "--config", path])

    assert (result.exit_code, result.stdout) == (0, f"{path}: fine\n")


def test_without_a_file_the_defaults_hold_and_are_shown() -> None:
    assert "defaults" in runner.invoke(cli.app, ["config", "check"]).stdout
    shown = tomllib.loads(runner.invoke(cli.app, ["config", "show"]).stdout)
    assert shown == json.loads(json.dumps(as_dict(AgentSettings())))
    assert json.loads(runner.invoke(cli.app, ["config", "show", "--json"]).stdout) == shown


def test_the_default_file_is_shown_with_its_comments() -> None:
    assert runner.invoke(cli.app, ["config", "show", "--default"]).stdout == default_text("agent")


def test_path_tells_where_settings_are_looked_for(tmp_path: Path) -> None:
    expected = tmp_path / "config" / "attune" / "agent.toml"

    assert runner.invoke(cli.app, ["config", "path"]).stdout.strip() == str(expected)
    answer = json.loads(runner.invoke(cli.app, ["config", "path", "--json"]).stdout)
    assert answer == {"file": str(expected), "exists": False}


def test_help_loads_nothing_heavy() -> None:
    heavy = "numpy scipy av rich.live aiomqtt sounddevice soundfile tflite_runtime ai_edge_litert cbor2 aiosqlite"
    program = (
        "import sys\nfrom typer.testing import CliRunner\nfrom agent import cli\n"
        f"print([name for name in {heavy.split()!r} if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "[]"

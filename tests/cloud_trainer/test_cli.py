from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cloud_trainer import cli

RUNNER = CliRunner()


def test_data_check_finds_nothing_wrong_with_whole_data(tiny_data: Path):
    result = RUNNER.invoke(cli.app, ["data", "check", "--data", str(tiny_data), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["wrong"] == {}


def test_data_check_refuses_a_set_that_it_does_not_know(tiny_data: Path):
    result = RUNNER.invoke(cli.app, ["data", "check", "dance", "--data", str(tiny_data)])
    assert result.exit_code == 2


def test_data_list_counts_files_and_names_licences(tiny_data: Path):
    result = RUNNER.invoke(cli.app, ["data", "list", "--data", str(tiny_data), "--json"])
    rows = {row["name"]: row for row in json.loads(result.stdout)}
    assert rows["emopia"]["files"] == 2
    assert rows["emopia"]["licence"] == "CC BY-NC-SA 4.0"
    assert rows["hku956"]["files"] == 0


def test_every_command_shows_an_example():
    for words in (["build"], ["data", "list"], ["data", "check"]):
        assert "Example: attune-trainer" in RUNNER.invoke(cli.app, [*words, "--help"]).stdout


def test_an_unknown_scale_is_wrong_use(tiny_data: Path, tmp_path: Path):
    result = RUNNER.invoke(
        cli.app, ["build", "--data", str(tiny_data), "--out", str(tmp_path / "out"), "--scale", "giant"]
    )
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["build", "--out", "x", "--stages", "dance"], 2),
        (["data", "list", "--data", "/nowhere"], 1),
    ],
)
def test_errors_end_with_their_code_and_a_remedy(
    words: list[str], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("sys.argv", ["attune-trainer", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == code
    assert "attune-trainer: " in capsys.readouterr().err

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cloud_trainer import cli

RUNNER = CliRunner()


@pytest.mark.parametrize("command", ["evaluate", "report"])
def test_the_commands_show_an_example(command: str):
    assert f"Example: attune-trainer {command}" in RUNNER.invoke(cli.app, [command, "--help"]).stdout


def test_an_unknown_table_is_wrong_use_and_the_known_ones_are_named():
    result = RUNNER.invoke(cli.app, ["evaluate", "dance"])
    assert result.exit_code == 2
    assert "wesad-stress" in result.stderr


@pytest.mark.parametrize(
    "words", [["evaluate", "deam", "--data", "/nowhere"], ["report", "--results", "/nowhere", "--out", "x"]]
)
def test_what_is_missing_is_told_with_a_remedy(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["attune-trainer", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert "attune-trainer: " in capsys.readouterr().err

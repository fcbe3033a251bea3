from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cloud_trainer import cli
from cloud_trainer.search import frozen
from cloud_trainer.search.log import read_log
from models.errors import DataError

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


COMMANDS = ("build", "cards", "confirm", "evaluate", "quantise", "report", "search", "train", "data list", "data check")


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_shows_an_example_and_the_settings_that_it_overrides(words: str):
    shown = RUNNER.invoke(cli.app, [*words.split(), "--help"]).stdout
    assert f"Example: attune-trainer {words}" in shown
    # Markup would have swallowed the section's brackets.
    assert "overrides  " not in shown


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


def _ended(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int | str | None, str]:
    monkeypatch.setattr("sys.argv", ["attune-trainer", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["train", "dance"], "there is no stage 'dance'"),
        (["search", "dance"], "there is no search for 'dance'"),
        (["search", "sequence", "--rivals", "waltz"], "sequence has no rival waltz"),
        (["quantise", "dance"], "unknown model dance"),
        (["train", "sequence", "--scale", "giant"], "'giant' is neither full nor tiny"),
        (["search", "sequence", "--trials", "0"], "--trials"),
    ],
)
def test_wrong_use_ends_with_two_and_names_what_is_wrong(
    words: list[str], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    code, said = _ended(words, monkeypatch, capsys)
    assert code == 2
    assert told in said


@pytest.mark.parametrize("words", [["train", "sequence"], ["search", "sequence"], ["build", "--out", "bundle"]])
def test_a_changed_data_file_ends_a_command_before_anything_is_trained(
    words: list[str],
    listener_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    data = Path(shutil.copytree(listener_data, tmp_path / "data"))
    with (data / "hetrec-lastfm" / "artists.csv.gz").open("ab") as stream:
        stream.write(b"changed")
    stages = ["--stages", "sequence"] if words[0] == "build" else []
    places = ["--data", str(data), "--work", str(tmp_path / "work"), "--scale", "tiny"]
    code, said = _ended([*words, *places, *stages], monkeypatch, capsys)
    assert code == 1
    assert "hetrec-lastfm/artists.csv.gz is not the file that SHA256SUMS records" in said
    assert not list((tmp_path / "work").rglob("*.npz"))


def test_a_hyper_parameter_out_of_its_range_is_named_by_file_and_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    config = tmp_path / "trainer.toml"
    config.write_text("[music_emotion]\nepochs = 20\ndropout = 1.5\n", "utf-8")
    code, said = _ended(["train", "music_emotion", "--config", str(config)], monkeypatch, capsys)
    assert code == 2
    assert f"{config}:3:" in said
    assert "dropout" in said


def test_a_model_is_trained_once_and_leaves_a_run_folder(listener_data: Path, tmp_path: Path):
    words = ["train", "sequence", "--scale", "tiny", "--data", str(listener_data), "--work", str(tmp_path), "--json"]
    first = json.loads(RUNNER.invoke(cli.app, words).stdout)
    assert first["epochs"] == 1
    assert (Path(first["run"]) / "epochs.csv").is_file()
    again = json.loads(RUNNER.invoke(cli.app, words).stdout)
    assert again["epochs"] == 0
    assert again["configuration"] == first["configuration"]
    assert json.loads((Path(again["run"]) / "run.json").read_text("utf-8"))["goes_on"] is True


def test_a_tiny_search_writes_its_log_and_freezes_nothing(listener_data: Path, tmp_path: Path):
    places = ["--data", str(listener_data), "--work", str(tmp_path / "work"), "--results", str(tmp_path / "results")]
    result = RUNNER.invoke(cli.app, ["search", "sequence", "--trials", "2", "--scale", "tiny", *places, "--json"])
    found = json.loads(result.stdout)
    assert set(found["sequence"]["settings"]) == {"learning_rate", "decay", "dropout", "batch"}
    log = read_log(tmp_path / "results" / "search" / "sequence-tiny.json")
    assert [len(rival.trials) for rival in log.rivals] == [2]
    assert not (frozen.folder() / "sequence-tiny.json").exists()


def test_a_tiny_search_is_confirmed_and_its_better_choice_frozen_where_asked(listener_data: Path, tmp_path: Path):
    places = ["--data", str(listener_data), "--work", str(tmp_path / "work"), "--results", str(tmp_path / "results")]
    words = ["user_emotion", "--rivals", "user_emotion", "--scale", "tiny", "--frozen", str(tmp_path), *places]
    RUNNER.invoke(cli.app, ["search", *words, "--trials", "2", "--seed", "3"])
    path = tmp_path / "results" / "search" / "user_emotion-tiny.json"
    path.write_text(path.read_text("utf-8").replace('"winner": 0', '"winner": 1'), "utf-8")
    confirmed = RUNNER.invoke(cli.app, ["confirm", *words, "--seeds", "1"])
    assert "at full length, by seed: winner -" in confirmed.stdout
    [rival] = read_log(path).rivals
    assert rival.confirmed is not None
    assert rival.confirmed.seeds == [3]  # those of the search, whatever the settings say
    assert frozen.winner("user_emotion", "user_emotion", tmp_path) == rival.settled.settings


def test_nothing_is_confirmed_that_was_not_searched(listener_data: Path, tmp_path: Path):
    places = ["--data", str(listener_data), "--work", str(tmp_path), "--results", str(tmp_path)]
    result = RUNNER.invoke(cli.app, ["confirm", "sequence", "--scale", "tiny", *places])
    assert isinstance(result.exception, DataError)
    assert "sequence-tiny.json is no log of a search" in str(result.exception)

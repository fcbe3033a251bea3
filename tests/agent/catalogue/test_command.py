from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner

from agent.catalogue.analysis import Analyser
from agent.catalogue.command import scan
from agent.delivery.installing.probation import Rates
from agent.delivery.installing.slots.slots import Slots
from models.audio.patches import FrontEnd
from models.bundle.reader import Bundle, default_bundle
from models.errors import DataError, Reason, SettingsError
from models.metadata import METADATA_SIZE, MetadataTable


class FakeModel:
    def run(self, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        del inputs
        return {"emotion": np.zeros((1, 2), dtype=np.float32), "embedding": np.ones((1, 128), dtype=np.float32)}


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    table = MetadataTable(np.empty(0, dtype=np.uint64), np.empty((0, METADATA_SIZE), dtype=np.float32))
    monkeypatch.setattr(Bundle, "open", lambda *_, **__: None)
    monkeypatch.setattr(Analyser, "of_bundle", lambda _: Analyser(FakeModel(), FrontEnd(), table, "space-1"))
    app = typer.Typer()
    app.command()(scan)
    return app


@pytest.fixture
def config(tmp_path: Path) -> Path:
    music = tmp_path / "music"
    music.mkdir()
    tone = (0.1 * np.sin(np.arange(22_050) / 10)).astype(np.float32)
    soundfile.write(music / "a.flac", tone, 22_050)
    (music / "b.mp3").write_text("no music")
    path = tmp_path / "agent.toml"
    path.write_text(f'[library]\nfolders = ["{music}"]\n[storage]\nfolder = "{tmp_path / "data"}"\n')
    return path


def test_a_scan_with_unusable_files_succeeds_and_lists_them(app: typer.Typer, config: Path):
    result = CliRunner().invoke(app, ["--config", str(config)])
    assert result.exit_code == 0
    assert "2 music files: 2 new" in result.stdout
    assert "not_audio:" in result.stdout
    assert "b.mp3" in result.stdout


def test_a_program_gets_json(app: typer.Typer, config: Path):
    result = CliRunner().invoke(app, ["--config", str(config), "--json"])
    answer = json.loads(result.stdout)
    assert (answer["found"], answer["new"], answer["unchanged"]) == (2, 2, 0)
    assert [each["reason"] for each in answer["unusable"]] == ["not_audio"]
    again = json.loads(CliRunner().invoke(app, ["--config", str(config), "--json"]).stdout)
    assert (again["new"], again["unchanged"]) == (0, 2)
    rescanned = json.loads(CliRunner().invoke(app, ["--config", str(config), "--json", "--rescan"]).stdout)
    assert rescanned["changed"] == 2


def test_a_named_folder_stands_in_for_those_of_the_settings(app: typer.Typer, config: Path, tmp_path: Path):
    (tmp_path / "other").mkdir()
    result = CliRunner().invoke(app, ["--config", str(config), "--json", str(tmp_path / "other")])
    assert json.loads(result.stdout)["found"] == 0


def test_a_named_folder_that_does_not_exist_is_wrong_use(app: typer.Typer, config: Path, tmp_path: Path):
    assert CliRunner().invoke(app, ["--config", str(config), str(tmp_path / "absent")]).exit_code == 2


def test_settings_without_any_folder_that_exists_are_refused(app: typer.Typer, config: Path, tmp_path: Path):
    (tmp_path / "music").rename(tmp_path / "elsewhere")
    result = CliRunner().invoke(app, ["--config", str(config)])
    assert result.exit_code == 1
    assert isinstance(result.exception, SettingsError)
    assert "attune-agent scan DIR" in result.exception.remedy


def test_a_scan_hears_with_the_bundle_that_the_agent_runs(
    app: typer.Typer, config: Path, monkeypatch: pytest.MonkeyPatch
):
    opened: list[Path] = []
    monkeypatch.setattr(Bundle, "open", lambda folder, **_: opened.append(folder))
    slots = Slots.open(config.parent / "data/bundles/slots", default_bundle())
    slots.begin("2099.1.1", "d" * 64, "r1")
    CliRunner().invoke(app, ["--config", str(config)])
    slots.activate(Rates())
    CliRunner().invoke(app, ["--config", str(config)])
    config.write_text(config.read_text() + f'[bundle]\nfolder = "{config.parent}"\n')
    CliRunner().invoke(app, ["--config", str(config)])
    assert opened == [default_bundle(), slots.running, config.parent]


def test_lyrics_that_cannot_be_used_are_listed_with_where_they_lie(app: typer.Typer, config: Path, tmp_path: Path):
    (tmp_path / "music/a.lrc").write_bytes(b"\0\1\2")
    result = CliRunner().invoke(app, ["--config", str(config)])
    assert result.exit_code == 0
    assert f"malformed: {tmp_path / 'music/a.lrc'}: the lyrics are no text" in result.stdout
    answer = json.loads(CliRunner().invoke(app, ["--config", str(config), "--json"]).stdout)
    assert (answer["reworded"], [each["reason"] for each in answer["lyrics"]]) == (0, ["malformed"])
    (tmp_path / "music/a.lrc").write_text("love")
    answer = json.loads(CliRunner().invoke(app, ["--config", str(config), "--json"]).stdout)
    assert (answer["reworded"], answer["unchanged"], answer["lyrics"]) == (1, 2, [])


def test_a_damaged_lexicon_leaves_the_music_to_be_scanned_without_words(
    app: typer.Typer, config: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def damaged() -> None:
        raise DataError("the lexicon is damaged", reason=Reason.MALFORMED, remedy="Install Attune again")

    monkeypatch.setattr("models.lyrics.sentiment.default_lexicon", damaged)
    result = CliRunner().invoke(app, ["--config", str(config)])
    assert result.exit_code == 0
    assert "2 music files: 2 new" in result.stdout
    assert "the lexicon is damaged. Install Attune again" in caplog.text

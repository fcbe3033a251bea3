"""What a person sees of a track."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from stand_in_library import track_rows
from typer.testing import CliRunner

from agent import cli
from agent.storage import Database, WordsRow
from models.errors import Reason, StorageError

runner = CliRunner()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "agent.toml"
    path.write_text(f'[storage]\nfolder = "{tmp_path / "data"}"\n')
    return path


@pytest.fixture
async def catalogue(config: Path) -> Path:
    music = config.parent.resolve()
    async with await Database.open(config.parent / "data") as database:
        rows = track_rows(2, "space-1", folder=str(music))
        await database.upsert_tracks(rows)
        said = WordsRow(
            track_id=rows[0].id,
            fingerprint=rows[0].fingerprint,
            source="lyrics",
            valence=0.5,
            arousal=-0.25,
            dominance=0.125,
            known=9,
            language="en",
            lyrics="file",
            problem="the lyrics are cut",
            problem_reason="oversized",
        )
        await database.put_words([said])
    return music


def test_a_track_is_shown_with_its_sound_and_its_words(config: Path, catalogue: Path):
    result = runner.invoke(cli.app, ["track", "--config", str(config), str(catalogue / "000000.flac")])
    assert result.exit_code == 0
    assert "title    Track 0 — Artist 0 — Album" in result.stdout
    assert "sound    valence -0.95, arousal -0.95" in result.stdout
    assert "words    valence +0.50, arousal -0.25, dominance +0.12, by 9 words of its lyrics (en)" in result.stdout
    assert "lyrics   in the .lrc file beside it; the lyrics are cut" in result.stdout


def test_a_track_whose_words_were_not_read_says_so(config: Path, catalogue: Path):
    result = runner.invoke(cli.app, ["track", "--config", str(config), str(catalogue / "000001.flac")])
    assert "lyrics   not read yet" in result.stdout
    assert "words    say nothing" in result.stdout


def test_a_program_gets_json(config: Path, catalogue: Path):
    files = [str(catalogue / f"00000{number}.flac") for number in range(2)]
    first, second = json.loads(runner.invoke(cli.app, ["track", "--config", str(config), "--json", *files]).stdout)
    assert first["words"]["dominance"] == 0.125
    assert first["lyrics"] == {"from": "file", "problem": "the lyrics are cut"}
    assert (second["words"], second["lyrics"], second["title"]) == (None, None, "Track 1")


def test_a_file_that_was_not_scanned_is_refused_with_what_to_do(config: Path, catalogue: Path):
    result = runner.invoke(cli.app, ["track", "--config", str(config), str(catalogue / "other.flac")])
    assert isinstance(result.exception, StorageError)
    assert result.exception.reason is Reason.UNKNOWN_TRACK


def test_without_a_catalogue_none_is_made(config: Path):
    result = runner.invoke(cli.app, ["track", "--config", str(config), "a.flac"])
    assert isinstance(result.exception, StorageError)
    assert result.exception.reason is Reason.MISSING
    assert not (config.parent / "data").exists()

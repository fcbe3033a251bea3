from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
import typer
from click.testing import Result
from typer.testing import CliRunner

from firmware_sim.music import catalogue, load_intended
from firmware_sim.music.catalogue import CatalogueSettings, write_catalogue
from firmware_sim.music.command import music
from firmware_sim.music.plan import plan
from firmware_sim.music.sidecar import SIDECAR_NAME
from firmware_sim.music.tags import encode
from firmware_sim.music.workshop import Workshop
from models.errors import DataError, Reason, StorageError

Run = Callable[..., Result]
SETTINGS = CatalogueSettings(count=3, seconds=10, seed=6)
ARGUMENTS = ["--count", "3", "--seconds", "10", "--seed", "6"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "deep" / "music"
    write_catalogue(folder, SETTINGS, workers=1)
    return folder


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Composing replaced by a short hum: these tests are about files."""
    hum = (0.1 * np.sin(np.arange(4410) / 20)[:, None] * np.ones(2)).astype(np.float32)
    monkeypatch.setattr("firmware_sim.music.pieces.make_piece", lambda *_: hum)


@pytest.fixture
def run() -> Run:
    app = typer.Typer()
    app.command()(music)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(folder.iterdir())}


def test_the_files_are_tagged_flac_of_cd_quality(made: Path):
    for piece in plan(SETTINGS):
        path = made / piece.file_name
        described = soundfile.info(path)
        assert (described.samplerate, described.channels, described.subtype) == (44100, 2, "PCM_16")
        assert described.format == "FLAC"
        assert 5 < described.duration < 30
        tags = mutagen.File(path)
        assert tags["title"] == [piece.title]
        assert tags["artist"] == [piece.artist.name]
        assert tags["genre"] == [piece.artist.genre]
        assert "language" not in tags  # nobody sings


def test_the_sidecar_names_every_file_and_nothing_else_is_in_the_folder(made: Path):
    intended = load_intended(made)
    assert set(intended) | {SIDECAR_NAME} == {path.name for path in made.iterdir()}
    for piece in plan(SETTINGS):
        entry = intended[piece.file_name]
        assert (entry.title, entry.artist) == (piece.title, piece.artist.name)
        assert entry.valence == pytest.approx(piece.emotion.valence, abs=1e-6)
        assert entry.arousal == pytest.approx(piece.emotion.arousal, abs=1e-6)


def test_a_second_run_changes_nothing(made: Path):
    before = contents(made)
    summary = write_catalogue(made, SETTINGS, workers=1)
    assert (summary.written, summary.kept) == (0, 3)
    assert contents(made) == before


def test_the_same_seed_makes_the_same_files_in_another_process(made: Path, tmp_path: Path):
    before = os.environ.get("OPENBLAS_NUM_THREADS")
    summary = write_catalogue(tmp_path, SETTINGS, workers=2)
    assert summary.written == 3
    assert {name: content for name, (_, content) in contents(tmp_path).items()} == {
        name: content for name, (_, content) in contents(made).items()
    }
    assert os.environ.get("OPENBLAS_NUM_THREADS") == before


@pytest.mark.usefixtures("quick")
def test_without_shared_memory_for_processes_one_composes_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refused(_: int) -> Workshop:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("firmware_sim.music.catalogue.Workshop", refused)
    assert write_catalogue(tmp_path, SETTINGS, workers=2).written == 3


@pytest.mark.usefixtures("quick")
def test_a_run_that_was_cut_short_is_completed(tmp_path: Path):
    write_catalogue(tmp_path, SETTINGS)
    before = contents(tmp_path)
    lost = plan(SETTINGS)[1].file_name
    (tmp_path / lost).unlink()
    (tmp_path / f".{lost}.part").write_bytes(b"half a file")
    seen = []
    summary = write_catalogue(tmp_path, SETTINGS, on_piece=lambda: seen.append(1))
    assert (summary.written, summary.kept, len(seen)) == (1, 2, 3)
    after = contents(tmp_path)
    assert {name: content for name, (_, content) in after.items()} == {
        name: content for name, (_, content) in before.items()
    }
    assert all(after[name] == before[name] for name in before if name != lost)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("foreign", ["text", "flac", "folder", "dangling link"])
def test_a_file_of_somebody_else_is_never_overwritten(tmp_path: Path, foreign: str):
    path = tmp_path / plan(SETTINGS)[2].file_name
    if foreign == "text":
        path.write_text("my diary")
    elif foreign == "flac":
        path.write_bytes(encode(np.zeros((4410, 2), np.float32), {"title": plan(SETTINGS)[2].title, "artist": "Me"}))
    elif foreign == "folder":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(StorageError, match="did not make") as caught:
        write_catalogue(tmp_path, SETTINGS)
    assert caught.value.reason is Reason.REFUSED
    assert path.name in caught.value.message
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]  # nothing was written, not even the sidecar


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "other",
    [CatalogueSettings(count=4, seconds=10, seed=6), CatalogueSettings(3, 11, 6), CatalogueSettings(3, 10, 7)],
)
def test_a_catalogue_with_other_settings_is_not_mixed_with_this_one(tmp_path: Path, other: CatalogueSettings):
    write_catalogue(tmp_path, other)
    before = contents(tmp_path)
    with pytest.raises(StorageError) as caught:
        write_catalogue(tmp_path, SETTINGS)
    assert caught.value.reason is Reason.REFUSED
    assert contents(tmp_path) == before


@pytest.mark.usefixtures("quick")
def test_other_music_in_the_folder_is_left_alone(tmp_path: Path):
    (tmp_path / "song.mp3").write_bytes(b"mine")
    write_catalogue(tmp_path, SETTINGS)
    assert (tmp_path / "song.mp3").read_bytes() == b"mine"


@pytest.mark.usefixtures("quick")
def test_a_broken_sidecar_stops_the_run_before_it_writes(tmp_path: Path):
    (tmp_path / SIDECAR_NAME).write_text("{")
    with pytest.raises(DataError, match="is no JSON"):
        write_catalogue(tmp_path, SETTINGS)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, Reason.DISK_FULL),
        (errno.EROFS, Reason.READ_ONLY),
        (errno.EACCES, Reason.READ_ONLY),
        (errno.EIO, Reason.FAILED),
    ],
)
def test_trouble_with_the_disk_is_named_and_leaves_no_partial_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, reason: Reason
):
    def failing(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(catalogue.os, "fsync", failing)
    with pytest.raises(StorageError) as caught:
        write_catalogue(tmp_path, SETTINGS)
    assert caught.value.reason is reason
    assert caught.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_a_file_where_the_folder_should_be_is_an_error(tmp_path: Path):
    path = tmp_path / "file"
    path.write_text("x")
    with pytest.raises(StorageError, match="file"):
        write_catalogue(path, SETTINGS)


@pytest.mark.usefixtures("quick")
def test_the_command_prints_a_summary_as_json(tmp_path: Path, run: Run):
    result = run(tmp_path / "demo", *ARGUMENTS, "--json")
    assert result.exit_code == 0
    summary = json.loads(result.stdout)
    assert {"pieces": 3, "written": 3, "kept": 0}.items() <= summary.items()
    assert summary["audio_s"] == pytest.approx(0.3)


@pytest.mark.usefixtures("quick")
def test_the_command_speaks_to_people_without_json(tmp_path: Path, run: Run):
    result = run(tmp_path, *ARGUMENTS)
    assert result.exit_code == 0
    assert "3 pieces" in result.stdout
    assert result.stderr == ""  # no terminal, no progress bar


@pytest.mark.usefixtures("quick")
def test_the_command_fails_with_the_remedy_and_exit_code_1(tmp_path: Path, run: Run):
    (tmp_path / plan(SETTINGS)[0].file_name).write_text("mine")
    result = run(tmp_path, *ARGUMENTS, "--json")
    assert result.exit_code == 1
    assert "Choose another folder" in result.stderr
    assert json.loads(result.stdout)["code"] == "refused"


@pytest.mark.parametrize("wrong", [["--count", "0"], ["--seconds", "3"], ["--seed", "-1"], ["--count", "many"]])
def test_wrong_use_is_exit_code_2(tmp_path: Path, run: Run, wrong: list[str]):
    assert run(tmp_path, *wrong).exit_code == 2


def test_the_command_has_an_example_in_its_help(run: Run):
    assert "Example: attune-sim music" in run("--help").stdout

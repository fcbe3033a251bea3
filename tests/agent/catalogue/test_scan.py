from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from analyser import FakeAnalyser

from agent.catalogue.scan import ScanProgress, ScanReport, scan
from agent.storage import Database, Feedback
from models.errors import Reason

NOW = 1_767_225_600.0


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    for number in range(5):
        touch(folder / "album" / f"{number}.mp3", f"content {number}" * 50)
    return folder


def touch(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


async def run(database: Database, music: Path, analyser: FakeAnalyser | None = None, **more: object) -> ScanReport:
    return await scan([music], database, analyser or FakeAnalyser(), clock=lambda: NOW, **more)  # type: ignore[arg-type]


async def test_every_file_is_heard_once(database: Database, music: Path):
    analyser = FakeAnalyser()
    progress: list[ScanProgress] = []
    report = await run(database, music, analyser, on_progress=progress.append)
    assert (report.found, report.new, report.audio_s) == (5, 5, 500.0)
    assert [(each.done, each.total) for each in progress] == [(number, 5) for number in range(1, 6)]
    table = await database.load_tracks()
    assert table.title == tuple("01234")
    assert table.embedding_space == "space-1"
    again = await run(database, music, analyser)
    assert (again.new, again.unchanged) == (0, 5)
    assert len(analyser.heard) == 5


async def test_only_a_changed_file_is_heard_again_and_keeps_its_id(database: Database, music: Path):
    await run(database, music)
    ids = (await database.load_tracks()).ids
    touch(music / "album" / "2.mp3", "another content, longer")
    analyser = FakeAnalyser()
    report = await run(database, music, analyser)
    assert (report.changed, report.unchanged) == (1, 4)
    assert analyser.heard == ["2.mp3"]
    assert (await database.load_tracks()).ids == ids


async def test_a_touched_file_is_not_heard_again(database: Database, music: Path):
    await run(database, music)
    os.utime(music / "album" / "2.mp3", ns=(1, 1))
    analyser = FakeAnalyser()
    assert (await run(database, music, analyser)).unchanged == 5
    assert (await run(database, music, analyser)).unchanged == 5
    assert analyser.heard == []


async def test_a_renamed_or_moved_file_keeps_its_id_and_is_not_heard_again(database: Database, music: Path):
    await run(database, music)
    ids = set((await database.load_tracks()).ids)
    (music / "album" / "2.mp3").rename(music / "renamed.mp3")
    (music / "album").rename(music / "other album")
    analyser = FakeAnalyser()
    report = await run(database, music, analyser)
    assert (report.moved, report.new, report.gone) == (5, 0, 0)
    assert analyser.heard == []
    table = await database.load_tracks()
    assert set(table.ids) == ids
    assert {Path(path).name for path in table.path} == {"0.mp3", "1.mp3", "renamed.mp3", "3.mp3", "4.mp3"}


async def test_a_copy_is_a_track_of_its_own(database: Database, music: Path):
    await run(database, music)
    shutil.copy(music / "album" / "2.mp3", music / "copy.mp3")
    report = await run(database, music)
    assert (report.new, report.moved) == (1, 0)
    assert len(set((await database.load_tracks()).ids)) == 6


async def test_the_same_folder_in_two_places_has_two_sets_of_ids(database: Database, music: Path, tmp_path: Path):
    shutil.copytree(music, tmp_path / "backup")
    await run(database, music)
    await run(database, tmp_path / "backup")
    assert len(set((await database.load_tracks()).ids)) == 10


async def test_a_deleted_file_is_missing_and_back_when_it_is_back(database: Database, music: Path):
    await run(database, music)
    ids = (await database.load_tracks()).ids
    await database.record_feedback(Feedback(track_id=ids[2], t=NOW, kind="liked"))
    (music / "album" / "2.mp3").rename(music.parent / "aside")
    assert (await run(database, music)).gone == 1
    assert len(await database.load_tracks()) == 4
    assert (await run(database, music)).gone == 0
    (music.parent / "aside").rename(music / "album" / "2.mp3")
    analyser = FakeAnalyser()
    assert (await run(database, music, analyser)).returned == 1
    assert analyser.heard == []
    assert (await database.load_tracks()).ids == ids


async def test_a_folder_that_is_not_plugged_in_is_told_and_its_tracks_come_back_with_it(
    database: Database, music: Path
):
    await run(database, music)
    shutil.move(music, music.parent / "aside")
    report = await run(database, music)
    assert [problem.reason for problem in report.unusable] == [Reason.MISSING]
    assert len(await database.load_tracks()) == 0
    (music.parent / "aside").rename(music)
    await run(database, music)
    assert len(await database.load_tracks()) == 5


async def test_files_that_cannot_be_used_are_told_each_time_and_opened_once(database: Database, music: Path):
    touch(music / "bad.mp3", "damaged")
    analyser = FakeAnalyser()
    report = await run(database, music, analyser)
    assert [(each.path.name, each.reason) for each in report.unusable] == [("bad.mp3", Reason.CORRUPT)]
    report = await run(database, music, analyser)
    assert [(each.path.name, each.reason) for each in report.unusable] == [("bad.mp3", Reason.CORRUPT)]
    assert analyser.heard.count("bad.mp3") == 1
    assert len(await database.load_tracks()) == 5
    touch(music / "bad.mp3", "repaired")
    await run(database, music, analyser)
    assert len(await database.load_tracks()) == 6


async def test_another_embedding_space_has_everything_heard_again_beside_the_first(database: Database, music: Path):
    await run(database, music)
    analyser = FakeAnalyser("space-2")
    report = await run(database, music, analyser)
    assert report.changed == 5
    assert len(await database.load_tracks(embedding_space="space-1")) == 5
    assert len(await database.load_tracks(embedding_space="space-2")) == 5
    assert (await run(database, music)).unchanged == 5


async def test_a_rescan_hears_everything_again(database: Database, music: Path):
    await run(database, music)
    analyser = FakeAnalyser()
    assert (await run(database, music, analyser, rescan=True)).changed == 5
    assert len(analyser.heard) == 5


async def test_a_scan_that_is_stopped_goes_on_where_it_was(database: Database, music: Path):
    for number in range(40):
        touch(music / "more" / f"{number:02}.mp3", f"more {number}")
    analyser = FakeAnalyser()
    halfway = asyncio.Event()

    def watch(progress: ScanProgress) -> None:
        if progress.done == 20:
            halfway.set()

    task = asyncio.create_task(run(database, music, analyser, on_progress=watch))
    await halfway.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    stored = len(await database.load_tracks())
    assert stored >= 20
    report = await run(database, music, analyser)
    assert report.new == 45 - stored
    assert len(await database.load_tracks()) == 45


async def test_a_file_that_vanishes_during_the_scan_is_told_and_the_rest_goes_on(database: Database, music: Path):
    def vanish(progress: ScanProgress) -> None:
        if progress.done == 1:
            (music / "album" / "3.mp3").unlink()

    report = await run(database, music, on_progress=vanish)
    assert [problem.path.name for problem in report.unusable] == ["3.mp3"]
    assert len(await database.load_tracks()) == 4


async def test_names_that_are_no_text_are_scanned(database: Database, music: Path):
    (music / os.fsdecode(b"caf\xe9.mp3")).write_text("x")
    (music / os.fsdecode(b"bad\xe9.mp3")).write_text("damaged")
    report = await run(database, music)
    assert report.new == 7
    assert len(await database.load_tracks()) == 6

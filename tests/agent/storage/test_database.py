from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from agent.storage import AffectRow, Command, Database, Feedback, Play, Sample, TrackRow, schema
from agent.storage.database import DATABASE_NAME
from models.errors import Reason, StorageError

NOW = 1_767_225_600.0


def track(number: int, **changes: object) -> TrackRow:
    columns: dict[str, object] = {
        "id": f"{number:016x}",
        "path": f"/music/{number}.flac".encode(),
        "size": 1000 + number,
        "mtime_ns": number,
        "fingerprint": number.to_bytes(8, "big"),
        "title": f"Title {number}",
        "artist": "Artist",
        "tags": {"genre": ["rock"]},
        "identity_keys": (2**64 - 1, number),
        "value_keys": (7,),
        "duration_s": 180.0,
        "valence": 0.25,
        "arousal": -0.5,
        "embedding": np.full(128, number, dtype=np.float32),
        "descriptors": np.full(78, -number, dtype=np.float32),
        "embedding_space": "space-1",
        "analysed_t": NOW,
    }
    return TrackRow(**{**columns, **changes})  # type: ignore[arg-type]


def affect(t: float) -> AffectRow:
    return AffectRow(
        t=t, valence=0.1, arousal=0.2, sd_valence=0.3, sd_arousal=0.4, rho=0.0, quality=0.9, calibrated=True, model="1"
    )


def play(number: int, t: float = NOW) -> Play:
    return Play(track_id=f"{number:016x}", started_t=t, ended_t=t + 180.0, played_s=180.0, outcome="completed")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "data") as opened:
        await opened.upsert_tracks([track(1), track(2)])
        yield opened


async def refused(folder: Path) -> StorageError:
    with pytest.raises(StorageError) as refusal:
        await Database.open(folder)
    assert refusal.value.remedy
    return refusal.value


async def test_everything_comes_back_as_it_was_stored(tmp_path: Path):
    async with await Database.open(tmp_path) as database:
        await database.upsert_tracks([track(1)])
        await database.record_play(play(1))
        await database.record_feedback(Feedback(track_id=track(1).id, t=NOW, kind="liked"))
        await database.record_command(Command(t=NOW, verb="goal", payload='{"mode": "match"}'))
        await database.record_affect(affect(NOW))
        await database.save_profile("affect", {"baseline": [1.0, 2.0]}, now=NOW)
        await database.save_profile("affect", {"baseline": [3.0]}, now=NOW)
    async with await Database.open(tmp_path) as database:
        assert await database.plays() == [play(1)]
        assert await database.feedback() == [Feedback(track_id=track(1).id, t=NOW, kind="liked")]
        assert await database.commands() == [Command(t=NOW, verb="goal", payload='{"mode": "match"}')]
        assert await database.affect_history(since=NOW) == [affect(NOW)]
        assert await database.load_profile("affect") == {"baseline": [3.0]}
        assert await database.load_profile("absent") is None


async def test_tracks_come_back_as_columns(database: Database):
    table = await database.load_tracks()
    assert table.ids == (track(1).id, track(2).id)
    assert table.path == ("/music/1.flac", "/music/2.flac")
    assert table.embedding_space == "space-1"
    np.testing.assert_array_equal(table.embedding[1], np.full(128, 2.0))
    np.testing.assert_array_equal(table.descriptors[1], np.full(78, -2.0))
    np.testing.assert_array_equal(table.emotion, [[0.25, -0.5], [0.25, -0.5]])
    np.testing.assert_array_equal(table.identity_keys[0], np.array([2**64 - 1, 1, 0, 0], dtype=np.uint64))
    np.testing.assert_array_equal(table.value_keys[0], [7])


async def test_vectors_of_two_spaces_never_meet(database: Database):
    await database.upsert_tracks([track(3, embedding_space="space-2"), track(4, embedding_space="", embedding=None)])
    assert len(await database.load_tracks()) == 2
    assert (await database.load_tracks(embedding_space="space-2")).ids == (track(3).id,)
    assert len(await database.load_tracks(embedding_space="space-3")) == 0


async def test_missing_and_unreadable_tracks_are_not_offered_but_known(database: Database):
    await database.mark_missing([track(1).id], missing=True)
    await database.upsert_tracks([track(2, error="damaged", error_reason="corrupt")])
    assert len(await database.load_tracks()) == 0
    known = await database.known_files()
    assert [(file.id, file.missing, file.error) for file in known] == [
        (track(1).id, True, ""),
        (track(2).id, False, "damaged"),
    ]
    await database.upsert_tracks([track(1)])
    assert (await database.load_tracks()).ids == (track(1).id,)


async def test_a_path_that_is_no_text_comes_back(database: Database):
    await database.upsert_tracks([track(5, path=b"/music/caf\xe9.flac")])
    assert os.fsencode((await database.load_tracks()).path[-1]) == b"/music/caf\xe9.flac"


async def test_vectors_of_another_length_count_as_not_analysed(database: Database):
    await database.upsert_tracks([track(1, descriptors=np.zeros(5, dtype=np.float32))])
    assert (await database.load_tracks()).ids == (track(2).id,)
    assert [file.embedding_space for file in await database.known_files()] == ["", "space-1"]


async def test_an_empty_catalogue_is_an_empty_table(tmp_path: Path):
    async with await Database.open(tmp_path) as database:
        table = await database.load_tracks()
    assert len(table) == 0
    assert table.identity_keys.shape == (0, 4)


async def test_the_last_plays_come_oldest_first(database: Database):
    for minute in range(5):
        await database.record_play(play(1, NOW + 60 * minute))
    assert [each.started_t for each in await database.plays(2)] == [NOW + 180, NOW + 240]


async def test_a_play_of_an_unknown_track_is_refused_and_nothing_is_stored(database: Database):
    with pytest.raises(StorageError) as refusal:
        await database.record_play(play(99))
    assert refusal.value.reason is Reason.UNKNOWN_TRACK
    assert await database.plays() == []


async def test_a_batch_is_stored_whole_or_not_at_all(database: Database):
    # The second row claims the path of the first one.
    with pytest.raises(StorageError):
        await database.upsert_tracks([track(7), track(8, path=track(7).path)])
    assert len(await database.known_files()) == 2


async def test_affect_history_keeps_one_in_ten_seconds_and_goes_with_the_next_write(database: Database):
    for second in range(31):
        await database.record_affect(affect(NOW + second))
    assert await database.affect_history(since=0.0) == []
    await database.record_play(play(1))
    assert [row.t - NOW for row in await database.affect_history(since=0.0)] == [0.0, 10.0, 20.0, 30.0]


async def test_gathered_rows_are_written_after_a_minute(database: Database):
    await database.record_affect(affect(NOW))
    await database.record_affect(affect(NOW + 60.0))
    assert len(await database.affect_history(since=0.0)) == 2


async def test_raw_samples_are_not_stored_unless_asked_for(database: Database):
    await database.record_samples([Sample(t=NOW, wearable="w", quantity="hr", value=60.0)], now=NOW)
    await database.flush()
    assert count(database, "samples") == 0


async def test_raw_samples_are_kept_for_their_days(tmp_path: Path):
    async with await Database.open(tmp_path, retain_samples_days=2) as database:
        days = [Sample(t=NOW + 86_400.0 * day, wearable="w", quantity="hr", value=60.0) for day in range(5)]
        await database.record_samples(days, now=NOW)
        await database.record_affect(affect(NOW - 100 * 86_400.0))
        assert await database.prune(now=NOW + 4 * 86_400.0) == 2 + 1
        assert count(database, "samples") == 3
        assert count(database, "affect_history") == 0


async def test_pruning_goes_on_until_it_is_cancelled(tmp_path: Path):
    async with await Database.open(tmp_path, retain_samples_days=1) as database:
        pruned: asyncio.Queue[float] = asyncio.Queue()

        def clock() -> float:
            pruned.put_nowait(NOW)
            return NOW

        task = asyncio.create_task(database.keep_pruned(clock=clock, every_s=0.0))
        for _ in range(3):
            await pruned.get()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def count(database: Database, table: str) -> int:
    with sqlite3.connect(database.file) as connection:
        rows = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - our own tables
    connection.close()
    return int(rows)


async def test_writers_take_turns_and_readers_do_not_wait(database: Database):
    async with await Database.open(database.file.parent) as other:
        await asyncio.gather(
            *(database.record_play(play(1, NOW + i)) for i in range(20)),
            *(other.record_play(play(2, NOW + i)) for i in range(20)),
            *(database.plays() for _ in range(20)),
        )
        assert len(await database.plays()) == 40


async def test_a_cancelled_write_leaves_the_database_usable(database: Database):
    for delay in range(12):
        task = asyncio.create_task(database.record_play(play(1, NOW + delay)))
        for _ in range(delay):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await database.record_play(play(2))
    assert (await database.plays())[0].track_id in {track(1).id, track(2).id}
    assert not database._writer.in_transaction


async def test_the_folder_is_for_its_owner_alone(database: Database):
    assert database.file.stat().st_mode & 0o777 == 0o600
    assert database.file.parent.stat().st_mode & 0o777 == 0o700


async def test_closing_leaves_no_thread_and_may_be_done_twice(tmp_path: Path):
    before = set(threading.enumerate())
    database = await Database.open(tmp_path)
    await database.close()
    await database.close()
    # The event loop keeps the threads of its executor; those of the connections end a moment after they were told to.
    started = [thread for thread in threading.enumerate() if thread not in before and "asyncio" not in thread.name]
    for thread in started:
        thread.join(timeout=5.0)
    assert not any(thread.is_alive() for thread in started)


async def test_a_newer_schema_is_refused_and_unchanged(tmp_path: Path):
    async with await Database.open(tmp_path) as database:
        file = database.file
    with sqlite3.connect(file) as connection:
        connection.execute(f"PRAGMA user_version = {schema.schema_version() + 1}")
    connection.close()
    before = file.read_bytes()
    error = await refused(tmp_path)
    assert error.reason is Reason.INCOMPATIBLE
    assert "newer" in str(error)
    assert file.read_bytes() == before


async def test_another_programs_database_is_refused_and_unchanged(tmp_path: Path):
    with sqlite3.connect(tmp_path / DATABASE_NAME) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = (tmp_path / DATABASE_NAME).read_bytes()
    assert (await refused(tmp_path)).reason is Reason.INCOMPATIBLE
    assert (tmp_path / DATABASE_NAME).read_bytes() == before


@pytest.mark.parametrize("damage", ["text", "header", "pages"])
async def test_a_damaged_database_is_refused_with_a_remedy_and_never_deleted(tmp_path: Path, damage: str):
    async with await Database.open(tmp_path) as database:
        file = database.file
        await database.upsert_tracks([track(number) for number in range(50)])
    content = bytearray(file.read_bytes())
    if damage == "text":
        content = bytearray(b"this is no database at all, but long enough to look like a file" * 100)
    elif damage == "header":
        content[:16] = bytes(16)
    else:
        content[100:4096] = bytes(3996)
    file.write_bytes(content)
    error = await refused(tmp_path)
    assert error.reason is Reason.CORRUPT
    assert "Move it" in error.remedy
    assert file.read_bytes() == content


async def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path):
    (tmp_path / "file").touch()
    assert (await refused(tmp_path / "file" / "below")).reason in {Reason.FAILED, Reason.READ_ONLY}
    assert (await refused(Path("/sys/attune-test"))).reason is Reason.READ_ONLY


async def test_a_full_disk_is_told_and_everything_goes_on_when_there_is_room(database: Database):
    await database.record_play(play(1))
    # SQLite's own limit of pages gives the very error of a full disk, SQLITE_FULL, at the same places.
    pages = await limit_pages(database, 1)
    big = [track(number, tags={"comment": ["x" * 5000]}) for number in range(10, 60)]
    with pytest.raises(StorageError) as refusal:
        await database.upsert_tracks(big)
    assert refusal.value.reason is Reason.DISK_FULL
    assert len(await database.known_files()) == 2
    assert await database.plays() == [play(1)]
    await limit_pages(database, pages)
    await database.upsert_tracks(big)
    assert len(await database.known_files()) == 52


async def limit_pages(database: Database, pages: int) -> int:
    """Sets the largest size (at least the present one) and returns the one before."""
    async with database._writer.execute("PRAGMA max_page_count") as cursor:
        row = await cursor.fetchone()
    await database._writer.execute(f"PRAGMA max_page_count = {pages}")
    assert row is not None
    return int(row[0])


async def test_affect_is_kept_for_later_while_the_disk_is_full(database: Database):
    pages = await limit_pages(database, 1)
    await database.record_affect(affect(NOW))
    with pytest.raises(StorageError):
        await database.upsert_tracks([track(number, tags={"comment": ["x" * 5000]}) for number in range(10, 60)])
    assert database._affect == [affect(NOW)]
    await limit_pages(database, pages)
    await database.flush()
    assert await database.affect_history(since=0.0) == [affect(NOW)]


async def test_a_disk_at_its_limit_is_an_error_not_a_crash(tmp_path: Path):
    """A real limit of the operating system on the size of files, in a process of its own."""
    script = """
        import asyncio, resource, sys
        from pathlib import Path
        sys.path.insert(0, sys.argv[2])
        from test_database import track
        from agent.storage import Database
        from models.errors import StorageError

        async def main():
            async with await Database.open(Path(sys.argv[1])) as database:
                await database.upsert_tracks([track(1)])
                resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
                try:
                    for number in range(2, 2000):
                        await database.upsert_tracks([track(number, tags={"comment": ["x" * 3000]})])
                        print(number, flush=True)
                except StorageError as error:
                    print("refused", error.reason, flush=True)
                print(len(await database.known_files()), flush=True)

        asyncio.run(main())
    """
    finished = await run_script(script, tmp_path)
    *stored, refusal, known = finished.stdout.split("\n")[:-1]
    assert refusal.startswith("refused")
    assert int(known) == int(stored[-1])
    async with await Database.open(tmp_path) as database:
        assert len(await database.known_files()) == int(known)


async def test_a_killed_process_loses_nothing_that_was_acknowledged(tmp_path: Path):
    script = """
        import asyncio, sys
        from pathlib import Path
        sys.path.insert(0, sys.argv[2])
        from test_database import NOW, play, track
        from agent.storage import Database

        async def main():
            database = await Database.open(Path(sys.argv[1]))
            for number in range(100_000):
                await database.upsert_tracks([track(number)])
                await database.record_play(play(number, NOW + number))
                print(number, flush=True)

        asyncio.run(main())
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", textwrap.dedent(script), str(tmp_path), str(Path(__file__).parent), stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    acknowledged = -1
    while acknowledged < 25:
        acknowledged = int(await process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    rest = (await process.stdout.read()).split()
    await process.wait()
    acknowledged = max([acknowledged, *map(int, rest)])
    async with await Database.open(tmp_path) as database:
        stored = {each.track_id for each in await database.plays()}
    assert {f"{number:016x}" for number in range(acknowledged + 1)} <= stored


async def run_script(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(script), str(folder), str(Path(__file__).parent)]
    return await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)


async def test_a_database_opened_for_reading_refuses_writes_and_serves_reads(database: Database):
    folder = database.file.parent
    await database.record_play(play(1))
    async with await Database.open(folder, read_only=True) as reader:
        assert await reader.plays() == [play(1)]
        with pytest.raises(StorageError) as refusal:
            await reader.record_play(play(1))
        assert refusal.value.reason is Reason.READ_ONLY
    with pytest.raises(StorageError):
        await Database.open(folder / "absent", read_only=True)


async def test_two_processes_may_make_the_same_database_at_once(tmp_path: Path):
    databases = await asyncio.gather(*(Database.open(tmp_path) for _ in range(4)))
    for database in databases:
        await database.close()


async def test_a_step_of_the_schema_that_fails_changes_nothing(database: Database, monkeypatch: pytest.MonkeyPatch):
    folder = database.file.parent
    steps = (*schema._steps(), "CREATE TABLE half (x);\nCREATE TABLE half (x);\n")
    with monkeypatch.context() as patch:
        patch.setattr(schema, "_steps", lambda: steps)
        with pytest.raises(StorageError):
            await Database.open(folder)
    async with await Database.open(folder) as again:
        assert len(await again.known_files()) == 2
        assert await again._read("SELECT * FROM sqlite_schema WHERE name = 'half'", {}) == []

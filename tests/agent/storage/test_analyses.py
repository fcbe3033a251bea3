"""What audio models heard of tracks, apart for each embedding space."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from agent.storage import AnalysisRow, Database, TrackRow
from agent.storage.database import DATABASE_NAME
from agent.storage.schema import APPLICATION_ID


def track(number: int, space: str = "old", content: bytes = b"content") -> TrackRow:
    return TrackRow(
        id=f"{number:016x}",
        path=f"/music/{number}.flac".encode(),
        size=1,
        mtime_ns=1,
        fingerprint=content,
        duration_s=180.0,
        valence=0.5,
        arousal=0.5,
        embedding=np.full(128, number, np.float32),
        descriptors=np.zeros(78, np.float32),
        embedding_space=space,
        analysed_t=0.0,
    )


def analysis(number: int, space: str = "new", content: bytes = b"content") -> AnalysisRow:
    return AnalysisRow(
        track_id=f"{number:016x}",
        embedding_space=space,
        fingerprint=content,
        valence=-0.5,
        arousal=-0.5,
        embedding=np.full(128, -number, np.float32),
        descriptors=np.ones(78, np.float32),
        analysed_t=1.0,
    )


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path) as opened:
        await opened.upsert_tracks([track(number) for number in (1, 2, 3)])
        yield opened


async def test_a_second_space_changes_nothing_that_the_first_shows(database: Database):
    before = await database.load_tracks(embedding_space="old")
    await database.put_analyses([analysis(1), analysis(2)])
    after = await database.load_tracks(embedding_space="old")
    np.testing.assert_array_equal(before.embedding, after.embedding)
    new = await database.load_tracks(embedding_space="new")
    assert new.ids == before.ids[:2]
    np.testing.assert_array_equal(new.embedding[:, 0], [-1.0, -2.0])
    np.testing.assert_array_equal(new.emotion, [[-0.5, -0.5], [-0.5, -0.5]])
    assert await database.embedding_spaces() == {"old": 3, "new": 2}


async def test_what_is_missing_in_a_space_is_found_track_by_track(database: Database):
    await database.put_analyses([analysis(1)])
    await database.mark_missing([track(3).id], missing=True)
    await database.upsert_tracks([track(4, space="")])
    left = await database.unembedded(embedding_space="new", like="old")
    assert left == [(track(2).id, b"/music/2.flac", b"content")]


async def test_what_was_heard_of_another_content_is_not_stored_and_not_shown(database: Database):
    await database.put_analyses([analysis(1, content=b"another")])
    assert await database.embedding_spaces() == {"old": 3}
    await database.put_analyses([analysis(1)])
    await database.upsert_tracks([track(1, content=b"changed")])
    assert await database.embedding_spaces() == {"old": 3}
    assert len(await database.load_tracks(embedding_space="new")) == 0


async def test_an_analysis_of_a_track_that_nobody_knows_is_not_stored(database: Database):
    await database.put_analyses([analysis(9)])
    assert await database.embedding_spaces() == {"old": 3}


async def test_the_spaces_of_bundles_that_are_gone_are_forgotten(database: Database):
    await database.put_analyses([analysis(1), analysis(1, space="older")])
    assert await database.forget_spaces({"old", "new"}) == 1
    assert await database.embedding_spaces() == {"old": 3, "new": 1}
    assert await database.forget_spaces({"old", "new"}) == 0


async def test_a_database_of_the_first_version_keeps_what_was_heard(tmp_path: Path):
    first = (resources.files("agent.storage.migrations") / "0001_start.sql").read_text()
    with sqlite3.connect(tmp_path / DATABASE_NAME) as connection:
        connection.executescript(first)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
        connection.execute(
            "INSERT INTO tracks (id, path, size, mtime_ns, fingerprint, title, valence, arousal, embedding,"
            " descriptors, embedding_space, analysed_t)"
            " VALUES ('a', x'2f61', 1, 1, x'01', 'A', 0.25, 0.5, ?, ?, 's', 9.0)",
            (np.ones(128, "<f4").tobytes(), np.zeros(78, "<f4").tobytes()),
        )
        connection.execute(
            "INSERT INTO tracks (id, path, size, mtime_ns, fingerprint, error)"
            " VALUES ('b', x'2f62', 1, 1, x'02', 'bad')"
        )
    connection.close()
    async with await Database.open(tmp_path) as database:
        table = await database.load_tracks(embedding_space="s")
        assert (table.ids, table.title) == (("a",), ("A",))
        np.testing.assert_array_equal(table.emotion, [[0.25, 0.5]])
        np.testing.assert_array_equal(table.embedding, np.ones((1, 128)))
        assert [file.embedding_space for file in await database.known_files()] == ["s", ""]

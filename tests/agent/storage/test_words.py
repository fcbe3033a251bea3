"""What the words of tracks say, apart from what was heard of them."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from agent.storage import Database, TrackRow, WordsRow
from agent.storage.database import DATABASE_NAME
from agent.storage.schema import APPLICATION_ID


def track(track_id: str, content: bytes = b"content") -> TrackRow:
    return TrackRow(id=track_id, path=f"/music/{track_id}".encode(), size=1, mtime_ns=1, fingerprint=content)


def words(track_id: str, content: bytes = b"content") -> WordsRow:
    return WordsRow(
        track_id=track_id,
        fingerprint=content,
        lexicon="v1",
        source="lyrics",
        valence=0.5,
        arousal=-0.5,
        dominance=None,
        known=3,
        language="ko",
        lyrics="file",
        lyrics_size=5,
        lyrics_mtime_ns=2**60,
        problem="the lyrics are no text",
        problem_reason="malformed",
    )


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path) as opened:
        await opened.upsert_tracks([track("a"), track("b")])
        yield opened


async def test_words_come_back_as_they_were_stored(database: Database):
    await database.put_words([words("a")])
    assert await database.words("a") == words("a")
    assert await database.words("b") is None
    assert [file.words for file in await database.known_files()] == [words("a"), None]


async def test_words_of_another_content_are_not_stored(database: Database):
    await database.put_words([words("a", b"another"), words("unknown")])
    assert await database.words("a") is None
    assert await database.words("unknown") is None


async def test_a_track_that_is_stored_anew_has_no_words_until_they_are_read(database: Database):
    await database.put_words([words("a"), words("b")])
    await database.upsert_tracks([track("a")])
    assert await database.words("a") is None
    assert await database.words("b") == words("b")


async def test_words_of_a_track_that_is_forgotten_go_with_it(database: Database):
    await database.put_words([words("a")])
    await database._write([("DELETE FROM tracks WHERE id = :id", [{"id": "a"}])])
    assert await database._read("SELECT * FROM words", {}) == []


@pytest.mark.parametrize("version", [1, 2])
async def test_a_database_from_before_words_keeps_what_it_knows_and_takes_them(tmp_path: Path, version: int):
    steps = sorted(
        (each for each in resources.files("agent.storage.migrations").iterdir() if each.name.endswith(".sql")),
        key=lambda each: each.name,
    )
    with sqlite3.connect(tmp_path / DATABASE_NAME) as connection:
        for step in steps[:version]:
            connection.executescript(step.read_text())
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute(
            "INSERT INTO tracks (id, path, size, mtime_ns, fingerprint, title) VALUES ('a', x'2f61', 1, 1, ?, 'A')",
            (b"content",),
        )
        if version == 2:
            connection.execute(
                "INSERT INTO analyses VALUES ('a', 's', ?, 0.25, 0.5, ?, ?, 9.0)",
                (b"content", np.ones(128, "<f4").tobytes(), np.zeros(78, "<f4").tobytes()),
            )
    connection.close()
    async with await Database.open(tmp_path) as database:
        assert [(file.id, file.words) for file in await database.known_files()] == [("a", None)]
        assert len(await database.load_tracks(embedding_space="s")) == version - 1
        await database.put_words([words("a")])
        assert await database.words("a") == words("a")

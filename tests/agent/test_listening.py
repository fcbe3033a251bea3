"""What is told of the track that plays."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from stand_in_library import track_table

from agent.listening import Listening
from agent.playback.messages import Started, TrackToPlay
from agent.storage import WordsRow
from models.errors import Reason, StorageError
from models.wire.messages import Now, TrackWords

SAID = WordsRow(
    track_id=f"{1:016x}",
    fingerprint=b"",
    source="lyrics",
    valence=0.5,
    arousal=-0.25,
    dominance=None,
    known=7,
    language="ko",
)


class Database:
    """Knows the words of one track."""

    is_damaged = False

    async def words(self, track_id: str) -> WordsRow | None:
        if self.is_damaged:
            raise StorageError("no such table: words", reason=Reason.FAILED)
        return SAID if track_id == SAID.track_id else None


class Playing:
    """A player that says what it plays, and a session that knows three tracks."""

    def __init__(self) -> None:
        self.told: list[Now] = []
        self.database = Database()
        table = track_table(3, "space-1")
        self.tracks = [TrackToPlay(track_id, Path("/nowhere"), 180.0) for track_id in table.ids]
        catalogue = SimpleNamespace(
            **{name: getattr(table, name) for name in ("ids", "title", "artist", "album", "duration_s", "emotion")},
            row_of={track_id: row for row, track_id in enumerate(table.ids)},
        )
        self.status = SimpleNamespace(
            status="playing", track=None, position_s=0.0, volume_percent=100.0, output="silent", committed=()
        )
        stations: Any = SimpleNamespace(
            session=SimpleNamespace(
                repertoire=SimpleNamespace(catalogue=catalogue), why=lambda _: "", started=lambda *_, **__: None
            ),
            player=SimpleNamespace(status=lambda: self.status),
            publisher=SimpleNamespace(now=self.told.append),
            database=self.database,
            compute=self._compute,
            ask=lambda _: None,
        )
        self.listening = Listening(stations, asyncio.Queue(), played=lambda _: None)

    async def _compute(self, work: Any, *arguments: Any, **named: Any) -> None:
        work(*arguments, **named)

    async def start(self, row: int) -> TrackWords | None:
        """Returns the words that are told once the track of a row has started."""
        self.status.track = self.tracks[row]
        await self.listening._handle(Started(track=self.tracks[row], t=0.0))
        self.listening.publish()
        track = self.told[-1].track
        assert track is not None
        return track.words


@pytest.fixture
def playing() -> Playing:
    return Playing()


async def test_the_track_that_plays_is_told_with_its_words(playing: Playing):
    assert await playing.start(1) == TrackWords("lyrics", 0.5, -0.25, None, 7, "ko")


async def test_words_of_the_track_before_are_not_told_of_the_next(playing: Playing):
    await playing.start(1)
    assert await playing.start(2) is None


async def test_words_that_cannot_be_read_leave_the_track_without(playing: Playing):
    playing.database.is_damaged = True
    assert await playing.start(1) is None

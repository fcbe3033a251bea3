"""The database on the device: what is known of tracks, and what happened.

Rules:

- When a `record_…`, `save_…`, `upsert_…`, `put_…` or `mark_…` call returns, its data survive a crash of the program
  and a cut of the power (WAL with full synchronisation). The exceptions are `record_affect` and `record_samples`, which
  nobody waits for: they are gathered and written with the next other write, or once a minute, so at most a minute is
  lost.
- One connection writes, one transaction at a time; another reads, and never waits for it. Other processes (a scan
  beside the daemon) take turns through SQLite's own lock.
- A write that fails changes nothing, raises `StorageError`, and leaves the database usable.
- A damaged file is refused with a remedy; it is never deleted or replaced.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import aiosqlite
import msgspec

from agent.storage.connections import open_pair, open_read_only
from agent.storage.errors import storage_errors
from agent.storage.records import (
    AffectRow,
    AnalysisRow,
    Command,
    Feedback,
    KnownFile,
    Play,
    Sample,
    TrackRow,
    TrackTable,
    WordsRow,
)
from agent.storage.tracks import (
    FORGET_STALE,
    KNOWN_FILES,
    LENGTHS,
    MAIN_SPACE,
    MOVE_TRACK,
    PUT_ANALYSIS,
    SPACES,
    TRACK_TABLE,
    UNEMBEDDED,
    UPSERT_TRACK,
    analysis_parameters,
    known_file,
    track_parameters,
    track_table,
)
from agent.storage.transaction import transaction
from agent.storage.words import FORGET_WORDS, PUT_WORDS, WORDS_OF_TRACK, words_parameters, words_row
from models.errors import Reason, StorageError

__all__ = ["AFFECT_HISTORY_DAYS", "DATABASE_NAME", "Database"]

DATABASE_NAME: Final = "attune.db"
AFFECT_HISTORY_DAYS: Final = 90
"""A season of affect history at one row in ten seconds is some 40 MB: enough for any view of it."""

_DAY_S: Final = 86_400.0
_AFFECT_EVERY_S: Final = 10.0
_GATHER_S: Final = 60.0
_GATHER_ROWS: Final = 5_000

_INSERT_PLAY: Final = (
    "INSERT INTO plays (track_id, started_t, ended_t, played_s, outcome)"
    " VALUES (:track_id, :started_t, :ended_t, :played_s, :outcome)"
)
_INSERT_FEEDBACK: Final = "INSERT INTO feedback (track_id, t, kind) VALUES (:track_id, :t, :kind)"
_INSERT_COMMAND: Final = "INSERT INTO commands (t, verb, payload) VALUES (:t, :verb, :payload)"
_INSERT_AFFECT: Final = (
    "INSERT OR REPLACE INTO affect_history"
    " (t, valence, arousal, sd_valence, sd_arousal, rho, quality, calibrated, model)"
    " VALUES (:t, :valence, :arousal, :sd_valence, :sd_arousal, :rho, :quality, :calibrated, :model)"
)
_INSERT_SAMPLE: Final = (
    "INSERT INTO samples (t, wearable, quantity, channel, value) VALUES (:t, :wearable, :quantity, :channel, :value)"
)
_SAVE_PROFILE: Final = (
    "INSERT INTO profile (key, value, saved_t) VALUES (:key, :value, :saved_t)"
    " ON CONFLICT (key) DO UPDATE SET value = excluded.value, saved_t = excluded.saved_t"
)

Statement = tuple[str, Sequence[dict[str, Any]]]


class Database:
    """An open database; make one with `Database.open`, end it with `close` or an `async with` statement.

    Attributes:
        file: where it lies.
        read_only: whether every write is refused.
        retain_samples_days: for how long raw samples are kept; 0 stores none.
    """

    def __init__(
        self, file: Path, writer: aiosqlite.Connection, reader: aiosqlite.Connection, *, read_only: bool, days: int
    ) -> None:
        self.file = file
        self.read_only = read_only
        self.retain_samples_days = days
        self._writer = writer
        self._reader = reader
        self._lock = asyncio.Lock()
        self._affect: list[AffectRow] = []
        self._samples: list[Sample] = []
        self._gathering_since: float | None = None
        self._last_affect_t = float("-inf")

    @classmethod
    async def open(cls, folder: Path, *, retain_samples_days: int = 0, read_only: bool = False) -> Self:
        """Opens the database in a folder; makes both where they do not exist, and brings the schema up to date.

        Args:
            folder: readable for this user alone when made here, since health data are in it.
            retain_samples_days: for how long raw samples are kept; 0 stores none.
            read_only: do not write at all: for a disk that has become full or read-only. The database must exist.

        Raises:
            StorageError: READ_ONLY, UNREADABLE, DISK_FULL, CORRUPT or INCOMPATIBLE; nothing was changed.
        """
        file = folder / DATABASE_NAME
        with storage_errors(file):
            if read_only:
                connection = await open_read_only(file)
                return cls(file, connection, connection, read_only=True, days=0)
            writer, reader = await open_pair(file)
            return cls(file, writer, reader, read_only=False, days=retain_samples_days)

    async def close(self) -> None:
        """Writes what was gathered and closes; closing twice is fine.

        Raises:
            StorageError: what was gathered could not be written; the database is closed all the same.
        """
        try:
            if not self.read_only:
                await self.flush()
        finally:
            await self._reader.close()
            await self._writer.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    # What happened

    async def record_play(self, play: Play) -> None:
        """Stores that a track sounded.

        Raises:
            StorageError: the disk refuses, or the track is not in the catalogue (UNKNOWN_TRACK).
        """
        await self._write_of_track(play.track_id, _INSERT_PLAY, play)

    async def record_feedback(self, feedback: Feedback) -> None:
        """Stores a like or dislike.

        Raises:
            StorageError: the disk refuses, or the track is not in the catalogue (UNKNOWN_TRACK).
        """
        await self._write_of_track(feedback.track_id, _INSERT_FEEDBACK, feedback)

    async def record_command(self, command: Command) -> None:
        """Stores a command that was accepted.

        Raises:
            StorageError: the disk refuses.
        """
        await self._write([(_INSERT_COMMAND, [msgspec.structs.asdict(command)])])

    async def record_affect(self, row: AffectRow) -> None:
        """Takes an affect state for the history, which keeps one in ten seconds.

        Raises:
            StorageError: it was time to write and the disk refuses; the rows are kept for the next time.
        """
        if row.t - self._last_affect_t < _AFFECT_EVERY_S and row.t >= self._last_affect_t:
            return
        self._last_affect_t = row.t
        self._affect.append(row)
        await self._gather(row.t)

    async def record_samples(self, samples: Iterable[Sample], *, now: float) -> None:
        """Takes raw readings; does nothing unless retention is on.

        Raises:
            StorageError: it was time to write and the disk refuses; the newest rows are kept for the next time.
        """
        if self.retain_samples_days > 0:
            self._samples.extend(samples)
            await self._gather(now)

    async def flush(self) -> None:
        """Writes what was gathered.

        Raises:
            StorageError: the disk refuses; the rows are kept for the next time.
        """
        if self._affect or self._samples:
            await self._write([])

    async def prune(self, *, now: float) -> int:
        """Deletes raw samples and affect history that are older than they are to be kept; returns how many rows.

        Raises:
            StorageError: the disk refuses.
        """
        samples_t = {"t": now - self.retain_samples_days * _DAY_S}
        affect_t = {"t": now - AFFECT_HISTORY_DAYS * _DAY_S}
        return await self._write(
            [
                ("DELETE FROM samples WHERE t < :t", [samples_t]),
                ("DELETE FROM affect_history WHERE t < :t", [affect_t]),
            ]
        )

    async def keep_pruned(self, *, clock: Callable[[], float], every_s: float = 3_600.0) -> None:
        """Prunes for ever, at once and then once an hour; run it as a task. A disk that refuses is tried again later.

        Args:
            clock: returns now, in seconds since the epoch.
            every_s: seconds from one pruning to the next.
        """
        while True:
            try:
                await self.prune(now=clock())
            except StorageError as error:
                if error.reason is Reason.CORRUPT:
                    raise
            await asyncio.sleep(every_s)

    async def plays(self, limit: int | None = None) -> list[Play]:
        """Returns the last plays (all without a limit), oldest first."""
        rows = await self._read(
            "SELECT * FROM (SELECT track_id, started_t, ended_t, played_s, outcome, id FROM plays"
            " ORDER BY ended_t DESC, id DESC LIMIT :limit) ORDER BY ended_t, id",
            {"limit": -1 if limit is None else limit},
        )
        return [
            Play(track_id=row[0], started_t=row[1], ended_t=row[2], played_s=row[3], outcome=row[4]) for row in rows
        ]

    async def feedback(self) -> list[Feedback]:
        """Returns every like and dislike, oldest first."""
        rows = await self._read("SELECT track_id, t, kind FROM feedback ORDER BY t, id", {})
        return [Feedback(track_id=row[0], t=row[1], kind=row[2]) for row in rows]

    async def commands(self, limit: int | None = None) -> list[Command]:
        """Returns the last commands (all without a limit), oldest first."""
        rows = await self._read(
            "SELECT * FROM (SELECT t, verb, payload, id FROM commands ORDER BY t DESC, id DESC LIMIT :limit)"
            " ORDER BY t, id",
            {"limit": -1 if limit is None else limit},
        )
        return [Command(t=row[0], verb=row[1], payload=row[2]) for row in rows]

    async def affect_history(self, *, since: float) -> list[AffectRow]:
        """Returns the stored affect states from a moment on, oldest first; what is still gathered is not among them."""
        rows = await self._read(
            "SELECT t, valence, arousal, sd_valence, sd_arousal, rho, quality, calibrated, model"
            " FROM affect_history WHERE t >= :since ORDER BY t",
            {"since": since},
        )
        names = AffectRow.__struct_fields__
        return [msgspec.convert(dict(zip(names, row, strict=True)), AffectRow, strict=False) for row in rows]

    # What is known of the listener

    async def save_profile(self, key: str, value: dict[str, Any], *, now: float) -> None:
        """Stores a part of the listener's profile under its key, in place of what was there.

        Raises:
            StorageError: the disk refuses.
        """
        text = msgspec.json.encode(value).decode()
        await self._write([(_SAVE_PROFILE, [{"key": key, "value": text, "saved_t": now}])])

    async def load_profile(self, key: str) -> dict[str, Any] | None:
        """Returns what was last saved under a key, None if nothing was."""
        rows = await self._read("SELECT value FROM profile WHERE key = :key", {"key": key})
        return msgspec.json.decode(rows[0][0], type=dict[str, Any]) if rows else None

    # What is known of tracks

    async def upsert_tracks(self, rows: Sequence[TrackRow]) -> None:
        """Stores tracks, each in place of the one with its id and without what its words said; all of them or none.

        Raises:
            StorageError: the disk refuses.
        """
        if rows:
            tracks = [track_parameters(row) for row in rows]
            heard = [analysis_parameters(row) for row in rows if row.embedding_space]
            forget = [(FORGET_STALE, tracks), (FORGET_WORDS, tracks)]
            await self._write([(UPSERT_TRACK, tracks), *forget, (PUT_ANALYSIS, heard)])

    async def put_words(self, rows: Sequence[WordsRow]) -> None:
        """Stores what the words of tracks say; of a file that has become another one since, nothing.

        Raises:
            StorageError: the disk refuses.
        """
        if rows:
            await self._write([(PUT_WORDS, [words_parameters(row) for row in rows])])

    async def words(self, track_id: str) -> WordsRow | None:
        """Returns what the words of a track say, None where they were never read.

        Raises:
            StorageError: the database cannot be read.
        """
        rows = await self._read(WORDS_OF_TRACK, {"id": track_id})
        return words_row(rows[0]) if rows else None

    async def put_analyses(self, rows: Sequence[AnalysisRow]) -> None:
        """Stores what an audio model heard of tracks; of a file that has become another one since, nothing.

        What was heard in other spaces stays: see `forget_spaces`.

        Raises:
            StorageError: the disk refuses.
        """
        if rows:
            await self._write([(PUT_ANALYSIS, [analysis_parameters(row) for row in rows])])

    async def forget_spaces(self, keep: Collection[str]) -> int:
        """Deletes what was heard in all embedding spaces but these; returns of how many tracks.

        Raises:
            StorageError: the disk refuses.
        """
        others = [{"space": space} for space in await self.embedding_spaces() if space not in keep]
        return await self._write([("DELETE FROM analyses WHERE embedding_space = :space", others)]) if others else 0

    async def mark_missing(self, ids: Sequence[str], *, missing: bool) -> None:
        """Notes that the files of these tracks are gone, or there again; what is known of them stays.

        Raises:
            StorageError: the disk refuses.
        """
        if ids:
            parameters = [{"id": track_id, "missing": int(missing)} for track_id in ids]
            await self._write([("UPDATE tracks SET missing = :missing WHERE id = :id", parameters)])

    async def move_tracks(self, moved: Sequence[tuple[str, bytes, int]]) -> None:
        """Notes for tracks, by id, that their file is at another path or was touched; all else that is known stays.

        Args:
            moved: id, absolute path and modification time in nanoseconds of each.

        Raises:
            StorageError: the disk refuses.
        """
        if moved:
            parameters = [{"id": track_id, "path": path, "mtime_ns": mtime} for track_id, path, mtime in moved]
            await self._write([(MOVE_TRACK, parameters)])

    async def known_files(self, *, embedding_space: str | None = None) -> list[KnownFile]:
        """Returns what a scan must know of every file that was ever seen.

        Args:
            embedding_space: in which it is asked what was heard; None takes the one that most tracks have.
        """
        space = await self._main_space() if embedding_space is None else embedding_space
        return [known_file(row) for row in await self._read(KNOWN_FILES, {"space": space, **LENGTHS})]

    async def load_tracks(self, *, embedding_space: str | None = None) -> TrackTable:
        """Returns all tracks that can be played and ranked.

        Args:
            embedding_space: of the bundle in use; None takes the one that most tracks have.
        """
        space = await self._main_space() if embedding_space is None else embedding_space
        rows = await self._read(TRACK_TABLE, {"space": space, **LENGTHS})
        return await asyncio.to_thread(track_table, rows, space)

    async def unembedded(self, *, embedding_space: str, like: str) -> list[tuple[str, bytes, bytes]]:
        """Returns the tracks that can be played and were heard in one space but not yet in another.

        Args:
            embedding_space: in which they were not.
            like: in which they were.

        Returns:
            Id, path and fingerprint of each, in the order of their paths.
        """
        return [tuple(row) for row in await self._read(UNEMBEDDED, {"space": embedding_space, "like": like})]

    async def embedding_spaces(self) -> dict[str, int]:
        """Returns every embedding space that there are vectors of, and of how many tracks."""
        return {str(space): int(count) for space, count in await self._read(SPACES, {})}

    # How it is done

    async def _main_space(self) -> str:
        spaces = await self._read(MAIN_SPACE, {})
        return str(spaces[0][0]) if spaces else ""

    async def _gather(self, now: float) -> None:
        if self._gathering_since is None:
            self._gathering_since = now
        waiting = len(self._affect) + len(self._samples)
        if waiting >= _GATHER_ROWS or not 0.0 <= now - self._gathering_since < _GATHER_S:
            await self.flush()

    async def _write_of_track(self, track_id: str, statement: str, record: msgspec.Struct) -> None:
        try:
            await self._write([(statement, [msgspec.structs.asdict(record)])])
        except StorageError as error:
            code = getattr(error.__cause__, "sqlite_errorcode", None)
            if code != sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
                raise
            raise StorageError(
                f"track {track_id} is not in the catalogue",
                reason=Reason.UNKNOWN_TRACK,
                remedy="Scan the music folders",
            ) from error

    async def _write(self, statements: Sequence[Statement]) -> int:
        """Writes what was gathered, then runs statements, in one transaction; returns how many rows those changed."""
        if self.read_only:
            raise StorageError(
                f"the database {self.file} is open for reading alone",
                reason=Reason.READ_ONLY,
                remedy="Make room or make the disk writable, then restart",
            )
        async with self._lock:
            affect, samples = self._affect, self._samples
            self._affect, self._samples = [], []
            gathered: tuple[Statement, ...] = (
                (_INSERT_AFFECT, [msgspec.structs.asdict(row) for row in affect]),
                (_INSERT_SAMPLE, [msgspec.structs.asdict(sample) for sample in samples]),
            )
            changed = 0
            try:
                with storage_errors(self.file):
                    async with transaction(self._writer):
                        for text, rows in gathered:
                            await self._writer.executemany(text, rows)
                        for text, rows in statements:
                            changed += (await self._writer.executemany(text, rows)).rowcount
            except BaseException:
                # Bounded, because a full disk may stay full for days.
                self._affect = (affect + self._affect)[-_GATHER_ROWS:]
                self._samples = (samples + self._samples)[-_GATHER_ROWS:]
                raise
            finally:
                self._gathering_since = None
            return changed

    async def _read(self, query: str, parameters: dict[str, Any]) -> list[Any]:
        with storage_errors(self.file):
            async with self._reader.execute(query, parameters) as cursor:
                return list(await cursor.fetchall())

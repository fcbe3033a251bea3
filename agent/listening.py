"""What the player tells becomes history, taste and the message on `D/now`.

Rules:

- A play is stored before the queue that follows from it is published.
- A track left before four fifths of it were heard was skipped; one that was stopped with the player was neither skipped
  nor completed, and says nothing of taste.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Final, Literal

from agent.catalogue.telling import told_words
from agent.integration.health import Part
from agent.playback import messages as playback
from agent.stations import Stations
from agent.storage.records import Play, WordsRow
from models.errors import StorageError
from models.wire.messages import Now, NowTrack

__all__ = ["Listening"]

logger = logging.getLogger(__name__)

_HEARD: Final = 0.8
"""Share of a track after which leaving it is no skip: the Last.fm rule is one half, but its fade-out is no verdict."""


class Listening:
    """Follows the player.

    Args:
        stations: of the running agent.
        events: what the player told, in order.
        played: called for each track that was skipped or heard through.
    """

    def __init__(
        self,
        stations: Stations,
        events: asyncio.Queue[playback.Event],
        *,
        played: Callable[[Literal["completed", "skipped"]], None],
    ) -> None:
        self._stations = stations
        self._events = events
        self._played = played
        self._words: WordsRow | None = None

    async def run(self) -> None:
        """Handle events for ever."""
        while True:
            event = await self._events.get()
            await self._handle(event)
            self._follow_committed()
            self.publish()

    async def drain(self) -> None:
        """Handle what was told until now; for the end, when `run` is no more."""
        while not self._events.empty():
            await self._handle(self._events.get_nowait())

    def publish(self) -> None:
        """Publish what plays."""
        stations, now = self._stations, time.time()
        status = stations.player.status()
        session = stations.session
        row = session.repertoire.catalogue.row_of.get(status.track.id) if status.track else None
        stations.publisher.now(
            Now(
                t=now,
                status=status.status,
                position_s=round(status.position_s, 2),
                track=self._track(row) if row is not None else None,
                why=session.why(row) if row is not None else "",
                volume_percent=status.volume_percent,
                output=status.output,
            )
        )

    def _track(self, row: int) -> NowTrack:
        catalogue, words = self._stations.session.repertoire.catalogue, self._words
        return NowTrack(
            id=catalogue.ids[row],
            title=catalogue.title[row],
            artist=catalogue.artist[row],
            album=catalogue.album[row],
            duration_s=round(float(catalogue.duration_s[row]), 2),
            valence=round(float(catalogue.emotion[row, 0]), 4),
            arousal=round(float(catalogue.emotion[row, 1]), 4),
            words=told_words(words) if words is not None and words.track_id == catalogue.ids[row] else None,
        )

    def _follow_committed(self) -> None:
        """What the player holds ready is not offered again."""
        session = self._stations.session
        rows = (session.repertoire.catalogue.row_of.get(track.id) for track in self._stations.player.status().committed)
        session.prepared = tuple(row for row in rows if row is not None)

    async def _handle(self, event: playback.Event) -> None:
        stations, session = self._stations, self._stations.session
        match event:
            case playback.Started(track=track, t=t):
                row = session.repertoire.catalogue.row_of.get(track.id)
                if row is not None:
                    await stations.compute(session.started, row, now=t)
                    stations.ask("track_end")
                await self._read_words(track.id)
            case playback.Ended():
                await self._ended(event)
            case playback.Paused(t=t):
                await stations.compute(session.paused, now=t)
            case playback.Resumed(t=t):
                await stations.compute(session.resumed, now=t)
            case playback.Failed(track=track, error=error):
                logger.warning("%s cannot be played: %s", track.path, error)
                stations.health.count("playback", str(error.reason))
            case playback.Stopped(gave_up=True):
                stations.health.degrade(Part.PLAYBACK, "Many tracks in a row failed. Scan the library again, then play")
            case playback.OutputLost(error=error):
                logger.warning("%s", error)
                stations.health.count("playback", "output_lost")
                stations.health.degrade(Part.PLAYBACK, str(error))
            case playback.OutputRestored():
                stations.health.recover(Part.PLAYBACK)
            case _:
                pass

    async def _read_words(self, track_id: str) -> None:
        """What the words of a track say is asked when it starts: of a whole library it would be megabytes at rest."""
        self._words = None
        # A database that was opened for reading may be older than its words; the music goes on without.
        with contextlib.suppress(StorageError):
            self._words = await self._stations.database.words(track_id)

    async def _ended(self, event: playback.Ended) -> None:
        stations, session = self._stations, self._stations.session
        row = session.repertoire.catalogue.row_of.get(event.track.id)
        duration = event.track.duration_s
        whole = event.completed or (duration > 0 and event.played_s >= _HEARD * duration)
        broken_off = event.cause in {playback.EndCause.CLOSED, playback.EndCause.FAILED}
        outcome: Literal["completed", "skipped"] = "completed" if whole else "skipped"
        stopped = broken_off and not whole
        play = Play(
            track_id=event.track.id,
            started_t=event.t - event.played_s,
            ended_t=event.t,
            played_s=event.played_s,
            outcome="stopped" if stopped else outcome,
        )
        # A full disk is told in health; the music goes on.
        with contextlib.suppress(StorageError):
            await stations.store(stations.database.record_play(play))
        if not stopped:
            self._played(outcome)
        if row is not None and not stopped:
            await stations.compute(session.ended, row, outcome, now=event.t)
            stations.ask("track_end")

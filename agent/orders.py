"""Carries out the listener's commands.

Rules:

- A command is checked, then stored, then done; what is refused leaves no trace but a count.
- Where it cannot be stored, what would have to be remembered (a like, a feeling, a goal) is refused; what only moves
  the music (play, next, volume) is done all the same, because a full disk must not stop the player.
- Every refusal is answered on the command's error topic; every command with an id is answered when it was done.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET

from agent.integration.commands import Command, parse
from agent.stations import Stations
from agent.storage.records import Command as StoredCommand
from agent.storage.records import Feedback
from models.errors import AttuneError, Reason, StorageError, WireError
from models.wire.messages import Feeling, GoalCommand, Reply, Seek, TrackCommand, Volume

__all__ = ["Orders"]

logger = logging.getLogger(__name__)

_TRANSPORT: Final = frozenset({"play", "pause", "next", "previous", "seek", "volume"})
Act: TypeAlias = Callable[[], Awaitable[None]]
_LEAD_MINUTES: Final = 15.0
"""How long a lead takes where nobody said: a few tracks, each a step that can be felt."""


class Orders:
    """Takes commands from the wire.

    Args:
        stations: of the running agent.
    """

    def __init__(self, stations: Stations) -> None:
        self._stations = stations

    async def take(self, verb: str, payload: bytes, *, retained: bool) -> None:
        """Carry out one command, or answer why not."""
        stations, now = self._stations, time.time()
        try:
            command = parse(verb, payload, retained=retained)
            act = self._prepare(command, now)
            await self._store(command, now)
            await act()
        except AttuneError as error:
            logger.info("command %s refused: %s", verb[:64], error)
            stations.health.count("commands", str(error.reason))
            stations.publisher.refuse(verb, error, payload)
            return
        stations.health.count("commands", "accepted")
        if command.id is not None:
            stations.publisher.reply(Reply(id=command.id, verb=verb, ok=True, t=now))
        stations.ask("command")

    async def _store(self, command: Command, now: float) -> None:
        payload = msgspec.json.encode(command.body).decode()
        try:
            await self._stations.store(
                self._stations.database.record_command(StoredCommand(t=now, verb=command.verb, payload=payload))
            )
        except StorageError:
            if command.verb not in _TRANSPORT:
                raise

    def _prepare(self, command: Command, now: float) -> Act:
        """What a command would do, once everything about it has been checked."""
        stations = self._stations
        match command.body:
            case TrackCommand() as body if command.verb in {"like", "dislike"}:
                row = self._row(body.track)
                return partial(self._judge, row, "liked" if command.verb == "like" else "disliked", now)
            case TrackCommand() as body:
                return self._move(command.verb, body.track)
            case Seek() as body:
                return self._seek(body.seconds)
            case Volume() as body:
                return _soon(partial(stations.player.set_volume, body.percent))
            case Feeling() as body:
                return partial(stations.compute, stations.session.feel, body.valence, body.arousal, now=now, of=body.of)
            case GoalCommand() as body:
                return partial(self._aim, body, now)

    def _row(self, track: str | None) -> int:
        """Row of the track meant: the one named, else the one that plays."""
        session = self._stations.session
        if track is None:
            if session.playing is None:
                raise WireError(
                    "no track plays, and the command names none",
                    reason=Reason.WRONG_STATE,
                    remedy='Name one: {"track": "id"}',
                )
            return session.playing
        row = session.repertoire.catalogue.row_of.get(track)
        if row is None:
            raise WireError(
                f"there is no track {track[:64]!r} in the catalogue",
                reason=Reason.UNKNOWN_TRACK,
                remedy="Use an id from the queue, or scan the library again",
            )
        return row

    def _move(self, verb: str, track: str | None) -> Act:
        player = self._stations.player
        if verb == "play":
            repertoire = self._stations.session.repertoire
            return _soon(partial(player.play, repertoire.track(self._row(track)) if track is not None else None))
        if track is not None:
            raise WireError(
                f"the command {verb!r} takes no track",
                reason=Reason.WRONG_VALUE,
                remedy='Send it empty; {"track": "id"} goes with play, like and dislike',
            )
        return _soon({"pause": player.pause, "next": player.next, "previous": player.previous}[verb])

    def _seek(self, seconds: float) -> Act:
        track = self._stations.player.status().track
        if track is None:
            raise WireError("no track plays", reason=Reason.WRONG_STATE, remedy="Send play first")
        if track.duration_s and seconds > track.duration_s:
            raise WireError(
                f"the track is {track.duration_s:.1f} s long, {seconds:.1f} s lies behind its end",
                reason=Reason.WRONG_VALUE,
                remedy=f"Send seconds from 0 to {track.duration_s:.1f}",
            )
        return _soon(partial(self._stations.player.seek, seconds))

    async def _judge(self, row: int, outcome: Literal["liked", "disliked"], now: float) -> None:
        stations = self._stations
        track_id = stations.session.repertoire.catalogue.ids[row]
        await stations.store(stations.database.record_feedback(Feedback(track_id=track_id, t=now, kind=outcome)))
        await stations.compute(stations.session.judge, row, outcome, now=now)

    async def _aim(self, goal: GoalCommand, now: float) -> None:
        session = self._stations.session
        target = None
        if goal.valence is not UNSET and goal.arousal is not UNSET:
            target = (goal.valence, goal.arousal)
        minutes = _LEAD_MINUTES if goal.minutes is UNSET else goal.minutes
        await self._stations.compute(session.aim, goal.mode, target, minutes * 60.0, now=now)


def _soon(call: Callable[[], None]) -> Act:
    """A player's method as something to await; the player itself does it in its own thread."""

    async def act() -> None:
        call()

    return act

"""Makes the reports that are due and sends them; keeps them while the broker is away."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import SystemRandom
from typing import Final

from agent.feedback.aggregate import bounds
from agent.feedback.consent import Consent, read
from agent.feedback.reports import Shelf, due_weeks, events_of, make_report
from agent.storage.database import Database
from models.errors import StorageError

__all__ = ["Giving"]

logger = logging.getLogger(__name__)

_LOOK_EVERY_S: Final = 3600.0
_BEFORE_S: Final = 120.0
"""So much earlier than the week the states begin that are looked at: one that a play of Monday morning rests on."""


class Giving:
    """Gives back for training what the listener agreed to, and nothing without.

    Args:
        folder: `[storage] folder`/feedback.
        database: of the agent.
        send: hands a report to the broker and returns when the broker has it.
        bundle: version of the bundle in use.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        folder: Path,
        database: Database,
        *,
        send: Callable[[bytes], Awaitable[None]],
        bundle: Callable[[], str],
        clock: Callable[[], float],
    ) -> None:
        self._folder, self._database, self._send, self._bundle, self._clock = folder, database, send, bundle, clock
        self._shelf = Shelf(folder)

    async def run(self) -> None:
        """Look every hour, until cancelled."""
        while True:
            try:
                await self.look()
            except (OSError, StorageError) as error:
                logger.warning("feedback for training has to wait: %s", error)
            await asyncio.sleep(_LOOK_EVERY_S)

    async def look(self) -> int:
        """Make what is due and send what waits.

        Returns:
            How many reports were sent.

        Raises:
            OSError: the disk refuses.
            StorageError: the database does.
        """
        consent = await asyncio.to_thread(read, self._folder)
        if consent is None:
            return 0
        for week in due_weeks(consent, await asyncio.to_thread(lambda: self._shelf.known), now=self._clock()):
            await self._make(week, consent)
        sent = 0
        for week, content in await asyncio.to_thread(self._shelf.waiting):
            await self._send(content)
            # Withdrawn while it was on its way: there is no file left to move.
            with contextlib.suppress(FileNotFoundError):
                await asyncio.to_thread(self._shelf.mark_sent, week)
            sent += 1
        return sent

    async def _make(self, week: str, consent: Consent) -> None:
        database = self._database
        table = await database.load_tracks()
        plays, judged = await database.plays(), await database.feedback()
        states = await database.affect_history(since=bounds(week)[0] - _BEFORE_S)

        def make() -> None:
            emotions = {name: (float(v), float(a)) for name, (v, a) in zip(table.ids, table.emotion, strict=True)}
            events = events_of(week, plays=plays, judged=judged, states=states, emotions=emotions)
            report = make_report(week, events, consent, bundle=self._bundle(), random=SystemRandom())
            if read(self._folder) is not None:
                self._shelf.put(report)

        await asyncio.to_thread(make)

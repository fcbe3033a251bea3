"""What the daemon's tasks share: the stations, the one thread that computes, and the word to evaluate again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from agent.integration.health import HealthBook, Part
from agent.integration.publisher import Publisher
from agent.pace import Pace
from agent.playback.player import Player
from agent.session import Session
from agent.storage.database import Database
from models.errors import StorageError
from models.wire.messages import CauseKind

__all__ = ["Stations"]

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Stations:
    """The parts of a running agent.

    Attributes:
        wake: set when `pace` was asked for something.
        executor: one thread: the session is never in two.
    """

    session: Session
    database: Database
    publisher: Publisher
    player: Player
    health: HealthBook
    pace: Pace
    executor: ThreadPoolExecutor
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def ask(self, kind: CauseKind) -> None:
        """Ask for an evaluation; see `Pace.ask`."""
        self.pace.ask(kind, asyncio.get_running_loop().time())
        self.wake.set()

    async def compute(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call something of the session in the computing thread, when nothing else is there."""
        async with self._lock:
            return await asyncio.get_running_loop().run_in_executor(self.executor, lambda: call(*args, **kwargs))

    async def store(self, writing: Awaitable[T]) -> T:
        """Await a write of the database, and tell in health how it went.

        Raises:
            StorageError: it was refused; nothing of it is stored.
        """
        try:
            result = await writing
        except StorageError as error:
            self.health.count("storage", str(error.reason))
            self.health.degrade(Part.STORAGE, str(error))
            raise
        self.health.recover(Part.STORAGE)
        return result

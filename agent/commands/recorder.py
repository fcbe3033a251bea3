"""Writes what comes over the line to the broker into a session file.

Rules:

- The disk is touched in a thread, once a second: a disk that is slow for a moment loses nothing, because the line holds
  the broker back meanwhile.
- What was written is flushed each time, so that a power cut costs a second of the recording.
- Arrivals are stamped by a clock that never goes back, whatever the time of day is set to.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from agent.integration.link import Link
from models.errors import WireError
from models.wire import topics
from models.wire.session import Entry, SessionWriter

__all__ = ["Recorder"]

_WRITE_EVERY_S: Final = 1.0
_MOST_WAITING: Final = 2000
"""Messages: ten seconds of the densest promised intake. Beyond that the line reads no more until they are written."""


class Recorder:
    """Records until it is told to stop.

    Args:
        link: connected or not; already subscribed to what is to be recorded.
        writer: the file.

    Attributes:
        packs: how many came, by wearable and quantity.
        others: how many messages came that are no packs.
    """

    def __init__(self, link: Link, writer: SessionWriter) -> None:
        self.packs: Counter[str] = Counter()
        self.others = 0
        self._link = link
        self._writer = writer
        self._waiting: list[Entry] = []
        self._room = asyncio.Event()
        self._room.set()
        self._started_at = time.time()
        self._begun = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the recording began."""
        return time.monotonic() - self._begun

    async def run(self, stop: asyncio.Event, *, seconds: float | None, tell: Callable[[Recorder], None]) -> None:
        """Record until `stop` is set or `seconds` are over; what came until then is in the file afterwards.

        Args:
            stop: ends the recording.
            seconds: likewise; None for never.
            tell: called after each write.

        Raises:
            StorageError: the disk is full or refuses.
        """
        listening = asyncio.create_task(self._listen(), name="recorder")
        try:
            while not (stop.is_set() or listening.done() or (seconds is not None and self.elapsed_s >= seconds)):
                left_s = _WRITE_EVERY_S if seconds is None else min(_WRITE_EVERY_S, seconds - self.elapsed_s)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(left_s):
                        await stop.wait()
                await self._write()
                tell(self)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        await self._write()

    async def _listen(self) -> None:
        async for message in self._link.messages():
            self._waiting.append(Entry(self._started_at + self.elapsed_s, message.topic, message.payload))
            self._count(message.topic)
            if len(self._waiting) >= _MOST_WAITING:
                self._room.clear()
                await self._room.wait()

    def _count(self, topic: str) -> None:
        try:
            where = topics.parse_sense(topic)
        except WireError:
            self.others += 1
        else:
            self.packs[f"{where.wearable} {where.quantity}"] += 1

    async def _write(self) -> None:
        batch, self._waiting = self._waiting, []
        self._room.set()
        if batch:
            await asyncio.to_thread(self._put, batch)

    def _put(self, batch: list[Entry]) -> None:
        self._writer.write(batch)
        self._writer.flush()

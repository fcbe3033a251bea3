"""Bringing the chunks of a bundle: window by window, each kept before the next is taken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.delivery.points import Pass
from agent.delivery.receiving.messages import Limits, ReceiverStatus, Verified
from agent.delivery.receiving.retained import Retained
from agent.delivery.receiving.store import ChunkStore
from agent.delivery.receiving.threads import in_thread
from models.errors import DeliveryError, Reason
from models.wire.topics import ChannelTopics

if TYPE_CHECKING:
    from agent.delivery.receiving.assembly import Assembly

__all__ = ["ChunkFetcher"]

_TRIES: Final = 2  # a chunk in the store may turn out damaged when its file is made; it is fetched once more


class ChunkFetcher:
    """Brings what is missing and lets the files be made.

    Args:
        retained: asks the broker.
        store: where chunks are kept.
        topics: of the channel.
        limits: window, rate, spare room.
        status: the receiver's; its counters are kept up.
        at: passed the points of each file.
    """

    def __init__(
        self,
        retained: Retained,
        store: ChunkStore,
        topics: ChannelTopics,
        limits: Limits,
        *,
        status: ReceiverStatus,
        at: Pass,
    ) -> None:
        self._retained = retained
        self._store = store
        self._topics = topics
        self._limits = limits
        self._status = status
        self._at = at

    async def fetch(
        self, verified: Verified, into: Path, have: Sequence[Path], on_progress: Callable[[int, int], None]
    ) -> None:
        """See `Receiver.fetch`.

        Raises:
            DeliveryError: likewise.
            OSError: the disk refuses.
        """
        # With python-tuf, which a device without a channel need not load.
        from agent.delivery.receiving.assembly import Assembly

        for remaining in reversed(range(_TRIES)):
            assembly = Assembly(verified, self._store, into, self._at)
            await in_thread(assembly.look, have, self._limits.spare_bytes)
            on_progress(assembly.at_hand, assembly.total)
            building = _Building(assembly)
            try:
                await self._bring(assembly, building, _fences(self._topics, verified), on_progress)
            finally:
                await building.paused()
            try:
                await building.finish()
            except DeliveryError as error:
                if error.reason is not Reason.MISSING or not remaining:
                    raise
            else:
                return

    async def _bring(
        self,
        assembly: Assembly,
        building: _Building,
        fences: Sequence[str],
        on_progress: Callable[[int, int], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        accept = self._keeper(assembly, on_progress)
        for fence in cycle(fences):
            building.go_on()
            if not assembly.missing:
                return
            started = loop.time()
            window = {name: piece.size for name, piece in islice(assembly.missing.items(), self._limits.window)}
            topics = [self._topics.chunk(name) for name in window]
            lacking = await self._retained.bring(topics, accept, fence=fence)
            if lacking:
                topic, refused = next(iter(lacking.items()))
                raise _lacking(topic, refused=refused)
            if self._limits.bytes_s:
                await asyncio.sleep(started + sum(window.values()) / self._limits.bytes_s - loop.time())

    def _keeper(
        self, assembly: Assembly, on_progress: Callable[[int, int], None]
    ) -> Callable[[str, bytes], Awaitable[bool]]:
        """Keeps each chunk at once: the message is acknowledged, and the next one taken, only after that."""

        async def keep(topic: str, payload: bytes) -> bool:
            name = self._topics.chunk_address(topic) or ""
            right = len(payload) == assembly.missing[name].size and await in_thread(self._store.put, name, payload)
            if right:
                assembly.found(name)
                self._status.chunks += 1
                self._status.chunk_bytes += len(payload)
                on_progress(assembly.at_hand, assembly.total)
            else:
                self._status.refused["tampered"] = self._status.refused.get("tampered", 0) + 1
            return right

        return keep


class _Building:
    """Puts files in their place while the chunks of others are still coming.

    Args:
        assembly: after `look`.
    """

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._running: asyncio.Task[None] | None = None

    def go_on(self) -> None:
        """Begin with the files that have become ready, unless others are being built, or one failed."""
        if self._running is not None and (not self._running.done() or self._running.exception() is not None):
            return
        if ready := self._assembly.ready():
            self._running = asyncio.create_task(in_thread(self._assembly.build, ready), name="build")

    async def paused(self) -> None:
        """Wait until nothing is being built."""
        if self._running is not None:
            await asyncio.wait((self._running,))

    async def finish(self) -> None:
        """Build what is left, or raise what building raised: see `Assembly.finish`."""
        if self._running is not None:
            await self._running
        await in_thread(self._assembly.finish)


def _fences(topics: ChannelTopics, verified: Verified) -> list[str]:
    """Topics on which retained messages lie for certain; two, so that a window need not wait for the one before."""
    return [topics.metadata(f"{verified.versions[role]}.{role}.json") for role in ("root", "targets")]


def _lacking(topic: str, *, refused: bool) -> DeliveryError:
    if refused:
        return DeliveryError(
            f"what lies on {topic} is not the chunk of this address",
            reason=Reason.TAMPERED,
            remedy="Somebody else may have written there; publish it again with attune-trainer publish",
        )
    return DeliveryError(
        f"the broker has nothing on {topic}",
        reason=Reason.MISSING,
        remedy="Publish it again with attune-trainer publish; see that the broker keeps what is retained",
    )

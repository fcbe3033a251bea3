"""Makes the broker a copy of a channel's folder.

Rules:

- Roots first: they are small, harmless, and show whether the broker keeps anything at all. Then chunks, targets,
  snapshot, and the timestamp last: a player never hears of what is not there yet.
- What is sent is read back; what is there already is not sent again. Cut anywhere, the same call goes on from there.
- A broker that holds something newer with good signatures is left alone: this folder is not the newest copy then.
- What is out of date is cleared from the broker first, then from the disk. Topics of metadata that are not ours are
  cleared, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tuf.api.metadata import Root, Timestamp

from cloud_trainer.progress import Progress
from cloud_trainer.publishing import roles
from cloud_trainer.publishing.broker import Broker
from cloud_trainer.publishing.channel import Channel
from cloud_trainer.publishing.content import chunks_of
from cloud_trainer.publishing.outdating import Outdated, forget
from cloud_trainer.publishing.root import check_successor, read_root
from models.delivery.chunks import address
from models.errors import BrokerError, DeliveryError, Reason
from models.wire.topics import ChannelTopics

__all__ = ["Mirror", "Mirrored", "differences"]

_WINDOW: Final = 16
"""Chunks under way at a time: 1 MiB, well below what brokers queue for a client."""
_PATIENCE_S: Final = 5.0
"""For what must be there because it was just acknowledged."""
_ORDER_S: Final = 0.3
"""For metadata that a broker sends after the fence: missing something newer would be worse than the wait."""


@dataclass(slots=True)
class Mirrored:
    """What a call has done.

    Attributes:
        chunks: of the bundle.
        sent_chunks, sent_bytes: of them, sent now.
        sent_files: metadata that was sent, by name, in order.
        cleared: topics that were cleared because nobody needs them.
        foreign: of them, metadata that is not ours.
        lost_at: where the connection was lost last; twice at the same place is no accident.
    """

    chunks: int = 0
    sent_chunks: int = 0
    sent_bytes: int = 0
    sent_files: list[str] = field(default_factory=list)
    cleared: int = 0
    foreign: list[str] = field(default_factory=list)
    lost_at: str = ""


class Mirror:
    """Brings a broker up to date with a channel.

    Args:
        channel: on the disk; its lock is held.
        broker: open connection.
        progress: where to show how far it is.
        result: of a call that was cut before; this one adds to it.
        patience_s: how long to wait for what was just acknowledged.
    """

    def __init__(
        self,
        channel: Channel,
        broker: Broker,
        *,
        progress: Progress,
        result: Mirrored | None = None,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._channel, self._folder, self._broker = channel, channel.folder, broker
        self._progress, self._patience_s = progress, patience_s
        self._topics = ChannelTopics(channel.name)
        self._result = Mirrored() if result is None else result
        self._largest_kept = 0

    async def bring_up(self, outdated: Outdated, *, thorough: bool) -> Mirrored:
        """Make the broker hold what the folder holds, and no more.

        Args:
            outdated: what is to be cleared.
            thorough: look at every chunk; else at the manifest's only, and at all where that one is missing.

        Raises:
            BrokerError: UNREACHABLE: the connection was lost; REFUSED: the broker keeps nothing.
            DeliveryError: ROLLED_BACK: the broker holds something newer; OVERSIZED: it takes no packets of a chunk's
                size; MISSING: the folder is damaged.
        """
        there = await self._metadata()
        self._refuse_newer(there)
        for version in self._folder.versions("root"):
            await self._send_file(f"{version}.root.json", there)
        if self._folder.versions("targets"):
            await self._send_chunks(thorough=thorough)
            for file in self._files():
                await self._send_file(file, there)
        await self._clear(there, outdated)
        return self._result

    def _files(self) -> list[str]:
        """Metadata that is valid now, in the order in which it is to be sent."""
        newest = [f"{self._folder.versions(role)[-1]}.{role}.json" for role in ("targets", "snapshot")]
        return [*newest, "timestamp.json"]

    # -- metadata ----------------------------------------------------------------------------------------------------

    async def _metadata(self) -> dict[str, bytes]:
        prefix = f"{self._topics.root}/metadata/"
        return await self._broker.read_filter(
            f"{prefix}#", keep=lambda topic: topic.startswith(prefix), patience_s=_ORDER_S
        )

    def _refuse_newer(self, there: Mapping[str, bytes]) -> None:
        """Stop where the broker holds what only our own keys can have signed, and later than what we hold."""
        root = self._channel.root()
        successor = there.get(self._topics.metadata(f"{root.version + 1}.root.json"))
        if successor is not None and _follows(root, successor):
            raise self._newer(f"root {root.version + 1}", f"root {root.version}")
        own, other = self._channel.timestamp(), there.get(self._topics.timestamp)
        if other is None:
            return
        try:
            timestamp = roles.read(other, Timestamp, "the broker's timestamp.json")
        except DeliveryError:
            return  # somebody else's rubbish: ours takes its place
        version = 0 if own is None else own.signed.version
        if timestamp.signed.version > version and roles.signed_by(root, timestamp):
            raise self._newer(f"timestamp {timestamp.signed.version}", f"timestamp {version}")

    def _newer(self, theirs: str, ours: str) -> DeliveryError:
        return DeliveryError(
            f"the broker at {self._broker.where} holds {theirs} of the channel {self._channel.name}, "
            f"{self._folder.path} only {ours}",
            reason=Reason.ROLLED_BACK,
            remedy="Copy the folder from where the channel was published last and go on from there",
        )

    async def _send_file(self, file: str, there: Mapping[str, bytes]) -> None:
        topic = self._topics.metadata(file)
        content = await asyncio.to_thread(self._folder.read, file)
        if there.get(topic) == content:
            self._kept([content])
            return
        try:
            await self._broker.publish(topic, content)
            kept = await self._broker.read([topic], patience_s=self._patience_s)
        except BrokerError as error:
            raise self._lost(file, len(content), error) from error
        if kept.get(topic) != content:
            raise self._not_kept(file, len(content))
        self._kept([content])
        self._result.sent_files.append(file)

    # -- chunks ------------------------------------------------------------------------------------------------------

    async def _send_chunks(self, *, thorough: bool) -> None:
        wanted = list(dict.fromkeys(chunks_of(self._channel.targets().signed)))
        self._result.chunks = len(wanted)
        if not thorough and not await self._absent(wanted[:1]):
            return
        missing: list[str] = []
        with self._progress.task("looking at chunks", len(wanted)) as advance:
            for window in _windows(wanted):
                missing += await self._absent(window)
                for _ in window:
                    advance("")
        if not missing:
            return
        with self._progress.task("sending chunks", len(missing)) as advance:
            # The first one alone: should the broker refuse packets of this size, this is where it shows.
            for window in [missing[:1], *_windows(missing[1:])]:
                await self._send_window(window)
                for _ in window:
                    advance("")

    async def _absent(self, names: Sequence[str], *, patience_s: float = 0.0) -> list[str]:
        """Those chunks of which the broker does not hold the very bytes."""
        found = await self._broker.read([self._topics.chunk(name) for name in names], patience_s=patience_s)
        absent = [name for name in names if address(found.get(self._topics.chunk(name), b"")) != name]
        self._kept([found[self._topics.chunk(name)] for name in names if name not in absent])
        return absent

    async def _send_window(self, names: Sequence[str]) -> None:
        contents = {name: await asyncio.to_thread(self._folder.chunk, name) for name in names}
        size = len(contents[names[0]])
        try:
            for ended in await asyncio.gather(
                *(self._send_chunk(name, content) for name, content in contents.items()), return_exceptions=True
            ):
                if ended is not None:
                    raise ended
            absent = await self._absent(names, patience_s=self._patience_s)
        except BrokerError as error:
            raise self._lost(f"the chunk {names[0][:8]}…", size, error) from error
        if absent:
            raise self._not_kept(f"the chunk {absent[0][:8]}…", len(contents[absent[0]]))

    async def _send_chunk(self, name: str, content: bytes) -> None:
        await self._broker.publish(self._topics.chunk(name), content)
        self._result.sent_chunks += 1
        self._result.sent_bytes += len(content)

    # -- clearing ----------------------------------------------------------------------------------------------------

    async def _clear(self, there: Mapping[str, bytes], outdated: Outdated) -> None:
        kept = set(self._folder.files()) - outdated.files
        for topic in there:
            file = self._topics.metadata_file(topic)
            if file in kept:
                continue
            if file is None or file not in outdated.files:
                self._result.foreign.append(topic)
            await self._broker.publish(topic, b"")
            self._result.cleared += 1
        for window in _windows(sorted(outdated.chunks)):
            await asyncio.gather(*(self._broker.publish(self._topics.chunk(name), b"") for name in window))
            self._result.cleared += len(window)
        await asyncio.to_thread(forget, self._folder, outdated)

    # -- what may be wrong with the broker ---------------------------------------------------------------------------

    def _lost(self, what: str, size: int, error: BrokerError) -> BrokerError | DeliveryError:
        """The connection ended at a message: by accident, unless it is the same message as before."""
        again = self._result.lost_at == what
        self._result.lost_at = what
        if not again or 0 < size <= self._largest_kept:
            return error
        return self._not_kept(what, size)

    def _not_kept(self, what: str, size: int) -> BrokerError | DeliveryError:
        """The broker has acknowledged a message and does not hold it, or closes the connection at it."""
        where = self._broker.where
        if not self._largest_kept:
            remedy = f"Have it keep retained messages and let this user write and read {self._topics.filter}"
            remedy += ", as config/mosquitto shows"
        elif size > self._largest_kept:
            own = "higher" if what.endswith(".json") else "lower"  # fewer chunks are a shorter list
            return DeliveryError(
                f"the broker at {where} does not take {what}, a message of {size} bytes",
                reason=Reason.OVERSIZED,
                remedy="Raise its limit (Mosquitto: message_size_limit, max_packet_size), or publish again with a "
                f"{own} [publishing] chunk_bytes",
            )
        else:
            remedy = "Give it more memory or disk, raise its quota of retained messages, and publish again"
        return BrokerError(f"the broker at {where} does not keep {what}", reason=Reason.REFUSED, remedy=remedy)

    def _kept(self, contents: Sequence[bytes]) -> None:
        self._largest_kept = max((self._largest_kept, *map(len, contents)))


async def differences(channel: Channel, broker: Broker) -> list[str]:
    """What a broker lacks of a channel, by name, without changing anything: metadata files, and chunks in one entry.

    Raises:
        BrokerError: UNREACHABLE: the connection was lost.
    """
    topics, folder = ChannelTopics(channel.name), channel.folder
    outdated = set(folder.state().superseded)
    files = {topics.metadata(file): file for file in folder.files() if file not in outdated}
    found = await broker.read(list(files))
    missing = [file for topic, file in files.items() if found.get(topic) != folder.read(file)]
    wanted = dict.fromkeys(chunks_of(channel.targets().signed)) if folder.versions("targets") else {}
    absent = 0
    for window in _windows(list(wanted)):
        chunks = await broker.read([topics.chunk(name) for name in window])
        absent += sum(address(chunks.get(topics.chunk(name), b"")) != name for name in window)
    return missing + ([f"{absent} of {len(wanted)} chunks"] if absent else [])


def _follows(root: Root, content: bytes) -> bool:
    try:
        check_successor(root, read_root(content, "the broker's root"))
    except DeliveryError:
        return False
    return True


def _windows(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), _WINDOW):
        yield names[start : start + _WINDOW]

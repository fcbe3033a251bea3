"""The device's end of a channel of bundles.

Rules:

- Nothing that the broker says is believed before TUF's client has verified it, and nothing that was not verified is
  written to the trust's folder or handed on.
- What failed leaves the trusted state as it was, byte by byte; roots that were verified on the way are kept, because
  their keys replace older ones.
- A second connection to the broker, so that chunks never hold back a command.
- Files, hashes and signatures are worked on in threads; the loop only waits. What is cancelled waits for its thread, so
  nothing writes that nobody waits for.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from agent.delivery.points import Pass, nowhere
from agent.delivery.receiving.chunks import ChunkFetcher
from agent.delivery.receiving.messages import Cause, Limits, ReceiverStatus, Verified
from agent.delivery.receiving.reports import Reports
from agent.delivery.receiving.retained import Retained
from agent.delivery.receiving.schedule import Schedule
from agent.delivery.receiving.store import ChunkStore
from agent.delivery.receiving.threads import in_thread
from agent.delivery.receiving.trust import ChannelTrust, TimeFloor
from agent.delivery.writing import disk_errors
from agent.integration.link import Link, LinkSettings, Message
from models.errors import DeliveryError, Reason, WireError
from models.wire.messages import BundleStatus
from models.wire.topics import ChannelTopics, bundle_reports_filter

__all__ = ["Receiver"]

_TIMESTAMP = "timestamp.json"
_WAITING = 2  # messages that are read ahead of the one being kept: what a kill may cost is fetched again
_LACKING = frozenset({Reason.MISSING, Reason.TIMED_OUT, Reason.UNREACHABLE})


class Receiver:
    """Follows a channel: verifies what it offers and fetches it. An asynchronous context manager, entered once.

    It connects in the background and never fails because the broker is away.

    Args:
        settings: where the broker is; the client identifier is this connection's own (`attune-{device}-bundles`),
            clean session, no will.
        folder: the device's folder of bundles; `trust/` and `chunks/` in it belong to the receiver.
        channel: name of the channel.
        clock: seconds since the epoch as this device's clock tells them, which may be wrong.
        limits: how much, how fast, how long.
        not_before: seconds since the epoch before which it cannot be: when the program or the bundle that ships was
            made. Together with the newest time at which a check succeeded it is the floor of the clock.
        at: called with the name of each point at which a test may kill the process (`POINTS`).
        uniform: draws the jitter of retries from [0, 1).

    Attributes:
        reports: what the devices say of their bundle (retained `D/bundle`), by device: the latest valid one of each, as
            far as rollouts need it (no reason, no precisions). Of at most `limits.reports` devices. Not signed: who
            owns the broker can write them.
    """

    def __init__(
        self,
        settings: LinkSettings,
        *,
        folder: Path,
        channel: str,
        clock: Callable[[], float],
        limits: Limits | None = None,
        not_before: float = 0.0,
        at: Pass = nowhere,
        uniform: Callable[[], float] = random.random,
    ) -> None:
        self._limits = limits or Limits()
        self._clock = clock
        self._uniform = uniform
        self._folder = folder
        self._topics = ChannelTopics(channel)
        self._trust = ChannelTrust(folder, channel, at)
        self._floor = TimeFloor(folder, not_before, at)
        self._store = ChunkStore(folder / "chunks", at)
        self._reports = Reports(self._limits)
        self.reports: Mapping[str, BundleStatus] = self._reports.known
        self._status = ReceiverStatus()
        self._link = Link(replace(settings, clean_session=True, waiting_messages=_WAITING), uniform=uniform)
        for topic in (self._topics.timestamp, bundle_reports_filter()):
            self._link.subscribe(topic)
        self._retained = Retained(self._link, self._limits)
        self._chunks = ChunkFetcher(self._retained, self._store, self._topics, self._limits, status=self._status, at=at)
        self._timestamp: bytes | None = None
        self._news = asyncio.Event()
        self._checking, self._fetching = asyncio.Lock(), asyncio.Lock()
        self._schedule: Schedule | None = None
        self._consumer: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Start connecting; does not wait for the broker."""
        self._schedule = Schedule(self._limits, asyncio.get_running_loop().time(), self._uniform)
        await self._link.__aenter__()
        self._consumer = asyncio.create_task(self._consume(), name="bundles")
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """Disconnect. Whoever still awaits a check or fetch is told UNREACHABLE; cancel it before."""
        await self._link.__aexit__()
        await self._retained.close()
        if self._consumer is not None:
            self._consumer.cancel()
            await asyncio.gather(self._consumer, return_exceptions=True)
        self._store.close()

    @property
    def status(self) -> ReceiverStatus:
        """A copy of the counters."""
        refused = dict(self._status.refused) | self._reports.refused
        if oversized := self._link.status().refused.get("oversized", 0):
            refused["oversized"] = refused.get("oversized", 0) + oversized
        return replace(
            self._status,
            connected=self._link.status().connected,
            versions=dict(self._status.versions),
            refused=refused,
            reports=len(self.reports),
        )

    async def changed(self) -> Cause:
        """Wait until it is worth calling `check` or looking at `reports` again.

        Returns at the first call as soon as the channel's timestamp has been seen, or when `limits.retry_s` has passed
        without it; later when the timestamp differs from the one of the last check (`metadata`), when a report changed
        in what rollouts look at (`report`: no new check is needed), or when a check is due (`due`: at the latest
        `limits.due_s` after the last one, sooner and with growing distances after failures). While checks fail, a
        changed timestamp waits for that distance too: a stranger who writes nonsense cannot keep the device busy.
        For one waiter.
        """
        loop = asyncio.get_running_loop()
        schedule = self._scheduled()
        await asyncio.sleep(0)  # who asks again without having looked must not stop the loop
        while (cause := schedule.cause(loop.time())) is None:
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(schedule.wait_s(loop.time())):
                    await self._news.wait()
        return cause

    async def check(self) -> Verified:
        """Bring the trusted metadata up to date and read the offer.

        One at a time; waits for the connection (up to `limits.patience_s`). Cancel-safe.

        Raises:
            DeliveryError: the trusted state is as it was, but for roots, and for intermediate metadata as TUF 1.0.34,
                5.4 to 5.6, has them persisted. MISSING: the device is not enrolled, or the broker lacks something that
                the signed metadata names; UNREACHABLE: no connection; TIMED_OUT: nothing came for too long; UNTRUSTED:
                signatures, or another channel's offer; EXPIRED; ROLLED_BACK: older than what was trusted before;
                TAMPERED: not the file that signed metadata names (mix and match); MALFORMED; INCOMPATIBLE: made for a
                newer program; OVERSIZED; DISK_FULL, READ_ONLY or UNREADABLE: the disk.
        """
        brought: dict[str, bytes | None] = {}
        async with self._checking:
            self._status.checks += 1
            try:
                async with asyncio.timeout(self._limits.check_s):
                    verified, now = await self._check(brought)
            except TimeoutError:
                late = self._too_long()
                self._failed(late, brought)
                raise late from None
            except DeliveryError as error:
                self._failed(error, brought)
                raise
            self._scheduled().succeeded(asyncio.get_running_loop().time(), brought.get(_TIMESTAMP))
            self._status.versions = dict(verified.versions)
            self._status.last_success_s = now
            self._status.last_error = self._status.last_code = ""
            return verified

    async def fetch(
        self,
        verified: Verified,
        into: Path,
        *,
        have: Sequence[Path] = (),
        on_progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> None:
        """Bring every file of the offer into a folder: complete, verified, on the disk.

        Files that `into` has already are checked and left; those of the same SHA-256 in one of the folders `have` are
        copied, and chunks that their files contain are taken from there; chunks that came before are in the store. The
        rest comes from the broker, a window at a time, and is kept at once, so whatever ends this, even `kill -9`, the
        next call goes on from there. Files of `into` that the offer does not name are removed. Cancel-safe.

        Args:
            verified: from `check` of this receiver.
            into: made where it is absent; each file appears in it whole.
            have: folders of bundles to take from.
            on_progress: called in the loop's thread with the bytes at hand and those of all files.

        Raises:
            DeliveryError: MISSING: a chunk is not on the broker; TAMPERED: other bytes lie at its address; UNREACHABLE;
                TIMED_OUT; OVERSIZED: larger than `limits.bundle_bytes`; DISK_FULL, READ_ONLY or UNREADABLE.
            ValueError: `verified` comes from no receiver.
        """
        if verified.source is None:
            raise ValueError("what no receiver has verified cannot be fetched")
        async with self._fetching:
            try:
                with disk_errors(into):
                    await self._chunks.fetch(verified, into, have, on_progress)
            except DeliveryError as error:
                self._failed(error)
                raise
            self._status.last_error = self._status.last_code = ""

    async def forget(self, keep: Collection[str] = ()) -> None:
        """Clear all chunks from the store but those with these addresses (`Verified.addresses`).

        Raises:
            DeliveryError: READ_ONLY or UNREADABLE: the disk.
        """
        with disk_errors(self._folder / "chunks"):
            await in_thread(self._store.forget, keep)

    # -- checking --------------------------------------------------------------------------------------------------

    async def _check(self, brought: dict[str, bytes | None]) -> tuple[Verified, float]:
        """Run TUF's client again and again, each time with what it asked for the time before."""
        with disk_errors(self._trust.folder):
            now = await in_thread(self._floor.at_least, self._clock())
            self._status.enrolled = await in_thread(self._trust.root_file.exists)
            if not self._status.enrolled:
                raise self._trust.not_enrolled()
            while isinstance(answer := await in_thread(_refresh, self._trust, brought, now, self._limits), str):
                if answer == _TIMESTAMP:
                    # Subscribed to from the start, so it came before the fence of the first round, or is not there.
                    brought[answer] = self._timestamp
                else:
                    await self._bring_metadata(answer, brought)
            await in_thread(self._floor.raise_to, now)
        return answer, now

    async def _bring_metadata(self, file: str, brought: dict[str, bytes | None]) -> None:
        try:
            topic = self._topics.metadata(file)
        except WireError as error:  # signed, and yet a version that no publisher counts up to
            raise DeliveryError(error.message, reason=error.reason, remedy="Give the channel new keys") from error

        async def accept(_topic: str, payload: bytes) -> bool:
            self._status.metadata_bytes += len(payload)
            if payload:
                brought[file] = payload
            return bool(payload)

        # The client asks for the root after the newest that it trusts, and goes on from one that was brought.
        newest = max(int(name.split(".")[0]) for name in (file, *brought) if name.endswith(".root.json"))
        trusted = newest if brought.get(f"{newest}.root.json") else newest - 1
        fence = self._topics.metadata(f"{trusted}.root.json")
        if await self._retained.bring([topic], accept, fence=fence):
            brought[file] = None

    # -- what comes ------------------------------------------------------------------------------------------------

    async def _consume(self) -> None:
        async for message in self._link.messages():
            await self._take(message)

    async def _take(self, message: Message) -> None:
        schedule = self._scheduled()
        if message.topic == self._topics.timestamp:
            self._timestamp = message.payload or None
            self._status.metadata_bytes += len(message.payload)
            if schedule.timestamp(message.payload):
                self._news.set()
        waited_for = await self._retained.take(message)
        if self._reports.take(message.topic, message.payload):
            schedule.report()
            self._news.set()
        elif not waited_for and self._topics.chunk_address(message.topic):
            self._status.again += 1

    def _failed(self, error: DeliveryError, brought: Mapping[str, bytes | None] | None = None) -> None:
        if brought is not None:
            self._status.failures += 1
        self._status.last_error, self._status.last_code = str(error), error.reason.value
        self._scheduled().failed(
            asyncio.get_running_loop().time(), (brought or {}).get(_TIMESTAMP), lacking=error.reason in _LACKING
        )

    def _scheduled(self) -> Schedule:
        if self._schedule is None:
            raise RuntimeError("the receiver was not entered")
        return self._schedule

    def _too_long(self) -> DeliveryError:
        return DeliveryError(
            f"the metadata of channel {self._topics.channel} did not come within {self._limits.check_s:g} s",
            reason=Reason.TIMED_OUT,
            remedy="It is tried again by itself; see that the line to the broker is good",
        )


def _refresh(trust: ChannelTrust, brought: Mapping[str, bytes | None], now: float, limits: Limits) -> Verified | str:
    """Run TUF's client once; returns the name of the file that it lacks, where it lacks one."""
    from agent.delivery.receiving.client import refresh  # python-tuf: 10 MB, and half a second on a small board
    from agent.delivery.receiving.fetcher import NeedError

    try:
        return refresh(trust, brought, now, limits)
    except NeedError as need:
        return need.file

"""The daemon: builds the stations, starts them in one task group, and stops them in order.

    broker ── link ── intake ──> session ──> queue ──> player
                         │          ^  │                 │
                      commands      └──┴── database <────┘

Rules:

- What the listener did is stored before its effect is published, and acknowledged to the broker only then.
- The event loop waits for no file, no model and no SQLite: inference and ranking run in one thread of their own, the
  database in another, decoding in the player's.
- Whatever is wrong with what comes in is counted in health and answered; it never ends the daemon. What cannot be
  mended at the start (settings, a damaged database, a port in use) ends it at once, with the remedy.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from agent.affect.profile import Profile
from agent.affect.station import AffectStation
from agent.bundles import Bundles, make_delivery
from agent.delivery.installing.memory import trim
from agent.delivery.starting import start
from agent.feedback.sending import Giving
from agent.integration.broker import EmbeddedBroker
from agent.integration.health import HealthBook, Part
from agent.integration.link import Link, LinkSettings
from agent.integration.publisher import Publisher
from agent.library import Library
from agent.pace import Pace
from agent.playback.messages import Event, PlaybackSettings
from agent.playback.player import Player
from agent.running import PROFILE, Running
from agent.sensing.station import Sensing
from agent.session import Session
from agent.settings import AgentSettings
from agent.stations import Stations
from agent.storage.database import Database
from models.errors import AttuneError, Reason, StorageError
from models.wire.topics import DeviceTopics, sense_filter

__all__ = ["run"]

logger = logging.getLogger(__name__)


def run(settings: AgentSettings, *, config: Path | None = None) -> int:
    """Run until SIGINT or SIGTERM.

    Args:
        settings: validated.
        config: file that they came from, for child processes; None for the usual places.

    Returns:
        0 after a signal; 1 when it could not start, which the log explains.
    """
    try:
        asyncio.run(Daemon(settings, config).serve())
    except AttuneError as error:
        logger.error("%s", error)  # noqa: TRY400 - the message and its remedy are what the reader needs
        return 1
    return 0


class Daemon:
    """One agent, from start to stop.

    Args:
        settings: validated.
        config: file that they came from.
    """

    def __init__(self, settings: AgentSettings, config: Path | None) -> None:
        self._settings, self._config = settings, config
        self._topics = DeviceTopics(settings.device.id)
        self._health = HealthBook(started_at=time.time())

    async def serve(self) -> None:
        """Run until SIGINT or SIGTERM.

        Raises:
            AttuneError: it cannot start.
        """
        stop = asyncio.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        async with contextlib.AsyncExitStack() as stack:
            running = await self._build(stack)
            tasks = running.start()
            stopping = asyncio.create_task(stop.wait(), name="stop")
            # A task that ends has failed: none of them does by itself. Better to end and be restarted than to limp.
            done, _ = await asyncio.wait({stopping, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            for task in (stopping, *tasks):
                task.cancel()
            await asyncio.gather(stopping, *tasks, return_exceptions=True)
            await running.finish()
            for task in done - {stopping}:
                task.result()

    async def _build(self, stack: contextlib.AsyncExitStack) -> Running:
        settings, health = self._settings, self._health
        executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="evaluation")
        stack.callback(executor.shutdown)
        stack.enter_context(_only_agent_on(settings.storage.folder))
        database = await stack.enter_async_context(await self._open_database())
        started = await asyncio.to_thread(
            start,
            settings.storage.folder,
            folder=settings.bundle.folder,
            channel=settings.bundle.channel,
            runtime=settings.bundle.runtime,
        )
        slot = started.slot
        if slot.refused:
            logger.warning("%s", slot.refused)
            health.count("bundle", str(slot.refused.reason))
            health.degrade(Part.BUNDLE, str(slot.refused))
        if started.problem:
            logger.warning("%s", started.problem)
            health.degrade(Part.BUNDLE, started.problem)
        library = Library(database, slot.bundle, queue_length=settings.ranking.queue_length)
        repertoire = await library.load()
        await asyncio.to_thread(trim)
        broker = await self._find_broker(stack)
        link = await self._connect(stack, broker)
        events: asyncio.Queue[Event] = asyncio.Queue()
        session = Session(
            sensing=Sensing(settings.listener.id),
            affect=AffectStation(slot.bundle.model("user_emotion"), await self._profile(database), now=time.time()),
            repertoire=repertoire,
            plays=await library.plays(repertoire),
            now=time.time(),
        )
        player = _make_player(settings, session, events)
        stations = Stations(
            session=session,
            database=database,
            publisher=Publisher(
                self._topics,
                link.publish,
                is_embedded=settings.broker.is_embedded,
                publish_affect=settings.privacy.publish_affect,
                publish_streams=settings.privacy.publish_streams,
            ),
            player=player,
            health=health,
            pace=Pace(
                every_s=settings.affect.evaluate_every_s,
                idle_s=settings.affect.step_s,
                now=asyncio.get_running_loop().time(),
            ),
            executor=executor,
        )
        bundles = Bundles(settings, stations, slot=slot, library=library)
        if started.slots is not None:
            bundles.delivery = make_delivery(settings, started.slots, bundles, broker)
        giving = Giving(
            settings.storage.folder / "feedback",
            database,
            send=partial(_hand_over, link, self._topics.feedback),
            bundle=lambda: bundles.version,
            clock=time.time,
        )
        return Running(
            settings, stations, config=self._config, link=link, bundles=bundles, giving=giving, events=events
        )

    async def _open_database(self) -> Database:
        folder, days = self._settings.storage.folder, self._settings.storage.retain_samples_days
        try:
            return await Database.open(folder, retain_samples_days=days)
        except StorageError as error:
            if error.reason not in {Reason.READ_ONLY, Reason.DISK_FULL}:
                raise
            database = await Database.open(folder, read_only=True)
            logger.warning("%s. Playing on from what is there", error)
            self._health.count("storage", str(error.reason))
            self._health.degrade(Part.STORAGE, str(error))
            return database

    async def _find_broker(self, stack: contextlib.AsyncExitStack) -> LinkSettings:
        """How to reach the broker of the settings, or one of our own."""
        broker = self._settings.broker
        host, port, kind, persistent = broker.address, broker.port, "external", True
        if broker.is_embedded:
            embedded = await stack.enter_async_context(
                EmbeddedBroker(broker.port, self._settings.storage.folder / "broker")
            )
            host, port, kind, persistent = embedded.host, embedded.port, embedded.kind, embedded.persistent
        self._health.broker = f"{kind} {host}:{port}"
        return LinkSettings(
            host=host,
            port=port,
            client_id=f"attune-{self._settings.device.id}",
            clean_session=not persistent,
            username=broker.username or "",
            password_file=broker.password_file,
            ca_file=broker.ca_file,
            cert_file=broker.cert_file,
            key_file=broker.key_file,
        )

    async def _connect(self, stack: contextlib.AsyncExitStack, broker: LinkSettings) -> Link:
        link = Link(broker, availability=self._topics.availability)
        link.subscribe(sense_filter(self._settings.listener.id), qos=1)
        link.subscribe(self._topics.command_filter, qos=1)
        return await stack.enter_async_context(link)

    async def _profile(self, database: Database) -> Profile | None:
        stored = await database.load_profile(PROFILE)
        if stored is None:
            return None
        try:
            return Profile.from_dict(stored)
        except StorageError as error:
            logger.warning("%s", error)
            self._health.count("storage", str(error.reason))
            return None


async def _hand_over(link: Link, topic: str, payload: bytes) -> None:
    """Publish an event and wait until the broker has it."""
    link.publish(topic, payload, qos=1)
    await link.drain()


def _make_player(settings: AgentSettings, session: Session, events: asyncio.Queue[Event]) -> Player:
    loop, playback = asyncio.get_running_loop(), settings.playback

    def on_event(event: Event) -> None:
        # The loop is gone only after the player was closed and its last events were handled.
        loop.call_soon_threadsafe(events.put_nowait, event)

    return Player(
        PlaybackSettings(
            output=playback.output,
            file=playback.file,
            device=playback.device,
            volume_percent=playback.volume_percent,
        ),
        next_track=session.take_next,
        on_event=on_event,
    )


@contextlib.contextmanager
def _only_agent_on(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the system gives it back however this process ends.

    Raises:
        StorageError: another agent holds it: two would play at once and overwrite each other's profile.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "agent.lock", os.O_CREAT | os.O_RDONLY, 0o600)
    except OSError:
        # A disk that cannot be written to: the database tells what there is to tell.
        yield
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise StorageError(
            f"another agent runs on {folder}",
            reason=Reason.REFUSED,
            remedy="Stop it, or give this one a [storage] folder of its own",
        ) from error
    finally:
        os.close(descriptor)

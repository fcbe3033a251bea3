"""The bundle in use, and how the running agent goes over to another one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from agent.delivery.delivery import Delivery, DeliverySettings
from agent.delivery.installing.examination.examining import CatalogueSample
from agent.delivery.installing.memory import trim
from agent.delivery.installing.probation import ProbationLimits, Rates
from agent.delivery.installing.slots.slots import Slots
from agent.delivery.installing.swapping import Prepared, prepare
from agent.delivery.receiving.trust import ChannelTrust
from agent.delivery.slot import Slot
from agent.delivery.starting import FOLDER
from agent.integration.health import Part
from agent.integration.link import LinkSettings
from agent.library import Library
from agent.settings import AgentSettings
from agent.stations import Stations
from models.bundle.reader import default_bundle, read_manifest
from models.errors import DeliveryError, StorageError
from models.wire.messages import BundleStatus

if TYPE_CHECKING:
    from agent.delivery.receiving.receiver import Receiver

__all__ = ["Bundles", "make_delivery"]

logger = logging.getLogger(__name__)

_PLAYS_BEFORE: Final = 60
"""Plays that say how often this listener skips: enough to compare with, few enough to be of the same music and mood."""


class Bundles:
    """What the delivery needs of the agent around it.

    Args:
        settings: of the agent.
        stations: built.
        slot: the bundle in use.
        library: loads the catalogue for it.

    Attributes:
        slot, library: of the bundle in use now.
        delivery: what brings others; None where the settings name one.
        new_space: set when another embedding space is in use: tracks that are new since have no vector in it yet.
    """

    def __init__(
        self,
        settings: AgentSettings,
        stations: Stations,
        *,
        slot: Slot,
        library: Library,
    ) -> None:
        self._settings, self._stations = settings, stations
        self.new_space = asyncio.Event()
        self.slot, self.library = slot, library
        self.delivery: Delivery | None = None
        self._faults = 0

    async def reload(self) -> None:
        """Take in what a scan has found.

        Raises:
            AttuneError: the database or a table of the bundle cannot be read.
        """
        library = self.library
        repertoire = await library.load()
        plays = await library.plays(repertoire)

        def replace_catalogue() -> bool:
            # Another bundle may have taken over in the meantime; its catalogue is of another space.
            if self.library is not library:
                return False
            self._stations.session.replace(repertoire, plays, now=time.time())
            return True

        if not await self._stations.compute(replace_catalogue):
            await self.reload()

    @property
    def version(self) -> str:
        """Of the bundle in use."""
        return self.slot.bundle.manifest.version

    @property
    def embedding_space(self) -> str:
        """Of the bundle in use."""
        return self.slot.bundle.manifest.embedding_space

    def status(self) -> BundleStatus:
        """The message on `D/bundle`."""
        base = self.slot.status(time.time())
        return self.delivery.status(base) if self.delivery is not None else base

    def evaluated(self, now: float, latency_ms: float, *, failed: bool = False) -> None:
        """An evaluation was made, or failed; `now` is of a clock that never goes back."""
        faults = self._stations.session.affect.faults
        if self.delivery is not None:
            self.delivery.evaluated(now, latency_ms, faults=faults - self._faults + failed)
        self._faults = faults

    def played(self, outcome: Literal["completed", "skipped"]) -> None:
        """A track was skipped or heard through."""
        if self.delivery is not None:
            self.delivery.played(skipped=outcome == "skipped")

    async def confirmed(self) -> None:
        """A bundle is good: vectors that only older ones needed go."""
        if self.delivery is None:
            return
        with contextlib.suppress(StorageError):
            await self._stations.store(self._stations.database.forget_spaces(await self.delivery.embedding_spaces()))

    async def rest(self) -> None:
        """The agent ends in order: that was no crash."""
        if self.delivery is not None:
            await self.delivery.rest()

    def told(self) -> None:
        """Publish the status."""
        self._stations.publisher.bundle(self.status())

    def trouble(self, error: DeliveryError | None) -> None:
        """Tell in health whether the channel can be followed."""
        health = self._stations.health
        if error is None:
            health.recover(Part.BUNDLE)
        else:
            health.count("bundle", str(error.reason))
            health.degrade(Part.BUNDLE, str(error))

    async def sample(self) -> CatalogueSample:
        """Tracks of the listener's catalogue, for the examination."""
        table = await self._stations.database.load_tracks(embedding_space=self.embedding_space)
        return await asyncio.to_thread(CatalogueSample.of, table)

    async def prepare(self, folder: Path) -> Prepared:
        """Load a bundle beside the one that runs; see `agent.delivery.installing.swapping.prepare`."""
        return await prepare(
            folder,
            self._stations.database,
            channel=self._settings.bundle.channel,
            queue_length=self._settings.ranking.queue_length,
            runtime=self._settings.bundle.runtime,
        )

    async def take_over(self, prepared: Prepared) -> None:
        """Put the session on a prepared bundle, between two evaluations."""
        stations, before = self._stations, self.embedding_space

        def switch() -> None:
            # Together, so that nobody sees the session of one bundle beside the library of the other.
            prepared.take_over(stations.session, now=time.time())
            self.slot, self.library = prepared.slot, prepared.library

        began = time.perf_counter()
        await stations.compute(switch)
        paused_ms = (time.perf_counter() - began) * 1e3
        await asyncio.to_thread(trim)
        logger.info("bundle %s took over; ranking paused for %.1f ms", self.version, paused_ms)
        stations.health.count("bundle", "swaps")
        stations.ask("bundle")
        if self.embedding_space != before:
            self.new_space.set()

    async def rates(self) -> Rates:
        """How it went with the bundle that runs."""
        stations = self._stations
        played = [
            play.outcome
            for play in await stations.database.plays(_PLAYS_BEFORE)
            if play.outcome in {"completed", "skipped"}
        ]
        return Rates(
            evaluations=stations.health.evaluations,
            faults=stations.session.affect.faults,
            latency_ms=stations.health.latency_ms(0.5),
            plays=len(played),
            skips=played.count("skipped"),
        )


def make_delivery(settings: AgentSettings, slots: Slots, bundles: Bundles, broker: LinkSettings) -> Delivery:
    """Make what brings bundles to this player.

    Args:
        settings: of the agent.
        slots: booted.
        bundles: the agent around it.
        broker: how it is reached.
    """
    folder, channel = settings.storage.folder / FOLDER, settings.bundle.channel

    def follow() -> AbstractAsyncContextManager[Receiver] | None:
        if not ChannelTrust(folder, channel).root_file.exists():
            return None
        # The client of the signed metadata costs ten megabytes: paid by players that are enrolled.
        from agent.delivery.receiving.receiver import Receiver

        made = datetime.fromisoformat(read_manifest(default_bundle()).created).replace(tzinfo=UTC)
        return Receiver(
            replace(broker, client_id=f"{broker.client_id}-bundles", clean_session=True),
            folder=folder,
            channel=channel,
            clock=time.time,
            not_before=made.timestamp(),
        )

    return Delivery(
        DeliverySettings(
            device=settings.device.id,
            group=settings.bundle.group,
            storage=settings.storage.folder,
            runtime=settings.bundle.runtime,
            probation=_limits(settings.bundle.probation_minutes * 60.0),
        ),
        slots,
        follow=follow,
        host=bundles,
    )


def _limits(least_s: float) -> ProbationLimits:
    """A player at rest evaluates every five seconds, and a track lasts four minutes: so much must at least be seen."""
    return ProbationLimits(
        least_s=least_s, evaluations=int(least_s / 6.0), plays=int(least_s / 300.0), most_s=6.0 * least_s
    )

"""The bundle in use, and how the running agent goes over to another one."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.delivery.installing.probation import Rates
from agent.delivery.slot import Slot
from agent.integration.health import Part
from agent.library import Library
from agent.settings import AgentSettings
from agent.stations import Stations
from models.errors import DeliveryError
from models.wire.messages import BundleStatus

if TYPE_CHECKING:
    from agent.delivery.delivery import Delivery
    from agent.delivery.installing.examining import CatalogueSample
    from agent.delivery.installing.swapping import Prepared

__all__ = ["Bundles"]

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
        swapped: called when another embedding space is in use: tracks that are new since have no vector in it yet.

    Attributes:
        slot, library: of the bundle in use now.
    """

    def __init__(
        self,
        settings: AgentSettings,
        stations: Stations,
        *,
        slot: Slot,
        library: Library,
        swapped: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings, self._stations, self._swapped = settings, stations, swapped
        self.slot, self.library = slot, library
        self.delivery: Delivery | None = None

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
        from agent.delivery.installing.examining import CatalogueSample

        table = await self._stations.database.load_tracks(embedding_space=self.embedding_space)
        return await asyncio.to_thread(CatalogueSample.of, table)

    async def prepare(self, folder: Path) -> Prepared:
        """Load a bundle beside the one that runs; see `agent.delivery.installing.swapping.prepare`."""
        from agent.delivery.installing.swapping import prepare

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
        began = time.perf_counter()
        await stations.compute(prepared.take_over, stations.session, now=time.time())
        paused_ms = (time.perf_counter() - began) * 1e3
        self.slot, self.library = prepared.slot, prepared.library
        logger.info("bundle %s took over; ranking paused for %.1f ms", self.version, paused_ms)
        stations.health.count("bundle", "swaps")
        stations.ask("bundle")
        if self.embedding_space != before:
            self._swapped()

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

"""The tasks of a running agent: taking in, evaluating, following the player, telling, keeping."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from agent.bundles import Bundles
from agent.evaluations import Evaluations
from agent.feedback.sending import Giving
from agent.integration.health import Part
from agent.integration.link import Link, Message
from agent.listening import Listening
from agent.orders import Orders
from agent.playback.messages import Event
from agent.rescan import Rescan
from agent.sensing.gateway.inside import inside_gateway
from agent.sensing.station import Intake
from agent.settings import AgentSettings
from agent.stations import Stations
from agent.storage.records import AffectRow, Sample
from models.errors import AttuneError, StorageError
from models.wire.messages import Affect
from models.wire.quantities import QUANTITIES
from models.wire.topics import DeviceTopics

if TYPE_CHECKING:
    from agent.sensing.gateway.gateway import Gateway

__all__ = ["PROFILE", "Running"]

logger = logging.getLogger(__name__)

PROFILE: Final = "listener"
"""Key of the listener's profile in the database."""
_LOOK_EVERY_S: Final = 1.0
_TELL_NOW_S: Final = 5.0
"""How often the position is told while a track plays; in between a reader counts on."""
_KEEP_EVERY_S: Final = 30.0
"""How often the affect history and the profile are written: rarely enough for an SD card."""


class Running:
    """A built agent.

    Args:
        settings: of the agent.
        stations: built, the player not yet started.
        config: file that the settings came from, for child processes; None for the usual places.
        link: entered.
        bundles: the bundle in use, and how others come.
        giving: feedback for training, with consent.
        events: what the player tells.
    """

    def __init__(
        self,
        settings: AgentSettings,
        stations: Stations,
        *,
        config: Path | None,
        link: Link,
        bundles: Bundles,
        giving: Giving,
        events: asyncio.Queue[Event],
    ) -> None:
        self._settings, self._stations, self._link = settings, stations, link
        self._bundles, self._giving = bundles, giving
        self._evaluations = Evaluations(stations, bundles)
        self._topics = DeviceTopics(settings.device.id)
        self._orders = Orders(stations)
        self._listening = Listening(stations, events, played=bundles.played)
        self._rescan = Rescan(config)
        self._gateway = inside_gateway(settings, take=self._take_pack, publish=link.publish)

    def start(self) -> list[asyncio.Task[None]]:
        """Start everything; the tasks run until they are cancelled."""
        stations = self._stations
        self._bundles.told()
        stations.player.start()
        if self._settings.playback.autoplay:
            stations.player.play()
        self._listening.publish()
        stations.ask("start")
        tasks = {
            "intake": self._take_in(),
            "evaluation": self._evaluations.run(),
            "listening": self._listening.run(),
            "telling": self._tell(),
            "keeping": self._keep(),
            "rescan": self._rescan_library(),
            "pruning": self._prune(),
            "giving": self._giving.run(),
        }
        if self._bundles.delivery is not None:
            tasks["delivery"] = self._bundles.delivery.run()
        if self._gateway is not None:
            tasks["gateway"] = self._gateway.run()
        return [asyncio.create_task(task, name=name) for name, task in tasks.items()]

    async def finish(self) -> None:
        """Stop the player, store what it told last, publish that nothing plays."""
        await asyncio.to_thread(self._stations.player.close)
        await self._listening.drain()
        self._listening.publish()
        self._gather()
        self._publish_health(time.time())
        await self._bundles.rest()
        with contextlib.suppress(StorageError):
            await self._keep_once()

    async def _take_in(self) -> None:
        async for message in self._link.messages():
            verb = self._topics.verb(message.topic)
            if verb is not None:
                await self._orders.take(verb, message.payload, retained=message.retain)
            else:
                await self._sense(message)

    async def _sense(self, message: Message) -> None:
        stations = self._stations
        if message.retain:
            # A pack from the broker's store is of an unknown moment; SenML's relative times would make it look new.
            stations.health.count("sensing", "retained")
            return
        if self._gateway is not None and self._gateway.owns(message.topic):
            return  # it was taken when it was read
        await self._take_pack(message.topic, message.payload)

    async def _take_pack(self, topic: str, payload: bytes) -> None:
        stations = self._stations
        intake = stations.session.accept(topic, payload, now=time.time())
        if intake.moved:
            stations.ask("sample")
        if stations.database.retain_samples_days and intake.pack is not None:
            with contextlib.suppress(StorageError):
                await stations.store(stations.database.record_samples(_samples(intake), now=time.time()))

    async def _tell(self) -> None:
        told_at = 0.0
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            now, stations = time.time(), self._stations
            self._gather()
            status = stations.player.status()
            if status.status == "playing" and now - told_at >= _TELL_NOW_S:
                self._listening.publish()
                told_at = now
            if stations.health.is_due(now):
                self._publish_health(now)

    def _publish_health(self, now: float) -> None:
        stations = self._stations
        status = stations.player.status()
        playback = {
            "frames": status.frames_played,
            "seconds": round(status.frames_played / status.sample_rate, 3),
            "underruns": status.underruns,
        }
        streams = stations.session.sensing.streams(now)
        tracks = len(stations.session.repertoire.catalogue)
        stations.publisher.health(stations.health.message(now, streams=streams, playback=playback, tracks=tracks))

    def _gather(self) -> None:
        """Take over what the stations counted themselves."""
        stations = self._stations
        link = self._link.status()
        stations.health.totals("sensing", stations.session.sensing.counters)
        stations.health.totals("affect", {"faults": stations.session.affect.faults})
        if self._gateway is not None:
            self._gather_gateway(self._gateway)
        counts = {f"{kind}_refused": number for kind, number in link.refused.items()}
        counts |= {f"{kind}_dropped": number for kind, number in link.dropped.items()}
        stations.health.totals(
            "broker",
            {
                "connections": link.connections,
                "received": link.received,
                "published": link.published,
                "held_back": link.held_back,
                **counts,
            },
        )
        if link.connected:
            stations.health.recover(Part.BROKER)
        else:
            stations.health.degrade(Part.BROKER, link.last_error or "not connected yet")

    def _gather_gateway(self, gateway: Gateway) -> None:
        status, health = gateway.status(), self._stations.health
        health.totals("gateway", status.counters)
        if status.problem:
            health.degrade(Part.SENSING, status.problem)
        else:
            health.recover(Part.SENSING)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_KEEP_EVERY_S)
            with contextlib.suppress(StorageError):
                await self._keep_once()

    async def _prune(self) -> None:
        """Delete what is older than it is to be kept; a damaged database is told, and the music goes on."""
        with contextlib.suppress(StorageError):
            await self._stations.store(self._stations.database.keep_pruned(clock=time.time))
        await asyncio.Event().wait()

    async def _keep_once(self) -> None:
        stations, state = self._stations, self._evaluations.affect
        if state is not None:
            await stations.store(stations.database.record_affect(_affect_row(state)))
        profile = await stations.compute(stations.session.affect.profile.to_dict)
        await stations.store(stations.database.save_profile(PROFILE, profile, now=time.time()))

    async def _rescan_library(self) -> None:
        """Look for new music in a process of its own, at the start and whenever another embedding space is in use."""
        while True:
            self._bundles.new_space.clear()
            await self._rescan_once()
            await self._bundles.new_space.wait()

    async def _rescan_once(self) -> None:
        stations = self._stations
        async for _ in self._rescan.found():
            try:
                await self._bundles.reload()
            except AttuneError as error:
                logger.warning("%s", error)
                stations.health.count("catalogue", str(error.reason))
                continue
            stations.ask("start")
        stations.health.totals("catalogue", {"lyrics_refused": len(self._rescan.lyrics)})
        if self._rescan.problem:
            logger.warning("%s", self._rescan.problem)
            stations.health.degrade(Part.CATALOGUE, self._rescan.problem)


def _affect_row(state: Affect) -> AffectRow:
    return AffectRow(
        t=state.t,
        valence=state.valence,
        arousal=state.arousal,
        sd_valence=state.sd[0],
        sd_arousal=state.sd[1],
        rho=state.rho,
        quality=state.quality,
        calibrated=state.calibrated,
        model=state.model,
    )


def _samples(intake: Intake) -> list[Sample]:
    pack = intake.pack
    if pack is None:
        return []
    channels = QUANTITIES[pack.quantity].channels or ("",)
    rows = np.reshape(pack.values, (len(pack.times), -1)).tolist()
    return [
        Sample(t=time_, wearable=intake.wearable, quantity=pack.quantity, channel=channel, value=value)
        for time_, row in zip(pack.times.tolist(), rows, strict=True)
        for channel, value in zip(channels, row, strict=True)
    ]

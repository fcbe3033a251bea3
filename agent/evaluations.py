"""Feature → state → ranking → publish, whenever `Pace` says so.

A model that fails in the middle costs one evaluation: the music plays on in the order of the last queue, health tells,
and the probation of a new bundle counts it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time

import msgspec

from agent.bundles import Bundles
from agent.integration.health import Part
from agent.pace import Due
from agent.stations import Stations
from models.errors import BundleError
from models.wire.messages import Affect

__all__ = ["Evaluations"]

logger = logging.getLogger(__name__)


class Evaluations:
    """Evaluates for one agent.

    Args:
        stations: of the agent.
        bundles: the bundle in use.

    Attributes:
        affect: the newest state as it was published; None before the first.
    """

    def __init__(self, stations: Stations, bundles: Bundles) -> None:
        self._stations, self._bundles = stations, bundles
        self.affect: Affect | None = None

    async def run(self) -> None:
        """Evaluate until cancelled."""
        stations, loop = self._stations, asyncio.get_running_loop()
        while True:
            due = stations.pace.take(loop.time())
            if due is not None:
                await self.once(due)
                continue
            stations.wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(stations.pace.wait_s(loop.time())):
                    await stations.wake.wait()

    async def once(self, due: Due) -> None:
        """Make one evaluation and publish it."""
        stations, loop = self._stations, asyncio.get_running_loop()
        now = time.time()
        seen = stations.session.observe(now=now)
        since = now - (loop.time() - due.since)
        try:
            result = await stations.compute(stations.session.evaluate, seen, due.kind, since=since)
        except (BundleError, RuntimeError, ValueError) as error:
            # RuntimeError, ValueError: the TFLite runtime's own.
            self._failed(error, loop.time(), (loop.time() - due.since) * 1e3)
            return
        stations.health.recover(Part.RANKING)
        latency_ms = (loop.time() - due.since) * 1e3
        self.affect = result.affect
        stations.publisher.affect(result.affect)
        if result.queue is not None:
            cause = msgspec.structs.replace(result.queue.cause, latency_ms=round(latency_ms, 3))
            stations.publisher.queue(msgspec.structs.replace(result.queue, cause=cause))
        stations.health.evaluated(latency_ms)
        self._bundles.evaluated(loop.time(), latency_ms)

    def _failed(self, error: Exception, now: float, latency_ms: float) -> None:
        health, version = self._stations.health, self._bundles.version
        logger.warning("a model of bundle %s failed in an evaluation: %s", version, error)
        health.count("ranking", "faults")
        health.degrade(Part.RANKING, f"a model of bundle {version} fails: {error}. Publish another bundle")
        self._bundles.evaluated(now, latency_ms, failed=True)

"""The gateway: one adapter, one scan, one keeper for each paired wearable, and where their readings go.

    scan ──> keeper ──> session ──> profile ──> sink
               │           (one connection)
            pairings

Rules:

- It runs until it is cancelled. What can be mended by waiting (an adapter that is switched off, restarted or pulled
  out) is waited for; what cannot (an adapter that does not exist in this installation) is raised.
- The file of pairings is looked at every few seconds: who is paired or forgotten elsewhere is served or left alone.
- Packs are numbered for each wearable and quantity as long as the gateway lives, across connections, so that sensing
  sees what was lost.
- Nothing is stored here, and nothing waits: the sink takes a pack at once or keeps it itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Final

import msgspec
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from agent.sensing.gateway.adapters import Adapter
from agent.sensing.gateway.keeper import Keeper, WearableStatus
from agent.sensing.gateway.pairings import Pairing, Pairings
from agent.sensing.gateway.profiles import Readings
from agent.sensing.gateway.radio import LOST, Release, release_stale, told
from agent.sensing.gateway.scan import Scan
from models.errors import AttuneError, Reason, SettingsError, StorageError
from models.wire import senml, topics
from models.wire.quantities import QUANTITIES

__all__ = ["Gateway", "GatewayStatus", "Sink"]

logger = logging.getLogger(__name__)

Sink = Callable[[str, bytes, int], Awaitable[None]]
"""Takes a SenML pack: its sense topic, the payload, the quality of service. Never raises."""
_LOOK_EVERY_S: Final = 2.0
_REOPEN_FIRST_S: Final = 1.0
_REOPEN_LIMIT_S: Final = 15.0
_OPENED_WELL_S: Final = 60.0


class GatewayStatus(msgspec.Struct, frozen=True):
    """How the gateway is.

    Attributes:
        problem: why it cannot work at the moment, a clause for people; empty while all is well.
        wearables: the paired ones, in the order of pairing.
        counters: all that happened, by name; see docs/gateway.md.
    """

    problem: str
    wearables: tuple[WearableStatus, ...]
    counters: dict[str, int]


class Gateway:
    """Reads paired wearables.

    Args:
        open_adapter: opens the adapter, again whenever it was lost.
        pairings: who belongs to whom.
        sink: takes what they say.
        now: seconds since the epoch.
        waveforms: whether to ask for raw waveforms.
        listener: serve the wearables of this listener alone; None for everybody's.
        release: ends a connection that a killed process left behind.

    Attributes:
        counters: all that happened, by name.
    """

    def __init__(
        self,
        open_adapter: Callable[[], AbstractAsyncContextManager[Adapter]],
        pairings: Pairings,
        sink: Sink,
        *,
        now: Callable[[], float],
        waveforms: bool = True,
        listener: str | None = None,
        release: Release = release_stale,
    ) -> None:
        self.counters: Counter[str] = Counter()
        self._open_adapter = open_adapter
        self._pairings = pairings
        self._sink = sink
        self._now = now
        self._waveforms = waveforms
        self._listener = listener
        self._release = release
        self._keepers: dict[str, tuple[Keeper, asyncio.Task[None]]] = {}
        self._numbers: Counter[tuple[str, str, str]] = Counter()
        self._connecting = asyncio.Lock()
        self._scan: Scan | None = None
        self._problem = ""
        self._pairings_problem = ""

    def status(self) -> GatewayStatus:
        """How it is now."""
        scanning = self._scan.problem if self._scan is not None else ""
        return GatewayStatus(
            problem=self._problem or scanning or self._pairings_problem,
            wearables=tuple(keeper.status() for keeper, _ in self._keepers.values()),
            counters=dict(sorted(self.counters.items())),
        )

    def owns(self, topic: str) -> bool:
        """Whether a sense topic is one that this gateway publishes to."""
        return any(
            topic.startswith(topics.sense(keeper.pairing.listener, keeper.pairing.name, "x")[:-1])
            for keeper, _ in self._keepers.values()
        )

    async def run(self) -> None:
        """Serve; until it is cancelled.

        Raises:
            SettingsError: there is no such adapter.
            AttuneError: MISSING, where a library that the adapter needs is not installed.
        """
        attempt = 0
        loop = asyncio.get_running_loop()
        while True:
            opened_at = loop.time()
            try:
                async with self._open_adapter() as adapter:
                    self.counters["adapter.opened"] += 1
                    self._tell("")
                    await self._serve(adapter)
            except SettingsError:
                raise
            except AttuneError as error:
                if error.reason is Reason.MISSING:
                    raise
                self._tell(str(error))
            except LOST as error:
                self._tell(told(error))
            self.counters["adapter.lost"] += 1
            attempt = 0 if loop.time() - opened_at >= _OPENED_WELL_S else attempt + 1
            await asyncio.sleep(min(_REOPEN_LIMIT_S, _REOPEN_FIRST_S * 2.0 ** min(attempt, 8)))

    def _tell(self, problem: str) -> None:
        if problem and problem != self._problem:
            logger.warning("Bluetooth: %s", problem)
        self._problem = problem

    async def _serve(self, adapter: Adapter) -> None:
        """Serve on an open adapter; raises one of LOST when it is beyond help."""
        scan = self._scan = Scan(adapter, self._hear, self.counters)
        scanning = asyncio.create_task(scan.run(), name="scan")
        watching = asyncio.create_task(self._follow_pairings(adapter), name="pairings")
        try:
            # Neither ends but by an error.
            done, _ = await asyncio.wait({scanning, watching}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._scan = None
            scanning.cancel()
            watching.cancel()
            await asyncio.gather(scanning, watching, return_exceptions=True)
            await self._dismiss(tuple(self._keepers))

    def _hear(self, device: BLEDevice, advertisement: AdvertisementData) -> None:
        if (kept := self._keepers.get(device.address.upper())) is not None:
            kept[0].hear(device, advertisement)

    # -- who is served -------------------------------------------------------------------------------------------------

    async def _follow_pairings(self, adapter: Adapter) -> None:
        version: int | None = None
        while True:
            found = await asyncio.to_thread(self._pairings.version)
            if found != version:
                version = found
                await self._apply(adapter, await self._paired())
            for _, task in self._keepers.values():
                if task.done():  # it never ends but by an error
                    task.result()
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _paired(self) -> tuple[Pairing, ...] | None:
        """The pairings to serve, or None where they cannot be read: then those from before stand."""
        try:
            pairings = await asyncio.to_thread(self._pairings.load)
        except StorageError as error:
            self.counters["pairings.unreadable"] += 1
            logger.warning("%s", error)
            self._pairings_problem = str(error)
            return None
        self._pairings_problem = ""
        return tuple(each for each in pairings if self._listener in {None, each.listener})

    async def _apply(self, adapter: Adapter, pairings: Iterable[Pairing] | None) -> None:
        if pairings is None:
            return
        wanted = {each.address: each for each in pairings}
        gone = [address for address, (keeper, _) in self._keepers.items() if wanted.get(address) != keeper.pairing]
        await self._dismiss(gone)
        for address, pairing in wanted.items():
            if address not in self._keepers:
                keeper = self._keeper(pairing, adapter)
                self._keepers[address] = keeper, asyncio.create_task(keeper.run(), name=f"wearable {pairing.name}")
        self._want_scan()

    async def _dismiss(self, addresses: Iterable[str]) -> None:
        tasks = [self._keepers.pop(address)[1] for address in addresses]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _keeper(self, pairing: Pairing, adapter: Adapter) -> Keeper:
        return Keeper(
            pairing,
            adapter=adapter,
            connecting=self._connecting,
            deliver=partial(self._deliver, pairing),
            counters=self.counters,
            now=self._now,
            waveforms=self._waveforms,
            release=self._release,
            on_change=self._want_scan,
        )

    def _want_scan(self) -> None:
        if self._scan is not None:
            self._scan.want(any(keeper.state != "connected" for keeper, _ in self._keepers.values()))

    # -- where it goes -------------------------------------------------------------------------------------------------

    async def _deliver(self, pairing: Pairing, readings: Readings) -> None:
        key = (pairing.listener, pairing.name, readings.quantity)
        payload = senml.encode(readings.quantity, readings.times, readings.values, sequence=self._numbers[key])
        self._numbers[key] += 1
        self.counters["packs"] += 1
        await self._sink(
            topics.sense(pairing.listener, pairing.name, readings.quantity), payload, QUANTITIES[readings.quantity].qos
        )

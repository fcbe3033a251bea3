"""A gateway on a fake adapter, on a clock that runs only while everybody waits."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from fake_air import Air, FakeWearable

from agent.sensing.gateway.gateway import Gateway
from agent.sensing.gateway.pairings import Pairing, Pairings
from agent.sensing.gateway.profiles import Battery, HeartRate

EPOCH = 1_800_000_000.0
STRAP, BAND = "F0:F1:F2:F3:F4:01", "F0:F1:F2:F3:F4:02"


def strap(address: str = STRAP, name: str = "HR Strap") -> FakeWearable:
    return FakeWearable(address, name, {kind.service: kind.notifies for kind in (HeartRate, Battery)})


class Bench:
    """A running gateway, its air, and what it delivered."""

    def __init__(self, air: Air, folder: Path) -> None:
        self.air = air
        self.pairings = Pairings(folder)
        self.packs: list[tuple[float, str, bytes]] = []
        self.gateway = self._make()
        self.beat = b""

    def _make(self) -> Gateway:
        async def sink(topic: str, payload: bytes, _qos: int) -> None:
            self.packs.append((self.now(), topic, payload))

        return Gateway(self.air.open, self.pairings, sink, now=self.now, release=self.air.release)

    @staticmethod
    def now() -> float:
        return EPOCH + asyncio.get_running_loop().time()

    def pair(self, address: str = STRAP, name: str = "strap", listener: str = "me") -> None:
        self.pairings.pair(Pairing(address, name, listener))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Gateway]:
        """The gateway, and wearables that beat once a second while somebody listens."""
        tasks = [asyncio.create_task(self.gateway.run())]
        tasks += [asyncio.create_task(self._beat(each)) for each in self.air.wearables.values()]
        try:
            yield self.gateway
            assert not tasks[0].done(), tasks[0]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _beat(self, wearable: FakeWearable) -> None:
        beat = 0
        while True:
            beat += 1
            usual = bytes((0x10, 70 + beat % 3)) + (850 + beat % 7).to_bytes(2, "little")
            wearable.notify(HeartRate.notifies[0], self.beat or usual)
            await asyncio.sleep(1.0)

    async def until(self, happened: Callable[[], object], *, within_s: float) -> float:
        """Wait for something; returns how long it took."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not happened():
            assert loop.time() - began < within_s, self.gateway.status()
            await asyncio.sleep(0.05)
        return loop.time() - began

    def came(self, name: str = "strap", quantity: str = "hr") -> int:
        return sum(topic.endswith(f"/{name}/{quantity}") for _, topic, _ in self.packs)

    async def streams(self, name: str = "strap", *, within_s: float = 10.0) -> float:
        """Wait until this wearable is heard (again)."""
        before = self.came(name)
        return await self.until(lambda: self.came(name) > before, within_s=within_s)

    def state(self, name: str = "strap") -> str:
        return next((str(each.state) for each in self.gateway.status().wearables if each.name == name), "unknown")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """One paired strap."""
    made = Bench(Air(strap()), tmp_path)
    made.pair()
    return made


@pytest.fixture
def pair_of_wearables(tmp_path: Path) -> Bench:
    """A strap and a band, both paired."""
    made = Bench(Air(strap(), strap(BAND, "Band")), tmp_path)
    made.pair()
    made.pair(BAND, "band")
    return made

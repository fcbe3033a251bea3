"""An evaluation is published, or it is counted as failed and the player goes on."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from agent.evaluations import Evaluations
from agent.integration.health import HealthBook
from agent.pace import Due, Pace
from agent.session import Evaluation
from agent.stations import Stations
from models.errors import BundleError, Reason
from models.wire.messages import Affect

STATE = Affect(
    t=0.0, valence=0.1, arousal=0.2, sd=(0.3, 0.3), rho=0.0, quality=1.0, calibrated=True, model="1", sources={}
)


class Session:
    """Evaluates as it is told."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    def observe(self, *, now: float) -> None:
        del now

    def evaluate(self, *_seen: Any, **_known: Any) -> Evaluation:
        if self.error is not None:
            raise self.error
        return Evaluation(STATE, None)


class Bundles:
    version = "2026.11.3"

    def __init__(self) -> None:
        self.seen: list[bool] = []

    def evaluated(self, _now: float, _latency_ms: float, *, failed: bool = False) -> None:
        self.seen.append(failed)


class World:
    def __init__(self) -> None:
        self.session, self.bundles, self.published = Session(), Bundles(), []
        self.health = HealthBook(started_at=0.0)
        stations: Any = Stations(
            session=self.session,  # type: ignore[arg-type]
            database=SimpleNamespace(),  # type: ignore[arg-type]
            publisher=SimpleNamespace(affect=self.published.append),  # type: ignore[arg-type]
            player=SimpleNamespace(),  # type: ignore[arg-type]
            health=self.health,
            pace=Pace(every_s=1.0, idle_s=5.0, now=0.0),
            executor=ThreadPoolExecutor(1),
        )
        self.evaluations = Evaluations(stations, self.bundles)  # type: ignore[arg-type]

    async def evaluate(self) -> None:
        await self.evaluations.once(Due("sample", asyncio.get_running_loop().time()))

    @property
    def degraded(self) -> dict[str, str]:
        return self.health.message(0.0).degraded


async def test_a_state_is_published_and_counted() -> None:
    world = World()
    await world.evaluate()
    assert world.published == [STATE]
    assert world.evaluations.affect == STATE
    assert world.bundles.seen == [False]
    assert world.health.evaluations == 1


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("tensor 3 has no data"),
        ValueError("shapes differ"),
        BundleError("hybrid is not finite", reason=Reason.FAILED),
    ],
)
async def test_a_model_that_fails_costs_one_evaluation_and_is_told(error: Exception) -> None:
    world = World()
    world.session.error = error
    await world.evaluate()
    assert world.published == []
    assert world.bundles.seen == [True]
    assert "2026.11.3" in world.degraded["ranking"]
    world.session.error = None
    await world.evaluate()
    assert world.published == [STATE]
    assert "ranking" not in world.degraded

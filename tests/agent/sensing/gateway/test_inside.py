"""The gateway inside the agent, and what of it leaves the house."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fake_air import Air
from virtual_time import run_virtually

from agent.sensing.gateway.gateway import Gateway
from agent.sensing.gateway.inside import inside_gateway
from agent.sensing.gateway.pairings import Pairing, Pairings
from agent.settings import AgentSettings, Broker, Privacy, Storage
from agent.settings import Gateway as GatewaySection

STRAP = "F0:F1:F2:F3:F4:01"


class Ends:
    """Both ends of the sink."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.published: list[tuple[str, int, bool]] = []

    async def take(self, topic: str, _payload: bytes) -> None:
        self.taken.append(topic)

    def publish(self, topic: str, _payload: bytes, *, qos: int, retain: bool) -> None:
        self.published.append((topic, qos, retain))


def settings(folder: Path, **sections: msgspec.Struct) -> AgentSettings:
    inside = AgentSettings(storage=Storage(folder=folder), gateway=GatewaySection(inside=True, adapter="hci:fake"))
    return msgspec.structs.replace(inside, **sections)


def make(ends: Ends, chosen: AgentSettings, air: Air, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    monkeypatch.setattr("agent.sensing.gateway.adapters.open_adapter", lambda _name: air.open())
    gateway = inside_gateway(chosen, take=ends.take, publish=ends.publish)
    assert gateway is not None
    return gateway


def test_an_agent_without_bluetooth_has_no_gateway() -> None:
    ends = Ends()

    assert inside_gateway(AgentSettings(), take=ends.take, publish=ends.publish) is None


@pytest.mark.parametrize(
    ("sections", "leaves"),
    [
        ({}, True),
        ({"broker": Broker(host="broker.example")}, False),
        ({"broker": Broker(host="broker.example"), "privacy": Privacy(publish_streams=True)}, True),
    ],
)
def test_sensing_gets_everything_and_a_foreign_broker_only_what_the_listener_allows(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sections: dict[str, msgspec.Struct], *, leaves: bool
) -> None:
    async def test() -> None:
        ends = Ends()
        bench.gateway = make(ends, settings(tmp_path, **sections), bench.air, monkeypatch)
        async with bench.running():
            await bench.until(lambda: len(ends.taken) > 5, within_s=20.0)
        assert {topic.rpartition("/")[0] for topic in ends.taken} == {"attune/1/listener/me/sense/strap"}
        assert [topic for topic, _, _ in ends.published] == (ends.taken if leaves else [])
        assert all(qos == (not topic.endswith("batt")) and not retain for topic, qos, retain in ends.published)

    run_virtually(test())


def test_the_wearables_of_others_are_not_read(bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Pairings(tmp_path).forget("strap")
    Pairings(tmp_path).pair(Pairing(STRAP, "strap", "you"))

    async def test() -> None:
        ends = Ends()
        bench.gateway = make(ends, settings(tmp_path), bench.air, monkeypatch)
        async with bench.running() as gateway:
            await asyncio.sleep(60.0)
            assert gateway.status().wearables == ()
        assert ends.taken == []
        assert bench.air.wearables[STRAP].connects == 0

    run_virtually(test())

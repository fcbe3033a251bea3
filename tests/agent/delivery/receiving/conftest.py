"""A device, a channel, and a broker of each kind between them."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from brokers import Brokers
from channel import Channel
from enrolled_device import Device, Scene

from agent.integration.broker import EmbeddedBroker
from agent.integration.broker.mosquitto import find_mosquitto

# amqtt 0.12 leaves it to the garbage collector to close connections that ended without a DISCONNECT.
AMQTT = pytest.param(
    "amqtt",
    marks=[
        pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
        pytest.mark.filterwarnings("ignore:loop is closed:ResourceWarning"),
    ],
)


@pytest.fixture(scope="session")
def signed() -> Channel:
    """Made once: copy it."""
    return Channel()


@pytest.fixture
def channel(signed: Channel) -> Channel:
    return signed.copy()


@pytest.fixture
def device(tmp_path: Path, channel: Channel) -> Device:
    return Device(tmp_path / "bundles", channel)


@pytest.fixture(params=["mosquitto", AMQTT])
async def brokers(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Brokers]:
    """A broker of each kind; no task may stay behind."""
    if request.param == "mosquitto" and find_mosquitto() is None:
        pytest.skip("needs mosquitto: sudo apt install mosquitto")
    async with EmbeddedBroker(0, tmp_path, kind=request.param) as broker:
        yield Brokers(broker, tmp_path)
    gc.collect()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedBroker]:
    async with EmbeddedBroker(0, tmp_path_factory.mktemp("broker")) as embedded:
        yield embedded


@pytest_asyncio.fixture(loop_scope="module")
async def scene(broker: EmbeddedBroker, tmp_path: Path) -> Scene:
    return Scene(broker, tmp_path)

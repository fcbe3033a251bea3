from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx
from brokers import Brokers

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


@pytest.fixture(params=["mosquitto", AMQTT])
async def brokers(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Brokers]:
    """A broker of each kind; around it, nothing may block the loop, and no task or thread may stay behind."""
    if request.param == "mosquitto" and find_mosquitto() is None:
        pytest.skip("needs mosquitto: sudo apt install mosquitto")
    async with EmbeddedBroker(0, tmp_path, kind=request.param) as broker:
        threads = threading.active_count()
        with blockbuster_ctx() as blockbuster:
            # Starting a child waits for its exec, and opens the log's pipe: milliseconds, when a broker has died.
            for function in blockbuster.functions.values():
                function.can_block_in("agent/integration/broker/mosquitto.py", {"_launch"})
                function.can_block_in("brokers.py", {"kill"})
            yield Brokers(broker, tmp_path)
    gc.collect()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    workers = sum(thread.name.startswith("asyncio_") for thread in threading.enumerate())
    assert threading.active_count() - workers <= threads

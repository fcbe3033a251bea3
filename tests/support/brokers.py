"""Real brokers for tests, and ways to wait for them without sleeping."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from agent.integration.broker import EmbeddedBroker
from agent.integration.broker.in_process import InProcessBroker
from agent.integration.broker.mosquitto import MosquittoChild
from agent.integration.link import Link, LinkSettings, Message

__all__ = ["PATIENCE_S", "Brokers", "eventually", "settings_for", "take"]

PATIENCE_S = 20.0  # how long a test waits for what ought to take milliseconds


async def eventually(condition: Callable[[], bool]) -> None:
    """Let the loop run until the condition holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0)


async def take(messages: AsyncIterator[Message], count: int) -> list[Message]:
    """Return the next messages; the last one counts as unhandled until the iterator is asked again."""
    async with asyncio.timeout(PATIENCE_S):
        return [await anext(messages) for _ in range(count)]


def settings_for(broker: EmbeddedBroker, client_id: str, **more: object) -> LinkSettings:
    """Settings that reconnect quickly."""
    return LinkSettings(
        host=broker.host,
        port=broker.port,
        client_id=client_id,
        reconnect_limit_s=0.05,
        **more,  # type: ignore[arg-type]
    )


class Brokers:
    """Kills and revives an embedded broker of either kind on its port; what it knew is lost."""

    def __init__(self, broker: EmbeddedBroker, folder: Path) -> None:
        self.broker = broker
        self._folder = folder

    async def kill(self, *links: Link) -> None:
        """End the broker without a goodbye; returns when all links have noticed."""
        server = self.broker._server
        if isinstance(server, MosquittoChild):
            await _cancel(server._watching)  # it would revive it before the test is ready
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
            (self._folder / "mosquitto.db").unlink(missing_ok=True)
        elif isinstance(server, InProcessBroker):
            await server.stop()
        for link in links:
            await eventually(lambda link=link: not link.status().connected)  # type: ignore[misc]

    async def revive(self) -> None:
        """Have a broker on the port again."""
        server = self.broker._server
        if isinstance(server, MosquittoChild):
            server._uniform = float
            server._watching = asyncio.create_task(server._watch())
            await eventually(lambda: server.pid is not None)
        elif isinstance(server, InProcessBroker):
            await server.start()


async def _cancel(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

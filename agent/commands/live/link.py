"""The viewer's line to the broker: every message of the device goes into an `Observed`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from agent.commands.live.observed import Observed, filters
from agent.integration.link import Link, LinkSettings
from agent.settings import Broker
from models.errors import BrokerError, Reason
from models.wire.topics import DeviceTopics

__all__ = ["Viewer", "viewer"]

_POLL_S: Final = 0.1
"""The link tells of a failed attempt in its status alone: so often it is looked at."""


class Viewer:
    """What is heard of one device, while the line lasts.

    Args:
        device: name of the device.
        broker: where its broker is.
        link: the line.
    """

    def __init__(self, device: str, broker: Broker, link: Link) -> None:
        self.topics = DeviceTopics(device)
        self.address = f"{broker.address}:{broker.port}"
        self.observed = Observed(self.topics, broker=self.address)
        self.heard = asyncio.Event()
        self._link = link

    @property
    def trouble(self) -> str:
        """Why there is no connection; empty while there is one."""
        status = self._link.status()
        return "" if status.connected else status.last_error or "connecting"

    async def listen(self) -> None:
        """Take in messages until the line is closed."""
        for topic in filters(self.topics):
            self._link.subscribe(topic)
        async for message in self._link.messages():
            self.observed.hear(message.topic, message.payload, retained=message.retain)
            self.heard.set()

    async def wait(self, seconds: float) -> None:
        """Wait for the next message, but not longer than `seconds`."""
        self.heard.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.heard.wait()

    async def gather(self, *, timeout_s: float) -> bool:
        """Wait until the device's whole state was heard, or nothing more of it within the time.

        Returns:
            Whether all of it was heard.

        Raises:
            BrokerError: the broker cannot be reached or refuses.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not self.observed.is_complete and not self._link.status().last_error:
                    await self.wait(_POLL_S)
        if not self._link.status().connected:
            message = self._link.status().last_error or f"No broker answers at {self.address}"
            remedy = "Start the agent, or name its broker with --config or --host and --port"
            raise BrokerError(message.split(". ")[0], reason=Reason.UNREACHABLE, remedy=remedy)
        return self.observed.is_complete


@asynccontextmanager
async def viewer(device: str, broker: Broker) -> AsyncIterator[Viewer]:
    """Connect to a device's broker; listens until the context is left."""
    logging.getLogger().addHandler(logging.NullHandler())  # who looks on tells of trouble in words of their own
    settings = LinkSettings(
        host=broker.address,
        port=broker.port,
        # One of its own for every viewer: a second client of the same name would throw the first out.
        client_id=f"attune-viewer-{os.getpid()}-{secrets.token_hex(4)}",
        username=broker.username or "",
        password_file=broker.password_file,
        ca_file=broker.ca_file,
        cert_file=broker.cert_file,
        key_file=broker.key_file,
    )
    async with Link(settings) as link:
        watching = Viewer(device, broker, link)
        task = asyncio.create_task(watching.listen(), name="viewer")
        try:
            yield watching
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

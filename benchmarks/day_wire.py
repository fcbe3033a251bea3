"""How the packs of the day reach the agent: handed over, or through a broker at QoS 1 with all that befalls a line.

The wire is the agent's own: a `Link` that publishes, the embedded Mosquitto, and a `Link` with a lasting session that
reads. It can be cut as MQTT itself does it: somebody connects under the agent's name, and the broker throws the agent
out with messages on their way.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

import psutil

from agent.integration.broker import EmbeddedBroker
from agent.integration.link import Link, LinkSettings, Message
from models.wire import topics

__all__ = ["ByHand", "Carrier", "Packs", "Wire"]

Packs = Sequence[tuple[str, bytes]]
"""Topic and payload."""
_NAME: Final = "agent"
_PATIENCE_S: Final = 60.0
"""On a machine with other work to do; then the packs that did not come are lost."""


class Carrier(Protocol):
    """What carries packs."""

    def send(self, packs: Packs) -> None:
        """Put packs on their way."""
        ...

    def collect(self) -> Packs:
        """All that has come, in its order; of what comes twice both."""
        ...

    def cut(self) -> None:
        """Cut the line, with what is on it."""
        ...


class ByHand:
    """Hands packs over."""

    def __init__(self) -> None:
        self._packs: list[tuple[str, bytes]] = []

    def send(self, packs: Packs) -> None:
        """Put packs on their way."""
        self._packs += packs

    def collect(self) -> Packs:
        """All that has come."""
        packs, self._packs = self._packs, []
        return packs

    def cut(self) -> None:
        """There is no line."""


class Wire:
    """A broker and two links; a context manager.

    Args:
        listener: whose packs are read.

    Attributes:
        again: packs that came more often than they were sent.
        most_waiting: most messages that waited for the consumer.
        most_unacknowledged: most that the publisher kept because the broker had not acknowledged them.
    """

    def __init__(self, listener: str) -> None:
        self.again = self.most_waiting = self.most_unacknowledged = 0
        self._listener = listener
        self._runner = asyncio.Runner()
        self._open = AsyncExitStack()
        self._expected: Counter[tuple[str, bytes]] = Counter()

    def __enter__(self) -> Self:
        """Start the broker and connect both ends."""
        self._runner.__enter__()
        self._runner.run(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all."""
        self._runner.run(self._open.aclose())
        self._runner.__exit__(kind, error, trace)

    @property
    def bounds(self) -> LinkSettings:
        """What may wait: `waiting_messages` for the consumer, `outbox_messages` for the broker."""
        return self._settings(_NAME, lasting=True)

    @property
    def held_back(self) -> int:
        """How often the link stopped reading because the consumer was busy."""
        return self._reader.status().held_back

    @property
    def connections(self) -> int:
        """How often the agent's line came up."""
        return self._reader.status().connections

    @property
    def broker_mb(self) -> float:
        """Resident memory of the broker."""
        return psutil.Process(self._broker.pid).memory_info().rss / 2**20

    def send(self, packs: Packs) -> None:
        """Publish packs at QoS 1, and wait until the broker has them."""
        self._expected.update(packs)
        self._runner.run(self._send(packs))

    def collect(self) -> Packs:
        """All that comes until what was sent is here, or nothing more comes."""
        return self._runner.run(self._collect())

    def cut(self) -> None:
        """Have the agent thrown out: another connection takes its name, and goes (MQTT 3.1.1, 3.1.4-2)."""
        self._runner.run(self._intrude())

    async def _start(self) -> None:
        folder = Path(self._open.enter_context(tempfile.TemporaryDirectory()))
        self._broker = await self._open.enter_async_context(EmbeddedBroker(0, folder, kind="mosquitto"))
        self._reader = Link(self._settings(_NAME, lasting=True))
        self._reader.subscribe(topics.sense_filter(self._listener), qos=1)
        self._writer = Link(self._settings("wearables", lasting=False))
        for link in (self._reader, self._writer):
            await self._open.enter_async_context(link)
            await link.connected()
        self._messages: AsyncIterator[Message] = self._reader.messages()

    def _settings(self, name: str, *, lasting: bool) -> LinkSettings:
        return LinkSettings(
            host=self._broker.host,
            port=self._broker.port,
            client_id=name,
            clean_session=not lasting,
            reconnect_limit_s=0.05,
        )

    async def _send(self, packs: Packs) -> None:
        for topic, payload in packs:
            self._writer.publish(topic, payload, qos=1)
        self.most_unacknowledged = max(self.most_unacknowledged, self._writer.status().outbox)
        async with asyncio.timeout(_PATIENCE_S):
            await self._writer.drain()
        self._look()

    def _look(self) -> None:
        self.most_waiting = max(self.most_waiting, self._reader.status().waiting)

    async def _collect(self) -> Packs:
        came = []
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while self._expected:
                    message = await anext(self._messages)
                    self._look()
                    pack = message.topic, message.payload
                    came.append(pack)
                    if self._expected.get(pack, 0) > 1:
                        self._expected[pack] -= 1
                    elif pack in self._expected:
                        del self._expected[pack]
                    else:
                        self.again += 1
        except TimeoutError:
            self._expected.clear()
        return came

    async def _intrude(self) -> None:
        before = self.connections
        stream, line = await asyncio.open_connection(self._broker.host, self._broker.port)
        name = len(_NAME).to_bytes(2) + _NAME.encode()
        # Protocol 4, no flags (the session is kept), keep alive for a minute.
        connect = b"\x00\x04MQTT\x04\x00\x00\x3c" + name
        line.write(bytes((0x10, len(connect))) + connect)
        await stream.readexactly(4)
        line.close()
        await line.wait_closed()
        async with asyncio.timeout(_PATIENCE_S):
            while self.connections == before:  # noqa: ASYNC110 - the link tells nobody that it came back
                await asyncio.sleep(0.01)

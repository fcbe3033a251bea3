"""A connection to the broker that comes back by itself.

Rules:

- `publish` never waits: a simulated body does not stop because the network did.
- What is sent at QoS 1 waits for the connection, in order, as a gateway's buffer would; the buffer is bounded, and the
  oldest goes first. What is sent at QoS 0 while there is no connection is lost. Both losses are counted.
- Between attempts the link waits 0.25 s, doubling up to 8 s (or what it is told), with full jitter, so that many
  simulators do not all come back at once.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import aiomqtt

from firmware_sim.settings import BrokerSection
from models.errors import BrokerError, Reason

__all__ = ["Link", "Outgoing"]

_log = logging.getLogger(__name__)
# aiomqtt warns above ten calls in flight; a burst after a reconnect is no mistake.
logging.getLogger("mqtt").setLevel(logging.ERROR)

_FIRST_WAIT_S = 0.25
# Two minutes of heart rate and RR intervals of one wearable: beyond 60 s they are history to the agent anyway.
_BUFFER = 512
_KEEPALIVE_S = 15


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be published."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False


class Link:
    """Publishes and subscribes over one connection that is renewed as long as `run` runs.

    Args:
        broker: where, and as whom.
        client_id: the client's name; every running simulator needs its own.
        filters: topic filters to subscribe to at QoS 1.
        on_message: called with topic and payload of everything that arrives; must be quick.
        longest_wait_s: up to which the wait between attempts grows.
    """

    def __init__(
        self,
        broker: BrokerSection,
        *,
        client_id: str,
        filters: tuple[str, ...] = (),
        on_message: Callable[[str, bytes], None] | None = None,
        longest_wait_s: float = 8.0,
    ) -> None:
        self._broker = broker
        self._client_id = client_id
        self._filters = filters
        self._on_message = on_message
        self._longest_wait_s = longest_wait_s
        self._waiting: deque[Outgoing] = deque()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.connected = asyncio.Event()
        """Set while there is a connection and all filters are subscribed to."""
        self.connections = 0
        """How often a connection was made."""
        self.sent = 0
        """Messages handed over to the broker (acknowledged, where QoS 1)."""
        self.lost = 0
        """Messages that nobody will get: sent at QoS 0 without a connection, or pushed out of the buffer."""

    def publish(self, message: Outgoing) -> None:
        """Send a message as soon as there is a connection; see the rules above."""
        if not self.connected.is_set() and message.qos == 0:
            self.lost += 1
            return
        if len(self._waiting) >= _BUFFER:
            self._waiting.popleft()
            self.lost += 1
        self._waiting.append(message)
        self._idle.clear()
        self._wake.set()

    async def flush(self, timeout_s: float) -> bool:
        """Wait until everything is handed over; tell whether that came to pass within `timeout_s` seconds."""
        try:
            await asyncio.wait_for(self._idle.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Keep the connection until cancelled.

        Raises:
            BrokerError: the password or certificates cannot be read; waiting would not help.
        """
        wait_s, complained_after = _FIRST_WAIT_S, -1
        while True:
            client = self._client()
            connections = self.connections
            try:
                await self._session(client)
            except* aiomqtt.MqttError as errors:
                # One line for each outage, however many attempts it takes.
                level = logging.DEBUG if complained_after == self.connections else logging.WARNING
                complained_after = self.connections
                where, reason = f"{self._broker.address}:{self._broker.port}", errors.exceptions[0]
                _log.log(level, "No connection to %s (%s); trying again", where, reason)
            finally:
                self.connected.clear()
            _heed_cancellation()
            wait_s = _FIRST_WAIT_S if self.connections > connections else min(2 * wait_s, self._longest_wait_s)
            await asyncio.sleep(random.uniform(0, wait_s))

    async def _session(self, client: aiomqtt.Client) -> None:
        async with _opened(client), asyncio.TaskGroup() as tasks:
            for topic in self._filters:
                await client.subscribe(topic, qos=1)
            self.connections += 1
            self.connected.set()
            tasks.create_task(self._send(client), name="link-send")
            tasks.create_task(self._receive(client), name="link-receive")

    async def _send(self, client: aiomqtt.Client) -> None:
        while True:
            await self._wake.wait()
            while self._waiting:
                message = self._waiting[0]
                await client.publish(message.topic, message.payload, qos=message.qos, retain=message.retain)
                self.sent += 1
                # Only now is it the broker's; whatever broke before is sent again on the next connection. A full
                # buffer may have pushed it out meanwhile.
                if self._waiting and self._waiting[0] is message:
                    self._waiting.popleft()
            self._wake.clear()
            self._idle.set()

    async def _receive(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            if self._on_message is not None and isinstance(message.payload, bytes | bytearray):
                self._on_message(message.topic.value, bytes(message.payload))

    def _client(self) -> aiomqtt.Client:
        broker = self._broker
        try:
            password = broker.password_file.read_text(encoding="utf-8").strip() if broker.password_file else None
            context = None
            if broker.ca_file or broker.cert_file:
                context = ssl.create_default_context(cafile=broker.ca_file)
                if broker.cert_file:
                    context.load_cert_chain(broker.cert_file, broker.key_file)
        except (OSError, ValueError) as error:
            raise BrokerError(
                f"Cannot read the password or certificates for {broker.address}: {error}",
                reason=Reason.UNREADABLE,
                remedy="Check password_file, ca_file, cert_file and key_file in [broker]",
            ) from error
        return aiomqtt.Client(
            broker.address,
            broker.port,
            identifier=self._client_id,
            username=broker.username,
            password=password,
            tls_context=context,
            keepalive=_KEEPALIVE_S,
            timeout=5,
        )


def _heed_cancellation() -> None:
    """Raise a cancellation that was swallowed: a task group that fails while it is cancelled raises the failure."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


@asynccontextmanager
async def _opened(client: aiomqtt.Client) -> AsyncIterator[None]:
    """Connect and disconnect; cancelled while it connects, aiomqtt would leave its socket and a task behind."""
    entering = asyncio.create_task(client.__aenter__(), name="link-connect")
    try:
        await asyncio.shield(entering)
    except asyncio.CancelledError:
        with suppress(aiomqtt.MqttError):
            await entering
            await client.__aexit__(None, None, None)
        raise
    try:
        yield
    finally:
        await client.__aexit__(None, None, None)

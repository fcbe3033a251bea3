"""The agent's one line to the broker, which may go away at any time.

Rules:

- `publish` never waits and never fails because the broker is away. What is retained is remembered, the latest payload
  per topic, and published at each connection; QoS 1 events wait in a bounded outbox until acknowledged; QoS 0 is
  dropped and counted.
- A QoS 1 message is acknowledged when the consumer asks for the next one, that is, once it has been handled. What was
  not handled, because the agent stopped or the connection broke, the broker delivers again: at least once, never not.
- While more waits than the settings allow, the link does not read. TCP then holds back the broker, and the broker its
  queue (for QoS 1: up to the broker's own limit). Nothing that has reached this program is thrown away.
- `online` is published only after the broker has confirmed the subscriptions: who sees it can send commands. The link
  listens to its own availability: a broker may notice the end of the last connection after it has taken the next one
  (amqtt does), and then the will would have the last word.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Self

from paho.mqtt.client import MQTTMessage, topic_matches_sub

from agent.integration.link.backoff import backoff_s
from agent.integration.link.connection import Connection
from agent.integration.link.messages import LARGEST_PAYLOAD, LinkSettings, LinkStatus, Message
from agent.integration.link.outbox import Event, Outbox
from models.errors import BrokerError, Reason, WireError

__all__ = ["Link"]

logger = logging.getLogger(__name__)

_STABLE_S = 5.0  # a connection that lasted so long was a good one: the next attempt starts from the shortest delay
_OUTBOX_WINDOW = (
    50  # unacknowledged events at a time; half of the connection's own window stays free for retained state
)
_GOODBYE_S = 1.0  # how long closing may wait for the broker to take what is on its way
_LARGEST_TOPIC = 65535  # bytes, MQTT 3.1.1, 1.5.3


@dataclass(frozen=True, slots=True)
class _Taken:
    """A message in the queue, with what is needed to acknowledge it on the connection that it came from."""

    message: Message
    identifier: int
    connection: Connection


class Link:
    """A connection that keeps itself up; an asynchronous context manager, entered once.

    Args:
        settings: where the broker is, and the limits.
        availability: topic of the last will `offline` and of the birth message `online`; empty for neither.
        on_connect: called in the loop's thread whenever the connection is up, after what is retained was published.
        on_refused: called with topic and size in bytes of each message that was too large to be handed on.
        uniform: draws the jitter from [0, 1).
    """

    def __init__(
        self,
        settings: LinkSettings,
        *,
        availability: str = "",
        on_connect: Callable[[], None] | None = None,
        on_refused: Callable[[str, int], None] | None = None,
        uniform: Callable[[], float] = random.random,
    ) -> None:
        self._settings = settings
        self._availability = availability
        self._on_connect = on_connect
        self._on_refused = on_refused
        self._uniform = uniform
        self._filters: dict[str, int] = {}
        self._retained: dict[str, tuple[bytes, int]] = {}
        self._outbox = Outbox(limit=settings.outbox_messages, window=_OUTBOX_WINDOW)
        self._queue: asyncio.Queue[_Taken | None] = asyncio.Queue()
        self._waiting_bytes = 0
        self._held = False
        self._leaving = False
        self._connection: Connection | None = None  # the one being opened or in use
        self._up = asyncio.Event()
        self._settled = asyncio.Event()  # set while the outbox is empty
        self._settled.set()
        self._status = LinkStatus()
        self._task: asyncio.Task[None] | None = None
        self._subscribing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Start connecting; does not wait for the broker."""
        self._task = asyncio.create_task(self._run(), name="link")
        self._task.add_done_callback(lambda _task: self._queue.put_nowait(None))
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """Say `offline`, give what is on its way a moment to arrive, and disconnect."""
        if self._task is None:
            return
        self._leaving = True
        if self._up.is_set() and self._connection is not None:
            if self._availability:
                self._post(Event(self._availability, b"offline", retain=True))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GOODBYE_S):
                    await self.drain()
        for task in (self._task, *self._subscribing):
            task.cancel()
        await asyncio.gather(self._task, *self._subscribing, return_exceptions=True)

    # -- towards the broker ----------------------------------------------------------------------------------------

    def publish(self, topic: str, payload: bytes | str, *, qos: int = 0, retain: bool = False) -> None:
        """Publish, now or when the broker is back (see the rules above). Call in the loop's thread.

        An empty retained payload clears the topic, also at every later connection.

        Raises:
            WireError: the topic cannot be published to (empty, a wildcard in it, too long), or QoS is not 0 or 1.
        """
        _check_topic(topic, qos)
        content = payload.encode() if isinstance(payload, str) else payload
        if retain:
            self._retained[topic] = (content, qos)
            if self._up.is_set():
                self._send(topic, content, qos=qos, retain=True)
        elif qos:
            self._post(Event(topic, content))
        elif self._up.is_set():
            self._send(topic, content, qos=0, retain=False)
        else:
            _count(self._status.dropped, "qos0")

    def subscribe(self, *topic_filters: str, qos: int = 1) -> None:
        """Ask for messages, now and at every later connection, in this order.

        QoS 2 becomes 1: no topic of ours needs it.
        """
        wanted = dict.fromkeys(topic_filters, min(qos, 1))
        self._filters |= wanted
        if self._up.is_set() and self._connection is not None:
            task = asyncio.create_task(self._subscribe(self._connection, wanted), name="subscribe")
            self._subscribing.add(task)
            task.add_done_callback(self._subscribing.discard)

    async def unsubscribe(self, *topic_filters: str) -> None:
        """Ask for these messages no longer, and wait until the broker knows.

        What is on its way is not handed on, what waits for the consumer already is. A filter that was never asked for
        is none. Asked for again, a filter comes last. Some brokers (amqtt) answer a subscription to what is subscribed
        to already with silence: who wants retained messages again waits for this first. They also may take the end of
        a subscription before its beginning, so this waits until those on their way have been answered.
        """
        known = [each for each in topic_filters if self._filters.pop(each, None) is not None]
        if self._subscribing:
            await asyncio.wait(self._subscribing)
        if self._up.is_set() and self._connection is not None:
            await self._connection.unsubscribe(known)

    async def drain(self) -> None:
        """Wait until the broker has acknowledged all events.

        Never await it where messages are consumed: a link that is held back because the consumer waits reads no
        acknowledgements either.
        """
        await self._settled.wait()

    async def connected(self) -> None:
        """Wait until the connection is up: subscriptions confirmed, retained state published."""
        await self._up.wait()

    def status(self) -> LinkStatus:
        """Return a copy of the counters."""
        dropped = dict(self._status.dropped)
        if self._outbox.dropped:
            dropped["outbox_full"] = self._outbox.dropped
        return replace(
            self._status,
            connected=self._up.is_set(),
            waiting=self._queue.qsize(),
            outbox=len(self._outbox),
            dropped=dropped,
            refused=dict(self._status.refused),
        )

    # -- from the broker -------------------------------------------------------------------------------------------

    def messages(self) -> AsyncIterator[Message]:
        """Iterate over incoming messages, for one consumer; ends when the link is closed."""
        return _Messages(self._next)

    async def _next(self, handled: _Taken | None) -> _Taken | None:
        if handled is not None:
            self._acknowledge(handled)
        taken = await self._queue.get()
        if taken is None:
            self._queue.put_nowait(None)  # for whoever asks again
            if self._task is not None and self._task.done() and not self._task.cancelled():
                self._task.result()
            return None
        self._waiting_bytes -= len(taken.message.payload)
        if self._held and self._queue.qsize() <= self._settings.waiting_messages // 2:
            self._held = False
            if self._connection is not None:
                self._connection.release()
        return taken

    def _acknowledge(self, taken: _Taken) -> None:
        # Identifiers are the connection's own: on another one the same number may stand for another message.
        if taken.message.qos and taken.connection is self._connection:
            taken.connection.acknowledge(taken.identifier)

    def _on_message(self, connection: Connection, incoming: MQTTMessage) -> None:
        """Take a message from paho, which calls this in the loop's thread."""
        refusal = self._refusal(incoming)
        if refusal == "foreign" and self._is_own_availability(incoming):
            self._insist(incoming)
            return
        if refusal:
            _count(self._status.refused, refusal)
            if incoming.qos:
                connection.acknowledge(incoming.mid)  # it would come again for ever
            return
        message = Message(incoming.topic, bytes(incoming.payload), incoming.qos, incoming.retain, incoming.dup)
        self._queue.put_nowait(_Taken(message, incoming.mid, connection))
        self._status.received += 1
        self._waiting_bytes += len(message.payload)
        limits = self._settings
        if self._queue.qsize() >= limits.waiting_messages or self._waiting_bytes >= limits.waiting_bytes:
            connection.hold()
            if not self._held:
                self._held = True
                self._status.held_back += 1

    def _refusal(self, incoming: MQTTMessage) -> str:
        try:
            topic = incoming.topic
        except UnicodeDecodeError:
            return "malformed"
        if len(incoming.payload) > LARGEST_PAYLOAD:
            if self._on_refused is not None:
                self._on_refused(topic, len(incoming.payload))
            return "oversized"
        # amqtt sends a newcomer retained messages of filters that only others subscribed to.
        known = topic in self._filters or any(topic_matches_sub(wanted, topic) for wanted in self._filters)
        return "" if known else "foreign"

    def _is_own_availability(self, incoming: MQTTMessage) -> bool:
        return bool(self._availability) and incoming.topic == self._availability

    def _insist(self, incoming: MQTTMessage) -> None:
        """Say `online` again where the will of an earlier connection was told after this one had said so."""
        # A retained message answers the subscription: it is what stood there before this connection said `online`.
        if incoming.payload == b"offline" and not incoming.retain and self._up.is_set() and not self._leaving:
            self._send(self._availability, b"online", qos=1, retain=True)

    # -- keeping it up ---------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        attempt = 0
        while True:
            started = loop.time()
            try:
                why = await self._serve()
            except BrokerError as error:
                why = str(error)
            if self._status.last_error != why:
                logger.warning("broker: %s", why)
                self._status.last_error = why
            attempt = 0 if loop.time() - started >= _STABLE_S else attempt + 1
            await asyncio.sleep(backoff_s(attempt, self._uniform(), limit_s=self._settings.reconnect_limit_s))

    async def _serve(self) -> str:
        """Hold one connection from beginning to end; returns why it ended."""
        will = (self._availability, b"offline") if self._availability else None
        connection = Connection(
            self._settings,
            will=will,
            on_message=lambda incoming: self._on_message(connection, incoming),
            on_acknowledged=self._on_acknowledged,
        )
        self._connection = connection
        try:
            await connection.open()
            await self._subscribe(connection, self._filters)
            if self._availability:
                # QoS 0: nobody acknowledges the link's own goodbye. An access list that forbids it costs this alone.
                await connection.subscribe({self._availability: 0})
            self._introduce()
            return await connection.ended or "the connection was closed"
        finally:
            self._up.clear()
            self._connection = None
            self._outbox.connection_lost()
            await connection.close()

    async def _subscribe(self, connection: Connection, filters: dict[str, int]) -> None:
        for refused in await connection.subscribe(dict(filters)):
            _count(self._status.refused, "subscription")
            logger.warning("the broker refuses the subscription to %s. Check its access list", refused)

    def _introduce(self) -> None:
        """Publish what a newcomer must know, then what has waited."""
        if self._connection is None or self._connection.ended.done():
            return
        self._up.set()
        self._status.connections += 1
        self._status.last_error = ""
        logger.info("connected to the broker at %s:%d", self._settings.host, self._settings.port)
        if self._availability:
            self._send(self._availability, b"online", qos=1, retain=True)
        for topic, (payload, qos) in self._retained.items():
            self._send(topic, payload, qos=qos, retain=True)
        self._pump()
        if self._on_connect is not None:
            self._on_connect()

    def _send(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> int:
        if self._connection is None:
            return 0
        self._status.published += 1
        return self._connection.publish(topic, payload, qos=qos, retain=retain)

    def _post(self, event: Event) -> None:
        self._outbox.append(event)
        self._settled.clear()
        self._pump()

    def _pump(self) -> None:
        while self._up.is_set() and (event := self._outbox.take()) is not None:
            self._outbox.sent(self._send(event.topic, event.payload, qos=1, retain=event.retain), event)

    def _on_acknowledged(self, identifier: int) -> None:
        self._outbox.acknowledge(identifier)
        self._pump()
        if not len(self._outbox):
            self._settled.set()


class _Messages:
    """The consumer's view: what it was given last has been handled when it asks again."""

    def __init__(self, following: Callable[[_Taken | None], Awaitable[_Taken | None]]) -> None:
        self._following = following
        self._handling: _Taken | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        handled, self._handling = self._handling, None
        self._handling = await self._following(handled)
        if self._handling is None:
            raise StopAsyncIteration
        return self._handling.message


def _count(counters: dict[str, int], name: str) -> None:
    counters[name] = counters.get(name, 0) + 1


def _check_topic(topic: str, qos: int) -> None:
    if qos not in (0, 1):
        raise WireError(
            f"QoS {qos} is not offered ({topic})", reason=Reason.UNSUPPORTED, remedy="Publish with QoS 0 or 1"
        )
    if not topic or "+" in topic or "#" in topic or "\0" in topic or len(topic.encode()) > _LARGEST_TOPIC:
        raise WireError(
            f"{topic!r} is no topic to publish to",
            reason=Reason.MALFORMED,
            remedy="Leave out wildcards; 1 to 65535 bytes",
        )

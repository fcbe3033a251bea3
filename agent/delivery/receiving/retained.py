"""Retained messages, asked for by topic.

MQTT has no answer for "there is none". So what is wanted is subscribed to first and then a topic that is known to be
there, the *fence*: brokers work on the requests of a connection in order, so when the fence's retained message comes,
what has not come is absent. For brokers that keep no order, what is absent is asked for twice. A broker that answers a
wrong "absent" can only hold something back, as it can anyway. A fence that was published this moment proves nothing: it
comes as a live message, and all is asked for again.

Rules:

- One round at a time, a bounded number of topics in it, all of them unsubscribed from at its end. One that asks for any
  of them again, the fence too, begins when the broker has confirmed that, since some are silent about what is
  subscribed to already; one with other topics begins at once.
- A round ends when each topic has brought a message that was accepted, or the fence has come often enough, or nothing
  of either has come for the time of patience, whatever else the broker sends. A connection that breaks is the link's
  matter: it subscribes again, in the same order, and the round goes on with what is missing.
- Messages that are not accepted are counted; beyond the limit the round fails, so a stranger who floods a topic cannot
  keep it going.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from agent.delivery.receiving.messages import Limits
from agent.integration.link import Link, Message
from models.errors import DeliveryError, Reason

__all__ = ["Accept", "Retained"]

Accept: TypeAlias = Callable[[str, bytes], Awaitable[bool]]
"""Called with topic and payload of each message that was asked for; False where it is not what it ought to be."""

_REPEATS: Final = 5  # a fence is published once in its life; who sends it all the time only wants to be waited for


@dataclass
class _Round:
    """What is being waited for."""

    wanted: set[str]
    fence: str
    accept: Accept
    fenced: bool = False
    after: int = 0
    again: bool = False
    repeats: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    failure: Exception | None = None
    stirred: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def over(self) -> bool:
        return not self.wanted or self.failure is not None


class Retained:
    """Asks a broker for retained messages.

    Args:
        link: to the broker; its messages are handed to `take`.
        limits: patience, askings, and refused messages in a round.
    """

    def __init__(self, link: Link, limits: Limits) -> None:
        self._link = link
        self._limits = limits
        self._lock = asyncio.Lock()
        self._round: _Round | None = None
        self._leaving: dict[asyncio.Task[None], frozenset[str]] = {}
        self._taken = 0

    async def close(self) -> None:
        """Give up what is still to be unsubscribed from."""
        leaving = tuple(self._leaving)
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)

    async def take(self, message: Message) -> bool:
        """Look at a message, each one that the link hands on; returns whether it was waited for, accepted or not."""
        self._taken += 1
        current = self._round
        if current is None or self._taken <= current.after:
            return False
        if message.topic == current.fence:
            current.fenced = current.fenced or message.retain
            if not current.fenced and current.repeats < _REPEATS:
                current.repeats += 1
                current.again = True
            current.stirred.set()
            return True
        if message.topic not in current.wanted or current.over:
            return False
        try:
            if await current.accept(message.topic, message.payload):
                current.wanted.discard(message.topic)
                current.stirred.set()
            else:
                self._refuse(current, message.topic)
        except (DeliveryError, OSError) as error:  # whoever asked is told; the messages of others go on
            current.failure = error
            current.stirred.set()
        return True

    def _refuse(self, current: _Round, topic: str) -> None:
        current.refused[topic] = current.refused.get(topic, 0) + 1
        if sum(current.refused.values()) > self._limits.refused:
            current.failure = DeliveryError(
                f"more than {self._limits.refused} messages were not what was asked for, the last one on {topic}",
                reason=Reason.TAMPERED,
                remedy="Somebody writes there who should not: look at the broker's access list",
            )
            current.stirred.set()

    async def bring(self, topics: Sequence[str], accept: Accept, *, fence: str) -> dict[str, bool]:
        """Ask for messages and wait for them.

        Args:
            topics: at most as many as the broker queues for a client; none of them the fence.
            accept: called in the order of arrival.
            fence: a topic on which a retained message lies.

        Returns:
            The topics that brought nothing that was accepted, each with whether something was refused there.

        Raises:
            DeliveryError: UNREACHABLE: no connection; TIMED_OUT: nothing came any more; or what `accept` raised.
            OSError: what `accept` raised.
        """
        async with self._lock:
            current = _Round(set(topics), fence, accept)
            for _ in range(self._limits.askings):
                current.fenced = False
                while not current.over and not current.fenced:
                    await self._ask(current, [topic for topic in topics if topic in current.wanted])
        if current.failure is not None:
            raise current.failure
        return {topic: topic in current.refused for topic in topics if topic in current.wanted}

    async def _ask(self, current: _Round, topics: Sequence[str]) -> None:
        """Subscribe, wait until the round is over or has to be asked for again, and unsubscribe."""
        asked = frozenset((*topics, current.fence))
        await self._ready(asked)
        current.again = False
        # What the link has read before this moment answers an earlier round, its fence above all.
        current.after = self._link.status().received
        self._round = current
        try:
            self._link.subscribe(*topics, current.fence)
            await self._wait(current)
        finally:
            self._round = None
            leaving = asyncio.create_task(self._link.unsubscribe(*asked), name="unsubscribe")  # also when cancelled
            self._leaving[leaving] = asked
            leaving.add_done_callback(lambda task: self._leaving.pop(task, None))

    async def _wait(self, current: _Round) -> None:
        while not current.over and not current.again:
            try:
                async with asyncio.timeout(self._limits.patience_s):
                    await current.stirred.wait()
            except TimeoutError:
                raise self._silent(current) from None
            current.stirred.clear()
            if current.fenced:
                return

    async def _ready(self, topics: frozenset[str]) -> None:
        """Wait for the connection, and for the broker to have forgotten where these were asked for before."""
        try:
            async with asyncio.timeout(self._limits.patience_s):
                await self._link.connected()
                if leaving := [task for task, left in self._leaving.items() if not left.isdisjoint(topics)]:
                    await asyncio.wait(leaving)
                    await self._link.connected()
        except TimeoutError:
            raise self._unreachable() from None

    def _silent(self, current: _Round) -> DeliveryError:
        if not self._link.status().connected:
            return self._unreachable()
        return DeliveryError(
            f"the broker sent nothing for {self._limits.patience_s:g} s, with {len(current.wanted)} messages to come",
            reason=Reason.TIMED_OUT,
            remedy="See that the channel is published on this broker, and that this device may read it",
        )

    def _unreachable(self) -> DeliveryError:
        return DeliveryError(
            f"no connection to the broker: {self._link.status().last_error or 'none came up'}",
            reason=Reason.UNREACHABLE,
            remedy="It is tried again by itself; see that the broker runs",
        )

"""Plays a session over the wire: every message at its moment, its samples stamped as if they were taken now.

Rules:

- Real time alone: a player that is fed an hour in a minute would be measured on what never happens.
- Packs keep their clock: what a sample's time was ahead of or behind its arrival, it stays.
- Packs go out at the quality of service that the wire gives their quantity, in CBOR; a pack that nobody can read goes
  out as it came. What a player had published is not sent: the one that listens now speaks for itself.
"""

from __future__ import annotations

import asyncio
import dataclasses
import math
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import dropwhile, islice
from typing import Final

import msgspec

from firmware_sim.link import Link, Outgoing
from firmware_sim.settings import BrokerSection
from models.errors import BrokerError, Reason, WireError
from models.wire import senml, topics
from models.wire.messages import Truth, decode, encode
from models.wire.quantities import QUANTITIES
from models.wire.session import Entry, SessionReader

__all__ = ["Played", "Stretch", "play", "restamped"]

_READ_AHEAD: Final = 64
"""Messages that are read from the disk at a time, in a thread."""
_CONNECT_WITHIN_S: Final = 5.0
_FLUSH_S: Final = 3.0
_TRUTH: Final = f"{topics.ROOT}/sim/"


@dataclasses.dataclass(frozen=True, slots=True)
class Stretch:
    """Which part of a session is played, in seconds since it began."""

    first_s: float = 0.0
    last_s: float = math.inf


@dataclasses.dataclass(slots=True)
class Played:
    """What was sent.

    Attributes:
        packs: by wearable and quantity.
        unreadable: packs that went out as they came.
        left_out: messages that were no sensor's.
        seconds: how long it took.
        lost: messages that the broker never got.
        is_cut: whether the file ended before its end.
    """

    packs: Counter[str] = dataclasses.field(default_factory=Counter)
    unreadable: int = 0
    left_out: int = 0
    seconds: float = 0.0
    lost: int = 0
    is_cut: bool = False


def restamped(entry: Entry, shift_s: float, listener: str, played: Played) -> Outgoing | None:
    """A message as it would come now, or None where it is not sent.

    Args:
        entry: from a session.
        shift_s: from the recording's time to now.
        listener: who is said to wear the wearables.
        played: counts it.
    """
    if entry.topic.startswith(_TRUTH):
        truth = decode(entry.payload, Truth)
        return Outgoing(topics.truth(listener), encode(msgspec.structs.replace(truth, t=truth.t + shift_s)))
    try:
        where = topics.parse_sense(entry.topic)
    except WireError:
        played.left_out += 1
        return None
    topic = topics.sense(listener, where.wearable, where.quantity)
    known = QUANTITIES.get(where.quantity)
    played.packs[f"{where.wearable} {where.quantity}"] += 1
    try:
        pack = senml.decode(entry.payload, quantity=where.quantity, now=entry.t)
        payload = senml.encode(where.quantity, pack.times + shift_s, pack.values, sequence=pack.sequence)
    except WireError:
        played.unreadable += 1
        payload = entry.payload
    return Outgoing(topic, payload, qos=known.qos if known else 0)


async def play(
    session: SessionReader,
    broker: BrokerSection,
    *,
    listener: str,
    stretch: Stretch,
    stop: asyncio.Event,
    tell: Callable[[float], None] = lambda _elapsed_s: None,
) -> Played:
    """Play a session until it is over or `stop` is set.

    Args:
        session: just opened.
        broker: where to.
        listener: under whose name.
        stretch: which part.
        stop: ends it.
        tell: called now and then with the seconds of the session that are played.

    Raises:
        BrokerError: nobody answers, or the password or certificates cannot be read.
        DataError: the session is damaged; what came before is played.
    """
    link = Link(broker, client_id=f"attune-replay-{os.getpid()}")
    played = Played()
    connection = asyncio.create_task(link.run(), name="link")
    try:
        await _connected(link, connection, broker)
        await _play(session, link, played, listener=listener, stretch=stretch, stop=stop, tell=tell)
        await link.flush(_FLUSH_S)
    finally:
        connection.cancel()
        await asyncio.gather(connection, return_exceptions=True)
        played.lost, played.is_cut = link.lost, session.is_cut
    return played


async def _connected(link: Link, connection: asyncio.Task[None], broker: BrokerSection) -> None:
    waiting = asyncio.create_task(link.connected.wait())
    await asyncio.wait((waiting, connection), timeout=_CONNECT_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if connection.done():
        connection.result()
    if not link.connected.is_set():
        raise BrokerError(
            f"No broker answers at {broker.address}:{broker.port}",
            reason=Reason.UNREACHABLE,
            remedy="Start the agent or a broker first, or name another with --host and --port",
        )


async def _play(
    session: SessionReader,
    link: Link,
    played: Played,
    *,
    listener: str,
    stretch: Stretch,
    stop: asyncio.Event,
    tell: Callable[[float], None],
) -> None:
    loop = asyncio.get_running_loop()
    origin = session.header.t + stretch.first_s
    entries = dropwhile(lambda entry: entry.t < origin, session)
    ahead = await asyncio.to_thread(_some, entries)
    # Only now does the time begin: finding the place in a long file takes a while.
    begun, shift_s = loop.time(), time.time() - origin
    while ahead and not stop.is_set():
        for entry in ahead:
            if entry.t - session.header.t > stretch.last_s or await _stopped(stop, begun + entry.t - origin):
                break
            if (message := restamped(entry, shift_s, listener, played)) is not None:
                link.publish(message)
        else:
            tell(ahead[-1].t - session.header.t)
            # After a pause of the machine much is due at once: the line's buffer must not overflow with it.
            if link.connected.is_set():
                await link.flush(_FLUSH_S)
            ahead = await asyncio.to_thread(_some, entries)
            continue
        break
    played.seconds = loop.time() - begun


def _some(entries: Iterator[Entry]) -> list[Entry]:
    return list(islice(entries, _READ_AHEAD))


async def _stopped(stop: asyncio.Event, until: float) -> bool:
    """Wait for a moment of the loop's clock; tells whether the end came first."""
    left_s = until - asyncio.get_running_loop().time()
    if left_s > 0.0:
        try:
            async with asyncio.timeout(left_s):
                await stop.wait()
        except TimeoutError:
            return False
    return stop.is_set()

"""What a viewer has heard of a device so far: messages in, a view of the whole out. No I/O.

A message that cannot be read is counted and changes nothing: a viewer may be older than the agent.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import msgspec

from models.errors import WireError
from models.wire.messages import Affect, BundleStatus, Health, Now, Queue, decode
from models.wire.topics import DeviceTopics

__all__ = ["TRAIL_S", "Observed", "View", "filters"]

TRAIL_S: Final = 180.0
"""Seconds of the state's way that the plane shows: the time in which a mood visibly moves."""

_KINDS: Final[dict[str, type[Affect | Now | Queue | Health | BundleStatus]]] = {
    "affect": Affect,
    "now": Now,
    "queue": Queue,
    "health": Health,
    "bundle": BundleStatus,
}


class View(msgspec.Struct, frozen=True, kw_only=True):
    """All that a frame shows.

    Attributes:
        device: name of the player.
        broker: address, as typed.
        trouble: why there is no connection; empty while there is one.
        clock: when the frame is drawn, seconds since the epoch.
        is_online: what the device last said of itself; None before it said anything.
        affect: the affect state.
        trail: time, valence and arousal of the last `TRAIL_S` seconds, oldest first.
        now: what plays.
        queue: what comes.
        health: what works.
        bundle: what runs.
        reranks: queues seen since the viewer started, not counting the retained one.
        unread: messages that could not be read.
    """

    device: str
    broker: str
    clock: float
    trouble: str = ""
    is_online: bool | None = None
    affect: Affect | None = None
    trail: tuple[tuple[float, float, float], ...] = ()
    now: Now | None = None
    queue: Queue | None = None
    health: Health | None = None
    bundle: BundleStatus | None = None
    reranks: int = 0
    unread: int = 0


def filters(topics: DeviceTopics) -> tuple[str, ...]:
    """Return the topics that a viewer subscribes to."""
    return (topics.availability, topics.affect, topics.now, topics.queue, topics.health, topics.bundle)


class Observed:
    """Gathers the messages of one device.

    Args:
        topics: of the device.
        broker: address of the broker, for display.
    """

    def __init__(self, topics: DeviceTopics, *, broker: str) -> None:
        self._topics = topics
        self._view = View(device=topics.device, broker=broker, clock=0.0)
        self._trail: deque[tuple[float, float, float]] = deque()

    def hear(self, topic: str, payload: bytes, *, retained: bool = False) -> None:
        """Take in a message; what is none of the device's state is ignored. An empty payload means "no longer"."""
        if topic == self._topics.availability:
            self._change(is_online=payload == b"online")
            return
        name = topic.removeprefix(f"{self._topics.root}/")
        kind = _KINDS.get(name)
        if kind is None:
            return
        try:
            message = decode(payload, kind) if payload else None
        except WireError:
            self._change(unread=self._view.unread + 1)
            return
        self._change(**{name: message})
        if isinstance(message, Affect):
            self._follow(message)
        if isinstance(message, Queue) and not retained:
            self._change(reranks=self._view.reranks + 1)

    def view(self, clock: float, *, trouble: str = "") -> View:
        """Return what is known at `clock`."""
        return msgspec.structs.replace(self._view, clock=clock, trouble=trouble, trail=tuple(self._trail))

    @property
    def is_complete(self) -> bool:
        """Whether every kind of state that is always published has been heard."""
        view = self._view
        return view.is_online is not None and None not in (view.now, view.queue, view.health, view.bundle)

    def _change(self, **changes: object) -> None:
        self._view = msgspec.structs.replace(self._view, **changes)

    def _follow(self, affect: Affect) -> None:
        if self._trail and affect.t < self._trail[-1][0]:
            self._trail.clear()  # the device's clock was set back
        self._trail.append((affect.t, affect.valence, affect.arousal))
        while affect.t - self._trail[0][0] > TRAIL_S:
            self._trail.popleft()

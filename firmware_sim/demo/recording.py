"""An observer's notes: everything that the agent and the simulator say over MQTT during a demo."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from firmware_sim.demo.scoring import Truth
from models.errors import WireError
from models.wire import messages, topics

__all__ = ["Recording"]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Recording:
    """What was seen on the wire.

    Attributes:
        device: the agent's device name.
        listener: the simulated listener.
        online: whether the agent says that it is there.
        affects: every affect state, in order.
        queues: every queue.
        plays: every state of the player.
        health: the latest.
        truths: time, valence and arousal that were truly felt.
        errors: messages that could not be read.
    """

    device: str
    listener: str
    online: bool = False
    affects: list[messages.Affect] = field(default_factory=list)
    queues: list[messages.Queue] = field(default_factory=list)
    plays: list[messages.Now] = field(default_factory=list)
    health: messages.Health | None = None
    truths: list[messages.Truth] = field(default_factory=list)
    errors: int = 0
    _kinds: dict[str, tuple[type[Any], Callable[[Any], None]]] = field(init=False, repr=False)
    _availability: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        names = topics.DeviceTopics(self.device)
        self._availability = names.availability
        self._kinds = {
            names.affect: (messages.Affect, self.affects.append),
            names.queue: (messages.Queue, self.queues.append),
            names.now: (messages.Now, self.plays.append),
            names.health: (messages.Health, self._see_health),
            topics.truth(self.listener): (messages.Truth, self.truths.append),
        }

    @property
    def filters(self) -> tuple[str, ...]:
        """The topics to subscribe to."""
        return (self._availability, *self._kinds)

    def see(self, topic: str, payload: bytes) -> None:
        """Note one message; what cannot be read is counted."""
        if topic == self._availability:
            self.online = payload == b"online"
            return
        kind, note = self._kinds.get(topic, (None, None))
        if kind is None or note is None:
            return
        try:
            note(messages.decode(payload, kind))
        except WireError as error:
            self.errors += 1
            _log.warning("%s: %s", topic, error)

    def truth(self) -> Truth:
        """The truth as arrays."""
        rows = sorted((truth.t, truth.valence, truth.arousal) for truth in self.truths)
        array = np.array(rows, dtype=np.float64).reshape(-1, 3)
        return Truth(array[:, 0], array[:, 1:])

    def tracks_played(self) -> list[str]:
        """Titles of what played, in order, without the repeats of a changing position."""
        played: list[str] = []
        for now in self.plays:
            if now.status == "playing" and now.track is not None and (not played or played[-1] != now.track.title):
                played.append(now.track.title)
        return played

    def _see_health(self, health: messages.Health) -> None:
        self.health = health

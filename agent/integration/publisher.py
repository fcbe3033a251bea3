"""What the agent tells about itself: each message on its topic, with its quality of service, retained or not.

Rules:

- State is retained, so whoever connects sees it at once; answers are not.
- Health goes out at QoS 0: the next one comes within half a minute and says the same anew.
- Beyond this machine, `affect` and the values of the streams go out only where the listener allowed it. What an earlier
  run had published there with permission is cleared at the start without.
- Availability is the link's matter: only it knows when the connection breaks.
"""

from __future__ import annotations

from typing import Final, Protocol

import msgspec

from agent.integration.commands import refusal
from models.errors import AttuneError
from models.wire.messages import Affect, BundleStatus, Health, Now, Queue, Reply, encode
from models.wire.topics import DeviceTopics

__all__ = ["PUBLISHED_TRACKS", "Publish", "Publisher"]

PUBLISHED_TRACKS: Final = 10
"""So much of the queue is published: what a screen shows; the rest will be ranked anew before it plays."""


class Publish(Protocol):
    """How a message leaves; `agent.integration.link.Link.publish` is one."""

    def __call__(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> None:
        """Send without waiting; an empty retained payload clears the topic."""
        ...


class Publisher:
    """Publishes a device's state and answers.

    Args:
        topics: of this device.
        publish: how a message leaves.
        is_embedded: whether the broker is the agent's own on the loopback interface, where everything may be told.
        publish_affect: the listener's permission for an external broker.
        publish_streams: likewise, for the values of the streams.
    """

    def __init__(
        self,
        topics: DeviceTopics,
        publish: Publish,
        *,
        is_embedded: bool,
        publish_affect: bool,
        publish_streams: bool,
    ) -> None:
        self._topics = topics
        self._publish = publish
        self._tells_affect = is_embedded or publish_affect
        self._tells_streams = is_embedded or publish_streams
        if not self._tells_affect:
            publish(topics.affect, b"", qos=1, retain=True)

    def affect(self, message: Affect) -> None:
        """Publish the affect state, where that is allowed."""
        if self._tells_affect:
            self._state(self._topics.affect, message)

    def now(self, message: Now) -> None:
        """Publish what plays."""
        self._state(self._topics.now, message)

    def queue(self, message: Queue) -> None:
        """Publish the first ten tracks of the queue."""
        if len(message.tracks) > PUBLISHED_TRACKS:
            message = msgspec.structs.replace(message, tracks=message.tracks[:PUBLISHED_TRACKS])
        self._state(self._topics.queue, message)

    def health(self, message: Health) -> None:
        """Publish what works and what does not; without the streams' values where those stay at home."""
        if not self._tells_streams:
            streams = [msgspec.structs.replace(stream, last=None, activity=None) for stream in message.streams]
            message = msgspec.structs.replace(message, streams=streams)
        self._publish(self._topics.health, encode(message), qos=0, retain=True)

    def bundle(self, message: BundleStatus) -> None:
        """Publish which bundle runs."""
        self._state(self._topics.bundle, message)

    def reply(self, message: Reply) -> None:
        """Answer a command that carried an id."""
        self._publish(self._topics.reply(message.id), encode(message), qos=1, retain=False)

    def refuse(self, verb: str, error: AttuneError, payload: bytes = b"") -> None:
        """Answer a command that was refused, by this module's reader or by who had to carry it out."""
        self._publish(self._topics.command_error(verb), encode(refusal(error, payload)), qos=1, retain=False)

    def clear(self) -> None:
        """Remove from the broker all that is retained about this listener."""
        topics = self._topics
        for topic in (topics.affect, topics.now, topics.queue, topics.health, topics.bundle):
            self._publish(topic, b"", qos=1, retain=True)

    def _state(self, topic: str, message: msgspec.Struct) -> None:
        self._publish(topic, encode(message), qos=1, retain=True)

"""QoS 1 events on their way to the broker.

Rules:

- An event leaves only when the broker has acknowledged it or when newer ones need its place (counted).
- Events are sent in the order in which they came; after a lost connection all unacknowledged ones are sent again, in
  that order: the broker gets each one at least once.
- At most `window` events are unacknowledged on a connection, so a slow broker does not pile them up in the socket.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

__all__ = ["Event", "Outbox"]


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """A message that is to be delivered at least once."""

    topic: str
    payload: bytes
    retain: bool = False


class Outbox:
    """A bounded queue of events with acknowledgement; no I/O.

    Args:
        limit: how many events are kept at most.
        window: how many may be unacknowledged at a time.
    """

    def __init__(self, *, limit: int, window: int) -> None:
        self._limit = limit
        self._window = window
        self._waiting: deque[Event] = deque()
        self._sent: dict[int, Event] = {}
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._waiting) + len(self._sent)

    def append(self, event: Event) -> None:
        """Add an event; when the box is full, the oldest one not sent yet makes room (else this one is lost)."""
        if len(self) >= self._limit:
            self.dropped += 1
            if not self._waiting:
                return
            self._waiting.popleft()
        self._waiting.append(event)

    def take(self) -> Event | None:
        """Return the next event to send, or None when there is none or the window is full; follow with `sent`."""
        if not self._waiting or len(self._sent) >= self._window:
            return None
        return self._waiting.popleft()

    def sent(self, identifier: int, event: Event) -> None:
        """Note under which packet identifier an event went out."""
        self._sent[identifier] = event

    def acknowledge(self, identifier: int) -> None:
        """Forget the event that the broker has acknowledged; identifiers of other messages are ignored."""
        self._sent.pop(identifier, None)

    def connection_lost(self) -> None:
        """Put what was not acknowledged back in front, in order: packet identifiers end with their connection."""
        self._waiting.extendleft(reversed(self._sent.values()))
        self._sent.clear()

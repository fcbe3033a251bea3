"""What a link takes, gives and says about itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["LARGEST_PAYLOAD", "LinkSettings", "LinkStatus", "Message"]

LARGEST_PAYLOAD = 256 * 1024
"""Bytes. Nothing that Attune reads is larger: bundles come in chunks of 64 KiB, packs in kilobytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """Where the broker is and how to behave towards it.

    Attributes:
        host: name or address of the broker.
        port: its TCP port.
        client_id: unique on the broker; a second client with the same one throws the first out (MQTT-3.1.4-2).
        clean_session: False asks the broker to keep subscriptions and unacknowledged messages while the link is away.
        username: with `password_file`, what the broker asks for; None for neither.
        password_file: file whose first line is the password; read at each connection, so a changed one is picked up.
        ca_file: certificates to trust; setting it (or `cert_file`) turns TLS on.
        cert_file: the client's own certificate.
        key_file: its private key.
        keepalive_s: a silent broker is given up after at most twice this time.
        connect_timeout_s: how long one attempt may take.
        reconnect_limit_s: longest delay between two attempts.
        waiting_messages: so many messages wait for the consumer before the link stops reading from the connection.
        waiting_bytes: likewise, in bytes of payload.
        outbox_messages: so many unacknowledged QoS 1 events are kept while the broker is away.
    """

    host: str
    port: int = 1883
    client_id: str
    clean_session: bool = True
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    keepalive_s: int = 20
    connect_timeout_s: float = 5.0
    reconnect_limit_s: float = 30.0
    waiting_messages: int = 1000
    waiting_bytes: int = 8 * 1024 * 1024
    outbox_messages: int = 1000


@dataclass(frozen=True, slots=True)
class Message:
    """One message from the broker. `duplicate` says that the broker may have delivered it before (MQTT's DUP flag)."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    duplicate: bool


@dataclass(slots=True)
class LinkStatus:
    """The link's condition and what it has counted since it was made.

    Attributes:
        connected: whether messages flow right now.
        connections: how often a connection came up.
        last_error: why the last attempt failed or the last connection ended; empty while all is well.
        received: messages handed to the consumer or waiting for it.
        published: messages given to the broker.
        waiting: messages that wait for the consumer.
        held_back: how often the connection was held back because the consumer was busy.
        refused: messages that were not handed on, by reason: `oversized`, `malformed` (topic not UTF-8), `foreign`
            (a topic that was never subscribed to; some brokers send these).
        dropped: messages that were never sent: `qos0` while disconnected, `outbox_full`.
        outbox: QoS 1 events that the broker has not acknowledged yet.
    """

    connected: bool = False
    connections: int = 0
    last_error: str = ""
    received: int = 0
    published: int = 0
    waiting: int = 0
    held_back: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    outbox: int = 0

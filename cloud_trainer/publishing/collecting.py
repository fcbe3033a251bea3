"""Takes from the broker what players sent for training since the last time.

The session is kept by the broker under a fixed name, so reports wait while nobody collects. A report is acknowledged
when it is on the disk; paho's own acknowledgements, given on arrival, would lose what was under way in a crash.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from cloud_trainer.publishing.broker import credentials, refused, unreachable
from cloud_trainer.publishing.settings import PublishingSection
from models.errors import BrokerError, Reason

__all__ = ["CLIENT", "Taken", "take"]

CLIENT: Final = "attune-trainer-collect"
"""The session's name; one collector at a time for each broker."""
_TIMEOUT_S: Final = 10.0
_STEP_S: Final = 0.1

Handler = Callable[[str, bytes, bool], None]
"""Takes topic, payload, and whether the message was retained; returns once it is on the disk."""


@dataclass(slots=True)
class Taken:
    """What a visit brought.

    Attributes:
        messages: taken and acknowledged.
        resumed: whether the broker had kept the session; if not, it keeps what is sent from now on.
    """

    messages: int = 0
    resumed: bool = False


class _Visit:
    """One connection: what paho reports of it."""

    def __init__(self, settings: PublishingSection, topic_filter: str, handle: Handler) -> None:
        self.where = f"{settings.host}:{settings.port}"
        self.taken = Taken()
        self.last = time.monotonic()
        self.subscribed = False
        self.failed: BrokerError | None = None
        self._filter, self._handle = topic_filter, handle
        password, context = credentials(settings)
        self.client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=CLIENT,
            clean_session=False,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        self.client.connect_timeout = _TIMEOUT_S
        if settings.username is not None:
            self.client.username_pw_set(settings.username, password)
        if context is not None:
            self.client.tls_set_context(context)
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.on_subscribe = self._on_subscribe
        self.client.on_message = self._on_message

    def _on_connect(
        self, client: Client, _data: object, flags: ConnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        if code.is_failure:
            self.failed = refused(self.where, str(code))
            return
        self.taken.resumed = flags.session_present
        client.subscribe(self._filter, qos=1)

    def _on_subscribe(
        self, _client: Client, _data: object, _mid: int, codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        if any(code.is_failure for code in codes):
            self.failed = refused(self.where, f"it does not let this user read {self._filter}")
        self.subscribed, self.last = True, time.monotonic()

    def _on_disconnect(
        self, _client: Client, _data: object, _flags: DisconnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        if self.failed is None:
            self.failed = BrokerError(
                f"the connection to the MQTT broker at {self.where} was lost: {code}",
                reason=Reason.UNREACHABLE,
                remedy="Give the same command again: what was taken is on the disk, the rest waits at the broker",
            )

    def _on_message(self, client: Client, _data: object, message: MQTTMessage) -> None:
        # What this raises comes out of `Client.loop`: not on the disk, so not acknowledged, so it comes again.
        self._handle(message.topic, bytes(message.payload), message.retain)
        client.ack(message.mid, message.qos)
        self.taken.messages += 1
        self.last = time.monotonic()


def take(settings: PublishingSection, topic_filter: str, handle: Handler, *, quiet_s: float) -> Taken:
    """Take what waits, until nothing has come for a while. Blocks.

    Args:
        settings: where the broker is, and as whom.
        topic_filter: what to take.
        handle: gets each message; what it raises ends the visit, and the message comes again the next time.
        quiet_s: for how long nothing must have come.

    Raises:
        BrokerError: UNREACHABLE, REFUSED or UNREADABLE.
    """
    visit = _Visit(settings, topic_filter, handle)
    try:
        visit.client.connect(settings.host, settings.port, keepalive=60)
    except (OSError, ValueError) as error:
        raise unreachable(visit.where, str(error)) from error
    try:
        while visit.failed is None:
            wait_s = quiet_s if visit.subscribed else _TIMEOUT_S
            if time.monotonic() - visit.last > wait_s:
                break
            if visit.client.loop(_STEP_S) is not MQTTErrorCode.MQTT_ERR_SUCCESS and visit.failed is None:
                visit.failed = unreachable(visit.where, "the connection was lost")
        if visit.failed is not None:
            raise visit.failed
        if not visit.subscribed:
            raise unreachable(visit.where, "it does not answer as an MQTT broker")
        return visit.taken
    finally:
        visit.client.on_disconnect = None
        visit.client.disconnect()

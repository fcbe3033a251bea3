"""One MQTT connection, from CONNECT to its end, driven by the running event loop.

aiomqtt offers neither of the two things that the intake needs: to acknowledge a message only once it was handled, and
to stop reading while the consumer is busy. paho has the first one and leaves the socket to its user, which gives the
second; so this is paho on asyncio's readers and writers.

Rules: all of paho's methods but `connect` run in the loop's thread; `connect` (name look-up, TCP and TLS handshakes,
the files of the credentials) blocks and runs in a worker thread; a connection is used once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from agent.integration.link.messages import LinkSettings
from models.errors import BrokerError, Reason

__all__ = ["Connection", "Will"]

logger = logging.getLogger(__name__)

Will = tuple[str, bytes]
"""Topic and payload of the last will: QoS 1, retained."""

_MISC_EVERY_S = 1.0
_WINDOW = (
    100  # QoS 1 messages that paho sends before it waits for an acknowledgement; its default, 20, costs throughput
)
_FILTERS_OF_A_PACKET = 8  # AWS IoT refuses a SUBSCRIBE with more ("AWS IoT Core message broker limits and quotas")
_CHECK_CREDENTIALS = "Check username, password_file and the broker's access list"


class Connection:
    """A single-use connection.

    Args:
        settings: where and how.
        will: what the broker publishes when the connection ends without a goodbye.
        on_message: called for each message, in the loop's thread.
        on_acknowledged: called with the packet identifier of each QoS 1 message that the broker has taken.

    Attributes:
        ended: done when the connection is over; its result says why (empty: it was closed from this side).
    """

    def __init__(
        self,
        settings: LinkSettings,
        *,
        will: Will | None,
        on_message: Callable[[MQTTMessage], None],
        on_acknowledged: Callable[[int], None],
    ) -> None:
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[str] = self._loop.create_future()
        self._accepted: asyncio.Future[None] = self._loop.create_future()
        self._subscribing: dict[int, asyncio.Future[list[ReasonCode]]] = {}
        self._unsubscribing: dict[int, asyncio.Future[None]] = {}
        self._socket: socket.socket | None = None
        self._misc: asyncio.TimerHandle | None = None
        self._on_acknowledged = on_acknowledged
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id,
            clean_session=settings.clean_session,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = settings.connect_timeout_s
        client.max_inflight_messages_set(_WINDOW)
        if will is not None:
            client.will_set(will[0], will[1], qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_unsubscribe = self._on_unsubscribe
        client.on_publish = self._on_publish
        client.on_message = lambda _client, _userdata, message: on_message(message)
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = self._on_register_write
        client.on_socket_unregister_write = self._on_unregister_write
        self._client = client

    async def open(self) -> None:
        """Connect and wait until the broker has accepted.

        Raises:
            BrokerError: UNREACHABLE or REFUSED, with the address and the remedy.
        """
        connecting = asyncio.ensure_future(asyncio.to_thread(self._connect))
        try:
            await asyncio.shield(connecting)
        except asyncio.CancelledError:
            connecting.add_done_callback(self._abandon)
            raise
        self._socket = self._client.socket()  # type: ignore[assignment]  # a TCP or TLS socket: no other transport is set
        if self._socket is None:
            raise self._unreachable("the connection was closed at once")
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop.add_reader(self._socket, self._readable)
        self._misc = self._loop.call_later(_MISC_EVERY_S, self._keep_alive)
        self._write()
        try:
            async with asyncio.timeout(self._settings.connect_timeout_s):
                await self._accepted
        except TimeoutError:
            await self.close()
            raise self._unreachable("it accepts connections but does not answer as an MQTT broker") from None
        except BaseException:
            await self.close()
            raise

    async def subscribe(self, filters: Mapping[str, int]) -> list[str]:
        """Subscribe, in this order, and wait for the broker's answers; returns the filters that it refused."""
        wanted = list(filters.items())
        packets = [
            (packet, granted)
            for start in range(0, len(wanted), _FILTERS_OF_A_PACKET)
            if (granted := self._subscribe(packet := wanted[start : start + _FILTERS_OF_A_PACKET])) is not None
        ]
        self._write()
        refused = []
        for packet, granted in packets:
            await asyncio.wait((granted, self.ended), return_when=asyncio.FIRST_COMPLETED)
            if granted.done():
                answers = zip(packet, granted.result(), strict=False)
                refused += [name for (name, _), code in answers if code.is_failure]
        return refused

    def _subscribe(self, filters: list[tuple[str, int]]) -> asyncio.Future[list[ReasonCode]] | None:
        _, identifier = self._client.subscribe(filters)
        if identifier is None:
            return None
        granted: asyncio.Future[list[ReasonCode]] = self._loop.create_future()
        self._subscribing[identifier] = granted
        return granted

    async def unsubscribe(self, filters: Sequence[str]) -> None:
        """Tell the broker that messages of these filters are wanted no longer, and wait for its answer."""
        if not filters or self.ended.done():
            return
        _, identifier = self._client.unsubscribe(list(filters))
        if identifier is None:
            return
        done: asyncio.Future[None] = self._loop.create_future()
        self._unsubscribing[identifier] = done
        self._write()
        await asyncio.wait((done, self.ended), return_when=asyncio.FIRST_COMPLETED)

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> int:
        """Send a message; returns its packet identifier."""
        information = self._client.publish(topic, payload, qos=qos, retain=retain)
        self._write()
        return information.mid

    def acknowledge(self, identifier: int) -> None:
        """Tell the broker that a QoS 1 message was handled."""
        if not self.ended.done():
            self._client.ack(identifier, 1)
            self._write()

    def hold(self) -> None:
        """Stop reading: TCP's window fills and the broker holds back what it still has."""
        if self._socket is not None:
            self._loop.remove_reader(self._socket)

    def release(self) -> None:
        """Read again."""
        if self._socket is not None:
            self._loop.add_reader(self._socket, self._readable)

    async def close(self) -> None:
        """Say goodbye (the broker then drops the will) and free the socket; harmless when all is over."""
        if self._socket is not None:
            with contextlib.suppress(OSError, ValueError):
                self._client.disconnect()
                self._write()
        self._end("")
        if (left := self._client.socket()) is not None:
            left.close()

    def _connect(self) -> None:
        """Blocks. Everything that touches files, names or handshakes."""
        settings = self._settings
        try:
            if settings.username:
                self._client.username_pw_set(settings.username, _password(settings.password_file))
            if settings.ca_file or settings.cert_file:
                self._client.tls_set_context(_tls_context(settings))
        except (OSError, ValueError) as error:
            remedy = "Check password_file, ca_file, cert_file and key_file under [broker]"
            raise self._refused(f"the credentials cannot be read: {error}", remedy) from error
        try:
            self._client.connect(settings.host, settings.port, keepalive=settings.keepalive_s)
        except ssl.SSLError as error:
            raise self._refused(f"TLS failed: {error}", "Check ca_file, cert_file and key_file") from error
        except (OSError, ValueError) as error:
            raise self._unreachable(str(error)) from error

    def _abandon(self, connecting: asyncio.Future[None]) -> None:
        """The attempt was given up while the worker thread was busy with it: free what it made."""
        if not connecting.cancelled():
            connecting.exception()
        if (left := self._client.socket()) is not None:
            left.close()

    def _unreachable(self, why: str) -> BrokerError:
        where = f"{self._settings.host}:{self._settings.port}"
        return BrokerError(
            f"The MQTT broker at {where} cannot be reached: {why}",
            reason=Reason.UNREACHABLE,
            remedy="Start it, or correct host and port under [broker]",
        )

    def _refused(self, why: str, remedy: str) -> BrokerError:
        where = f"{self._settings.host}:{self._settings.port}"
        return BrokerError(f"The MQTT broker at {where} refused: {why}", reason=Reason.REFUSED, remedy=remedy)

    # -- the socket ------------------------------------------------------------------------------------------------

    def _readable(self) -> None:
        try:
            self._client.loop_read()
            # A TLS socket may have decrypted more than it gave out, of which the loop hears nothing.
            while isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
                self._client.loop_read()
        except (OSError, ValueError, IndexError, KeyError) as error:
            # Bytes that are no MQTT end in one of these inside paho; the connection cannot be read any further.
            self._end(f"unreadable packet: {error}")

    def _write(self) -> None:
        """Send at once instead of in the loop's next round; what does not fit is sent when the socket is writable."""
        if self.ended.done():
            return
        try:
            self._client.loop_write()
        except (OSError, ValueError) as error:
            self._end(str(error))

    def _keep_alive(self) -> None:
        self._client.loop_misc()
        if not self.ended.done():
            self._misc = self._loop.call_later(_MISC_EVERY_S, self._keep_alive)

    def _on_socket_close(self, _client: Client, _userdata: object, _closing: object) -> None:
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket = None

    def _on_register_write(self, _client: Client, _userdata: object, _closing: object) -> None:
        # During `connect` this comes from the worker thread; `open` writes what it has left.
        if self._socket is not None:
            self._loop.add_writer(self._socket, self._write)

    def _on_unregister_write(self, _client: Client, _userdata: object, _closing: object) -> None:
        if self._socket is not None:
            self._loop.remove_writer(self._socket)

    def _end(self, why: str) -> None:
        if self._misc is not None:
            self._misc.cancel()
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket.close()
            self._socket = None
        if not self._accepted.done():
            self._accepted.set_exception(self._unreachable(why or "closed"))
            self._accepted.exception()  # nobody may be waiting for it any more
        if not self.ended.done():
            self.ended.set_result(why)

    # -- what paho reports -----------------------------------------------------------------------------------------

    def _on_connect(
        self,
        _client: Client,
        _userdata: object,
        _flags: ConnectFlags,
        code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if self._accepted.done():
            return
        if code.is_failure:
            self._accepted.set_exception(self._refused(str(code), _CHECK_CREDENTIALS))
        else:
            self._accepted.set_result(None)

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: object,
        _flags: DisconnectFlags,
        code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        # paho calls a connection that just ended an "Unspecified error", which tells the reader nothing.
        self._end("the connection was lost" if code.is_failure else "the broker closed the connection")

    def _on_subscribe(
        self,
        _client: Client,
        _userdata: object,
        mid: int,
        codes: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        waiting = self._subscribing.pop(mid, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(codes)

    def _on_unsubscribe(
        self,
        _client: Client,
        _userdata: object,
        mid: int,
        _codes: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        waiting = self._unsubscribing.pop(mid, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def _on_publish(
        self,
        _client: Client,
        _userdata: object,
        mid: int,
        _code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._on_acknowledged(mid)


def _password(file: Path | None) -> str | None:
    return file.read_text().split("\n", 1)[0].strip() if file else None


def _tls_context(settings: LinkSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.ca_file)
    if settings.cert_file:
        context.load_cert_chain(settings.cert_file, settings.key_file)
    return context

"""A connection to the broker for one command: publish, and read back what is retained.

MQTT does not say that a topic holds nothing. So each read ends with a *fence*: a message to ourselves, which a broker
that keeps the order (Mosquitto does) delivers after everything that was retained. Where more was expected, we wait for
as long as something still comes.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

import aiomqtt
from aiomqtt.exceptions import MqttConnectError

from cloud_trainer.publishing.settings import PublishingSection
from models.errors import BrokerError, Reason

__all__ = ["Broker", "connected", "credentials", "refused", "unreachable"]

_TIMEOUT_S: Final = 20.0
"""For one acknowledgement: a chunk over a slow uplink takes a few seconds."""
_SILENCE_S: Final = 5.0
"""Without the fence: the broker refuses our own topic, or is far behind."""
_KEEPALIVE_S: Final = 30

_log = logging.getLogger("attune.trainer.broker")
T = TypeVar("T")


class Broker:
    """An open connection.

    Args:
        client: connected.
        where: host and port, for messages.
        fence: topic that nobody else uses.

    Attributes:
        sent: bytes of payloads that were published and acknowledged.
    """

    def __init__(self, client: aiomqtt.Client, where: str, fence: str) -> None:
        self._client, self.where, self._fence = client, where, fence
        self._receiving = asyncio.create_task(self._receive(), name="publishing-receive")
        self._wanted: Callable[[str], bool] = lambda _topic: False
        self._seen: dict[str, bytes] = {}
        self._token = b""
        self._fenced = False
        self._moved = asyncio.Event()
        self.sent = 0

    async def publish(self, topic: str, payload: bytes) -> None:
        """Publish a retained message at QoS 1; an empty one clears the topic.

        Raises:
            BrokerError: UNREACHABLE: the connection was lost.
        """
        await self._while_connected(self._client.publish(topic, payload, qos=1, retain=True))
        self.sent += len(payload)

    async def read(self, topics: Collection[str], *, patience_s: float = 0.0) -> dict[str, bytes]:
        """Read what is retained on these topics.

        Args:
            topics: exact names.
            patience_s: how long to wait for absent ones once the fence has come, counted from the last arrival.

        Raises:
            BrokerError: UNREACHABLE: the connection was lost.
        """
        wanted = frozenset(topics)
        return await self._read(wanted, wanted.__contains__, patience_s, lambda seen: wanted <= seen.keys())

    async def read_filter(
        self, topic_filter: str, *, keep: Callable[[str], bool], patience_s: float = 0.0
    ) -> dict[str, bytes]:
        """Read what is retained on all topics of a filter.

        Args:
            topic_filter: with wildcards.
            keep: whether a topic is meant; brokers were seen to send others, too.
            patience_s: how long to wait once the fence has come, counted from the last arrival.

        Raises:
            BrokerError: UNREACHABLE: the connection was lost.
        """
        return await self._read({topic_filter}, keep, patience_s, lambda _seen: False)

    async def close(self) -> None:
        """Stop receiving."""
        self._receiving.cancel()
        await asyncio.gather(self._receiving, return_exceptions=True)

    async def _read(
        self,
        filters: Collection[str],
        wanted: Callable[[str], bool],
        patience_s: float,
        complete: Callable[[dict[str, bytes]], bool],
    ) -> dict[str, bytes]:
        self._seen, self._wanted, self._fenced = {}, wanted, False
        self._token = secrets.token_bytes(16)
        await self._while_connected(self._client.subscribe([(each, 1) for each in (*filters, self._fence)]))
        await self._while_connected(self._client.publish(self._fence, self._token, qos=1))
        while not complete(self._seen):
            self._moved.clear()
            wait_s = patience_s if self._fenced else max(_SILENCE_S, patience_s)
            try:
                async with asyncio.timeout(wait_s):
                    await self._while_connected(self._moved.wait())
            except TimeoutError:
                break
        seen, self._wanted = self._seen, lambda _topic: False
        await self._while_connected(self._client.unsubscribe(list(filters)))
        return seen

    async def _receive(self) -> None:
        async for message in self._client.messages:
            topic, payload = message.topic.value, message.payload
            if topic == self._fence:
                self._fenced |= payload == self._token
                self._moved.set()
            elif payload and self._wanted(topic):
                self._seen[topic] = payload
                self._moved.set()

    async def _while_connected(self, doing: Awaitable[T]) -> T:
        """Wait for something, but not for longer than the connection lasts."""
        task = asyncio.ensure_future(doing)
        try:
            await asyncio.wait({task, self._receiving}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise self.lost(self._receiving.exception())
        except aiomqtt.MqttError as error:
            raise self.lost(error) from error
        finally:
            task.cancel()

    def lost(self, why: BaseException | None) -> BrokerError:
        """What to raise when the connection is gone."""
        _log.debug("connection to %s lost: %s", self.where, why)
        return BrokerError(
            f"the connection to the MQTT broker at {self.where} was lost",
            reason=Reason.UNREACHABLE,
            remedy="Give the same command again: it goes on where it stopped",
        )


@asynccontextmanager
async def connected(settings: PublishingSection, *, fence: str) -> AsyncIterator[Broker]:
    """Connect for the length of a command.

    Args:
        settings: where, and as whom.
        fence: beginning of a topic that only we write to.

    Raises:
        BrokerError: UNREACHABLE or REFUSED; UNREADABLE: password or certificates.
    """
    where = f"{settings.host}:{settings.port}"
    identity = f"attune-trainer-{secrets.token_hex(4)}"
    password, context = await asyncio.to_thread(credentials, settings)
    # aiomqtt warns above ten calls in flight; a window of chunks is no mistake.
    quiet = logging.getLogger("attune.trainer.mqtt")
    quiet.setLevel(logging.CRITICAL)
    client = aiomqtt.Client(
        settings.host,
        settings.port,
        identifier=identity,
        username=settings.username,
        password=password,
        tls_context=context,
        keepalive=_KEEPALIVE_S,
        timeout=_TIMEOUT_S,
        logger=quiet,
        # Small requests go out at once instead of waiting for the acknowledgement of the ones before (Nagle).
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
    )
    try:
        await client.__aenter__()
    except aiomqtt.MqttError as error:
        if isinstance(error, MqttConnectError):
            raise refused(where, str(error)) from error
        raise unreachable(where, str(error)) from error
    broker = Broker(client, where, f"{fence}/{identity}")
    try:
        yield broker
    finally:
        await broker.close()
        try:
            await client.__aexit__(None, None, None)
        except aiomqtt.MqttError as error:
            _log.debug("no goodbye to %s: %s", where, error)


def refused(where: str, why: str) -> BrokerError:
    """What to raise when a broker does not let us in."""
    return BrokerError(
        f"the MQTT broker at {where} refused: {why}",
        reason=Reason.REFUSED,
        remedy="Check username and password_file under [publishing] and the broker's access list",
    )


def unreachable(where: str, why: str) -> BrokerError:
    """What to raise when there is no broker."""
    return BrokerError(
        f"the MQTT broker at {where} cannot be reached: {why}",
        reason=Reason.UNREACHABLE,
        remedy="Start it (`make demo` starts one), or set host and port under [publishing] or with --host and --port",
    )


def credentials(settings: PublishingSection) -> tuple[str | None, ssl.SSLContext | None]:
    """Password and certificates of the settings.

    Raises:
        BrokerError: UNREADABLE.
    """
    try:
        password = _text(settings.password_file)
        if settings.ca_file is None and settings.cert_file is None:
            return password, None
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.cert_file is not None:
            context.load_cert_chain(settings.cert_file, settings.key_file)
    except (OSError, ValueError) as error:
        raise BrokerError(
            f"the password or certificates for {settings.host} cannot be read: {error}",
            reason=Reason.UNREADABLE,
            remedy="Check password_file, ca_file, cert_file and key_file under [publishing]",
        ) from error
    return password, context


def _text(path: Path | None) -> str | None:
    return None if path is None else path.read_text("utf-8").strip()

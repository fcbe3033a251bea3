"""The gateway as a process of its own: from the radio to the broker.

Rules:

- Health data goes to a broker beyond this agent's own only where the listener allowed it: without
  `[privacy] publish_streams` the gateway does not start on such a broker.
- Nothing waits for the broker: beats and rates (QoS 1) wait in the link's bounded outbox while it is away, dense
  streams are dropped there.
- What was counted is told in the log once a minute, as far as it changed.
"""

from __future__ import annotations

import asyncio
import logging
import re
import signal
import socket
import time
from collections.abc import Mapping
from functools import partial
from typing import Final

from agent.integration.link import Link, LinkSettings
from agent.sensing.gateway.adapters import open_adapter
from agent.sensing.gateway.gateway import Gateway, GatewayStatus
from agent.sensing.gateway.pairings import Pairings
from agent.settings import AgentSettings
from models.errors import Reason, SettingsError

__all__ = ["changes", "serve"]

logger = logging.getLogger(__name__)

_TELL_EVERY_S: Final = 60.0


async def serve(settings: AgentSettings, *, seconds: float | None = None) -> GatewayStatus:
    """Read the paired wearables and publish what they say, until SIGINT or SIGTERM.

    Args:
        settings: validated.
        seconds: end after so long; None for never.

    Returns:
        How it was at the end.

    Raises:
        SettingsError: there is no such adapter, or streams may not be published on this broker.
        AttuneError: a library that the adapter needs is not installed.
    """
    _check_permission(settings)
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with Link(_link_settings(settings)) as link:
        gateway = _make(settings, link)
        running: asyncio.Task[None] = asyncio.create_task(gateway.run(), name="gateway")
        telling = asyncio.create_task(_tell(gateway, link), name="telling")
        stopping = asyncio.create_task(stop.wait(), name="stop")
        try:
            await asyncio.wait((running, telling, stopping), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            status = gateway.status()
            for each in (running, telling):
                if each.done():
                    each.result()
            return status
        finally:
            for task in (running, telling, stopping):
                task.cancel()
            await asyncio.gather(running, telling, stopping, return_exceptions=True)


def _check_permission(settings: AgentSettings) -> None:
    if not settings.broker.is_embedded and not settings.privacy.publish_streams:
        raise SettingsError(
            f"the gateway would publish what the wearables measure on the broker {settings.broker.host}",
            reason=Reason.WRONG_VALUE,
            remedy="Allow it with publish_streams = true under [privacy], or let the agent read the wearables itself "
            "with inside = true under [gateway]",
        )


def _link_settings(settings: AgentSettings) -> LinkSettings:
    broker = settings.broker
    # A gateway may share its settings with the agent and with gateways in other rooms; brokers want different names.
    host = re.sub(r"[^a-z0-9]+", "-", socket.gethostname().lower()).strip("-")
    return LinkSettings(
        host=broker.address,
        port=broker.port,
        client_id=f"attune-gateway-{settings.device.id}-{host}"[:64],
        username=broker.username,
        password_file=broker.password_file,
        ca_file=broker.ca_file,
        cert_file=broker.cert_file,
        key_file=broker.key_file,
    )


def _make(settings: AgentSettings, link: Link) -> Gateway:
    async def publish(topic: str, payload: bytes, qos: int) -> None:
        link.publish(topic, payload, qos=qos)

    return Gateway(
        partial(open_adapter, settings.gateway.adapter),
        Pairings(settings.storage.folder),
        publish,
        now=time.time,
        waveforms=settings.gateway.waveforms,
    )


async def _tell(gateway: Gateway, link: Link) -> None:
    before: Mapping[str, int] = {}
    while True:
        await asyncio.sleep(_TELL_EVERY_S)
        link_status = link.status()
        now = dict(gateway.counters) | {f"broker.{kind}_dropped": count for kind, count in link_status.dropped.items()}
        if told := changes(before, now):
            logger.info("in the last minute: %s", told)
        before = now


def changes(before: Mapping[str, int], now: Mapping[str, int]) -> str:
    """What was counted since, as text: `packs +118, heart_rate.no_contact +3`."""
    grown = ((name, count - before.get(name, 0)) for name, count in sorted(now.items()))
    return ", ".join(f"{name} +{more}" for name, more in grown if more)

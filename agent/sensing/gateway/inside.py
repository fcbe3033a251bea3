"""The gateway inside the agent: what wearables say goes to sensing at once, and to the broker where that is allowed.

Rules:

- Sensing takes a pack directly, so the listener's wearables count while the broker is away.
- The pack is published as well on the agent's own broker, and on an external one only with `[privacy]
  publish_streams`. The agent hears its own packs again from there, because it subscribes to all of the listener's
  wearables; who receives them asks `Gateway.owns` and lets them pass.
- Only the wearables of the agent's own listener are read.
- An agent without Bluetooth does not load it: it would cost a sixth of a second and megabytes.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from agent.integration.publisher import Publish
from agent.settings import AgentSettings

if TYPE_CHECKING:
    from agent.sensing.gateway.gateway import Gateway

__all__ = ["inside_gateway"]


def inside_gateway(
    settings: AgentSettings, *, take: Callable[[str, bytes], Awaitable[None]], publish: Publish
) -> Gateway | None:
    """The gateway that the settings ask for, not yet running; None where they ask for none.

    Args:
        settings: of the agent.
        take: takes a pack for sensing, with its topic.
        publish: sends to the broker.
    """
    if not settings.gateway.inside:
        return None
    from agent.sensing.gateway.adapters import open_adapter
    from agent.sensing.gateway.gateway import Gateway
    from agent.sensing.gateway.pairings import Pairings

    tells = settings.broker.is_embedded or settings.privacy.publish_streams

    async def sink(topic: str, payload: bytes, qos: int) -> None:
        await take(topic, payload)
        if tells:
            publish(topic, payload, qos=qos, retain=False)

    return Gateway(
        partial(open_adapter, settings.gateway.adapter),
        Pairings(settings.storage.folder),
        sink,
        now=time.time,
        waveforms=settings.gateway.waveforms,
        listener=settings.listener.id,
    )

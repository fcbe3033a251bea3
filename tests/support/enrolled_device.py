"""A player that follows a channel, as far as receiving goes, and a publisher's hand on the broker."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiomqtt
from brokers import PATIENCE_S, settings_for
from channel import NOW, Channel

from agent.delivery.receiving import Limits, Receiver
from agent.delivery.receiving.enrolment import enrol
from agent.integration.broker import EmbeddedBroker

__all__ = ["Device", "put"]

QUICK = {"settle_s": 0.0, "patience_s": PATIENCE_S, "retry_s": 0.01, "spacing_s": 0.0, "spare_bytes": 0}
"""Brokers on this machine keep the order, so there is no grace; nothing else waits longer than it must."""


class Device:
    """A player's folder of bundles, enrolled with a channel.

    Attributes:
        clock: what its clock says.
        points: passed so far.
    """

    def __init__(self, folder: Path, channel: Channel) -> None:
        self.folder = folder
        self.channel = channel
        self.clock = NOW
        self.points: list[str] = []
        enrol(folder, channel.name, channel.first_root)

    def receiver(self, broker: EmbeddedBroker, *, not_before: float = 0.0, **limits: Any) -> Receiver:
        return Receiver(
            settings_for(broker, "attune-living-room-bundles"),
            folder=self.folder,
            channel=self.channel.name,
            clock=lambda: self.clock,
            limits=Limits(**(QUICK | limits)),
            not_before=not_before,
            at=self.points.append,
        )

    def state(self) -> dict[str, bytes]:
        """All that is trusted, byte by byte."""
        folder = self.folder / "trust"
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def chunks(self) -> set[str]:
        """Addresses in the store."""
        return {path.name for path in (self.folder / "chunks").rglob("*") if path.is_file()}


async def put(broker: EmbeddedBroker, messages: Mapping[str, bytes], *, retain: bool = True) -> None:
    """Have these on the broker; an empty one clears its topic."""
    async with aiomqtt.Client(broker.host, broker.port) as client:
        for topic, payload in messages.items():
            await client.publish(topic, payload, qos=1, retain=retain)

"""A player that follows a channel, as far as receiving goes, and a publisher's hand on the broker."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from brokers import PATIENCE_S, settings_for
from channel import NOW, Channel
from securesystemslib.signer import CryptoSigner

from agent.delivery.receiving import Limits, Receiver
from agent.delivery.receiving.client import refresh
from agent.delivery.receiving.enrolment import enrol
from agent.delivery.receiving.fetcher import NeedError
from agent.delivery.receiving.store import ChunkStore
from agent.delivery.receiving.trust import ChannelTrust, TimeFloor
from agent.integration.broker import EmbeddedBroker
from models.errors import DeliveryError, Reason

__all__ = ["QUICK", "Device", "Scene", "only", "put", "stranger"]

_NUMBERS = itertools.count()

QUICK = {"askings": 1, "patience_s": PATIENCE_S, "retry_s": 0.01, "spacing_s": 0.0, "spare_bytes": 0}
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
        store = ChunkStore(self.folder / "chunks")
        try:
            return set(store.addresses)
        finally:
            store.close()


async def put(broker: EmbeddedBroker, messages: Mapping[str, bytes], *, retain: bool = True) -> None:
    """Have these on the broker; an empty one clears its topic."""
    async with aiomqtt.Client(broker.host, broker.port) as client:
        for topic, payload in messages.items():
            await client.publish(topic, payload, qos=1, retain=retain)


class Scene:
    """A device that trusts the first version of a channel of its own, and a broker that does what it is told."""

    def __init__(self, broker: EmbeddedBroker, folder: Path) -> None:
        self.broker = broker
        self.channel = Channel(f"channel-{next(_NUMBERS)}")
        self.device = Device(folder / "bundles", self.channel)
        self.into = folder / "slot"
        self.known()

    def known(self, files: Mapping[str, bytes] | None = None) -> None:
        """Let the device see these files, as far as it takes them."""
        seen: dict[str, bytes | None] = {}
        trust = ChannelTrust(self.device.folder, self.channel.name)
        with suppress(DeliveryError):
            while True:
                try:
                    refresh(trust, seen, self.device.clock, Limits())
                except NeedError as need:
                    seen[need.file] = (self.channel.metadata if files is None else files).get(need.file)
                else:
                    TimeFloor(self.device.folder).raise_to(self.device.clock)
                    return

    async def attack(self, metadata: Mapping[str, bytes], chunks: Mapping[str, bytes] | None = None) -> None:
        """Have these on the broker."""
        topics = self.channel.topics
        named = {topics.metadata(name): content for name, content in metadata.items()}
        await put(self.broker, named | {topics.chunk(name): each for name, each in (chunks or {}).items()})

    def receiver(self, **limits: Any) -> Receiver:
        return self.device.receiver(self.broker, **limits)

    async def refuses(self, *reasons: Reason, **limits: Any) -> DeliveryError:
        """Let the device look; it must refuse for one of these reasons, and nothing that it trusts may change."""
        before = self.device.state()
        async with self.receiver(**limits) as receiver:
            with pytest.raises(DeliveryError) as refused:
                await receiver.check()
            assert receiver.status.last_code == refused.value.reason
        assert refused.value.reason in reasons, refused.value
        assert refused.value.remedy
        assert self.device.state() == before
        return refused.value

    async def refuses_files(self, *reasons: Reason, **limits: Any) -> Receiver:
        """Let the device look and fetch; the files must be refused."""
        async with self.receiver(**limits) as receiver:
            verified = await receiver.check()
            before = self.device.state()
            with pytest.raises(DeliveryError) as refused:
                await receiver.fetch(verified, self.into)
            assert receiver.status.last_code == refused.value.reason
        assert refused.value.reason in reasons, refused.value
        assert self.device.state() == before
        return receiver


def stranger() -> CryptoSigner:
    """A key that nobody trusts."""
    return CryptoSigner.generate_ed25519()


def only(files: Mapping[str, bytes], *names: str) -> dict[str, bytes]:
    """Some of the files."""
    return {name: files[name] for name in names}

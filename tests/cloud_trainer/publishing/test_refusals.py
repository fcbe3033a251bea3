"""Brokers and folders that a channel is not published on: told, and nothing changed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from publishing_desk import CHUNK_BYTES, NOW, Desk, Mosquitto, publish

from models.errors import BrokerError, DeliveryError, Reason
from models.wire.topics import ChannelTopics

Starts = Callable[[str], AbstractAsyncContextManager[Mosquitto]]
TOPICS = ChannelTopics("stable")
pytestmark = pytest.mark.usefixtures("short_patience")


@pytest.mark.parametrize("newer", ["timestamp", "root"])
async def test_a_broker_with_something_newer_of_ours_is_left_alone(
    newer: str, desk: Desk, bundle: Path, broker: Mosquitto, tmp_path: Path
):
    desk.offer(bundle)
    other = desk.copy(tmp_path / "other")
    if newer == "root":
        other.channel.rotate(other.make, {}, NOW)
    other.channel.settle(NOW)
    await publish(other, broker.port)
    held, before = await broker.held(desk.settings), desk.contents()
    with pytest.raises(DeliveryError, match=f"holds {newer} 2 of the channel stable") as caught:
        await publish(desk, broker.port)
    assert caught.value.reason is Reason.ROLLED_BACK
    assert "published last" in caught.value.remedy
    assert await broker.held(desk.settings) == held
    assert desk.contents() == before


async def test_a_broker_without_retained_messages_is_told(desk: Desk, bundle: Path, mosquitto: Starts):
    desk.offer(bundle)
    before = desk.contents()
    async with mosquitto("retain_available false") as broker:
        with pytest.raises(BrokerError, match=r"does not keep 1\.root\.json") as caught:
            await publish(desk, broker.port)
    assert caught.value.reason is Reason.REFUSED
    assert "retained messages" in caught.value.remedy
    assert desk.contents() == before


async def test_a_broker_that_does_not_let_us_write_is_told(desk: Desk, bundle: Path, mosquitto: Starts, tmp_path: Path):
    desk.offer(bundle)
    (tmp_path / "acl").write_text("topic read #\n")
    async with mosquitto(f"acl_file {tmp_path / 'acl'}") as broker:
        with pytest.raises(BrokerError, match="does not keep") as caught:
            await publish(desk, broker.port)
    assert "attune/1/bundles/stable/#" in caught.value.remedy


@pytest.mark.parametrize("limit", ["message_size_limit 3500", "max_packet_size 3500"])
async def test_a_broker_with_a_small_limit_on_packets_is_told(limit: str, desk: Desk, bundle: Path, mosquitto: Starts):
    desk.offer(bundle)
    before = desk.contents()
    async with mosquitto(limit) as broker:
        with pytest.raises(DeliveryError, match="a message of 4096 bytes") as caught:
            await publish(desk, broker.port)
        assert caught.value.reason is Reason.OVERSIZED
        assert "chunk_bytes" in caught.value.remedy
        held = await broker.held(desk.settings)
    assert held == {TOPICS.metadata("1.root.json"): desk.folder.read("1.root.json")}
    assert desk.contents() == before


async def test_metadata_beyond_a_limit_asks_for_fewer_chunks(desk: Desk, bundle: Path, mosquitto: Starts):
    desk.offer(bundle)
    size = len(desk.folder.read("1.targets.json"))
    assert size > CHUNK_BYTES
    async with mosquitto(f"message_size_limit {size - 1}") as broker:
        with pytest.raises(DeliveryError, match=r"does not take 1\.targets\.json") as caught:
            await publish(desk, broker.port)
        assert "higher [publishing] chunk_bytes" in caught.value.remedy
        assert TOPICS.timestamp not in await broker.held(desk.settings)


async def test_a_damaged_chunk_on_the_disk_is_named_and_nothing_is_offered(desk: Desk, bundle: Path, broker: Mosquitto):
    desk.offer(bundle)
    name = sorted(desk.folder.chunks())[3]
    desk.folder._chunk_path(name).write_bytes(b"damaged")
    with pytest.raises(DeliveryError, match=name) as caught:
        await publish(desk, broker.port)
    assert caught.value.reason is Reason.MISSING
    assert TOPICS.timestamp not in await broker.held(desk.settings)
    desk.offer(bundle)  # publishing the bundle again brings it back
    await publish(desk, broker.port)
    assert await broker.held(desk.settings) == desk.topics()

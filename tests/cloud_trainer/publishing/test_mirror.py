"""The broker as a copy of the folder, with a real Mosquitto."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from brokers import eventually
from publishing_desk import (
    CHUNK_BYTES,
    DAY_S,
    NOW,
    Desk,
    Mosquitto,
    Player,
    bundle_files,
    free_port,
    make_bundle,
    publish,
)

from cloud_trainer.publishing import mirror as mirror_module
from cloud_trainer.publishing.broker import connected
from cloud_trainer.publishing.mirror import differences
from models.errors import BrokerError, Reason
from models.wire.topics import ChannelTopics

Starts = Callable[[str], AbstractAsyncContextManager[Mosquitto]]
TOPICS = ChannelTopics("stable")
pytestmark = pytest.mark.usefixtures("short_patience")


@pytest.fixture
def player(desk: Desk, tmp_path: Path) -> Player:
    return Player(tmp_path / "player", desk.folder.read("1.root.json"))


async def test_the_broker_alone_is_enough_for_a_player(desk: Desk, bundle: Path, broker: Mosquitto, player: Player):
    desk.offer(bundle)
    mirrored = await publish(desk, broker.port)
    held = await broker.held(desk.settings)
    assert held == desk.topics()
    assert player.follow(held)[1] == bundle_files(bundle)
    assert mirrored.sent_files == ["1.root.json", "1.targets.json", "1.snapshot.json", "timestamp.json"]
    assert (mirrored.chunks, mirrored.sent_chunks) == (len(desk.folder.chunks()),) * 2
    assert mirrored.sent_bytes == sum(len(desk.folder.chunk(name)) for name in desk.folder.chunks())


async def test_what_is_there_is_not_sent_again(desk: Desk, bundle: Path, broker: Mosquitto):
    desk.offer(bundle)
    await publish(desk, broker.port)
    again = await publish(desk, broker.port)
    assert (again.sent_chunks, again.sent_files, again.cleared) == (0, [], 0)


async def test_one_changed_model_costs_only_that_model(desk: Desk, bundle: Path, broker: Mosquitto, tmp_path: Path):
    desk.offer(bundle)
    await publish(desk, broker.port)
    desk.offer(make_bundle(tmp_path / "next", version="2026.11.3", changed="hybrid"))
    mirrored = await publish(desk, broker.port)
    assert mirrored.sent_chunks == 8 + 1  # 30 kB of the model, and the manifest
    assert mirrored.sent_files == ["2.targets.json", "2.snapshot.json", "timestamp.json"]


async def test_a_player_never_hears_of_what_is_not_there_yet(desk: Desk, bundle: Path, broker: Mosquitto):
    desk.offer(bundle)
    heard: list[str] = []
    async with broker.connection(desk.settings) as listening:
        await listening._client.subscribe(TOPICS.filter, qos=1)
        listening._wanted = lambda topic: heard.append(topic) is not None
        await publish(desk, broker.port)
        await eventually(lambda: TOPICS.timestamp in heard)
    order = [topic.removeprefix(TOPICS.root + "/").split("/")[:2] for topic in heard if "/fence/" not in topic]
    kinds = [second if first == "metadata" else first for first, second in order]
    assert kinds == ["root", *["chunk"] * len(desk.folder.chunks()), "targets", "snapshot", "timestamp"]


class CuttingProxy:
    """A line to the broker that breaks after so many bytes, once for each entry of `cuts`."""

    def __init__(self, target: int, cuts: list[int]) -> None:
        self.port, self.sent, self._target, self._cuts = free_port(), 0, target, cuts

    @asynccontextmanager
    async def running(self) -> AsyncIterator[CuttingProxy]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = self._cuts.pop(0) if self._cuts else 1 << 40
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self._target)

        async def forward() -> None:
            nonlocal left
            while left > 0 and (data := await reader.read(4096)):
                left -= len(data)
                self.sent += len(data)
                to_writer.write(data)
                await to_writer.drain()

        async def back() -> None:
            while data := await to_reader.read(4096):
                writer.write(data)
                await writer.drain()

        ways = [asyncio.create_task(forward()), asyncio.create_task(back())]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        writer.close()
        to_writer.close()


async def test_a_line_that_breaks_again_and_again_costs_few_bytes_twice(
    desk: Desk, bundle: Path, broker: Mosquitto, player: Player
):
    offer = desk.offer(bundle)
    async with CuttingProxy(broker.port, [60_000, 40_000, 50_000]).running() as proxy:
        await publish(desk, proxy.port)
    held = await broker.held(desk.settings)
    assert held == desk.topics()
    assert player.follow(held)[1] == bundle_files(bundle)
    # At each break a window may be under way that was not counted as kept; metadata and headers come on top.
    assert proxy.sent < offer.bytes + 3 * 17 * CHUNK_BYTES + 60_000


async def test_a_line_that_stays_broken_is_told_and_the_next_command_goes_on(
    desk: Desk, bundle: Path, broker: Mosquitto, player: Player
):
    desk.offer(bundle)
    async with CuttingProxy(broker.port, [60_000, 1000, 1000, 1000]).running() as proxy:
        with pytest.raises(BrokerError, match="was lost") as caught:
            await publish(desk, proxy.port)
    assert caught.value.reason is Reason.UNREACHABLE
    assert "goes on where it stopped" in caught.value.remedy
    mirrored = await publish(desk, broker.port)
    assert 0 < mirrored.sent_chunks < mirrored.chunks
    assert player.follow(await broker.held(desk.settings))[1] == bundle_files(bundle)


async def test_nobody_at_the_port_is_told_at_once(desk: Desk, bundle: Path):
    desk.offer(bundle)
    before = desk.contents()
    with pytest.raises(BrokerError, match="cannot be reached") as caught:
        await publish(desk, free_port())
    assert caught.value.reason is Reason.UNREACHABLE
    assert "--port" in caught.value.remedy
    assert desk.contents() == before


async def test_a_broker_that_lost_everything_gets_it_back_from_a_refresh(
    desk: Desk, bundle: Path, broker: Mosquitto, player: Player
):
    desk.offer(bundle)
    await publish(desk, broker.port)
    await broker.stop()
    await broker.start()
    assert await broker.held(desk.settings) == {}
    mirrored = await publish(desk, broker.port, thorough=False)
    assert mirrored.sent_chunks == mirrored.chunks
    assert player.follow(await broker.held(desk.settings))[1] == bundle_files(bundle)


async def test_a_refresh_reads_no_chunks_but_the_manifests(desk: Desk, bundle: Path, broker: Mosquitto):
    desk.offer(bundle)
    await publish(desk, broker.port)
    desk.channel.settle(NOW + DAY_S)
    before = desk.folder.chunks()
    mirrored = await publish(desk, broker.port, thorough=False, now=NOW + DAY_S)
    assert (mirrored.sent_files, mirrored.sent_chunks) == (["timestamp.json"], 0)
    assert desk.folder.chunks() == before


async def test_roots_are_all_kept_so_that_a_player_on_the_first_follows_to_the_fourth(
    desk: Desk, bundle: Path, broker: Mosquitto, player: Player
):
    desk.offer(bundle)
    await publish(desk, broker.port)
    player.follow(await broker.held(desk.settings))
    for role in ("root", "timestamp", "targets"):
        desk.channel.rotate(desk.make, {role: []}, NOW)  # type: ignore[dict-item]
    desk.channel.settle(NOW)
    assert (await publish(desk, broker.port)).sent_files[:3] == ["2.root.json", "3.root.json", "4.root.json"]
    assert player.follow(await broker.held(desk.settings))[1] == bundle_files(bundle)


async def test_old_chunks_and_metadata_are_cleared_after_their_time(
    desk: Desk, bundle: Path, broker: Mosquitto, tmp_path: Path, player: Player
):
    desk.offer(bundle)
    await publish(desk, broker.port)
    first = await broker.held(desk.settings)
    following = make_bundle(tmp_path / "next", version="2026.11.3", changed="hybrid")
    desk.offer(following)
    assert (await publish(desk, broker.port)).cleared == 0
    later = NOW + 8 * DAY_S
    desk.channel.settle(later)
    mirrored = await publish(desk, broker.port, thorough=False, now=later)
    held = await broker.held(desk.settings)
    assert mirrored.cleared == 2 + 8 + 1  # targets and snapshot, the model's chunks, the manifest's
    assert mirrored.foreign == []
    assert held == desk.topics()
    assert len(held) == len(first)
    assert player.follow(held, later)[1] == bundle_files(following)


async def test_a_forged_root_and_rubbish_are_cleared(desk: Desk, bundle: Path, broker: Mosquitto, tmp_path: Path):
    desk.offer(bundle)
    await publish(desk, broker.port)
    stranger = Desk(tmp_path / "stranger").init()
    stranger.channel.rotate(stranger.make, {}, NOW)
    forged = {
        TOPICS.metadata("2.root.json"): stranger.folder.read("2.root.json"),
        TOPICS.metadata("99.targets.json"): b"rubbish",
        TOPICS.timestamp: b"{}",
        f"{TOPICS.root}/metadata/what/else": b"rubbish",
    }
    async with broker.connection(desk.settings) as attacker:
        for topic, content in forged.items():
            await attacker.publish(topic, content)
    mirrored = await publish(desk, broker.port)
    assert await broker.held(desk.settings) == desk.topics()
    assert sorted(mirrored.foreign) == sorted(forged.keys() - {TOPICS.timestamp})


async def test_a_strangers_chunk_is_replaced_by_ours(desk: Desk, bundle: Path, broker: Mosquitto):
    desk.offer(bundle)
    await publish(desk, broker.port)
    name = min(desk.folder.chunks())
    async with broker.connection(desk.settings) as attacker:
        await attacker.publish(TOPICS.chunk(name), b"poison")
    assert (await publish(desk, broker.port)).sent_chunks == 1
    assert await broker.held(desk.settings) == desk.topics()


async def test_the_differences_of_a_broker_are_named(desk: Desk, bundle: Path, broker: Mosquitto):
    desk.offer(bundle)
    async with broker.connection(desk.settings) as connection:
        chunks = len(desk.folder.chunks())
        assert await differences(desk.channel, connection) == [
            *desk.folder.files(),
            f"{chunks} of {chunks} chunks",
        ]
        await publish(desk, broker.port)
        assert await differences(desk.channel, connection) == []
        await connection.publish(TOPICS.timestamp, b"{}")
        assert await differences(desk.channel, connection) == ["timestamp.json"]


async def test_amqtt_serves_as_well(desk: Desk, bundle: Path, player: Player, tmp_path: Path):
    from agent.integration.broker import EmbeddedBroker

    desk.offer(bundle)
    async with EmbeddedBroker(0, tmp_path / "amqtt", kind="amqtt") as broker:
        await publish(desk, broker.port)
        assert (await publish(desk, broker.port)).sent_chunks == 0
        settings = Desk(desk.base, port=broker.port).settings
        async with connected(settings, fence=f"{TOPICS.root}/fence") as connection:
            held = await connection.read_filter(
                TOPICS.filter, keep=lambda topic: "/fence/" not in topic, patience_s=0.5
            )
    assert player.follow(held)[1] == bundle_files(bundle)


def test_windows_are_well_below_what_brokers_queue():
    assert mirror_module._WINDOW <= 100

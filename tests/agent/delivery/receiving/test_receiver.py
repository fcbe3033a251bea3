"""Checking and fetching through real brokers of both kinds."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx
from brokers import PATIENCE_S, Brokers, eventually
from channel import Channel, some_files
from enrolled_device import Device, put

from agent.delivery.receiving import Receiver
from models.errors import DeliveryError, Reason
from models.wire.messages import BundleStatus, encode
from models.wire.topics import DeviceTopics

REPORT = BundleStatus(
    t=0.0, version="2026.11.3", embedding_space="a", runtime="tflite", precision={}, channel="stable", rollout="first"
)


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def receive(receiver: Receiver, into: Path, *have: Path) -> int:
    """Check and fetch; returns the bytes that were taken from the broker for it."""
    before = receiver.status.chunk_bytes
    await receiver.fetch(await receiver.check(), into, have=have)
    return receiver.status.chunk_bytes - before


async def test_a_bundle_is_verified_and_fetched(brokers: Brokers, channel: Channel, device: Device, tmp_path: Path):
    await put(brokers.broker, channel.messages())
    progress: list[tuple[int, int]] = []
    async with device.receiver(brokers.broker, retry_s=PATIENCE_S) as receiver:
        assert await receiver.changed() == "metadata"
        verified = await receiver.check()
        assert verified.manifest_sha256 == verified.files["manifest.json"].sha256
        await receiver.fetch(verified, tmp_path / "slot", on_progress=lambda *each: progress.append(each))
        assert content(tmp_path / "slot") == channel.files
        assert progress == sorted(progress)
        assert progress[-1] == (verified.offer.bytes, verified.offer.bytes)
        assert device.chunks() == verified.addresses
        await receiver.forget(verified.addresses)
        assert device.chunks() == verified.addresses
        await receiver.forget()
        assert device.chunks() == set()
        status = receiver.status
        assert (status.chunk_bytes, status.refused, status.last_error) == (verified.offer.bytes, {}, "")
        assert (status.enrolled, status.connected, status.checks, status.failures) == (True, True, 1, 0)


async def test_nothing_blocks_the_loop(brokers: Brokers, channel: Channel, device: Device, tmp_path: Path):
    await put(brokers.broker, channel.messages())
    with blockbuster_ctx():
        async with device.receiver(brokers.broker) as receiver:
            await receive(receiver, tmp_path / "slot")
            await receiver.forget()


async def test_a_second_bundle_costs_only_what_has_changed(
    brokers: Brokers, channel: Channel, device: Device, tmp_path: Path
):
    files = some_files(1, chunks=5)
    channel.publish(files)
    await put(brokers.broker, channel.messages())
    async with device.receiver(brokers.broker) as receiver:
        await receive(receiver, tmp_path / "a")
        await receiver.forget()
        changed = files | {"golden/model.npz": b"another", "manifest.json": b"{}"}
        channel.publish(changed)
        await put(brokers.broker, channel.messages())
        assert await receive(receiver, tmp_path / "b", tmp_path / "a") == len(b"another") + len(b"{}")
        assert content(tmp_path / "b") == changed
        await receiver.forget()
        model = bytearray(files["model.tflite"])
        model[70_000] ^= 1  # in its second chunk
        channel.publish(changed | {"model.tflite": bytes(model)})
        await put(brokers.broker, channel.messages())
        assert await receive(receiver, tmp_path / "c", tmp_path / "absent", tmp_path / "b") == 65_536
    assert content(tmp_path / "a") == files, "what was taken from is as it was"


async def test_a_folder_that_has_files_already_is_completed_and_cleared_of_others(
    brokers: Brokers, channel: Channel, device: Device, tmp_path: Path
):
    await put(brokers.broker, channel.messages())
    into = tmp_path / "slot"
    (into / "golden").mkdir(parents=True)
    (into / "model.tflite").write_bytes(channel.files["model.tflite"])
    (into / "manifest.json").write_bytes(b"of another bundle")
    (into / "golden" / "stray").write_bytes(b"stray")
    (into / ".model.tflite.part").write_bytes(b"of a process that was killed")
    async with device.receiver(brokers.broker) as receiver:
        assert await receive(receiver, into) == sum(map(len, channel.files.values())) - len(
            channel.files["model.tflite"]
        )
        assert await receive(receiver, into) == 0
    assert content(into) == channel.files


async def test_a_chunk_that_stands_in_several_places_is_fetched_once(
    brokers: Brokers, channel: Channel, device: Device, tmp_path: Path
):
    files = {"manifest.json": b"{}", "a.npz": bytes(200_000), "b.npz": bytes(65_536)}
    channel.publish(files)
    await put(brokers.broker, channel.messages())
    progress: list[tuple[int, int]] = []
    async with device.receiver(brokers.broker) as receiver:
        verified = await receiver.check()
        await receiver.fetch(verified, tmp_path / "slot", on_progress=lambda *each: progress.append(each))
        assert receiver.status.chunks == 3
    assert progress[-1] == (265_538, 265_538)
    assert content(tmp_path / "slot") == files


async def test_chunks_come_no_faster_than_they_may(
    brokers: Brokers, channel: Channel, device: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    await put(brokers.broker, channel.messages())
    waited: list[float] = []
    sleep = asyncio.sleep

    async def skip(seconds: float) -> None:
        waited.append(seconds)
        await sleep(0)

    async with device.receiver(brokers.broker, bytes_s=100.0, window=1) as receiver:
        verified = await receiver.check()
        with monkeypatch.context() as patch:
            patch.setattr(asyncio, "sleep", skip)
            await receiver.fetch(verified, tmp_path / "slot")
    assert sum(waited) == pytest.approx(verified.offer.bytes / 100.0, rel=0.1)


async def test_what_no_receiver_has_verified_is_not_fetched(
    brokers: Brokers, channel: Channel, device: Device, tmp_path: Path
):
    await put(brokers.broker, channel.messages())
    async with device.receiver(brokers.broker) as receiver:
        verified = await receiver.check()
        with pytest.raises(ValueError, match="no receiver"):
            await receiver.fetch(replace(verified, source=None), tmp_path / "slot")


async def test_news_and_reports_are_told_apart(brokers: Brokers, channel: Channel, device: Device):
    await put(brokers.broker, channel.messages())
    kitchen = DeviceTopics("kitchen").bundle
    async with device.receiver(brokers.broker, retry_s=PATIENCE_S) as receiver:
        assert await receiver.changed() == "metadata"
        await receiver.check()
        await put(brokers.broker, {kitchen: encode(REPORT)})
        assert await receiver.changed() == "report"
        assert receiver.reports["kitchen"].rollout == "first"
        assert receiver.status.reports == 1
        channel.refresh()
        await put(brokers.broker, channel.messages())
        assert await receiver.changed() == "metadata"
        await receiver.check()
        await put(brokers.broker, {kitchen: b""})
        assert await receiver.changed() == "report"
        assert dict(receiver.reports) == {}


async def test_two_channels_on_one_broker_keep_apart(brokers: Brokers, channel: Channel, tmp_path: Path):
    beta = Channel("beta", some_files(7))
    await put(brokers.broker, channel.messages() | beta.messages())
    for each in (channel, beta):
        device = Device(tmp_path / "bundles", each)
        async with device.receiver(brokers.broker) as receiver:
            await receive(receiver, tmp_path / each.name)
        assert content(tmp_path / each.name) == each.files
    assert {name.split("/")[0] for name in device.state()} == {"stable", "beta", "floor.json"}


async def test_a_device_that_was_never_enrolled_says_so_and_asks_the_broker_for_nothing(
    brokers: Brokers, device: Device
):
    device.channel = Channel("beta")
    async with device.receiver(brokers.broker) as receiver:
        with pytest.raises(DeliveryError, match="attune-agent enrol") as refused:
            await receiver.check()
        assert refused.value.reason is Reason.MISSING
        assert not receiver.status.enrolled
        assert receiver.status.failures == 1


async def test_a_device_that_was_off_while_keys_and_bundles_changed_catches_up_from_the_broker_alone(
    brokers: Brokers, channel: Channel, device: Device, tmp_path: Path
):
    for number in range(3):
        channel.rotate("targets")
        channel.publish(some_files(number))
    # Older snapshots and targets are cleared; every root stays.
    for name in [each for each in channel.metadata if each.endswith((".snapshot.json", ".targets.json"))]:
        newest = max(int(each.split(".")[0]) for each in channel.metadata if each.endswith(name.split(".", 1)[1]))
        if int(name.split(".")[0]) < newest:
            del channel.metadata[name]
    await put(brokers.broker, channel.messages())
    device.clock += 6 * 86_400.0
    async with device.receiver(brokers.broker) as receiver:
        await receive(receiver, tmp_path / "slot")
        await eventually(lambda: receiver.status.versions["root"] == 4)
    assert content(tmp_path / "slot") == channel.files

"""Somebody else's offers, too much, nothing, nonsense: the trusted state stays as it was, byte by byte."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiomqtt
import pytest
from channel import Channel, an_offer, some_files
from enrolled_device import Scene, only, put

from agent.integration.broker import EmbeddedBroker
from agent.integration.link import LARGEST_PAYLOAD
from models.errors import DeliveryError, Reason

pytestmark = pytest.mark.asyncio(loop_scope="module")

# -- somebody else's offers -------------------------------------------------------------------------------------------


async def test_what_another_channel_signed_is_refused(scene: Scene):
    other = Channel(scene.channel.name)
    other.publish(some_files(1))
    await scene.attack(other.metadata)
    await scene.refuses(Reason.UNTRUSTED)


async def test_an_offer_for_another_channel_is_refused_though_its_signatures_are_right(scene: Scene):
    channel = scene.channel
    files = some_files(1)
    channel.rotate("root")
    channel.publish(files, an_offer("experimental", files))
    await scene.attack(channel.metadata)
    await scene.refuses(Reason.UNTRUSTED)


@pytest.mark.parametrize("path", ["../manifest", "/etc/passwd", ".hidden", "a/b/c", "golden/../../x", "-rf", "a\\b"])
async def test_a_signed_path_that_leads_elsewhere_is_refused(scene: Scene, path: str):
    channel = scene.channel
    channel.publish(some_files(1) | {path: b"x"})
    await scene.attack(channel.metadata)
    await scene.refuses(Reason.MALFORMED)


async def test_a_signed_length_that_is_not_that_of_the_chunks_is_refused(scene: Scene):
    channel = scene.channel
    files = some_files(1)
    target = channel.target("model.tflite", files["model.tflite"])
    channel.publish(files)
    target.length += 10 * 65_536
    channel.signed["targets"].signed.targets["model.tflite"] = target
    channel.renew("targets", "snapshot", "timestamp")
    await scene.attack(channel.metadata)
    await scene.refuses(Reason.MALFORMED)


async def test_targets_without_an_offer_are_refused(scene: Scene):
    channel = scene.channel
    channel.publish({"model.tflite": b"x"})
    await scene.attack(channel.metadata)
    await scene.refuses(Reason.MALFORMED)


async def test_an_offer_for_a_newer_program_is_refused_and_its_roots_are_kept(scene: Scene):
    channel = scene.channel
    files = some_files(1)
    channel.rotate("root")
    scene.known(only(channel.metadata, "2.root.json"))
    channel.publish(files, an_offer(channel.name, files, format=2))
    await scene.attack(channel.metadata)
    await scene.refuses(Reason.INCOMPATIBLE)


# -- too much, too slow -----------------------------------------------------------------------------------------------


async def test_metadata_without_end_is_refused(scene: Scene):
    await scene.attack(scene.channel.metadata | {"timestamp.json": b" " * 20_000})
    await scene.refuses(Reason.OVERSIZED)


async def test_a_message_larger_than_any_of_ours_is_not_even_looked_at(scene: Scene):
    await scene.attack(scene.channel.metadata | {"timestamp.json": b" " * (LARGEST_PAYLOAD + 1)})
    await scene.refuses(Reason.MISSING)


@pytest.mark.parametrize("limit", [{"bundle_bytes": 1000}, {"files": 3}])
async def test_a_bundle_larger_than_the_device_takes_is_refused(scene: Scene, limit: dict[str, int]):
    scene.channel.publish(some_files(1))
    await scene.attack(scene.channel.metadata)
    await scene.refuses(Reason.OVERSIZED, **limit)


async def test_a_broker_that_sends_nothing_is_given_up(scene: Scene):
    await scene.refuses(Reason.TIMED_OUT, patience_s=0.2)


async def test_a_broker_that_sends_everything_but_what_was_asked_for_is_given_up(scene: Scene):
    over = asyncio.Event()  # aiomqtt may swallow a cancellation

    async def chatter() -> None:
        async with aiomqtt.Client(scene.broker.host, scene.broker.port) as client:
            while not over.is_set():
                await client.publish("attune/1/device/kitchen/bundle", b"{}", qos=1)

    chattering = asyncio.create_task(chatter())
    await scene.refuses(Reason.TIMED_OUT, patience_s=0.3)
    over.set()
    await chattering


async def test_no_broker_is_told_as_such(scene: Scene, tmp_path: Path):
    before = scene.device.state()
    async with EmbeddedBroker(0, tmp_path / "other", kind="amqtt") as other:
        gone = scene.device.receiver(other, patience_s=0.2)
    async with gone as receiver:
        with pytest.raises(DeliveryError) as refused:
            await receiver.check()
    assert refused.value.reason is Reason.UNREACHABLE
    assert scene.device.state() == before


# -- a stranger who may write everywhere ------------------------------------------------------------------------------

NONSENSE = {
    "empty": b"",
    "no JSON": b"\xff\x00garbage",
    "a number": b"7",
    "a deep list": b"[" * 10_000,
    "no role": b'{"signed": {"_type": "cake"}, "signatures": []}',
    "no signatures": b'{"signed": {"_type": "timestamp", "version": 9, "spec_version": "1.0.31"}}',
    "a huge version": b'{"signed": {"_type": "timestamp", "version": 1' + b"0" * 5000 + b'}, "signatures": []}',
}


@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE)
@pytest.mark.parametrize("name", ["timestamp.json", "2.root.json"])
async def test_nonsense_in_the_place_of_metadata_is_refused(scene: Scene, nonsense: bytes, name: str):
    await scene.attack(scene.channel.metadata | {name: nonsense})
    if name == "2.root.json" and not nonsense:
        async with scene.receiver() as receiver:  # a root that was cleared is a root that is not there
            assert (await receiver.check()).versions["root"] == 1
        return
    await scene.refuses(Reason.MALFORMED, Reason.UNTRUSTED, Reason.MISSING)


async def test_a_stranger_on_every_topic_does_not_keep_the_device_from_the_bundle_once_it_is_published_again(
    scene: Scene,
):
    channel = scene.channel
    channel.publish(some_files(1))
    await put(scene.broker, dict.fromkeys(channel.messages(), b"{}"))
    await scene.refuses(*Reason)
    await put(scene.broker, channel.messages())
    async with scene.receiver() as receiver:
        await receiver.fetch(await receiver.check(), scene.into)
    assert {path: (scene.into / path).read_bytes() for path in channel.files} == channel.files

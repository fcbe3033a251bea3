"""Other chunks than the signed ones make no file; the trusted state stays as it was, byte by byte."""

from __future__ import annotations

import asyncio

import aiomqtt
import pytest
from channel import some_files
from enrolled_device import Scene

from models.errors import DeliveryError, Reason

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_tampered_chunk_is_refused_and_not_kept(scene: Scene):
    channel = scene.channel
    name = max(channel.chunks, key=lambda each: len(channel.chunks[each]))
    forged = channel.chunks[name][:-1] + bytes([channel.chunks[name][-1] ^ 1])
    await scene.attack(channel.metadata, channel.chunks | {name: forged})
    receiver = await scene.refuses_files(Reason.TAMPERED)
    assert receiver.status.refused == {"tampered": 1}
    assert name not in scene.device.chunks()
    assert not (scene.into / "model.tflite").exists()


async def test_a_chunk_that_is_longer_than_signed_is_refused(scene: Scene):
    channel = scene.channel
    name = next(iter(channel.chunks))
    await scene.attack(channel.metadata, channel.chunks | {name: channel.chunks[name] + b"more"})
    await scene.refuses_files(Reason.TAMPERED)
    assert name not in scene.device.chunks()


async def test_a_missing_chunk_is_named(scene: Scene):
    channel = scene.channel
    chunks = dict(channel.chunks)
    name, _ = chunks.popitem()
    await scene.attack(channel.metadata, chunks)
    receiver = await scene.refuses_files(Reason.MISSING)
    assert name in receiver.status.last_error
    await scene.attack({}, channel.chunks)
    async with scene.receiver() as receiver:
        await receiver.fetch(await receiver.check(), scene.into)
    assert receiver.status.chunks == 1, "the others were kept"


async def test_wrong_chunks_without_end_end(scene: Scene):
    channel = scene.channel
    name = next(iter(channel.chunks))
    topic = channel.topics.chunk(name)
    await scene.attack(channel.metadata)

    over = asyncio.Event()  # aiomqtt may swallow a cancellation

    async def flood() -> None:
        async with aiomqtt.Client(scene.broker.host, scene.broker.port) as client:
            while not over.is_set():
                await client.publish(topic, b"not it", qos=1)

    async with scene.receiver(refused=20) as receiver:
        verified = await receiver.check()
        # With nothing left to tell by that nothing is there, the device waits, and the flood is all that it hears.
        await scene.attack({"1.root.json": b"", "1.targets.json": b""})
        flooding = asyncio.create_task(flood())
        with pytest.raises(DeliveryError) as refused:
            await receiver.fetch(verified, scene.into)
        over.set()
        await flooding
    assert refused.value.reason is Reason.TAMPERED
    assert scene.device.chunks() == set()


async def test_chunks_that_come_twice_and_in_any_order_make_the_same_files(scene: Scene):
    channel = scene.channel
    files = some_files(2, chunks=12)
    channel.publish(files)
    await scene.attack(channel.metadata, channel.chunks)

    async def again() -> None:
        async with aiomqtt.Client(scene.broker.host, scene.broker.port) as client:
            for _ in range(3):
                for name, chunk in reversed(channel.chunks.items()):
                    await client.publish(channel.topics.chunk(name), chunk, qos=1)

    async with scene.receiver(window=4) as receiver:
        verified = await receiver.check()
        await asyncio.gather(again(), receiver.fetch(verified, scene.into))
        assert receiver.status.chunk_bytes == verified.offer.bytes
    assert {path: (scene.into / path).read_bytes() for path in files} == files

"""Killed, cut off, out of room, in the middle of anything: the next attempt goes on, and nothing untrue is trusted."""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from brokers import PATIENCE_S, Brokers, eventually
from channel import Channel, some_files
from dying_receiver import die
from enrolled_device import Device, Scene, put

from agent.delivery.receiving import Limits, Receiver
from agent.delivery.receiving.assembly import Assembly
from agent.delivery.receiving.client import refresh
from agent.delivery.receiving.points import POINTS
from agent.delivery.receiving.store import ChunkStore
from agent.delivery.receiving.trust import ChannelTrust, TimeFloor
from agent.delivery.writing import disk_errors
from models.errors import DeliveryError, Reason


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def trusted(state: dict[str, bytes]) -> dict[str, bytes]:
    """What is trusted, without the copy to work on that a kill leaves behind."""
    return {name: each for name, each in state.items() if "/work/" not in name and not Path(name).name.startswith(".")}


async def killed(scene: Scene, point: str, count: int = 1) -> bool:
    """Whether a receiver was killed at a point."""
    device = scene.device
    code = await die(scene.broker.port, device.folder, scene.channel.name, device.clock, point=point, count=count)
    return code == -signal.SIGKILL


# -- killed ------------------------------------------------------------------------------------------------------------


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("point", POINTS)
async def test_a_receiver_killed_at_any_point_goes_on_from_there(scene: Scene, point: str):
    device, channel = scene.device, scene.channel
    old = some_files(0)
    for path, each in old.items():
        (device.folder / "old" / path).parent.mkdir(parents=True, exist_ok=True)
        (device.folder / "old" / path).write_bytes(each)
    channel.rotate("root")
    channel.publish(some_files(1) | {"licence.txt": old["licence.txt"]})
    await put(scene.broker, channel.messages())
    device.clock += 3600.0  # so that the floor is written
    before = trusted(device.state())
    assert await killed(scene, point), "the point was not passed"
    for name, each in trusted(device.state()).items():
        genuine = {*channel.metadata.values(), before.get(name)}
        assert each in genuine or name == "floor.json"
    kept = len(device.chunks())
    async with scene.receiver() as receiver:
        verified = await receiver.check()
        await receiver.fetch(verified, device.folder / "slot", have=[device.folder / "old"])
        assert receiver.status.chunks <= len(channel_chunks(channel)) - kept + (point == "forget.removed") * 9
        await receiver.forget()
    assert content(device.folder / "slot") == channel.files
    assert device.chunks() == set()
    assert verified.versions == {"root": 2, "timestamp": 2, "snapshot": 2, "targets": 2}


def channel_chunks(channel: Channel) -> set[str]:
    return {name for target in channel.signed["targets"].signed.targets.values() for name in chunk_names(target)}


def chunk_names(target: Any) -> list[str]:
    names: list[str] = target.unrecognized_fields["custom"]["attune"]["chunks"]["sha256"]
    return names


@pytest.mark.asyncio(loop_scope="module")
async def test_at_most_one_chunk_is_fetched_twice_when_the_receiver_is_killed_among_many(scene: Scene):
    channel, device = scene.channel, scene.device
    channel.publish(some_files(3, chunks=40))
    await put(scene.broker, channel.messages())
    total = len(channel_chunks(channel))
    assert await killed(scene, "chunk.written", 20)
    assert len(device.chunks()) == 19
    async with scene.receiver() as receiver:
        await receiver.fetch(await receiver.check(), device.folder / "slot")
        assert receiver.status.chunks == total - 19
    assert content(device.folder / "slot") == channel.files


# -- a full disk -------------------------------------------------------------------------------------------------------


_FSYNC = os.fsync


class FullDisk:
    """Refuses every write from the nth on, wherever it comes from: ours, the standard library's, python-tuf's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, nth: int) -> None:
        self.left = nth
        self.patch = monkeypatch
        for owner, name in (
            (Path, "write_bytes"),
            (os, "pwrite"),
            (Path, "replace"),
            (Path, "mkdir"),
            (shutil, "copyfile"),
            (shutil, "copyfileobj"),
            (os, "replace"),
            (os, "fsync"),
            (os, "symlink"),
            (tempfile, "NamedTemporaryFile"),
            (tempfile, "TemporaryFile"),
        ):
            monkeypatch.setattr(owner, name, self._refusing(getattr(owner, name)))

    def _refusing(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def refusing(*arguments: Any, **more: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            # Waiting for the real disk a thousand times proves nothing here.
            return None if write is _FSYNC else write(*arguments, **more)

        return refusing


def receive(scene: Scene, into: Path) -> None:
    """All that a receiver writes, without the line: check, floor, chunks, files, clearing."""
    device, channel = scene.device, scene.channel
    with disk_errors(into):
        trust = ChannelTrust(device.folder, channel.name)
        verified = refresh(trust, {"3.root.json": None} | channel.metadata, device.clock, Limits())
        TimeFloor(device.folder).raise_to(device.clock)
        store = ChunkStore(device.folder / "chunks")
        assembly = Assembly(verified, store, into)
        assembly.look((), 0)
        assert all(store.put(name, channel.chunks[name]) for name in assembly.missing)
        assembly.finish()
        store.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_disk_that_is_full_at_any_write_leaves_what_is_trusted_and_is_told(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    channel, device = scene.channel, scene.device
    channel.rotate("root")
    channel.publish(some_files(1))
    genuine = {*channel.metadata.values(), *device.state().values()}
    shutil.copytree(device.folder / "trust", device.folder / "before")
    device.clock += 3600.0  # so that the floor is written
    for nth in itertools.count():
        for folder in ("chunks", "slot", "trust"):
            shutil.rmtree(device.folder / folder, ignore_errors=True)
        shutil.copytree(device.folder / "before", device.folder / "trust")
        with monkeypatch.context() as patch:
            FullDisk(patch, nth)
            try:
                receive(scene, device.folder / "slot")
                break
            except DeliveryError as error:
                assert error.reason is Reason.DISK_FULL, error
                state = trusted(device.state())
                assert {each for name, each in state.items() if name != "floor.json"} <= genuine
    assert nth > 50, "every write was tried"
    assert content(device.folder / "slot") == channel.files


async def test_a_full_disk_is_told_and_once_there_is_room_the_fetch_goes_on(
    brokers: Brokers, channel: Channel, device: Device, monkeypatch: pytest.MonkeyPatch
):
    await put(brokers.broker, channel.messages())
    async with device.receiver(brokers.broker) as receiver:
        verified = await receiver.check()
        for nth in (0, 5, 9):
            with monkeypatch.context() as patch:
                FullDisk(patch, nth)
                with pytest.raises(DeliveryError) as refused:
                    await receiver.fetch(verified, device.folder / "slot")
            assert refused.value.reason is Reason.DISK_FULL
            assert receiver.status.last_code == "disk_full"
        await receiver.fetch(verified, device.folder / "slot")
    assert content(device.folder / "slot") == channel.files


async def test_a_disk_with_too_little_room_is_told_before_anything_is_fetched(
    brokers: Brokers, channel: Channel, device: Device
):
    await put(brokers.broker, channel.messages())
    async with device.receiver(brokers.broker, spare_bytes=1 << 60) as receiver:
        with pytest.raises(DeliveryError) as refused:
            await receiver.fetch(await receiver.check(), device.folder / "slot")
        assert refused.value.reason is Reason.DISK_FULL
        assert receiver.status.chunks == 0


# -- the line and the broker -------------------------------------------------------------------------------------------


async def test_a_line_that_is_cut_again_and_again_costs_no_chunk_twice(
    brokers: Brokers, channel: Channel, device: Device
):
    channel.publish(some_files(3, chunks=40))
    await put(brokers.broker, channel.messages())
    async with device.receiver(brokers.broker, window=4) as receiver:
        verified = await receiver.check()
        cuts = 0

        def cut(done: int, total: int) -> None:
            nonlocal cuts
            if cuts < 5 and done > total * (cuts + 1) / 7:
                cuts += 1
                sever(receiver)

        await receiver.fetch(verified, device.folder / "slot", on_progress=cut)
        assert cuts == 5
        assert receiver.status.chunks == len(channel_chunks(channel))
    assert content(device.folder / "slot") == channel.files


def sever(receiver: Receiver) -> None:
    import socket

    connection = receiver._link._connection
    if connection is not None and connection._socket is not None:
        connection._socket.shutdown(socket.SHUT_RDWR)


async def test_a_broker_that_dies_in_the_middle_and_comes_back_empty_is_waited_for(
    brokers: Brokers, channel: Channel, device: Device
):
    channel.publish(some_files(3, chunks=40))
    await put(brokers.broker, channel.messages())
    begun = asyncio.Event()
    async with device.receiver(brokers.broker, window=4) as receiver:
        verified = await receiver.check()
        fetching = asyncio.create_task(
            receiver.fetch(verified, device.folder / "slot", on_progress=lambda done, _total: done and begun.set())
        )
        await begun.wait()
        await brokers.kill(receiver._link)
        await brokers.revive()
        async with asyncio.timeout(PATIENCE_S):
            await receiver._link.connected()
        await put(brokers.broker, channel.messages())
        try:
            await fetching
        except DeliveryError as error:
            assert error.reason is Reason.MISSING, "asked for before it was published again"
            await receiver.fetch(verified, device.folder / "slot")
        assert receiver.status.chunks == len(channel_chunks(channel))
    assert content(device.folder / "slot") == channel.files


async def test_a_fetch_that_is_cancelled_leaves_no_thread_and_goes_on_later(
    brokers: Brokers, channel: Channel, device: Device
):
    channel.publish(some_files(3, chunks=40))
    await put(brokers.broker, channel.messages())
    begun = asyncio.Event()
    async with device.receiver(brokers.broker, window=4) as receiver:
        verified = await receiver.check()
        fetching = asyncio.create_task(
            receiver.fetch(verified, device.folder / "slot", on_progress=lambda _done, _total: begun.set())
        )
        await begun.wait()
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching
        await receiver.fetch(verified, device.folder / "slot")
        assert receiver.status.chunks <= len(channel_chunks(channel)) + 1
    assert content(device.folder / "slot") == channel.files


async def test_a_check_that_is_cancelled_changes_nothing_and_the_next_succeeds(
    brokers: Brokers, channel: Channel, device: Device
):
    before = device.state()
    async with device.receiver(brokers.broker) as receiver:  # nothing is published yet
        checking = asyncio.create_task(receiver.check())
        await eventually(lambda: receiver._retained._round is not None)
        checking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await checking
        assert device.state() == before
        await put(brokers.broker, channel.messages())
        assert (await receiver.check()).versions["targets"] == 1


async def test_what_is_published_while_a_check_waits_is_seen_at_once(
    brokers: Brokers, channel: Channel, device: Device
):
    async with device.receiver(brokers.broker, patience_s=4 * PATIENCE_S) as receiver:
        checking = asyncio.create_task(receiver.check())
        await eventually(lambda: receiver._retained._round is not None)
        messages = channel.messages()
        last = channel.topics.timestamp
        await put(brokers.broker, {last: messages.pop(last)} | messages)
        async with asyncio.timeout(PATIENCE_S):
            assert (await checking).versions["targets"] == 1


# -- the disk lies -----------------------------------------------------------------------------------------------------


async def test_a_chunk_that_was_damaged_on_the_disk_is_fetched_again(
    brokers: Brokers, channel: Channel, device: Device
):
    await put(brokers.broker, channel.messages())
    async with device.receiver(brokers.broker) as receiver:
        verified = await receiver.check()
        await receiver.fetch(verified, device.folder / "first")
        with (device.folder / "chunks" / "pack").open("r+b") as pack:
            pack.seek(-1, os.SEEK_END)
            last = pack.read(1)[0]
            pack.seek(-1, os.SEEK_END)
            pack.write(bytes([last ^ 1]))
        await receiver.fetch(verified, device.folder / "second")
        assert receiver.status.chunks == len(channel_chunks(channel)) + 1
    assert content(device.folder / "second") == channel.files


@pytest.mark.parametrize("name", ["timestamp.json", "snapshot.json", "targets.json", "root_history/1.root.json"])
async def test_metadata_that_was_damaged_on_the_disk_is_brought_again(
    brokers: Brokers, channel: Channel, device: Device, name: str
):
    await put(brokers.broker, channel.messages())
    async with device.receiver(brokers.broker) as receiver:
        await receiver.check()
        state = device.state()
        (device.folder / "trust" / channel.name / "metadata" / name).write_bytes(b"{")
        await receiver.check()
        assert device.state() == state


async def test_a_damaged_floor_is_no_reason_to_stop(brokers: Brokers, channel: Channel, device: Device):
    await put(brokers.broker, channel.messages())
    async with device.receiver(brokers.broker) as receiver:
        await receiver.check()
        state = device.state()
        (device.folder / "trust" / "floor.json").write_bytes(b"\x00\x00")
        await receiver.check()
        assert device.state() == state

"""Checking and fetching through real brokers of both kinds."""

from __future__ import annotations

from pathlib import Path

from brokers import PATIENCE_S, Brokers
from channel import Channel
from enrolled_device import Device, put


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_a_bundle_is_verified_and_fetched(brokers: Brokers, channel: Channel, device: Device, tmp_path: Path):
    await put(brokers.broker, channel.messages())
    progress: list[tuple[int, int]] = []
    async with device.receiver(brokers.broker, retry_s=PATIENCE_S) as receiver:
        assert await receiver.changed() == "metadata"
        verified = await receiver.check()
        await receiver.fetch(verified, tmp_path / "slot", on_progress=lambda *each: progress.append(each))
        assert content(tmp_path / "slot") == channel.files
        assert progress[-1] == (verified.offer.bytes, verified.offer.bytes)
        assert receiver.status.chunk_bytes == verified.offer.bytes
        assert receiver.status.refused == {}
        await receiver.forget()
        assert device.chunks() == set()

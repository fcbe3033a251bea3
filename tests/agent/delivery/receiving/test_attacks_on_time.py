"""Old metadata, genuine or half so, brings no older bundle; the trusted state stays as it was, byte by byte."""

from __future__ import annotations

import pytest
from channel import NOW, some_files
from enrolled_device import Scene, only
from tuf.api.metadata import MetaFile

from models.errors import DeliveryError, Reason

pytestmark = pytest.mark.asyncio(loop_scope="module")
DAY_S = 86_400.0
STAGES = ("root", "timestamp", "snapshot", "targets")

# -- age --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "days"), [("timestamp", 8), ("snapshot", 15), ("targets", 91), ("root", 366)])
async def test_expired_metadata_is_refused(scene: Scene, role: str, days: float):
    channel = scene.channel
    for other in STAGES[1:]:
        if other != role:
            channel.signed[other].signed.expires = channel.after(1000)
    channel.publish(some_files(1))
    scene.known()
    await scene.attack(channel.metadata)
    scene.device.clock += days * DAY_S
    error = await scene.refuses(Reason.EXPIRED)
    assert "clock" in error.remedy


async def test_a_broker_that_holds_everything_back_is_noticed_when_the_timestamp_expires(scene: Scene):
    await scene.attack(scene.channel.metadata)
    frozen = dict(scene.channel.metadata)
    scene.channel.publish(some_files(1))
    async with scene.receiver() as receiver:
        assert (await receiver.check()).versions["timestamp"] == 1
        scene.device.clock += 8 * DAY_S
        await scene.attack(frozen)
    await scene.refuses(Reason.EXPIRED)


async def test_an_older_timestamp_is_refused(scene: Scene):
    old = dict(scene.channel.metadata)
    scene.channel.refresh()
    scene.known()
    await scene.attack(scene.channel.metadata | only(old, "timestamp.json"))
    await scene.refuses(Reason.ROLLED_BACK)


async def test_an_older_bundle_replayed_with_all_its_genuine_metadata_is_refused(scene: Scene):
    old = dict(scene.channel.metadata)
    scene.channel.publish(some_files(1))
    scene.known()
    await scene.attack(old, scene.channel.chunks)
    await scene.refuses(Reason.ROLLED_BACK)


async def test_the_timestamp_key_cannot_bring_back_an_older_snapshot(scene: Scene):
    channel = scene.channel
    channel.publish(some_files(1))
    scene.known()
    timestamp = channel.signed["timestamp"].signed
    timestamp.version += 1
    timestamp.snapshot_meta = MetaFile(1)
    channel.write("timestamp")
    await scene.attack(channel.metadata)
    await scene.refuses(Reason.ROLLED_BACK)


async def test_timestamp_and_snapshot_key_cannot_bring_back_older_targets(scene: Scene):
    channel = scene.channel
    channel.publish(some_files(1))
    scene.known()
    channel.signed["snapshot"].signed.version += 1
    channel.signed["snapshot"].signed.meta["targets.json"] = MetaFile(1)
    channel.write("snapshot")
    channel.renew("timestamp")
    scene.known(only(channel.metadata, "timestamp.json"))
    await scene.attack(channel.metadata)
    await scene.refuses(Reason.ROLLED_BACK)


async def test_genuine_files_of_two_versions_are_not_mixed(scene: Scene):
    channel = scene.channel
    old = dict(channel.metadata)
    channel.publish(some_files(1))
    scene.known(only(channel.metadata, "timestamp.json"))
    await scene.attack(channel.metadata | {"2.snapshot.json": old["1.snapshot.json"]})
    await scene.refuses(Reason.ROLLED_BACK)
    scene.known(only(channel.metadata, "timestamp.json", "2.snapshot.json"))
    await scene.attack(channel.metadata | {"2.targets.json": old["1.targets.json"]})
    await scene.refuses(Reason.ROLLED_BACK)


async def test_a_file_of_another_role_in_the_place_of_one_is_refused(scene: Scene):
    channel = scene.channel
    channel.publish(some_files(1))
    await scene.attack(channel.metadata | {"timestamp.json": channel.metadata["2.snapshot.json"]})
    await scene.refuses(Reason.MALFORMED)


# -- the clock --------------------------------------------------------------------------------------------------------


async def test_a_clock_at_1970_is_not_believed_beside_a_check_that_succeeded(scene: Scene):
    await scene.attack(scene.channel.metadata)
    async with scene.receiver() as receiver:
        await receiver.check()
    scene.device.clock += 6 * DAY_S
    async with scene.receiver() as receiver:
        await receiver.check()
    scene.device.clock = 0.0
    thief = scene.channel.copy()  # with the key of the timestamp, and one that was good until yesterday
    thief.signed["timestamp"].signed.expires = thief.after(5)
    thief.refresh()
    scene.known(only(thief.metadata, "timestamp.json"))
    await scene.attack(thief.metadata)
    await scene.refuses(Reason.EXPIRED)


async def test_a_clock_at_1970_is_not_believed_beside_the_date_of_the_program(scene: Scene):
    await scene.attack(scene.channel.metadata)
    scene.device.clock = 0.0
    before = scene.device.state()
    async with scene.device.receiver(scene.broker, not_before=NOW + 8 * DAY_S) as receiver:
        with pytest.raises(DeliveryError) as refused:
            await receiver.check()
    assert refused.value.reason is Reason.EXPIRED
    assert scene.device.state() == before


async def test_a_clock_at_1970_follows_a_channel_all_the_same(scene: Scene):
    scene.device.clock = 0.0
    scene.channel.publish(some_files(1))
    await scene.attack(scene.channel.metadata)
    async with scene.receiver() as receiver:
        assert (await receiver.check()).versions["targets"] == 2


@pytest.mark.parametrize("clock", [NOW + 3650 * DAY_S, 1e18])
async def test_a_clock_far_ahead_finds_all_expired_and_locks_nothing(scene: Scene, clock: float):
    await scene.attack(scene.channel.metadata)
    scene.device.clock = clock
    await scene.refuses(Reason.EXPIRED)
    scene.device.clock = NOW
    async with scene.receiver() as receiver:
        assert (await receiver.check()).versions["targets"] == 1


@pytest.mark.parametrize("clock", [float("nan"), float("inf"), float("-inf"), -1e18])
async def test_a_clock_that_tells_no_time_is_taken_for_one_that_was_never_set(scene: Scene, clock: float):
    await scene.attack(scene.channel.metadata)
    scene.device.clock = clock
    async with scene.receiver() as receiver:
        assert (await receiver.check()).versions["targets"] == 1

"""Who has one key, or none, brings no other bundle; the trusted state stays as it was, byte by byte."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from channel import some_files
from enrolled_device import Scene, only, put, stranger
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile

from models.errors import Reason

pytestmark = pytest.mark.asyncio(loop_scope="module")

# -- signatures -------------------------------------------------------------------------------------------------------

STAGES = ("root", "timestamp", "snapshot", "targets")


def next_version(scene: Scene, role: str, signers: Iterable[CryptoSigner]) -> None:
    """A second version of everything, in which one role is signed by these; what comes before it the device knows."""
    channel = scene.channel
    if role == "root":
        channel.signed["root"].signed.version = 2
        channel.write("root", signers)
        return
    channel.publish(some_files(1))
    number = STAGES.index(role)
    names = {"timestamp": "timestamp.json", "snapshot": "2.snapshot.json", "targets": "2.targets.json"}
    scene.known({name: channel.metadata[name] for name in (names[each] for each in STAGES[1:number])})
    channel.write(role, signers)


@pytest.mark.parametrize("role", STAGES)
async def test_unsigned_metadata_is_refused(scene: Scene, role: str):
    next_version(scene, role, [])
    await scene.attack(scene.channel.metadata)
    await scene.refuses(Reason.UNTRUSTED)


@pytest.mark.parametrize("role", STAGES)
async def test_metadata_signed_by_a_stranger_is_refused(scene: Scene, role: str):
    next_version(scene, role, [stranger(), stranger()])
    await scene.attack(scene.channel.metadata)
    await scene.refuses(Reason.UNTRUSTED)


@pytest.mark.parametrize("role", STAGES[1:])
async def test_metadata_signed_by_the_key_of_another_role_is_refused(scene: Scene, role: str):
    other = {"timestamp": "snapshot", "snapshot": "timestamp", "targets": "snapshot"}[role]
    next_version(scene, role, scene.channel.keys[other])  # type: ignore[arg-type]
    await scene.attack(scene.channel.metadata)
    await scene.refuses(Reason.UNTRUSTED)


async def test_a_root_signed_below_its_threshold_is_refused(scene: Scene):
    next_version(scene, "root", scene.channel.keys["root"][:1])  # type: ignore[arg-type]
    await scene.attack(scene.channel.metadata)
    await scene.refuses(Reason.UNTRUSTED)


async def test_a_root_with_one_stolen_key_and_many_of_a_stranger_is_refused(scene: Scene):
    channel = scene.channel
    strangers = [stranger() for _ in range(3)]
    root = channel.signed["root"].signed
    for key in strangers:
        root.add_key(key.public_key, "root")
    next_version(scene, "root", [channel.keys["root"][0], *strangers])  # type: ignore[list-item]
    await scene.attack(channel.metadata)
    await scene.refuses(Reason.UNTRUSTED)


async def test_one_signature_copied_under_another_key_does_not_count_twice(scene: Scene):
    channel = scene.channel
    next_version(scene, "root", channel.keys["root"][:1])  # type: ignore[arg-type]
    forged: Metadata[Any] = channel.signed["root"]
    (one,) = forged.signatures.values()
    other = channel.keys["root"][1].public_key.keyid
    forged.signatures[other] = type(one)(other, one.signature)
    await scene.attack(channel.metadata | {"2.root.json": forged.to_bytes()})
    await scene.refuses(Reason.UNTRUSTED)


async def test_the_timestamp_key_alone_brings_nothing(scene: Scene):
    thief = scene.channel.copy()
    thief.keys |= {role: [stranger()] for role in ("snapshot", "targets")}
    thief.publish(some_files(666))
    scene.known(only(thief.metadata, "timestamp.json"))
    await scene.attack(thief.metadata)
    await scene.refuses(Reason.UNTRUSTED)


async def test_the_targets_key_alone_brings_nothing(scene: Scene):
    thief = scene.channel.copy()
    thief.publish(some_files(666))
    await scene.attack(scene.channel.metadata | only(thief.metadata, "2.targets.json"), thief.chunks)
    before = scene.device.state()
    async with scene.receiver() as receiver:
        verified = await receiver.check()
    assert verified.versions["targets"] == 1
    assert scene.device.state() == before


# -- keys that change -------------------------------------------------------------------------------------------------


async def test_keys_that_changed_three_times_while_the_device_was_off_are_followed(scene: Scene):
    channel = scene.channel
    for role in ("root", "timestamp", "targets"):
        channel.rotate(role)
    channel.publish(some_files(1))
    await scene.attack(channel.metadata)
    async with scene.receiver() as receiver:
        verified = await receiver.check()
    assert verified.versions["root"] == 4
    assert verified.versions["targets"] == 3


async def test_a_key_that_was_revoked_signs_nothing_any_more(scene: Scene):
    channel = scene.channel
    thief = channel.copy()
    channel.rotate("timestamp")
    scene.known()
    thief.signed["timestamp"].signed.version = 1000
    thief.refresh()
    await scene.attack(channel.metadata | only(thief.metadata, "timestamp.json"))
    await scene.refuses(Reason.UNTRUSTED)


async def test_a_revoked_key_is_refused_though_the_root_that_revoked_it_is_held_back(scene: Scene):
    channel = scene.channel
    thief = channel.copy()
    channel.rotate("timestamp")
    scene.known()
    thief.refresh()
    thief.refresh()
    await scene.attack(thief.metadata)  # without the second root, which the device knows
    await put(scene.broker, {channel.topics.metadata("2.root.json"): b""})
    await scene.refuses(Reason.UNTRUSTED, Reason.TIMED_OUT, patience_s=0.5)


async def test_a_version_counted_up_by_a_thief_is_overcome_with_a_new_key(scene: Scene):
    channel = scene.channel
    thief = channel.copy()
    thief.signed["timestamp"].signed.version = 10_000
    thief.signed["timestamp"].signed.snapshot_meta = MetaFile(10_000)
    thief.write("timestamp")
    scene.known(only(thief.metadata, "timestamp.json"))
    channel.refresh()
    await scene.attack(channel.metadata)
    await scene.refuses(Reason.ROLLED_BACK)
    channel.rotate("snapshot")
    channel.rotate("timestamp")
    await scene.attack(channel.metadata)
    async with scene.receiver() as receiver:
        assert (await receiver.check()).versions["root"] == 3


async def test_a_root_may_not_skip_a_version(scene: Scene):
    channel = scene.channel
    channel.signed["root"].signed.version = 3
    channel.write("root", as_file="2.root.json")
    await scene.attack(channel.metadata)
    await scene.refuses(Reason.ROLLED_BACK)

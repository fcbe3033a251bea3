"""The client workflow of TUF 1.0.34, section 5, as the public conformance suite (tuf-conformance) goes through it.

Its scenarios on roots, thresholds, rotations, expiry, rollback and fast-forward, in our own words and against our own
way through the client: a copy of the state, taken over afterwards. Delegations and downloads over HTTP have no
counterpart here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from channel import NOW, Channel, some_files
from enrolled_device import Device, stranger
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile

from agent.delivery.receiving import Limits, Verified
from agent.delivery.receiving.client import refresh
from agent.delivery.receiving.enrolment import enrol
from agent.delivery.receiving.fetcher import NeedError
from agent.delivery.receiving.trust import ChannelTrust
from models.errors import DeliveryError, Reason

DAY_S = 86_400.0
KEYS = [stranger() for _ in range(10)]


def look(device: Device, channel: Channel, now: float = NOW) -> tuple[Verified, list[str]]:
    """Refresh; returns the offer and the files that were asked for."""
    brought: dict[str, bytes | None] = {}
    while True:
        try:
            return refresh(ChannelTrust(device.folder, channel.name), brought, now, Limits()), list(brought)
        except NeedError as need:
            brought[need.file] = channel.metadata.get(need.file)


def refused(device: Device, channel: Channel, reason: Reason, now: float = NOW) -> None:
    with pytest.raises(DeliveryError) as error:
        look(device, channel, now)
    assert error.value.reason is reason, error.value


def version(device: Device, role: str) -> int:
    """Of what is trusted on the disk; 0 for nothing."""
    folder = device.folder / "trust" / device.channel.name / "metadata"
    if role == "root":
        return max(int(path.name.split(".")[0]) for path in (folder / "root_history").iterdir())
    file = folder / f"{role}.json"
    number: int = Metadata.from_file(str(file)).signed.version if file.exists() else 0
    return number


def versions(device: Device) -> tuple[int, ...]:
    return tuple(version(device, role) for role in ("root", "timestamp", "snapshot", "targets"))


# -- what is asked for -------------------------------------------------------------------------------------------------


def test_all_is_asked_for_once_and_then_only_what_may_have_changed(device: Device, channel: Channel):
    assert look(device, channel)[1] == ["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"]
    assert look(device, channel)[1] == ["2.root.json", "timestamp.json"]
    channel.refresh()
    assert look(device, channel)[1] == ["2.root.json", "timestamp.json"]
    channel.renew("snapshot", "timestamp")
    assert look(device, channel)[1] == ["2.root.json", "timestamp.json", "2.snapshot.json"]
    assert versions(device) == (1, 3, 2, 1)


def test_fields_that_nobody_knows_are_signed_and_borne(device: Device, channel: Channel):
    root = channel.signed["root"].signed
    root.unrecognized_fields["a-field"] = {"of": ["ours"]}
    next(iter(root.keys.values())).unrecognized_fields["another"] = 1
    root.version = 2
    channel.write("root")
    assert look(device, channel)[0].versions["root"] == 2


# -- versions ----------------------------------------------------------------------------------------------------------


def test_other_content_under_the_same_version_of_the_timestamp_is_not_taken(device: Device, channel: Channel):
    look(device, channel)
    before = device.state()
    channel.signed["timestamp"].signed.snapshot_meta = MetaFile(100)
    channel.write("timestamp")
    look(device, channel)
    assert device.state() == before


def test_other_content_under_the_same_version_of_the_snapshot_is_not_taken(device: Device, channel: Channel):
    look(device, channel)
    before = device.state()
    channel.signed["snapshot"].signed.meta["targets.json"] = MetaFile(100)
    channel.write("snapshot")
    look(device, channel)
    assert device.state() == before


def test_a_snapshot_of_another_version_than_the_timestamp_names_is_refused(device: Device, channel: Channel):
    channel.signed["snapshot"].signed.version = 2
    channel.write("snapshot", as_file="1.snapshot.json")
    refused(device, channel, Reason.ROLLED_BACK)
    assert versions(device) == (1, 1, 0, 0)


@pytest.mark.parametrize("hashed", [False, True])
def test_an_older_snapshot_that_the_timestamp_names_is_refused(device: Device, channel: Channel, hashed: bool):
    channel.publish(some_files(1))
    look(device, channel)
    timestamp = channel.signed["timestamp"].signed
    timestamp.version += 1
    old = channel.metadata["1.snapshot.json"]
    timestamp.snapshot_meta = MetaFile.from_data(1, old, ["sha256"]) if hashed else MetaFile(1)
    channel.write("timestamp")
    refused(device, channel, Reason.ROLLED_BACK)
    assert versions(device) == (1, 2, 2, 2)


@pytest.mark.parametrize("role", ["snapshot", "targets"])
def test_a_file_of_other_bytes_than_its_digest_says_is_refused(device: Device, channel: Channel, role: str):
    look(device, channel)
    channel.publish(some_files(1))
    if role == "targets":
        channel.signed["snapshot"].signed.meta["targets.json"].hashes = {"sha256": "0" * 64}
        channel.write("snapshot")
    else:
        channel.signed["timestamp"].signed.snapshot_meta.hashes = {"sha256": "0" * 64}
        channel.write("timestamp")
    refused(device, channel, Reason.TAMPERED)
    assert version(device, role) == 1


def test_a_snapshot_that_forgets_the_targets_is_refused(device: Device, channel: Channel):
    look(device, channel)
    channel.signed["snapshot"].signed.meta = {"other.json": MetaFile(1)}
    channel.signed["snapshot"].signed.version += 1
    channel.write("snapshot")
    channel.renew("timestamp")
    refused(device, channel, Reason.MALFORMED)
    assert version(device, "snapshot") == 1


@pytest.mark.parametrize(
    ("role", "rotated"),
    [("timestamp", ["timestamp"]), ("snapshot", ["snapshot", "timestamp"]), ("targets", ["snapshot"])],
)
def test_a_version_that_ran_ahead_is_taken_back_with_new_keys(
    device: Device, channel: Channel, role: str, rotated: Sequence[str]
):
    order = ("targets", "snapshot", "timestamp")
    channel.signed[role].signed.version = 100_000
    channel.write(role)
    channel.renew(*order[order.index(role) + 1 :])
    look(device, channel)
    assert version(device, role) == 100_000
    for each in rotated:
        channel.rotate(each)
    channel.signed[role].signed.version = 6
    channel.renew(*order[order.index(role) :])
    assert look(device, channel)[0].versions[role] == 7


# -- expiry ------------------------------------------------------------------------------------------------------------


def test_a_newer_root_is_kept_though_it_has_expired_and_nothing_else_is(device: Device, channel: Channel):
    look(device, channel)
    channel.signed["root"].signed.expires = channel.after(-1)
    channel.signed["root"].signed.version = 2
    channel.write("root")
    channel.publish(some_files(1))
    refused(device, channel, Reason.EXPIRED)
    assert versions(device) == (2, 1, 1, 1)
    channel.signed["root"].signed.expires = channel.after(100)
    channel.signed["root"].signed.version = 3
    channel.write("root")
    assert look(device, channel)[0].versions["root"] == 3


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_newer_metadata_that_has_expired_is_not_kept(device: Device, channel: Channel, role: str):
    look(device, channel)
    channel.signed[role].signed.expires = channel.after(-5)
    channel.publish(some_files(1))
    refused(device, channel, Reason.EXPIRED)
    assert version(device, role) == 1


def test_expired_metadata_on_the_disk_still_guards_against_rollback_and_is_replaced(device: Device, channel: Channel):
    old = dict(channel.metadata)
    channel.publish(some_files(1))
    look(device, channel)
    later = NOW + 8 * DAY_S  # the timestamp of the first day is over
    genuine, channel.metadata = channel.metadata, old
    refused(device, channel, Reason.ROLLED_BACK, later)
    channel.metadata = genuine
    channel.signed["timestamp"].signed.expires = channel.after(21)
    channel.refresh()
    assert look(device, channel, later)[0].versions["timestamp"] == 3


# -- who may sign ------------------------------------------------------------------------------------------------------

ROOTS: dict[str, tuple[bool, list[tuple[list[int], int, list[int]]]]] = {
    # Is the last root taken? The roots: keys, threshold, who has signed.
    "one key for another": (True, [([0], 1, [0]), ([1], 1, [0, 1]), ([1], 1, [1])]),
    "signatures of strangers beside": (True, [([0], 1, [7, 0, 8]), ([1], 1, [7, 1, 0, 8])]),
    "another two of three each time": (True, [([0, 1, 2], 2, [0, 1]), ([0, 1, 2], 2, [1, 2]), ([0, 1, 2], 2, [0, 2])]),
    "one of three replaced": (True, [([0, 1, 2], 2, [0, 1]), ([0, 1, 3], 2, [0, 1])]),
    "one of three replaced, signed by the new": (True, [([0, 1, 2], 2, [0, 1]), ([0, 1, 3], 2, [0, 1, 3])]),
    "all of three replaced": (True, [([0, 1, 2], 2, [0, 1]), ([3, 4, 5], 2, [0, 2, 3, 5]), ([3, 4, 5], 2, [4, 5])]),
    "a higher threshold": (True, [([0, 1, 2], 1, [0]), ([0, 1, 2], 3, [0, 1, 2])]),
    "a lower threshold": (True, [([0, 1, 2], 2, [0, 1]), ([0, 1, 2], 1, [0, 1]), ([0, 1, 2], 1, [2])]),
    "not signed by the old": (False, [([0], 1, [0]), ([1], 1, [1, 7])]),
    "not signed by the new": (False, [([0], 1, [0]), ([1], 1, [0, 7])]),
    "too few of the old": (False, [([0, 1, 2], 2, [0, 1]), ([0, 3, 4], 2, [0, 3])]),
    "too few of the new": (False, [([0, 1, 2], 2, [0, 1]), ([0, 3, 4], 2, [0, 1])]),
    "a higher threshold that is not reached": (False, [([0, 1, 2], 1, [0]), ([0, 1, 2], 2, [1])]),
    "a lower threshold before it counts": (False, [([0, 1, 2], 2, [0, 1]), ([0, 1, 2], 1, [0])]),
    "nobody": (False, [([0], 1, [0]), ([0], 1, [])]),
}


def allow(channel: Channel, role: str, keys: Sequence[int], threshold: int) -> None:
    """Let these keys alone sign for a role."""
    root = channel.signed["root"].signed
    for keyid in list(root.roles[role].keyids):
        root.revoke_key(keyid, role)
    for number in keys:
        root.add_key(KEYS[number].public_key, role)
    root.roles[role].threshold = threshold


def signers(numbers: Sequence[int]) -> list[CryptoSigner]:
    return [KEYS[number] for number in numbers]


@pytest.mark.parametrize(("taken", "roots"), ROOTS.values(), ids=ROOTS)
def test_roots_follow_each_other_only_as_both_demand(
    tmp_path: Path, channel: Channel, taken: bool, roots: list[tuple[list[int], int, list[int]]]
):
    for number, (keys, threshold, signed_by) in enumerate(roots, start=1):
        allow(channel, "root", keys, threshold)
        channel.signed["root"].signed.version = number
        channel.write("root", signers(signed_by))
    device = Device(tmp_path / "device", channel)
    if taken:
        assert look(device, channel)[0].versions["root"] == len(roots)
    else:
        refused(device, channel, Reason.UNTRUSTED)
        assert versions(device) == (len(roots) - 1, 0, 0, 0)


SIGNATURES: dict[str, tuple[bool, list[int], int, list[int]]] = {
    "another key": (True, [1], 1, [1]),
    "another key and strangers": (True, [1], 1, [7, 1, 8]),
    "three of five": (True, [0, 1, 2, 3, 4], 3, [4, 0, 2]),
    "two of five where three must": (False, [0, 1, 2, 3, 4], 3, [0, 2]),
    "two of five and a stranger": (False, [0, 1, 2, 3, 4], 3, [0, 2, 7]),
    "more than there are keys": (False, [0, 1], 3, [0, 1]),
    "the key that was replaced": (False, [1], 1, [0]),
}


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
@pytest.mark.parametrize(("taken", "keys", "threshold", "signed_by"), SIGNATURES.values(), ids=SIGNATURES)
def test_every_role_is_signed_as_the_root_demands(
    device: Device, channel: Channel, role: str, taken: bool, keys: list[int], threshold: int, signed_by: list[int]
):
    look(device, channel)
    allow(channel, role, keys, threshold)
    channel.signed["root"].signed.version = 2
    channel.write("root")
    channel.keys[role] = signers(signed_by)  # type: ignore[assignment]
    channel.publish(some_files(1))
    if taken:
        assert look(device, channel)[0].versions == {"root": 2, "timestamp": 2, "snapshot": 2, "targets": 2}
    else:
        refused(device, channel, Reason.UNTRUSTED)
        assert version(device, "root") == 2
        assert version(device, role) == 1


def test_one_key_listed_often_counts_once(device: Device, channel: Channel):
    look(device, channel)
    allow(channel, "snapshot", [0], 2)
    root: Any = channel.signed["root"].signed
    root.version = 2
    root.roles["snapshot"].keyids = [KEYS[0].public_key.keyid] * 3
    channel.write("root")
    channel.keys["snapshot"] = signers([0, 0, 0])  # type: ignore[assignment]
    channel.publish(some_files(1))
    with pytest.raises(DeliveryError):
        look(device, channel)
    assert version(device, "snapshot") == 1


@pytest.mark.parametrize("spoil", ["no version", "another signature"])
def test_a_root_that_was_spoilt_is_not_enrolled(tmp_path: Path, channel: Channel, spoil: str):
    content = channel.first_root
    broken = content.replace(b'"version"', b'"verzion"') if spoil == "no version" else channel.write("root", KEYS[:2])
    with pytest.raises(DeliveryError):
        enrol(tmp_path, channel.name, broken)
    assert list(tmp_path.iterdir()) == []

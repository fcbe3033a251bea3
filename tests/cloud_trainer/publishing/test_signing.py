"""A root that two people sign apart, the way that it is meant."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from publishing_desk import Mosquitto, Player, bundle_files, make_bundle
from two_people import Two, forge, refused

from agent.delivery.receiving import Limits
from agent.delivery.receiving.client import refresh
from agent.delivery.receiving.enrolment import enrol
from agent.delivery.receiving.fetcher import NeedError
from agent.delivery.receiving.trust import ChannelTrust
from cloud_trainer.publishing.keys import read_public
from cloud_trainer.publishing.settings import PublishingSection
from models.errors import Reason
from models.wire.topics import ChannelTopics

pytestmark = pytest.mark.usefixtures("quick")


async def test_players_that_trust_the_old_root_follow_one_that_two_people_signed_apart(
    broker: Mosquitto, tmp_path: Path
):
    import asyncio

    two = await asyncio.to_thread(Two, tmp_path / "two", broker.port)
    bundle = make_bundle(tmp_path / "bundle")
    await asyncio.to_thread(two.anna.types, "publish", bundle, "--untested")
    enrolled = two.anna.root(1).read_bytes()
    stock = Player(tmp_path / "stock", enrolled)
    ours = tmp_path / "ours"
    enrol(ours, "stable", enrolled)
    held = await broker.held(PublishingSection())
    assert stock.follow(held, time.time())[1] == bundle_files(bundle)
    assert trusted_after(ours, held) == 1

    bens_new = two.ben.key()
    file = two.propose("root", "--key", read_public(two.bens.with_suffix(".pub")).keyid[:8],
                       "--new", bens_new.with_suffix(".pub"), "--with", two.annas)  # fmt: skip
    two.sign(file, two.bens, bens_new)
    two.accept(file)
    file = two.propose("targets", "snapshot", "timestamp", "--with", two.annas, name="third.json")
    two.sign(file, bens_new)  # the root that Ben kept is two versions old
    two.accept(file)
    await asyncio.to_thread(two.anna.types, "refresh")

    held = await broker.held(PublishingSection())
    assert stock.follow(held, time.time())[1] == bundle_files(bundle)
    assert trusted_after(ours, held) == 3


def trusted_after(folder: Path, held: dict[str, bytes]) -> int:
    """The version of the root that the agent's own client trusts after a look at the broker."""
    topics, trust, seen = ChannelTopics("stable"), ChannelTrust(folder, "stable"), dict[str, bytes | None]()
    while True:
        try:
            refresh(trust, seen, time.time(), Limits())
        except NeedError as need:
            seen[need.file] = held.get(topics.metadata(need.file))
        else:
            break
    return max(int(path.name.partition(".")[0]) for path in folder.glob("trust/stable/metadata/**/*.root.json"))


def test_copies_that_were_signed_apart_are_accepted_together(two: Two):
    file = two.propose()
    anothers = two.carried / "copy.json"
    shutil.copy(file, anothers)
    two.sign(file)
    two.anna.types("keys", "sign", anothers, "--with", two.annas, "--yes")
    refused(
        Reason.UNTRUSTED, lambda: two.accept(file), says="lacks signatures: 1 of the keys of root 1, 1 of the keys of"
    )
    two.accept(file, anothers)
    assert two.anna.told("keys", "show")["root"] == 2


def test_whoever_signs_is_told_which_keys_come_and_go_and_what_is_lacking(two: Two):
    before = two.anna.told("keys", "show")["roles"]
    new = two.ben.key()
    file = two.propose("root", "--key", before["root"]["keys"][1]["key"][:8], "--new", new.with_suffix(".pub"))
    told = two.sign(file).stdout
    assert "channel stable: root 2, after root 1" in told
    assert f"goes  {before['root']['keys'][1]['key'][:8]}" in told
    assert f"comes {read_public(new.with_suffix('.pub')).keyid}\n" in told
    assert "targets    1 of 1 signs; no key comes or goes" in told
    assert "holds until" in told
    assert "signed by   nobody yet" in told
    assert "keys sign" in told.splitlines()[-1]
    answer = two.anna.told("keys", "sign", file, "--with", two.annas, "--yes")
    assert answer["missing"] == {"previous": 0, "own": 1}  # Ben signed with the key that goes
    assert not answer["complete"]
    assert answer["changes"]["roles"]["root"]["go"] == [before["root"]["keys"][1]["key"]]
    told = two.sign(file, new).stdout
    assert "keys accept" in told.splitlines()[-1]
    assert two.anna.told("keys", "accept", file)["replaced"] == [before["root"]["keys"][1]["key"]]


def test_new_keys_that_were_made_at_the_proposal_sign_it_and_serve_once_it_is_accepted(two: Two):
    made = two.anna.told("keys", "propose", "root", "targets", "--out", two.carried / "all.json")
    assert made["missing"] == {"previous": 2, "own": 0}
    file = two.carried / "all.json"
    two.sign(file)
    two.anna.types("keys", "sign", file, "--with", two.annas, "--yes")
    two.accept(file)
    shown = two.anna.told("keys", "show")["roles"]
    assert all(key["file"] for key in [*shown["root"]["keys"], *shown["targets"]["keys"]])


def test_a_lowered_threshold_is_said(two: Two):
    file = two.propose()
    forge(file, lambda root: setattr(root.roles["root"], "threshold", 1))
    told = two.sign(file).stdout
    assert "root       1 of 3 signs instead of 2" in told


def test_a_public_key_is_what_openssh_writes_from_the_key_file(two: Two):
    line = two.bens.with_suffix(".pub").read_text()
    assert line.startswith("ssh-ed25519 ")
    assert two.bens.stem == f"root-{read_public(two.bens.with_suffix('.pub')).keyid[:8]}"

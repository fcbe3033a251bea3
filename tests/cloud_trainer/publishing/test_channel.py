"""What is signed, judged by python-tuf's own client."""

from __future__ import annotations

from pathlib import Path

import pytest
from publishing_desk import DAY_S, NOW, PASSPHRASE, Desk, Player, bundle_files, make_bundle
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root

from cloud_trainer.publishing.channel import Channel
from cloud_trainer.publishing.folder import ChannelFolder, channels
from cloud_trainer.publishing.keys import KeyFiles, KeyRing
from cloud_trainer.publishing.passphrases import Passphrases
from cloud_trainer.publishing.root import check_successor, sign_root
from models.errors import BundleError, DeliveryError, Reason


@pytest.fixture
def player(desk: Desk, tmp_path: Path) -> Player:
    return Player(tmp_path / "player", desk.folder.read("1.root.json"))


def test_a_player_gets_every_file_of_the_bundle(desk: Desk, bundle: Path, player: Player):
    desk.offer(bundle)
    offer, files = player.follow(desk.topics())
    assert files == bundle_files(bundle)
    assert (offer.channel, offer.version) == ("stable", "2026.11.2")
    assert offer.bytes == sum(map(len, files.values()))


def test_the_same_bundle_again_changes_nothing(desk: Desk, bundle: Path):
    first = desk.offer(bundle)
    before = desk.contents()
    assert desk.offer(bundle) == first
    after = desk.contents()
    timestamp = "metadata/timestamp.json"
    assert {k: v for k, v in after.items() if k != timestamp} == {k: v for k, v in before.items() if k != timestamp}


def test_an_unchanged_file_is_kept_once(desk: Desk, bundle: Path, tmp_path: Path):
    desk.offer(bundle)
    before = desk.folder.chunks()
    desk.offer(make_bundle(tmp_path / "next", version="2026.11.3", changed="hybrid"))
    new = desk.folder.chunks() - before
    assert len(new) == 8 + 1  # the hybrid model's 30 kB and the manifest
    assert before <= desk.folder.chunks()


@pytest.mark.parametrize("written", range(3))
def test_a_publication_cut_at_any_file_is_made_whole_by_the_next(
    written: int, desk: Desk, bundle: Path, tmp_path: Path, player: Player, monkeypatch: pytest.MonkeyPatch
):
    desk.offer(bundle)
    following = make_bundle(tmp_path / "next", version="2026.11.3", changed="hybrid")
    left = [written]
    real = ChannelFolder.write

    def cut(self: ChannelFolder, file: str, content: bytes) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError("the plug was pulled")
        real(self, file, content)

    monkeypatch.setattr(ChannelFolder, "write", cut)
    with pytest.raises(OSError, match="plug"):
        desk.offer(following)
    monkeypatch.undo()
    desk.offer(following)
    assert player.follow(desk.topics())[1] == bundle_files(following)


def test_a_player_on_root_1_follows_to_root_4_with_every_key_replaced(desk: Desk, bundle: Path, player: Player):
    desk.offer(bundle)
    player.follow(desk.topics())
    for roles in (["root"], ["targets", "snapshot", "timestamp"], ["root"]):
        desk.channel.rotate(desk.make, {role: [] for role in roles}, NOW)  # type: ignore[misc]
    desk.channel.settle(NOW)
    assert desk.channel.root().version == 4
    offer, files = player.follow(desk.topics())
    assert files == bundle_files(bundle)
    assert offer.version == "2026.11.2"


@pytest.mark.parametrize("role", ["targets", "snapshot", "timestamp"])
def test_a_replaced_key_signs_again_what_the_old_one_had_signed(role: str, desk: Desk, bundle: Path, player: Player):
    desk.offer(bundle)
    player.follow(desk.topics())
    desk.channel.rotate(desk.make, {role: []}, NOW)  # type: ignore[dict-item]
    with pytest.raises(RepositoryError):
        player.follow(desk.topics())
    signed = desk.channel.settle(NOW, timestamp=False)
    assert signed == ["targets", "snapshot", "timestamp"][["targets", "snapshot", "timestamp"].index(role) :]
    assert player.follow(desk.topics())[1] == bundle_files(bundle)


def test_one_lost_root_key_is_replaced_by_the_two_others(desk: Desk, bundle: Path, player: Player):
    lost = desk.channel.root().roles["root"].keyids[1]
    path = desk.files.path(desk.channel.root().keys[lost])
    assert path is not None
    path.unlink()
    desk.ring = KeyRing(desk.files, Passphrases(PASSPHRASE))
    desk.channel = Channel(desk.folder, desk.settings, desk.ring)
    root, gone = desk.channel.rotate(desk.make, {"root": [lost[:8]]}, NOW)
    assert gone == [lost]
    assert len(root.roles["root"].keyids) == 3
    assert lost not in root.keys
    desk.offer(bundle)
    assert player.follow(desk.topics())[1] == bundle_files(bundle)


def test_with_one_root_key_nothing_is_rotated(desk: Desk):
    keep, *others = desk.files.folder.glob("root-*.key")
    assert keep.exists()
    for other in others:
        other.unlink()
    before, keys = desk.contents(), sorted(desk.files.folder.iterdir())
    place = Channel(desk.folder, desk.settings, KeyRing(desk.files, Passphrases(PASSPHRASE)))
    with pytest.raises(DeliveryError, match="2 of the 3 root keys are needed, 1 found") as caught:
        place.rotate(desk.make, {"timestamp": []}, NOW)
    assert caught.value.reason is Reason.MISSING
    assert "--keys" in caught.value.remedy
    assert desk.contents() == before
    assert sorted(desk.files.folder.iterdir()) == keys


def test_a_root_below_the_threshold_is_no_successor(desk: Desk):
    current = desk.channel.root()
    following = Metadata[Root].from_bytes(desk.folder.read("1.root.json")).signed
    following.version = 2
    one_key_only = desk.ring.signers(current, "root")[:1]
    with pytest.raises(DeliveryError, match="lacks 1 signatures") as caught:
        check_successor(current, sign_root(following, one_key_only))
    assert caught.value.reason is Reason.UNTRUSTED


def test_root_keys_may_lie_on_several_drives(desk: Desk, tmp_path: Path):
    drives = [tmp_path / "red", tmp_path / "blue"]
    for drive, key in zip(drives, sorted(desk.files.folder.glob("root-*.key")), strict=False):
        drive.mkdir()
        key.rename(drive / key.name)
    for left in desk.files.folder.glob("root-*.key"):
        left.unlink()
    files = KeyFiles([desk.files.folder, *drives], rounds=1)
    place = Channel(desk.folder, desk.settings, KeyRing(files, Passphrases(PASSPHRASE)))
    assert place.rotate(desk.make, {}, NOW)[0].version == 2


def test_an_expired_root_signs_nothing_until_it_is_renewed(desk: Desk, bundle: Path, player: Player):
    desk.offer(bundle)
    before = desk.contents()
    later = NOW + 731 * DAY_S
    with pytest.raises(DeliveryError, match="expired on 2029-01-14") as caught:
        desk.channel.settle(later)
    assert caught.value.reason is Reason.EXPIRED
    assert "keys renew --channel stable" in caught.value.remedy
    assert desk.contents() == before
    root, gone = desk.channel.rotate(desk.make, {}, later)
    assert (root.version, gone) == (2, [])
    desk.channel.settle(later)
    assert player.follow(desk.topics(), later)[1] == bundle_files(bundle)


def test_a_clock_that_went_back_signs_nothing(desk: Desk, bundle: Path):
    desk.offer(bundle)
    before = desk.contents()
    for now in (0.0, NOW - 2 * DAY_S):
        with pytest.raises(DeliveryError, match="but the channel stable was signed on 2027-01-15") as caught:
            desk.channel.settle(now)
        assert "Set the clock" in caught.value.remedy
    assert desk.contents() == before
    assert desk.channel.settle(NOW - 0.5 * DAY_S) == ["timestamp"]


def test_a_file_of_more_chunks_than_players_read_is_refused(desk: Desk, bundle: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("cloud_trainer.publishing.content.MOST_CHUNKS", 2)
    with pytest.raises(BundleError, match="more than 2 chunks of 4096") as caught:
        desk.offer(bundle)
    assert caught.value.reason is Reason.OVERSIZED
    assert desk.folder.versions("targets") == []


def test_a_refresh_signs_the_timestamp_alone_while_the_others_are_young(desk: Desk, bundle: Path):
    desk.offer(bundle)
    assert desk.channel.settle(NOW + DAY_S) == ["timestamp"]
    assert desk.channel.settle(NOW + 31 * DAY_S) == ["snapshot", "timestamp"]
    assert desk.channel.settle(NOW + 200 * DAY_S) == ["targets", "snapshot", "timestamp"]


def test_a_timer_without_the_targets_key_still_does_its_work(desk: Desk, bundle: Path, player: Player):
    desk.offer(bundle)
    for key in (*desk.files.folder.glob("root-*.key"), *desk.files.folder.glob("targets-*.key")):
        key.unlink()
    place = Channel(desk.folder, desk.settings, KeyRing(desk.files, Passphrases(PASSPHRASE)))
    later = NOW + 300 * DAY_S
    assert place.settle(later) == ["snapshot", "timestamp"]
    assert player.follow(desk.topics(), later)[1] == bundle_files(bundle)


def test_a_channel_has_keys_once(desk: Desk):
    before = desk.contents()
    with pytest.raises(DeliveryError, match="has keys already") as caught:
        desk.init()
    assert caught.value.reason is Reason.WRONG_STATE
    assert desk.contents() == before


def test_a_channel_without_keys_names_those_that_have_some(desk: Desk):
    with pytest.raises(DeliveryError, match="the channel beta has no keys") as caught:
        Desk(desk.settings.folder.parent, "beta").channel.root()
    assert "keys init --channel beta" in caught.value.remedy
    assert caught.value.remedy.endswith("there: stable")
    assert channels(desk.settings.folder) == ["stable"]


def test_a_lost_root_is_missed_because_players_could_not_follow(desk: Desk):
    for _ in range(3):
        desk.channel.rotate(desk.make, {}, NOW)
    desk.folder.remove("3.root.json")
    with pytest.raises(DeliveryError, match=r"lacks 3\.root\.json") as caught:
        desk.channel.root()
    assert caught.value.reason is Reason.MISSING


@pytest.mark.parametrize("file", ["1.root.json", "1.targets.json", "1.snapshot.json", "timestamp.json"])
def test_damaged_metadata_is_named(file: str, desk: Desk, bundle: Path):
    desk.offer(bundle)
    for content in (b"", b"{", b"[]", b'{"signed": 1}', b"\xff"):
        (desk.folder.path / "metadata" / file).write_bytes(content)
        before = desk.contents()
        with pytest.raises(DeliveryError, match=file) as caught:
            desk.channel.settle(NOW)
        assert caught.value.reason is Reason.MALFORMED
        assert desk.contents() == before

"""What is out of date stays for a while and then goes."""

from __future__ import annotations

from pathlib import Path

from publishing_desk import DAY_S, NOW, Desk, Player, bundle_files, make_bundle

from cloud_trainer.publishing.outdating import Outdated, forget, outdated


def old(desk: Desk, now: float) -> Outdated:
    return outdated(desk.folder, now, keep_days=7.0)


def test_old_chunks_stay_for_a_while_and_are_then_named_as_outdated(desk: Desk, bundle: Path, tmp_path: Path):
    player = Player(tmp_path / "player", desk.folder.read("1.root.json"))
    desk.offer(bundle)
    first = desk.folder.chunks()
    following = make_bundle(tmp_path / "next", version="2026.11.3", changed="hybrid")
    desk.offer(following, NOW + DAY_S)
    assert old(desk, NOW + 7.9 * DAY_S).chunks == frozenset()
    gone = old(desk, NOW + 8 * DAY_S)
    assert gone.files == {"1.targets.json", "1.snapshot.json"}
    assert gone.chunks
    assert gone.chunks < first
    forget(desk.folder, gone)
    assert player.follow(desk.topics(), NOW + DAY_S)[1] == bundle_files(following)
    assert old(desk, NOW + 100 * DAY_S) == Outdated()


def test_a_lost_state_keeps_old_chunks_longer_and_breaks_nothing(desk: Desk, bundle: Path, tmp_path: Path):
    desk.offer(bundle)
    desk.offer(make_bundle(tmp_path / "next", version="2026.11.3", changed="hybrid"), NOW)
    (desk.folder.path / "state.json").write_bytes(b"\xff{")
    later = NOW + 30 * DAY_S
    assert old(desk, later).chunks == frozenset()
    desk.channel.settle(later)
    assert old(desk, later + 8 * DAY_S).chunks

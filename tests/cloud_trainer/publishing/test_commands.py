"""The commands as somebody types them, against a real broker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import Result
from publishing_desk import PASSPHRASE, Mosquitto, Player, bundle_files, make_bundle
from typer.testing import CliRunner

from cloud_trainer import cli
from cloud_trainer.publishing.keys import KeyFiles
from cloud_trainer.publishing.settings import PublishingSection
from models.bundle.reader import default_bundle
from models.errors import AttuneError, BundleError, DeliveryError, Reason
from models.wire.messages import BundleStatus, encode

RUNNER = CliRunner()
Typed = Callable[..., Awaitable[Result]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Somebody's home, with a passphrase in the environment and keys that open quickly."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("ATTUNE_PASSPHRASE", PASSPHRASE)
    monkeypatch.setitem(KeyFiles.__init__.__kwdefaults__, "rounds", 1)  # type: ignore[arg-type]
    monkeypatch.setattr("cloud_trainer.publishing.fleet._PATIENCE_S", 0.05)
    monkeypatch.setattr("cloud_trainer.publishing.mirror._ORDER_S", 0.0)
    return home


@pytest.fixture
def typed(home: Path, broker: Mosquitto) -> Typed:
    """Runs a command; `code` is what it must end with, an error of ours is raised."""
    assert home.is_dir()
    (home / ".config" / "attune").mkdir(parents=True)
    (home / ".config" / "attune" / "trainer.toml").write_text(f"[publishing]\nport = {broker.port}\n")

    async def run(*words: object, code: int = 0) -> Result:
        result = await asyncio.to_thread(RUNNER.invoke, cli.app, [str(word) for word in words])
        if isinstance(result.exception, AttuneError):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    return run


def report(device: str, **changes: Any) -> tuple[str, bytes]:
    status = BundleStatus(
        t=1.0, version="2026.11.1", embedding_space="a", runtime="tflite", precision={}, channel="stable"
    )
    return f"attune/1/device/{device}/bundle", encode(msgspec.structs.replace(status, **changes))


async def say(broker: Mosquitto, *messages: tuple[str, bytes]) -> None:
    async with broker.connection(PublishingSection()) as players:
        for topic, payload in messages:
            await players.publish(topic, payload)


def player(home: Path) -> Player:
    root = home / ".local/share/attune/channels/stable/metadata/1.root.json"
    return Player(home / "player", root.read_bytes())


async def held(broker: Mosquitto) -> dict[str, bytes]:
    return await broker.held(PublishingSection())


async def test_three_commands_bring_a_changed_bundle_to_the_broker(
    typed: Typed, home: Path, broker: Mosquitto, tmp_path: Path
):
    changed = tmp_path / "changed"
    await typed("keys", "init")
    await typed("repack", "--prefer", "user_emotion=float32", "--out", changed)
    result = await typed("publish", changed)
    assert "nobody follows the channel stable here: no player has reported" in result.stderr
    offer, files = player(home).follow(await held(broker), _now())
    assert files == bundle_files(changed)
    assert offer.rollout.status == "running"


def _now() -> float:
    import time

    return time.time()


async def test_a_bundle_that_answers_wrongly_is_not_published_unless_one_insists(
    typed: Typed, home: Path, broker: Mosquitto, tmp_path: Path
):
    import shutil

    await typed("keys", "init")
    bundle = tmp_path / "wrong"
    shutil.copytree(default_bundle(), bundle)
    manifest = json.loads((bundle / "manifest.json").read_bytes())
    for model in manifest["models"].values():
        model["tolerance"] = dict.fromkeys(model["tolerance"], -1.0)
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="fails its self-test"):
        await typed("publish", bundle)
    assert await held(broker) == {}
    await typed("publish", bundle, "--untested")
    assert player(home).follow(await held(broker), _now())[1] == bundle_files(bundle)


@pytest.mark.parametrize("lost", ["hybrid.int8.tflite", "manifest.json", "golden/sequence.npz"])
async def test_a_bundle_with_a_missing_file_is_refused_by_name_and_nothing_is_signed(
    lost: str, typed: Typed, home: Path, broker: Mosquitto, bundle: Path
):
    await typed("keys", "init")
    (bundle / lost).unlink()
    with pytest.raises(BundleError, match=lost) as caught:
        await typed("publish", bundle, "--untested")
    assert caught.value.reason is Reason.MISSING
    assert not list(home.glob("**/*.targets.json"))
    assert await held(broker) == {}


async def test_a_folder_that_is_none_is_named(typed: Typed, tmp_path: Path):
    await typed("keys", "init")
    with pytest.raises(BundleError, match="is no folder of a bundle"):
        await typed("publish", tmp_path / "nothing")


async def test_without_keys_nothing_is_read(typed: Typed, bundle: Path):
    with pytest.raises(DeliveryError, match="the channel stable has no keys") as caught:
        await typed("publish", bundle)
    assert "attune-trainer keys init --channel stable" in caught.value.remedy


async def test_a_wrong_passphrase_signs_nothing(
    typed: Typed, home: Path, broker: Mosquitto, bundle: Path, monkeypatch: pytest.MonkeyPatch
):
    await typed("keys", "init")
    monkeypatch.setenv("ATTUNE_PASSPHRASE", "mistyped again")
    with pytest.raises(DeliveryError, match=r"does not open .*targets-") as caught:
        await typed("publish", bundle, "--untested")
    assert caught.value.reason is Reason.REFUSED
    assert not list(home.glob("**/*.targets.json"))
    assert await held(broker) == {}


async def test_the_root_may_have_a_passphrase_of_its_own(
    typed: Typed, home: Path, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "root").write_text("only in the safe\n")
    await typed("keys", "init", "--root-passphrase-file", tmp_path / "root")
    await typed("publish", bundle, "--untested")  # the root's is not needed
    with pytest.raises(DeliveryError, match=r"does not open .*root-"):
        await typed("keys", "rotate", "timestamp")
    monkeypatch.setenv("ATTUNE_ROOT_PASSPHRASE", "only in the safe")
    await typed("keys", "rotate", "timestamp")
    assert len(list(home.glob("**/timestamp-*.key"))) == 2


async def test_rotated_keys_reach_players_with_the_next_refresh(
    typed: Typed, home: Path, broker: Mosquitto, bundle: Path
):
    await typed("keys", "init")
    await typed("publish", bundle, "--untested")
    follower = player(home)
    follower.follow(await held(broker), _now())
    rotated = await typed("keys", "rotate", "root", "timestamp")
    assert rotated.stdout.count("destroy it") == 4
    await typed("keys", "renew")
    result = await typed("refresh")
    assert "signed timestamp; sent 2.root.json, 3.root.json, timestamp.json" in result.stdout
    assert follower.follow(await held(broker), _now())[1] == bundle_files(bundle)
    shown = json.loads((await typed("keys", "show", "--json")).stdout)
    assert shown["root"] == 3
    assert all(key["file"] for key in shown["roles"]["root"]["keys"])


async def test_one_root_key_may_be_replaced_by_its_identifier(typed: Typed):
    await typed("keys", "init")
    before = json.loads((await typed("keys", "show", "--json")).stdout)["roles"]["root"]["keys"]
    gone = json.loads((await typed("keys", "rotate", "root", "--key", before[1]["key"][:6], "--json")).stdout)
    assert gone["replaced"] == [before[1]["key"]]
    with pytest.raises(DeliveryError, match="names 0 keys of root"):
        await typed("keys", "rotate", "root", "--key", "nosuchkey")


async def test_a_hand_on_the_rollout_reaches_players(typed: Typed, home: Path, broker: Mosquitto, bundle: Path):
    await typed("keys", "init")
    await typed("publish", bundle, "--untested", "--group", "canary")
    follower = player(home)

    async def seen() -> tuple[str, int, bool]:
        rollout = follower.follow(await held(broker), _now())[0].rollout
        return rollout.status, rollout.opened, rollout.recall

    assert await seen() == ("running", 1, False)
    await typed("rollout", "pause")
    assert await seen() == ("paused", 1, False)
    await typed("rollout", "resume")
    await typed("rollout", "promote")
    assert await seen() == ("running", 2, False)
    await typed("rollout", "abort", "--recall")
    assert await seen() == ("aborted", 2, True)
    for verb in ("pause", "resume", "promote"):
        with pytest.raises(DeliveryError, match="was aborted"):
            await typed("rollout", verb)
    assert await seen() == ("aborted", 2, True)
    await typed("publish", bundle, "--untested")
    assert await seen() == ("running", 1, False)


async def test_a_rollout_counts_what_players_say(typed: Typed, broker: Mosquitto, bundle: Path):
    await typed("keys", "init")
    await typed("publish", bundle, "--untested", "--phases", "canary, all", "--least", 2)
    rollout = json.loads((await typed("rollout", "status", "--json")).stdout)["offer"]["rollout"]["id"]
    await say(
        broker,
        report("a", group="canary", rollout=rollout, offered="2026.11.2", outcome="confirmed"),
        report("b", group="canary", rollout=rollout, offered="2026.11.2", outcome="returned"),
        report("c", rollout=rollout),
        report("d", channel="beta"),
    )
    found = json.loads((await typed("rollout", "status", "--json")).stdout)
    counts = [(row["open"], row["devices"], row["confirmed"], row["failed"]) for row in found["phases"]]
    assert counts == [(True, 2, 1, 1), (False, 1, 0, 0)]
    assert found["verdict"] == "running; 1 of 3 players have confirmed it"
    await say(broker, report("a", group="canary", rollout=rollout, offered="2026.11.2", outcome="refused"))
    assert "stopped by itself: 2 of 2 devices in phase 1 failed" in (await typed("rollout", "status")).stdout


async def test_the_fleet_lists_every_player_and_nothing_that_it_says_reaches_the_terminal_raw(
    typed: Typed, broker: Mosquitto, bundle: Path
):
    await typed("keys", "init")
    await typed("publish", bundle, "--untested")
    raw = "[red]\x1b[2Jslow"
    await say(
        broker,
        report("kitchen", version="2026.11.2", outcome="confirmed", offered="2026.11.2"),
        report("attic", rollout="2026-11-2-1", outcome="refused", offered="2026.11.2", code="worse", reason=raw),
        report("other", channel="beta"),
        ("attune/1/device/broken/bundle", b"{"),
        ("attune/1/device/huge/bundle", b" " * 20_000 + b"{}"),
    )
    result = await typed("fleet")
    assert "2026.11.2 (newest)" in result.stdout
    assert "2026.11.2 refused (worse)" in result.stdout
    assert "[red]\N{REPLACEMENT CHARACTER}[2Jslow" in result.stdout
    assert "the reports of broken, huge cannot be read" in result.stderr
    rows = json.loads((await typed("fleet", "--channel", "stable", "--json")).stdout)["devices"]
    assert {row["device"]: (row["up_to_date"], row["turn"]) for row in rows} == {
        "attic": (False, "stop"),
        "kitchen": (True, "stop"),
    }


async def test_an_empty_fleet_says_so(typed: Typed):
    assert "no player has reported to" in (await typed("fleet")).stdout


async def test_a_channel_or_group_that_nobody_follows_is_told(typed: Typed, broker: Mosquitto, bundle: Path):
    await typed("keys", "init", "--channel", "beta")
    await say(broker, report("kitchen", group="canary"))
    result = await typed("publish", bundle, "--untested", "--channel", "beta")
    assert "nobody follows the channel beta here: those that report follow stable" in result.stderr
    assert "[bundle] channel" in result.stderr
    await typed("keys", "init")
    result = await typed("publish", bundle, "--untested", "--group", "kitchens")
    assert "no phase takes any of the 1 players" in result.stderr
    assert "their groups: canary" in result.stderr
    assert "warning" in json.loads((await typed("publish", bundle, "--untested", "--json")).stdout)


async def test_the_status_of_a_channel_ends_with_1_where_the_broker_lacks_something(
    typed: Typed, broker: Mosquitto, bundle: Path
):
    await typed("keys", "init")
    assert "lacks 1.root.json" in (await typed("status", code=1)).stdout
    await typed("refresh")  # a channel without a bundle has its root
    assert "offers  nothing yet" in (await typed("status")).stdout
    await typed("publish", bundle, "--untested")
    assert "has it all" in (await typed("status")).stdout
    await say(broker, ("attune/1/bundles/stable/metadata/timestamp", b"{}"))
    result = await typed("status", "--json", code=1)
    assert json.loads(result.stdout)["missing"] == ["timestamp.json"]
    await typed("refresh")
    await typed("status")


@pytest.mark.parametrize(
    "words",
    [
        ["keys", "rotate"],
        ["keys", "rotate", "king"],
        ["keys", "rotate", "root", "timestamp", "--key", "ab"],
        ["keys", "propose", "king"],
        ["keys", "sign", "x"],
        ["keys", "accept"],
        ["publish"],
        ["publish", "x", "--phases", "all", "--group", "canary"],
        ["publish", "x", "--percent", "0"],
        ["publish", "x", "--port", "0"],
        ["rollout"],
    ],
)
def test_wrong_use_ends_with_2(words: list[str], home: Path):
    assert home.is_dir()
    assert RUNNER.invoke(cli.app, words).exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        *(["keys", verb] for verb in ("init", "rotate", "renew", "show", "make", "propose", "sign", "accept")),
        *(["rollout", verb] for verb in ("status", "pause", "resume", "abort", "promote")),
        *([verb] for verb in ("publish", "refresh", "fleet", "status")),
    ],
)
def test_every_command_shows_an_example(words: list[str]):
    assert "Example: attune-trainer" in RUNNER.invoke(cli.app, [*words, "--help"]).stdout


async def test_a_second_channel_has_keys_of_its_own(typed: Typed, home: Path, broker: Mosquitto, tmp_path: Path):
    bundles = {"stable": make_bundle(tmp_path / "one"), "beta": make_bundle(tmp_path / "two", changed="hybrid")}
    for channel, bundle in bundles.items():
        await typed("keys", "init", "--channel", channel)
        await typed("publish", bundle, "--untested", "--channel", channel)
    names = [path.name for path in home.glob(".config/attune/keys/*/*.key")]
    assert len(set(names)) == 12
    assert player(home).follow(await held(broker), _now())[1] == bundle_files(bundles["stable"])

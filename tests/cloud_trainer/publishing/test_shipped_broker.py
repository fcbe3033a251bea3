"""Publishing through the broker configuration that ships, with its passwords and access list."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import msgspec
import pytest
from publishing_desk import NOW, Desk, Mosquitto, Player, bundle_files

from cloud_trainer.progress import LogProgress
from cloud_trainer.publishing.broker import connected
from cloud_trainer.publishing.mirror import Mirror
from cloud_trainer.publishing.publisher import send
from cloud_trainer.publishing.settings import PublishingSection
from models.errors import BrokerError, Reason
from models.settings import shipped_text
from models.wire.topics import ChannelTopics

Starts = Callable[[str], AbstractAsyncContextManager[Mosquitto]]
USERS = ("trainer", "living-room", "kitchen")
TOPICS = ChannelTopics("stable")


@pytest.fixture
async def lines(tmp_path: Path) -> str:
    """The shipped configuration, moved to a folder, without its listener."""
    passwd = shutil.which("mosquitto_passwd")
    if passwd is None:
        pytest.skip("needs Mosquitto: apt install mosquitto")
    (tmp_path / "attune.acl").write_text(shipped_text("mosquitto/attune.acl"))
    passwords = tmp_path / "attune.passwd"
    passwords.write_text("".join(f"{user}:secret-{user}\n" for user in USERS))
    hashing = await asyncio.create_subprocess_exec(passwd, "-U", str(passwords))
    assert await hashing.wait() == 0
    text = shipped_text("mosquitto/attune.conf").replace("/etc/mosquitto/attune.", f"{tmp_path}/attune.")
    return text.replace("\nlistener 1883\n", "\n")


def settings_of(desk: Desk, broker: Mosquitto, user: str, folder: Path) -> PublishingSection:
    password = folder / f"password-{user}"
    password.write_text(f"secret-{user}\n")
    return msgspec.structs.replace(broker.at(desk.settings), username=user, password_file=password)


async def test_the_trainer_publishes_and_a_player_reads(
    desk: Desk, bundle: Path, mosquitto: Starts, lines: str, tmp_path: Path
):
    desk.offer(bundle)
    async with mosquitto(lines) as broker:
        trainer = settings_of(desk, broker, "trainer", tmp_path)
        await send(desk.channel, trainer, thorough=True, now=NOW, progress=LogProgress())
        kitchen = settings_of(desk, broker, "kitchen", tmp_path)
        async with connected(kitchen, fence="attune/1/device/kitchen/fence") as player:
            held = await player.read_filter(TOPICS.filter, keep=lambda topic: "/fence/" not in topic)
    reader = Player(tmp_path / "player", desk.folder.read("1.root.json"))
    assert reader.follow(held)[1] == bundle_files(bundle)


async def test_a_player_cannot_publish_a_bundle(
    desk: Desk, bundle: Path, mosquitto: Starts, lines: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("cloud_trainer.publishing.broker._SILENCE_S", 1.0)
    monkeypatch.setitem(Mirror.__init__.__kwdefaults__, "patience_s", 0.5)  # type: ignore[arg-type]
    desk.offer(bundle)
    async with mosquitto(lines) as broker:
        kitchen = settings_of(desk, broker, "kitchen", tmp_path)
        with pytest.raises(BrokerError, match=r"does not keep 1\.root\.json") as caught:
            await send(desk.channel, kitchen, thorough=True, now=NOW, progress=LogProgress())
        assert caught.value.reason is Reason.REFUSED
        trainer = settings_of(desk, broker, "trainer", tmp_path)
        async with connected(trainer, fence=f"{TOPICS.root}/fence") as looking:
            assert await looking.read_filter(TOPICS.filter, keep=lambda topic: "/fence/" not in topic) == {}


@pytest.mark.parametrize("user", ["", "nobody"])
async def test_without_a_password_the_remedy_names_the_settings(
    user: str, desk: Desk, bundle: Path, mosquitto: Starts, lines: str, tmp_path: Path
):
    desk.offer(bundle)
    async with mosquitto(lines) as broker:
        settings = settings_of(desk, broker, user, tmp_path) if user else broker.at(desk.settings)
        with pytest.raises(BrokerError, match="refused") as caught:
            await send(desk.channel, settings, thorough=True, now=NOW, progress=LogProgress())
    assert caught.value.reason is Reason.REFUSED
    assert "username and password_file under [publishing]" in caught.value.remedy


async def test_a_password_file_that_is_missing_is_named(desk: Desk, tmp_path: Path):
    desk_settings = msgspec.structs.replace(desk.settings, username="x", password_file=tmp_path / "nothing")
    with pytest.raises(BrokerError, match="nothing") as caught:
        await send(desk.channel, desk_settings, thorough=True, now=NOW, progress=LogProgress())
    assert caught.value.reason is Reason.UNREADABLE

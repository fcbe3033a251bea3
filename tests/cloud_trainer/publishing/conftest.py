"""Channels with quick keys, tiny bundles and real brokers."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from publishing_desk import Desk, Mosquitto, free_port, make_bundle
from two_people import Two

from cloud_trainer.progress import LogProgress
from cloud_trainer.publishing.keys import KeyFiles
from cloud_trainer.publishing.mirror import Mirror

Starts = Callable[[str], AbstractAsyncContextManager[Mosquitto]]


@pytest.fixture
def mosquitto(tmp_path: Path) -> Starts:
    """Starts a broker with further lines of configuration."""
    binary = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if binary is None:
        pytest.skip("needs Mosquitto: apt install mosquitto")

    @asynccontextmanager
    async def starts(lines: str) -> AsyncIterator[Mosquitto]:
        folder = tmp_path / "broker"
        folder.mkdir()
        access = "" if "allow_anonymous" in lines else "allow_anonymous true\n"
        broker = Mosquitto(binary, folder, free_port(), access + lines)
        await broker.start()
        try:
            yield broker
        finally:
            await broker.stop()

    return starts


@pytest.fixture
async def broker(mosquitto: Starts) -> AsyncIterator[Mosquitto]:
    async with mosquitto("") as running:
        yield running


@pytest.fixture(scope="session")
def made_desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("made") / "desk").init()


@pytest.fixture
def desk(made_desk: Desk, tmp_path: Path) -> Desk:
    return made_desk.copy(tmp_path / "desk")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "bundle")


@pytest.fixture
def progress() -> LogProgress:
    return LogProgress()


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a broker on loopback has not delivered by now it does not hold."""
    monkeypatch.setattr("cloud_trainer.publishing.mirror._ORDER_S", 0.0)
    monkeypatch.setitem(Mirror.__init__.__kwdefaults__, "patience_s", 0.5)  # type: ignore[arg-type]
    monkeypatch.setattr("cloud_trainer.publishing.fleet._PATIENCE_S", 0.0)
    monkeypatch.setattr("cloud_trainer.publishing.broker._SILENCE_S", 1.0)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(KeyFiles.__init__.__kwdefaults__, "rounds", 1)  # type: ignore[arg-type]
    monkeypatch.setattr("cloud_trainer.publishing.fleet._PATIENCE_S", 0.05)
    monkeypatch.setattr("cloud_trainer.publishing.mirror._ORDER_S", 0.0)
    monkeypatch.delenv("ATTUNE_ROOT_PASSPHRASE", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def two(quick: None, tmp_path: Path) -> Two:  # noqa: ARG001 - keys are made at once
    return Two(tmp_path / "two")

"""Channels with quick keys, tiny bundles, real brokers, and python-tuf's client as the judge of what was published."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import Updater, UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface

from cloud_trainer.progress import LogProgress
from cloud_trainer.publishing.broker import Broker, connected
from cloud_trainer.publishing.channel import Channel
from cloud_trainer.publishing.content import read_bundle, store
from cloud_trainer.publishing.fleet import Fleet
from cloud_trainer.publishing.folder import ChannelFolder, Role
from cloud_trainer.publishing.keys import KeyFiles, KeyRing
from cloud_trainer.publishing.mirror import Mirrored
from cloud_trainer.publishing.passphrases import Passphrases
from cloud_trainer.publishing.phases import Request, next_offer
from cloud_trainer.publishing.publisher import send
from cloud_trainer.publishing.settings import PublishingSection
from models.bundle.manifest import MODELS, TABLES, Tensor
from models.bundle.writer import ModelContent, TableContent, write_bundle
from models.delivery.chunks import address
from models.delivery.offer import MANIFEST, Offer, Phase, read_custom
from models.wire.topics import ChannelTopics

__all__ = [
    "CHUNK_BYTES",
    "DAY_S",
    "NOW",
    "PASSPHRASE",
    "Desk",
    "Mosquitto",
    "Player",
    "bundle_files",
    "free_port",
    "make_bundle",
    "publish",
]

PASSPHRASE = "four words are enough"  # noqa: S105 - of keys that exist for a moment
NOW = 1_800_000_000.0
DAY_S = 86_400.0
CHUNK_BYTES = 4096


def make_bundle(folder: Path, *, version: str = "2026.11.2", seed: int = 1, changed: str = "") -> Path:
    """A bundle that is whole but whose models are noise; `changed` names the one that is different."""

    def noise(name: str, size: int) -> bytes:
        key = sum(name.encode()) + 1000 * seed + (7 if name == changed else 0)
        return np.random.default_rng(key).bytes(size)

    tensor = Tensor("x", [1], "1")
    golden = {"x": np.zeros(1, np.float32)}
    models = {
        name: ModelContent(
            variants={"int8": noise(name, 30_000)},
            preferred="int8",
            inputs=[tensor],
            outputs=[tensor],
            golden_inputs=golden,
            golden_outputs={"int8": golden},
            tolerance={"int8": 0.1},
        )
        for name in MODELS
    }
    tables = {name: TableContent(arrays={"a": np.arange(3)}) for name in TABLES}
    write_bundle(
        folder,
        version=version,
        created="2026-11-22",
        embedding_space="space-1",
        models=models,
        tables=tables,
        licence="none",
        producer={},
    )
    return folder


class Desk:
    """A publisher's desk: one channel, its settings, its keys."""

    def __init__(self, base: Path, channel: str = "stable", **changes: object) -> None:
        self.base = base
        self.signers: list[CryptoSigner] = []
        self.settings = msgspec.structs.replace(
            PublishingSection(folder=base / "channels", keys=base / "keys", chunk_bytes=CHUNK_BYTES), **changes
        )
        self.files = KeyFiles([self.settings.keys / channel], rounds=1)
        self.folder = ChannelFolder(self.settings.folder, channel)
        self.ring = KeyRing(self.files, Passphrases(PASSPHRASE))
        self.channel = Channel(self.folder, self.settings, self.ring)

    def make(self, role: Role) -> CryptoSigner:
        return self.files.create(role, PASSPHRASE)

    def init(self, now: float = NOW) -> Desk:
        """Make the keys; they stay open."""

        def make(role: Role) -> CryptoSigner:
            signer = self.make(role)
            self.signers.append(signer)
            self.ring.add(signer)
            return signer

        self.channel.create(make, now)
        return self

    def copy(self, base: Path) -> Desk:
        """The same keys at another place: making keys takes most of the time of a small test."""
        shutil.copytree(self.base, base)
        copied = Desk(base, self.channel.name)
        for signer in self.signers:
            copied.ring.add(signer)
        return copied

    def offer(self, bundle: Path, now: float = NOW, **request: object) -> Offer:
        request.setdefault("phases", [Phase()])
        content = read_bundle(bundle, tested=False)
        files = store(content, self.folder, self.settings.chunk_bytes)
        versions = self.folder.versions("targets")
        current = (self.channel.offer(), self.channel.targets().signed.targets) if versions else None
        offer = next_offer(
            content,
            files,
            Request(**request),  # type: ignore[arg-type]
            channel=self.channel.name,
            current=current,
            number=max(versions, default=0) + 1,
        )
        self.channel.put(files, offer, now)
        self.channel.settle(now)
        return offer

    def contents(self) -> dict[str, bytes]:
        """Every file of the channel, for asserting that nothing changed."""
        paths = sorted(path for path in self.folder.path.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder.path)): path.read_bytes() for path in paths}

    def topics(self) -> dict[str, bytes]:
        """What the broker is to hold, straight from the disk."""
        topics = ChannelTopics(self.channel.name)
        held = {topics.metadata(file): self.folder.read(file) for file in self.folder.files()}
        return held | {topics.chunk(name): self.folder.chunk(name) for name in self.folder.chunks()}


class Player:
    """python-tuf's client on what a broker holds.

    Args:
        folder: of its trust.
        root: that it was enrolled with.
    """

    def __init__(self, folder: Path, root: bytes, channel: str = "stable") -> None:
        self._folder, self._root, self._topics = folder, root, ChannelTopics(channel)
        folder.mkdir(parents=True)

    def follow(self, held: dict[str, bytes], now: float = NOW) -> tuple[Offer, dict[str, bytes]]:
        """Verify, assemble, and return the offer and the files."""
        updater = Updater(
            str(self._folder), "m/", str(self._folder), "t/",
            fetcher=_Held(held, self._topics), config=UpdaterConfig(), bootstrap=self._root,
        )  # fmt: skip
        updater._trusted_set.reference_time = datetime.fromtimestamp(now, UTC)
        updater.refresh()
        targets = updater._trusted_set.targets.targets
        files = {}
        for path, target in targets.items():
            chunks = [held[self._topics.chunk(name)] for name in read_custom(target.custom, path).chunks.sha256]
            assert all(address(chunk) in read_custom(target.custom, path).chunks.sha256 for chunk in chunks)
            files[path] = b"".join(chunks)
            target.verify_length_and_hashes(files[path])
        offer = read_custom(targets[MANIFEST].custom, MANIFEST).offer
        assert offer is not None
        return offer, files


class _Held(FetcherInterface):
    def __init__(self, held: dict[str, bytes], topics: ChannelTopics) -> None:
        self._held, self._topics = held, topics

    def _fetch(self, url: str) -> Iterator[bytes]:
        content = self._held.get(self._topics.metadata(url.removeprefix("m/")))
        if content is None:
            raise DownloadHTTPError("absent", 404)
        return iter([content])


def bundle_files(bundle: Path) -> dict[str, bytes]:
    paths = (path for path in bundle.rglob("*") if path.is_file())
    return {str(path.relative_to(bundle)): path.read_bytes() for path in paths}


async def _at_once(_seconds: float) -> None:
    """No wait before the next attempt."""


async def publish(desk: Desk, port: int, *, thorough: bool = True, now: float = NOW) -> Mirrored:
    """Bring the broker at a port up to date, without waiting between attempts."""
    settings = msgspec.structs.replace(desk.settings, port=port)
    mirrored, fleet = await send(
        desk.channel, settings, thorough=thorough, now=now, progress=LogProgress(), wait=_at_once
    )
    assert fleet == Fleet({})
    return mirrored


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Mosquitto:
    """A broker that can be killed and started again on its port.

    Args:
        binary: Mosquitto.
        folder: for its configuration.
        port: on loopback.
        lines: of configuration, besides the listener.
    """

    def __init__(self, binary: str, folder: Path, port: int, lines: str) -> None:
        self._binary, self._folder, self.port = binary, folder, port
        config = f"listener {port} 127.0.0.1\n{lines}\n"
        (folder / "mosquitto.conf").write_text(config + ("user root\n" if os.geteuid() == 0 else ""))
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            self._binary, "-c", str(self._folder / "mosquitto.conf"), stderr=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(20):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    assert self._process.returncode is None
                    await asyncio.sleep(0.01)
                else:
                    writer.close()
                    await writer.wait_closed()
                    return

    async def stop(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            await self._process.wait()
            self._process = None

    async def held(self, settings: PublishingSection, channel: str = "stable") -> dict[str, bytes]:
        """Everything that is retained on a channel."""
        topics = ChannelTopics(channel)
        async with self.connection(settings) as broker:
            return await broker.read_filter(topics.filter, keep=lambda topic: "/fence/" not in topic, patience_s=0.1)

    def at(self, settings: PublishingSection) -> PublishingSection:
        return msgspec.structs.replace(settings, port=self.port)

    def connection(self, settings: PublishingSection) -> AbstractAsyncContextManager[Broker]:
        return connected(self.at(settings), fence="attune/1/bundles/stable/fence")

"""A signed channel in memory, made with python-tuf alone: what a publisher writes, and what an attacker might."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from securesystemslib.signer import CryptoSigner, Signer
from tuf.api.metadata import (
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from models.delivery.chunks import CHUNK_BYTES, address, pieces, split
from models.delivery.offer import MANIFEST, Offer, Phase, Rollout, Shipment, write_custom
from models.wire.topics import ChannelTopics

__all__ = ["NOW", "Channel", "an_offer", "some_files"]

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
"""What the clock says in these tests, unless they say otherwise."""
ROLES = ("root", "targets", "snapshot", "timestamp")


def some_files(seed: int = 0, chunks: int = 3) -> dict[str, bytes]:
    """A small bundle: a manifest, a model of some chunks, an empty file, a file in a folder."""
    import random

    source = random.Random(seed)
    return {
        MANIFEST: f'{{"number": {seed}}}'.encode(),
        "model.tflite": source.randbytes(CHUNK_BYTES * (chunks - 1) + 1000) if chunks else b"",
        "licence.txt": b"",
        "golden/model.npz": source.randbytes(2000),
    }


def an_offer(channel: str, files: Mapping[str, bytes], **more: Any) -> Offer:
    """An offer of these files to everybody."""
    plain = {
        "channel": channel,
        "version": "2026.11.4",
        "bytes": sum(map(len, files.values())),
        "bundle_format": 1,
        "feature_schema": 1,
        "rollout": Rollout(id="first", phases=[Phase()]),
    }
    return Offer(**(plain | more))


class Channel:
    """A publisher's state. Every method writes what it changes to `metadata` and `chunks`, as a broker would hold it.

    Attributes:
        keys: of each role; two of three for the root.
        signed: the newest metadata of each role, to be changed and given to `write`.
        metadata: files by the names that TUF gives them.
        chunks: by address.
        files: what is on offer.
    """

    def __init__(
        self,
        name: str = "stable",
        files: Mapping[str, bytes] | None = None,
        *,
        now: float = NOW,
        chunk_bytes: int = CHUNK_BYTES,
    ) -> None:
        self.name = name
        self.topics = ChannelTopics(name)
        self._chunk_bytes = chunk_bytes
        self._now = datetime.fromtimestamp(now, UTC)
        self.keys: dict[str, list[Signer]] = {
            role: [CryptoSigner.generate_ed25519() for _ in range(3 if role == "root" else 1)] for role in ROLES
        }
        self.metadata: dict[str, bytes] = {}
        self.chunks: dict[str, bytes] = {}
        self.files: dict[str, bytes] = {}
        root = Root(version=1, expires=self.after(365), consistent_snapshot=True)
        for role in ROLES:
            for key in self.keys[role]:
                root.add_key(key.public_key, role)
        root.roles["root"].threshold = 2
        self.signed: dict[str, Metadata[Any]] = {
            "root": Metadata(root),
            "targets": Metadata(Targets(1, expires=self.after(90))),
            "snapshot": Metadata(Snapshot(1, expires=self.after(14), meta={"targets.json": MetaFile(1)})),
            "timestamp": Metadata(Timestamp(1, expires=self.after(7), snapshot_meta=MetaFile(1))),
        }
        self.write("root")
        for role in ROLES[1:]:
            self.signed[role].signed.version = 0  # none is written yet
        self.publish(some_files() if files is None else files)

    def after(self, days: float) -> datetime:
        """A moment so many days after the channel's now."""
        return self._now + timedelta(days=days)

    @property
    def first_root(self) -> bytes:
        """What a device is enrolled with."""
        return self.metadata["1.root.json"]

    def publish(self, files: Mapping[str, bytes], offer: Offer | None = None, **more: Any) -> None:
        """Offer files: new targets, snapshot and timestamp."""
        self.files = dict(files)
        targets: Targets = self.signed["targets"].signed
        targets.targets = {path: self.target(path, content) for path, content in files.items()}
        if MANIFEST in files:
            shipment = Shipment(split(files[MANIFEST], self._chunk_bytes), offer or an_offer(self.name, files, **more))
            targets.targets[MANIFEST].unrecognized_fields["custom"] = write_custom(shipment)
        for content in files.values():
            self.chunks |= {address(piece): piece for piece in pieces(content, self._chunk_bytes)}
        self.renew("targets", "snapshot", "timestamp")

    def target(self, path: str, content: bytes) -> TargetFile:
        """Describe a file."""
        target = TargetFile.from_data(path, content, ["sha256"])
        target.unrecognized_fields["custom"] = write_custom(Shipment(split(content, self._chunk_bytes)))
        return target

    def renew(self, *roles: str) -> None:
        """Count up, refer to what is newest, sign and write, in the order in which they refer to each other."""
        for role in roles:
            signed = self.signed[role].signed
            signed.version += 1
            if role == "snapshot":
                signed.meta["targets.json"] = MetaFile(self.signed["targets"].signed.version)
            if role == "timestamp":
                signed.snapshot_meta = MetaFile(self.signed["snapshot"].signed.version)
            self.write(role)

    def refresh(self) -> None:
        """A new timestamp, as the publisher's timer makes it."""
        self.renew("timestamp")

    def write(self, role: str, signers: Iterable[Signer] | None = None, *, as_file: str = "") -> bytes:
        """Sign the newest metadata of a role, by default with its keys, and put it on the broker."""
        metadata = self.signed[role]
        metadata.signatures.clear()
        for signer in self.keys[role] if signers is None else signers:
            metadata.sign(signer, append=True)
        content = metadata.to_bytes()
        name = "timestamp.json" if role == "timestamp" else f"{metadata.signed.version}.{role}.json"
        self.metadata[as_file or name] = content
        return content

    def rotate(self, role: str) -> list[Signer]:
        """Replace a role's keys by a new root, signed by the old root keys and the new; returns the old keys."""
        old, root = self.keys[role], self.signed["root"].signed
        signers = [*self.keys["root"]]
        for key in old:
            root.revoke_key(key.public_key.keyid, role)
        self.keys[role] = [CryptoSigner.generate_ed25519() for _ in old]
        for key in self.keys[role]:
            root.add_key(key.public_key, role)
        root.version += 1
        self.write("root", dict.fromkeys([*signers, *self.keys["root"]]))
        if role != "root":
            order = ("targets", "snapshot", "timestamp")
            self.renew(*order[order.index(role) :])
        return old

    def messages(self) -> dict[str, bytes]:
        """Everything that lies on the broker, by topic, in the order in which it is published."""
        chunks = {self.topics.chunk(name): piece for name, piece in self.chunks.items()}
        return chunks | {self.topics.metadata(name): content for name, content in self.metadata.items()}

    def copy(self) -> Channel:
        """The same publisher at another time, with the same keys."""
        other = copy.copy(self)
        other.metadata, other.chunks = dict(self.metadata), dict(self.chunks)
        other.signed = {role: Metadata.from_bytes(each.to_bytes()) for role, each in self.signed.items()}
        other.keys = dict(self.keys)
        return other

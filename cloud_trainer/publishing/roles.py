"""Targets, snapshot and timestamp: the next version of each, signed. Pure functions over python-tuf's metadata.

Rules:

- Snapshot and timestamp state length and SHA-256 of what they name, so a device never reads on without an end.
- A version is one above the newest that is there: nothing that was signed is signed otherwise again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeAlias, TypeVar

from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization import DeserializationError
from tuf.api.serialization.json import JSONSerializer

from models.errors import DeliveryError, Reason

__all__ = ["Online", "as_bytes", "make_snapshot", "make_targets", "make_timestamp", "read", "signed_by"]

S = TypeVar("S", Root, Snapshot, Targets, Timestamp)
Online: TypeAlias = Metadata[Targets] | Metadata[Snapshot] | Metadata[Timestamp]
"""What is signed again and again, by keys that the root names."""


def make_targets(
    version: int, targets: Mapping[str, TargetFile], expires: datetime, signers: Iterable[CryptoSigner]
) -> Metadata[Targets]:
    """Sign the files that a channel offers."""
    return _sign(Targets(version=version, expires=expires, targets=dict(targets)), signers)


def make_snapshot(
    version: int, targets: Metadata[Targets], expires: datetime, signers: Iterable[CryptoSigner]
) -> Metadata[Snapshot]:
    """Sign which targets belong to it."""
    meta = {"targets.json": _meta(targets)}
    return _sign(Snapshot(version=version, expires=expires, meta=meta), signers)


def make_timestamp(
    version: int, snapshot: Metadata[Snapshot], expires: datetime, signers: Iterable[CryptoSigner]
) -> Metadata[Timestamp]:
    """Sign which snapshot is the newest."""
    return _sign(Timestamp(version=version, expires=expires, snapshot_meta=_meta(snapshot)), signers)


def as_bytes(signed: Metadata[S]) -> bytes:
    """Metadata as it is stored and sent: the shortest JSON, the same bytes each time."""
    return signed.to_bytes(JSONSerializer(compact=True))


def read(content: bytes, kind: type[S], where: str) -> Metadata[S]:
    """Read metadata without asking who signed it.

    Raises:
        DeliveryError: MALFORMED.
    """
    try:
        found = Metadata[S].from_bytes(content)
    except DeserializationError as error:
        raise _malformed(f"{where} is no TUF metadata: {error}") from error
    if not isinstance(found.signed, kind):
        raise _malformed(f"{where} is {found.signed.type}, not {kind.type}")
    return found


def signed_by(root: Root, signed: Online) -> bool:
    """Whether metadata bears the signatures that the root asks for."""
    try:
        root.verify_delegate(signed.signed.type, signed.signed_bytes, signed.signatures)
    except RepositoryError:
        return False
    return True


def _sign(signed: S, signers: Iterable[CryptoSigner]) -> Metadata[S]:
    metadata = Metadata(signed)
    for signer in signers:
        metadata.sign(signer, append=True)
    return metadata


def _meta(signed: Metadata[S]) -> MetaFile:
    return MetaFile.from_data(signed.signed.version, as_bytes(signed), ["sha256"])


def _malformed(what: str) -> DeliveryError:
    return DeliveryError(
        what, reason=Reason.MALFORMED, remedy="Bring it back from a backup, or remove it and publish the bundle again"
    )

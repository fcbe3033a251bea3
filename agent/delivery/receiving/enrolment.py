"""Enrolling a device with a channel: the root that it trusts from then on, carried to it by hand.

Everything else that the device ever believes of the channel follows from this file, so it is looked at before it is
kept: it must be a root, signed by itself as it demands, of a channel whose files do not change under a reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tuf.api import exceptions
from tuf.api.metadata import Metadata, Root

from agent.delivery.receiving.trust import ChannelTrust
from agent.delivery.writing import disk_errors
from models.errors import DeliveryError, Reason

__all__ = ["Enrolment", "Keys", "enrol", "enrolment"]


@dataclass(frozen=True, slots=True)
class Keys:
    """Who may sign for a role.

    Attributes:
        threshold: how many of the keys must.
        fingerprints: identifiers of the keys, as attune-trainer shows them.
    """

    threshold: int
    fingerprints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a device was enrolled with.

    Attributes:
        channel: its name.
        version: of the root.
        expires: after this a newer root must have been published.
        roles: by name, `root` first.
        changed: whether this call has written it.
    """

    channel: str
    version: int
    expires: datetime
    roles: Mapping[str, Keys]
    changed: bool = False


def enrol(bundles: Path, channel: str, content: bytes, *, replace: bool = False) -> Enrolment:
    """Trust a root for a channel. Blocks. The same one again changes nothing.

    Args:
        bundles: the device's folder of bundles.
        channel: name of the channel.
        content: of the file `root.json`.
        replace: take it although another one is trusted; what was signed under that one is forgotten.

    Raises:
        DeliveryError: MALFORMED: no root; UNTRUSTED: it is not signed as it demands itself; REFUSED: another one is
            trusted; DISK_FULL, READ_ONLY or FAILED: the disk.
        WireError: the channel's name cannot stand in a topic.
    """
    trust = ChannelTrust(bundles, channel)
    root = _read(content, "the file")
    with disk_errors(trust.folder):
        present = trust.root()
        if present is not None and present != content and not replace:
            raise DeliveryError(
                f"channel {channel} is enrolled with another root",
                reason=Reason.REFUSED,
                remedy="Compare the keys (attune-agent enrol shows them), then add --replace",
            )
        if present != content:
            trust.replace_root(content)
    return _described(channel, root, changed=present != content)


def enrolment(bundles: Path, channel: str) -> Enrolment | None:
    """What the device is enrolled with, or None. Blocks.

    Raises:
        DeliveryError: what is kept is damaged, or cannot be read.
        WireError: the channel's name cannot stand in a topic.
    """
    trust = ChannelTrust(bundles, channel)
    with disk_errors(trust.folder):
        content = trust.root()
    return None if content is None else _described(channel, _read(content, str(trust.root_file)))


def _read(content: bytes, what: str) -> Root:
    try:
        metadata = _root(content)
        metadata.signed.verify_delegate("root", metadata.signed_bytes, metadata.signatures)
    except exceptions.UnsignedMetadataError as error:
        raise DeliveryError(
            f"{what} is not signed as it demands itself: {error}",
            reason=Reason.UNTRUSTED,
            remedy="Take root.json from the publisher's folder again",
        ) from error
    except exceptions.RepositoryError as error:
        raise DeliveryError(
            f"{what} is no root of a channel: {error}",
            reason=Reason.MALFORMED,
            remedy="Take root.json from the publisher's folder (attune-trainer keys init writes it)",
        ) from error
    if not metadata.signed.consistent_snapshot:
        raise DeliveryError(
            f"{what} is of a repository without consistent snapshots",
            reason=Reason.MALFORMED,
            remedy="Make the channel with attune-trainer keys init",
        )
    return metadata.signed


def _root(content: bytes) -> Metadata[Root]:
    metadata = Metadata[Root].from_bytes(content)
    if not isinstance(metadata.signed, Root):
        raise exceptions.RepositoryError(f"it is of the role {metadata.signed.type}")
    return metadata


def _described(channel: str, root: Root, *, changed: bool = False) -> Enrolment:
    order = ("root", "targets", "snapshot", "timestamp")
    roles = {name: Keys(root.roles[name].threshold, tuple(root.roles[name].keyids)) for name in order}
    return Enrolment(channel, root.version, root.expires, roles, changed)

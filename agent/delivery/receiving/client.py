"""TUF's client (tuf 7, `ngclient`) on the metadata of a channel: who signed, how old, which version, which bytes.

Rules:

- Every decision about signatures, versions, expiry, lengths and hashes is python-tuf's. What is ours comes after: an
  offer made for another channel, or one that this program cannot read, is refused although its signatures are right.
- The reference time of expiry is the floored one. ngclient takes it from the system's clock and offers no argument for
  it; it is set on the set of trusted metadata, as TUF's own conformance suite does. This and the list of targets are
  all that is used of what ngclient does not publish; a test holds that both are there.
- One refresh is one client: ngclient refreshes once in its life.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tuf.api import exceptions
from tuf.ngclient.config import UpdaterConfig
from tuf.ngclient.updater import Updater

from agent.delivery.receiving.fetcher import FILES, METADATA, NeedError, StoreFetcher
from agent.delivery.receiving.messages import Limits, Target, Verified
from agent.delivery.receiving.points import METADATA as TRUSTED
from agent.delivery.receiving.store import ChunkStore
from agent.delivery.receiving.trust import ChannelTrust
from agent.integration.link import LARGEST_PAYLOAD
from models.delivery.offer import MANIFEST, Shipment, read_custom
from models.errors import DeliveryError, Reason

if TYPE_CHECKING:
    # Where they are defined; nothing public re-exports them in a way that type checkers accept.
    from tuf.api._payload import TargetFile
    from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet

__all__ = ["Source", "refresh"]

_CONFIG: Final = UpdaterConfig(
    max_root_rotations=64,
    max_delegations=0,
    root_max_length=LARGEST_PAYLOAD,
    timestamp_max_length=16_384,
    snapshot_max_length=LARGEST_PAYLOAD,
    targets_max_length=LARGEST_PAYLOAD,
    prefix_targets_with_hash=False,
)
_PATH: Final = re.compile(r"([a-z0-9_]+/)?[a-z0-9_][a-z0-9_.-]*")
"""As the manifest has them: in the bundle's folder or one below, and no dot in front."""
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_LAST: Final = datetime.max.replace(tzinfo=UTC, microsecond=0).timestamp()
_REASONS: Final[tuple[tuple[type[Exception], Reason, str], ...]] = (
    (exceptions.UnsignedMetadataError, Reason.UNTRUSTED, "Somebody else may have written there; publish it again"),
    (
        exceptions.ExpiredMetadataError,
        Reason.EXPIRED,
        "Run attune-trainer refresh in the cloud, or set this device's clock if it is wrong",
    ),
    (
        exceptions.BadVersionNumberError,
        Reason.ROLLED_BACK,
        "Somebody may hold back newer metadata on the broker; publish it again",
    ),
    (exceptions.LengthOrHashMismatchError, Reason.TAMPERED, "Publish it again with attune-trainer publish"),
    (
        exceptions.DownloadLengthMismatchError,
        Reason.OVERSIZED,
        "Somebody else may have written there; publish it again",
    ),
    (exceptions.RepositoryError, Reason.MALFORMED, "Somebody else may have written there; publish it again"),
    (exceptions.DownloadHTTPError, Reason.MISSING, "Publish it again with attune-trainer publish"),
    (exceptions.DownloadError, Reason.FAILED, "Look at the agent's log"),
)


def refresh(trust: ChannelTrust, brought: Mapping[str, bytes | None], now: float, limits: Limits) -> Verified:
    """Run the client once, from the trusted state on the disk and the files brought so far. Blocks.

    Args:
        trust: of the channel, which the device is enrolled with.
        brought: metadata files by the names that TUF gives them; None for one that the broker does not have.
        now: floored reference time, seconds since the epoch.
        limits: of files and bytes.

    Raises:
        NeedError: a file has to be brought; nothing has changed.
        DeliveryError: see `Receiver.check`.
        OSError: the disk refuses; what it refused has not changed.
    """
    root = trust.root()
    if root is None:
        raise trust.not_enrolled()
    with trust.staged() as work:
        try:
            fetcher = StoreFetcher(brought, work)
            updater = Updater(str(work), METADATA, fetcher=fetcher, config=_CONFIG, bootstrap=root)
            _trusted(updater).reference_time = datetime.fromtimestamp(min(now, _LAST), UTC)
            updater.refresh()
        except NeedError:
            raise
        except (exceptions.RepositoryError, exceptions.DownloadError) as error:
            trust.take_over()
            raise _translated(error, f"channel {trust.folder.name}", now) from error
        try:
            verified = _read(Source(updater, fetcher), updater, trust.folder.name, limits)
        except DeliveryError as error:
            if error.reason is not Reason.UNTRUSTED:  # of another channel even the roots are none of ours
                trust.take_over(roots_only=True)
            raise
        trust.take_over()
        return verified


class Source:
    """The client that has verified an offer, to assemble its files with.

    Args:
        updater: refreshed.
        fetcher: what it reads from.
    """

    def __init__(self, updater: Updater, fetcher: StoreFetcher) -> None:
        self._updater = updater
        self._fetcher = fetcher

    def download(self, target: Target, store: ChunkStore, into: Path) -> None:
        """Assemble a file from the store through the client, which verifies it before it writes it. Blocks.

        Args:
            target: one of the files that were verified.
            store: with all its chunks.
            into: the file to write; not synced.

        Raises:
            DeliveryError: MISSING: a chunk is not in the store (any more); TAMPERED: the chunks that the metadata lists
                do not make up the file that it names.
            OSError: the disk refuses.
        """
        self._fetcher.serve(target, store, into.parent)
        try:
            self._updater.download_target(self._description(target), str(into), FILES)
        except (exceptions.RepositoryError, exceptions.DownloadError) as error:
            raise _translated(error, target.path) from error

    def matches(self, target: Target, file: Path) -> bool:
        """Whether a file is this target already, by the client's own comparison. Blocks."""
        return self._updater.find_cached_target(self._description(target), str(file)) is not None

    def _description(self, target: Target) -> TargetFile:
        described = self._updater.get_targetinfo(target.path)
        if described is None:
            raise ValueError(f"{target.path} is none of the files that were verified")
        return described


def _translated(error: Exception, what: str, now: float = 0.0) -> DeliveryError:
    """What python-tuf raised, in our words."""
    reason, remedy = next((reason, remedy) for kind, reason, remedy in _REASONS if isinstance(error, kind))
    day = f" on {datetime.fromtimestamp(min(now, _LAST), UTC):%Y-%m-%d}" if reason is Reason.EXPIRED else ""
    return DeliveryError(f"{what}: {str(error).rstrip('.')}{day}", reason=reason, remedy=remedy)


def _trusted(updater: Updater) -> TrustedMetadataSet:
    """What ngclient keeps to itself."""
    return updater._trusted_set  # noqa: SLF001 - the reference time and the list of targets have no public way


def _read(source: Source, updater: Updater, channel: str, limits: Limits) -> Verified:
    """What the verified targets say, in our types."""
    trusted = _trusted(updater)
    shipments = {path: read_custom(target.custom, path) for path, target in trusted.targets.targets.items()}
    offer = shipments[MANIFEST].offer if MANIFEST in shipments else None
    if offer is None:
        raise _malformed(channel, f"its targets name no {MANIFEST} with an offer")
    if offer.channel != channel:
        raise DeliveryError(
            f"channel {channel}: what lies there was made for channel {offer.channel}",
            reason=Reason.UNTRUSTED,
            remedy="Use keys for one channel only, and publish it again",
        )
    files = {path: _target(target, shipments[path], channel) for path, target in trusted.targets.targets.items()}
    if sum(target.length for target in files.values()) != offer.bytes:
        raise _malformed(channel, f"its files do not have the {offer.bytes} bytes that it states")
    if offer.bytes > limits.bundle_bytes or len(files) > limits.files:
        raise DeliveryError(
            f"channel {channel}: the bundle has {offer.bytes} bytes in {len(files)} files; this device takes"
            f" {limits.bundle_bytes} in {limits.files}",
            reason=Reason.OVERSIZED,
            remedy="Publish a smaller bundle",
        )
    versions = {role: signed.version for role in TRUSTED if (signed := trusted[role])}
    return Verified(offer=offer, manifest_sha256=files[MANIFEST].sha256, files=files, versions=versions, source=source)


def _target(target: TargetFile, shipment: Shipment, channel: str) -> Target:
    if not _PATH.fullmatch(target.path):
        raise _malformed(channel, f"{target.path[:120]!r} is no path in a bundle's folder")
    digest = target.hashes.get("sha256", "")
    if not _DIGEST.fullmatch(digest) or not shipment.chunks.fits(target.length):
        raise _malformed(channel, f"{target.path} has no SHA-256, or chunks that do not make up its length")
    return Target(target.path, target.length, digest, shipment.chunks)


def _malformed(channel: str, what: str) -> DeliveryError:
    return DeliveryError(
        f"channel {channel}: {what}", reason=Reason.MALFORMED, remedy="Publish it again with attune-trainer publish"
    )

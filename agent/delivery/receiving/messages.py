"""What receiving takes, gives and says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from models.delivery.chunks import ChunkList
from models.delivery.offer import Offer

if TYPE_CHECKING:  # it loads python-tuf: 10 MB that a device without a channel need not pay
    from agent.delivery.receiving.client import Source

__all__ = ["Cause", "Limits", "ReceiverStatus", "Target", "Verified"]

Cause = Literal["metadata", "report", "due"]
"""Why it is worth looking again: the channel's timestamp is another one, a device's report is, or it is time."""

_DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Target:
    """A file of the bundle on offer, as the signed targets metadata describes it.

    Attributes:
        path: in the bundle's folder, with `/`; never outside of it.
        length: bytes.
        sha256: of the whole file, lower-case hexadecimal.
        chunks: of which it is made; they fit `length`.
    """

    path: str
    length: int
    sha256: str
    chunks: ChunkList


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What the channel offers now, read from metadata that TUF's client has verified; none of its files yet.

    Attributes:
        offer: from the signed `custom` of the manifest's target; made for this channel.
        manifest_sha256: names the bundle: every other file's digest stands in the manifest.
        files: by path; their lengths sum up to `offer.bytes`.
        versions: of the metadata that says so, by role (`root`, `timestamp`, `snapshot`, `targets`).
        source: TUF's client that has verified it, for `Receiver.fetch`; None in what no receiver has made.
    """

    offer: Offer
    manifest_sha256: str
    files: Mapping[str, Target]
    versions: Mapping[str, int] = field(default_factory=dict)
    source: Source | None = field(default=None, repr=False, compare=False)

    @property
    def addresses(self) -> frozenset[str]:
        """Addresses of all chunks of all files; what `Receiver.forget` is to keep while this is being fetched."""
        return frozenset(address for target in self.files.values() for address in target.chunks.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is taken from a channel, how fast, and for how long it is waited for.

    Attributes:
        window: chunks that are subscribed to at a time. Brokers queue few messages for one client (Mosquitto 1000, some
            hosted ones 100) and drop what is beyond; 16 chunks are 1 MiB on its way, which a cut line may cost.
        patience_s: so long nothing at all may arrive before waiting ends.
        askings: so often in a row the broker has to answer what was asked after a topic, and not the topic, before
            nothing is believed to lie there; for brokers that send retained messages out of order.
        check_s: longest time for one check.
        bytes_s: most chunk bytes a second; 0 for as fast as the line is.
        bundle_bytes: largest bundle; the list of its chunks must fit into one message.
        files: most files in a bundle.
        refused: so many messages of one fetch or check may be no chunk or file that was asked for before it ends.
        reports: devices whose reports are kept.
        report_bytes: largest report.
        due_s: longest time between two checks.
        retry_s, retry_limit_s: first and longest time between checks that fail; full jitter.
        spacing_s: shortest time between two checks for the sake of a changed timestamp, and between two reports told.
        spare_bytes: stay free on the disk.
    """

    window: int = 16
    patience_s: float = 20.0
    askings: int = 2
    check_s: float = 120.0
    bytes_s: float = 0.0
    bundle_bytes: int = 192 * 1024 * 1024
    files: int = 256
    refused: int = 256
    reports: int = 10_000
    report_bytes: int = 8192
    due_s: float = _DAY_S
    retry_s: float = 5.0
    retry_limit_s: float = 3600.0
    spacing_s: float = 2.0
    spare_bytes: int = 16 * 1024 * 1024


@dataclass(slots=True)
class ReceiverStatus:
    """The receiver's condition and what it has counted since it was made.

    Attributes:
        connected: whether messages flow right now.
        enrolled: whether the device has a root for the channel; known from the first check on.
        checks, failures: how often the metadata was looked at, and how often that failed.
        last_error: why the last check or fetch failed; empty after one that did not.
        last_code: the reason's code.
        last_success_s: when a check last succeeded, seconds since the epoch by the trusted clock; 0 for never.
        versions: of the metadata trusted, by role.
        chunks, chunk_bytes: taken from the broker and kept.
        metadata_bytes: taken from the broker.
        again: chunks that came although they were there already.
        refused: messages not taken, by reason: `tampered` (other bytes than the address says), `oversized`, `foreign`
            (nobody asked), `report` (no valid report), `reports_full`.
        reports: devices whose report is known.
    """

    connected: bool = False
    enrolled: bool = False
    checks: int = 0
    failures: int = 0
    last_error: str = ""
    last_code: str = ""
    last_success_s: float = 0.0
    versions: dict[str, int] = field(default_factory=dict)
    chunks: int = 0
    chunk_bytes: int = 0
    metadata_bytes: int = 0
    again: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    reports: int = 0

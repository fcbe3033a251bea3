"""The device's end of a channel of bundles.

Rules:

- Nothing that the broker says is believed before TUF's client has verified it, and nothing that was not verified is
  written to the trust's folder or handed on.
- What failed leaves the trusted state as it was, byte by byte; roots that were verified on the way are kept, because
  their keys replace older ones.
- A second connection to the broker, so that chunks never hold back a command.
- Files, hashes and signatures are worked on in threads, one at a time; the loop only waits.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Self

from agent.delivery.receiving.messages import Cause, Limits, ReceiverStatus, Verified
from agent.integration.link import LinkSettings
from models.wire.messages import BundleStatus

__all__ = ["Receiver"]


class Receiver:
    """Follows a channel: verifies what it offers and fetches it. An asynchronous context manager, entered once.

    It connects in the background and never fails because the broker is away.

    Args:
        settings: where the broker is; the client identifier is this connection's own (`attune-{device}-bundles`),
            clean session, no will.
        folder: the device's folder of bundles; `trust/` and `chunks/` in it belong to the receiver.
        channel: name of the channel.
        clock: seconds since the epoch as this device's clock tells them, which may be wrong.
        limits: how much, how fast, how long.
        not_before: seconds since the epoch before which it cannot be: when the program or the bundle that ships was
            made. Together with the newest time at which a check succeeded it is the floor of the clock.
        at: called with the name of each point at which a test may kill the process (`POINTS`).
        uniform: draws the jitter of retries from [0, 1).

    Attributes:
        reports: what the devices say of their bundle (retained `D/bundle`), by device: the latest valid one of each, as
            far as rollouts need it (no reason, no precisions). Of at most `limits.reports` devices. Not signed: who
            owns the broker can write them.
    """

    def __init__(
        self,
        settings: LinkSettings,
        *,
        folder: Path,
        channel: str,
        clock: Callable[[], float],
        limits: Limits | None = None,
        not_before: float = 0.0,
        at: Callable[[str], None] = lambda _point: None,
    ) -> None:
        self.reports: Mapping[str, BundleStatus] = {}
        raise NotImplementedError(settings, folder, channel, clock, limits, not_before, at)

    async def __aenter__(self) -> Self:
        """Start connecting; does not wait for the broker."""
        raise NotImplementedError

    async def __aexit__(self, *_exception: object) -> None:
        """Disconnect; a check or fetch that still runs ends with CancelledError."""
        raise NotImplementedError

    @property
    def status(self) -> ReceiverStatus:
        """A copy of the counters."""
        raise NotImplementedError

    async def changed(self) -> Cause:
        """Wait until it is worth calling `check` or looking at `reports` again.

        Returns at the first call as soon as the channel's timestamp has been seen, or when `limits.retry_s` has passed
        without it; later when the timestamp differs from the one of the last check (`metadata`), when a report changed
        in what rollouts look at (`report`: no new check is needed), or when a check is due (`due`: at the latest
        `limits.due_s` after the last one, sooner and with growing distances after failures). While checks fail, a
        changed timestamp waits for that distance too: a stranger who writes nonsense cannot keep the device busy.
        For one waiter.
        """
        raise NotImplementedError

    async def check(self) -> Verified:
        """Bring the trusted metadata up to date and read the offer.

        One at a time; waits for the connection (up to `limits.patience_s`). Cancel-safe.

        Raises:
            DeliveryError: the trusted state is as it was, but for roots, and for intermediate metadata as TUF 1.0.34,
                5.4 to 5.6, has them persisted. MISSING: the device is not enrolled, or the broker lacks something that
                the signed metadata names; UNREACHABLE: no connection; TIMED_OUT: nothing came for too long; UNTRUSTED:
                signatures, or another channel's offer; EXPIRED; ROLLED_BACK: older than what was trusted before;
                TAMPERED: not the file that signed metadata names (mix and match); MALFORMED; INCOMPATIBLE: made for a
                newer program; OVERSIZED; DISK_FULL, READ_ONLY or UNREADABLE: the disk.
        """
        raise NotImplementedError

    async def fetch(
        self,
        verified: Verified,
        into: Path,
        *,
        have: Sequence[Path] = (),
        on_progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> None:
        """Bring every file of the offer into a folder: complete, verified, on the disk.

        Files that `into` has already are checked and left; those of the same SHA-256 in one of the folders `have` are
        copied, and chunks that their files contain are taken from there; chunks that came before are in the store. The
        rest comes from the broker, a window at a time, and is kept at once, so whatever ends this, even `kill -9`, the
        next call goes on from there. Files of `into` that the offer does not name are removed. Cancel-safe.

        Args:
            verified: from `check` of this receiver.
            into: made where it is absent; each file appears in it whole.
            have: folders of bundles to take from.
            on_progress: called in the loop's thread with the bytes at hand and those of all files.

        Raises:
            DeliveryError: MISSING: a chunk is not on the broker; TAMPERED: other bytes lie at its address; UNREACHABLE;
                TIMED_OUT; OVERSIZED: larger than `limits.bundle_bytes`; DISK_FULL, READ_ONLY or UNREADABLE.
            ValueError: `verified` comes from no receiver.
        """
        raise NotImplementedError

    async def forget(self, keep: Collection[str] = ()) -> None:
        """Clear all chunks from the store but those with these addresses (`Verified.addresses`).

        Raises:
            DeliveryError: READ_ONLY or UNREADABLE: the disk.
        """
        raise NotImplementedError

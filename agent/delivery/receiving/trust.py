"""What the device trusts of a channel, on the disk.

Rules:

- `root.json` is what the device was enrolled with. Nothing that comes over the network replaces it.
- TUF's client works on a copy of its metadata. What it has verified is taken over from there file by file, in the order
  in which it trusts them, each whole and on the disk before the next: a cut at any byte leaves a state that the client
  itself passes through, and a write that fails leaves what was there.
- Time that a signature did not vouch for is not kept: the floor moves only when a check has succeeded, to a time at
  which all metadata was valid. A clock that was wrong once cannot lock the device out.
"""

from __future__ import annotations

import contextlib
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from agent.delivery.points import Pass, nowhere
from agent.delivery.receiving.points import METADATA
from agent.delivery.writing import write_whole
from models.errors import DeliveryError, Reason
from models.wire.topics import check_name

__all__ = ["ChannelTrust", "TimeFloor"]

_HISTORY: Final = "root_history"
"""The folder of TUF's client for all roots that it has trusted (tuf 7)."""
_FLOOR_STEP_S: Final = 60.0
"""The floor is written again when it is so much higher, so that checks in a row do not wear the card out."""


class ChannelTrust:
    """The folder of a channel's trust. Its methods block and raise `OSError`.

    Args:
        bundles: the device's folder of bundles.
        channel: name of the channel.
        at: passed the points of each write.
    """

    def __init__(self, bundles: Path, channel: str, at: Pass = nowhere) -> None:
        self.folder = bundles / "trust" / check_name(channel, "the channel")
        self.root_file = self.folder / "root.json"
        self._metadata = self.folder / "metadata"
        self._work = self.folder / "work"
        self._at = at

    def root(self) -> bytes | None:
        """The root that the device was enrolled with, or None."""
        try:
            return self.root_file.read_bytes()
        except FileNotFoundError:
            return None

    def not_enrolled(self) -> DeliveryError:
        """What to say where there is no root."""
        return DeliveryError(
            f"this device trusts no keys for channel {self.folder.name}",
            reason=Reason.MISSING,
            remedy="Give it the channel's root with attune-agent enrol ROOT.json",
        )

    @contextlib.contextmanager
    def staged(self) -> Iterator[Path]:
        """A copy of the client's metadata to work on; it is gone afterwards."""
        self._clear_work()
        (self._work / _HISTORY).mkdir(parents=True)
        try:
            for name in self._names(self._metadata):
                shutil.copyfile(self._metadata / name, self._work / name)
            self._at("check.staged")
            yield self._work
        finally:
            with contextlib.suppress(OSError):  # the next copy clears it
                self._clear_work()

    def take_over(self, *, roots_only: bool = False) -> None:
        """Keep what the client has changed in the copy.

        Args:
            roots_only: leave everything but the roots.
        """
        self._at("check.verified")
        for name in self._names(self._work):
            role = name.removesuffix(".json").rpartition(".")[2]
            if roots_only and role != METADATA[0]:
                continue
            content = (self._work / name).read_bytes()
            kept = self._metadata / name
            if not kept.exists() or kept.read_bytes() != content:
                write_whole(kept, content, at=self._at, name=role)

    def replace_root(self, content: bytes) -> None:
        """Begin anew with another root: what was signed under the one before is forgotten."""
        # In this order: without metadata the old root is only a device that has not looked yet.
        shutil.rmtree(self._metadata, ignore_errors=True)
        write_whole(self.root_file, content, at=self._at, name="enrolment")

    @staticmethod
    def _names(folder: Path) -> list[str]:
        roots = sorted(folder.glob(f"{_HISTORY}/*.root.json"), key=lambda path: int(path.name.split(".")[0]))
        others = [f"{role}.json" for role in METADATA[1:] if (folder / f"{role}.json").is_file()]
        return [f"{_HISTORY}/{path.name}" for path in roots] + others

    def _clear_work(self) -> None:
        if self._work.exists():
            shutil.rmtree(self._work)


class _Floor(msgspec.Struct, frozen=True):
    t: float


class TimeFloor:
    """The time that has passed for certain, for a device whose clock may start in 1970. Blocks; raises `OSError`.

    Args:
        bundles: the device's folder of bundles.
        not_before: when the program or its bundle was made, seconds since the epoch.
        at: passed the points of each write.
    """

    def __init__(self, bundles: Path, not_before: float = 0.0, at: Pass = nowhere) -> None:
        self._file = bundles / "trust" / "floor.json"
        self._not_before = not_before
        self._at = at

    def at_least(self, clock: float) -> float:
        """The time to judge expiry by: the clock's, unless that is earlier than what has passed, or no time at all."""
        now = clock if math.isfinite(clock) else 0.0
        return max(now, self._not_before, self._read())

    def raise_to(self, now: float) -> None:
        """Note that it is later than `now`: all metadata was valid then."""
        if now >= self._read() + _FLOOR_STEP_S:
            write_whole(self._file, msgspec.json.encode(_Floor(now)), at=self._at, name="floor")

    def _read(self) -> float:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=_Floor).t
        except (FileNotFoundError, msgspec.DecodeError):  # a damaged one is replaced by the next success
            return 0.0

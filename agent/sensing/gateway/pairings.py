"""Which wearable belongs to whom: a small file in the agent's folder.

Rules:

- The file is replaced whole, so it is never half written, whenever the power goes.
- A damaged file is an error that names it; nothing is thrown away and nothing is guessed.
- The gateway and the command line may both have it open: who writes reads it first, and the gateway looks for changes.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from models.errors import Reason, StorageError, WireError
from models.wire.topics import check_name

__all__ = ["Pairing", "Pairings", "check_address", "wearable_name"]

_FORMAT: Final = 1
_ADDRESS: Final = re.compile(r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}|[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}")
"""A Bluetooth address, or the UUID that macOS puts in its place."""
_LONGEST_NAME: Final = 32


class Pairing(msgspec.Struct, frozen=True):
    """One wearable of one listener.

    Attributes:
        address: Bluetooth address, upper case.
        name: of the wearable in topics.
        listener: whose it is.
        model: what it called itself when it was paired; may be empty.
        paired_at: seconds since the epoch.
    """

    address: str
    name: str
    listener: str
    model: str = ""
    paired_at: float = 0.0


class _File(msgspec.Struct, frozen=True):
    format: int = _FORMAT
    wearables: tuple[Pairing, ...] = ()


def check_address(address: str) -> str:
    """The address as the file holds it.

    Raises:
        WireError: WRONG_VALUE; it is none.
    """
    if not _ADDRESS.fullmatch(upper := address.strip().upper()):
        raise WireError(
            f"{address[:64]!r} is no Bluetooth address",
            reason=Reason.WRONG_VALUE,
            remedy="Write it as attune-agent wearables shows it: six pairs of hexadecimal digits with colons",
        )
    return upper


def wearable_name(advertised: str | None, address: str) -> str:
    """A name for topics out of what a wearable calls itself, else out of its address."""
    words = re.sub(r"[^a-z0-9]+", "-", (advertised or "").lower()).strip("-")[:_LONGEST_NAME].strip("-")
    return words or "wearable-" + re.sub(r"[^a-z0-9]", "", address.lower())[-4:]


class Pairings:
    """The pairings in a folder.

    Args:
        folder: `[storage] folder` of the settings.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / "wearables.json"

    def load(self) -> tuple[Pairing, ...]:
        """All pairings, in the order in which they were made; none where there is no file.

        Raises:
            StorageError: the file cannot be read, or is not what this program writes.
        """
        try:
            found = msgspec.json.decode(self.file.read_bytes(), type=_File)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise self._error(
                f"cannot be read: {error.strerror}", Reason.UNREADABLE, "Check its permissions"
            ) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            remedy = "Delete it and pair your wearables again"
            raise self._error(f"is damaged: {error}", Reason.CORRUPT, remedy) from error
        if found.format != _FORMAT:
            remedy = "Update this program, or delete the file and pair your wearables again"
            raise self._error(f"has format {found.format}, not {_FORMAT}", Reason.UNSUPPORTED, remedy)
        try:
            for each in found.wearables:
                check_address(each.address)
                check_name(each.name, "a wearable")
                check_name(each.listener, "a listener")
        except WireError as error:
            raise self._error(f"is damaged: {error.message}", Reason.CORRUPT, error.remedy) from error
        return found.wearables

    def version(self) -> int:
        """Changes when the file does; 0 where there is none."""
        try:
            status = self.file.stat()
        except OSError:
            return 0
        return hash((status.st_ino, status.st_mtime_ns, status.st_size))

    def pair(self, pairing: Pairing) -> None:
        """Add a pairing; one of the same address is replaced.

        Raises:
            WireError: another wearable of this listener has the name already, or a name cannot stand in a topic.
            StorageError: the file cannot be written.
        """
        check_address(pairing.address)
        check_name(pairing.name, "the wearable")
        check_name(pairing.listener, "the listener")
        with self._locked():
            others = [each for each in self.load() if each.address != pairing.address]
            if any((each.name, each.listener) == (pairing.name, pairing.listener) for each in others):
                raise WireError(
                    f"there is a wearable {pairing.name!r} of {pairing.listener!r} already",
                    reason=Reason.WRONG_VALUE,
                    remedy="Choose another one with --name, or forget the first",
                )
            self._write((*others, pairing))

    def forget(self, which: str) -> Pairing | None:
        """Remove the pairing of this address or name; returns it, or None where there is none.

        Raises:
            StorageError: the file cannot be written.
        """
        with self._locked():
            known = self.load()
            gone = next((each for each in known if which.upper() == each.address or which == each.name), None)
            if gone is not None:
                self._write(tuple(each for each in known if each is not gone))
            return gone

    def _write(self, pairings: tuple[Pairing, ...]) -> None:
        content = msgspec.json.format(msgspec.json.encode(_File(wearables=pairings)), indent=2)
        draft = self.file.with_suffix(".json.new")
        with draft.open("wb") as opened:
            opened.write(content + b"\n")
            opened.flush()
            os.fsync(opened.fileno())
        draft.replace(self.file)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Lets one process at a time read and write; errors of the file system leave as StorageError."""
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.file.with_suffix(".lock"), os.O_CREAT | os.O_RDONLY, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield
            finally:
                os.close(descriptor)
        except OSError as error:
            remedy = "Make its folder writable, free some space, or set [storage] folder to another place"
            raise self._error(f"cannot be written: {error.strerror}", Reason.READ_ONLY, remedy) from error

    def _error(self, why: str, reason: Reason, remedy: str) -> StorageError:
        return StorageError(f"the list of wearables {self.file} {why}", reason=reason, remedy=remedy)

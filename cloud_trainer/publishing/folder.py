"""The folder of a channel: what was signed and the chunks that it names.

    {folder}/{channel}/
        metadata/       1.root.json … 4.targets.json, 4.snapshot.json, timestamp.json: TUF's consistent snapshot
        chunks/ab/…     by the SHA-256 of their bytes
        root.json       the newest root, for `attune-agent enrol`
        state.json      since when which metadata file has been out of date

Rules:

- A file is there whole or not at all: written beside its place, synced, renamed.
- Signed metadata is never written over, but for timestamp.json.
- One program at a time works on a channel: whoever changes something holds the lock.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal

import msgspec

from models.delivery.chunks import address
from models.errors import DeliveryError, Reason, WireError
from models.wire.topics import check_name

__all__ = ["ROLES", "ChannelFolder", "Role", "State", "channels", "write_whole"]

Role = Literal["root", "targets", "snapshot", "timestamp"]
ROLES: Final[tuple[Role, ...]] = ("root", "targets", "snapshot", "timestamp")
_VERSIONED: Final = re.compile(r"([1-9][0-9]{0,8})\.(root|snapshot|targets)\.json")
_LONGEST: Final = 64
"""Characters of a channel's name that an offer holds."""
_CHUNK: Final = re.compile(r"[0-9a-f]{64}")


class State(msgspec.Struct):
    """What is not signed.

    Attributes:
        superseded: when a metadata file was found to be out of date, by its name, in seconds since the epoch.
        signed: when something was signed last.
    """

    superseded: dict[str, float] = {}
    signed: float = 0.0


class ChannelFolder:
    """A channel's files.

    Args:
        base: folder of all channels.
        channel: its name.

    Raises:
        WireError: the name cannot stand in a topic.
    """

    def __init__(self, base: Path, channel: str) -> None:
        if len(channel) > _LONGEST:
            raise WireError(
                f"the channel's name has {len(channel)} characters",
                reason=Reason.WRONG_VALUE,
                remedy=f"Take one of {_LONGEST} at most",
            )
        self.channel = check_name(channel, "the channel")
        self.path = base / channel
        self._metadata = self.path / "metadata"
        self._chunks = self.path / "chunks"

    @property
    def enrolment(self) -> Path:
        """The newest root, for devices that are to follow the channel."""
        return self.path / "root.json"

    def exists(self) -> bool:
        """Whether the channel has a root."""
        return bool(self.versions("root"))

    def versions(self, role: Role) -> list[int]:
        """Versions that are there of a role other than timestamp, in order."""
        found = (_VERSIONED.fullmatch(name) for name in self.files())
        return sorted(int(match[1]) for match in found if match and match[2] == role)

    def files(self) -> list[str]:
        """Names of all metadata files."""
        if not self._metadata.is_dir():
            return []
        names = (path.name for path in self._metadata.iterdir())
        return sorted(name for name in names if name == "timestamp.json" or _VERSIONED.fullmatch(name))

    def read(self, file: str) -> bytes:
        """A metadata file by its name.

        Raises:
            DeliveryError: MISSING.
        """
        try:
            return (self._metadata / file).read_bytes()
        except OSError as error:
            raise _broken(f"the channel {self.channel} lacks {self._metadata / file}: {error.strerror}") from error

    def write(self, file: str, content: bytes) -> None:
        """Write a metadata file.

        Raises:
            DeliveryError: the folder cannot be written to.
        """
        write_whole(self._metadata / file, content)
        if file.endswith(".root.json"):
            write_whole(self.enrolment, content)

    def remove(self, file: str) -> None:
        """Remove a metadata file."""
        (self._metadata / file).unlink(missing_ok=True)

    def put_chunk(self, content: bytes) -> str:
        """Keep a chunk and return its address; a chunk that is there is not written again."""
        name = address(content)
        path = self._chunk_path(name)
        if not path.is_file() or path.stat().st_size != len(content):
            write_whole(path, content)
        return name

    def chunk(self, name: str) -> bytes:
        """A chunk by its address.

        Raises:
            DeliveryError: it is missing or damaged.
        """
        try:
            content = self._chunk_path(name).read_bytes()
        except OSError as error:
            raise _broken(f"the channel {self.channel} lacks the chunk {name}: {error.strerror}") from error
        if address(content) != name:
            raise _broken(f"the chunk {self._chunk_path(name)} is damaged")
        return content

    def chunks(self) -> set[str]:
        """Addresses of all chunks."""
        return {path.name for path in self._chunks.glob("??/*") if _CHUNK.fullmatch(path.name)}

    def remove_chunk(self, name: str) -> None:
        """Remove a chunk."""
        self._chunk_path(name).unlink(missing_ok=True)

    def state(self) -> State:
        """What is not signed; a file that is lost or damaged starts anew, which only keeps old chunks longer."""
        try:
            return msgspec.json.decode((self.path / "state.json").read_bytes(), type=State)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return State()

    def keep(self, state: State) -> None:
        """Write what is not signed."""
        write_whole(self.path / "state.json", msgspec.json.encode(state))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other programs off the channel.

        Raises:
            DeliveryError: WRONG_STATE: another one is at work; READ_ONLY: the folder cannot be written to.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o755)
            handle = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise _read_only(self.path, error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise DeliveryError(
                f"another attune-trainer works on the channel {self.channel}",
                reason=Reason.WRONG_STATE,
                remedy="Wait until it is done and give the command again",
            ) from None
        try:
            yield
        finally:
            os.close(handle)

    def _chunk_path(self, name: str) -> Path:
        return self._chunks / name[:2] / name


def channels(base: Path) -> list[str]:
    """Names of the channels that have a root."""
    if not base.is_dir():
        return []
    found = (path.name for path in base.iterdir() if (path / "metadata" / "1.root.json").is_file())
    return sorted(found)


def write_whole(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file so that it is there whole or not at all, whatever happens.

    Raises:
        DeliveryError: READ_ONLY or DISK_FULL, with the path.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", dir=path.parent)
    except OSError as error:
        raise _read_only(path, error) from error
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            # A drive with FAT knows no modes and refuses; what mkstemp made is for its owner alone in any case.
            with suppress(PermissionError):
                os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        Path(name).replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise _read_only(path, error) from error


def _broken(what: str) -> DeliveryError:
    remedy = "Bring the folder back from a backup, or publish the bundle again"
    return DeliveryError(what, reason=Reason.MISSING, remedy=remedy)


def _read_only(path: Path, error: OSError) -> DeliveryError:
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    return DeliveryError(
        f"{path} cannot be written: {error.strerror}",
        reason=Reason.DISK_FULL if full else Reason.READ_ONLY,
        remedy="Make room on the disk" if full else "Check [publishing] folder and keys, and who owns them",
    )

"""Writes of slots and of what is received: whole or not at all, and with errors that say what to do."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from agent.delivery.points import Pass
from models.errors import DeliveryError, Reason

__all__ = ["disk_errors", "empty_folder", "remove", "sync_folder", "write_whole"]

_ROOM: Final = "Make room on the disk of [storage] folder; the bundle in use stays as it is"
_PERMISSION: Final = "Let the agent write to [storage] folder; the bundle in use stays as it is"
_BY_ERRNO: Final = {
    errno.ENOSPC: (Reason.DISK_FULL, _ROOM),
    errno.EDQUOT: (Reason.DISK_FULL, _ROOM),
    errno.EROFS: (Reason.READ_ONLY, _PERMISSION),
    errno.EACCES: (Reason.READ_ONLY, _PERMISSION),
    errno.EPERM: (Reason.READ_ONLY, _PERMISSION),
}
_OTHER: Final = (Reason.FAILED, "Check the disk of [storage] folder; the bundle in use stays as it is")


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Lets errors of the file system leave as `DeliveryError`: DISK_FULL, READ_ONLY or FAILED."""
    try:
        yield
    except OSError as error:
        reason, remedy = _BY_ERRNO.get(error.errno or 0, _OTHER)
        message = f"{path} cannot be written ({error.strerror or error})"
        raise DeliveryError(message, reason=reason, remedy=remedy) from error


def write_whole(path: Path, content: bytes, *, at: Pass, name: str) -> None:
    """Puts content in the place of a file, so that a reader sees the old or the new one whatever happens.

    Args:
        path: of the file; its folder is made where it is missing.
        content: all of it.
        at: passed with `name` and each of `STEPS_OF_A_WRITE`.
        name: of what is written.

    Raises:
        OSError: the disk refuses; before `renamed` the old content stands, from then on the new one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    at(f"{name}.begin")
    beside = path.with_name(f".{path.name}.new")
    try:
        with beside.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        at(f"{name}.written")
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
    at(f"{name}.renamed")
    sync_folder(path.parent)
    at(f"{name}.done")


def remove(path: Path) -> None:
    """Removes a file for good, if it is there.

    Raises:
        OSError: the disk refuses.
    """
    if path.exists():
        path.unlink()
        sync_folder(path.parent)


def empty_folder(folder: Path) -> None:
    """Leaves an empty folder, whatever was there.

    Raises:
        OSError: the disk refuses.
    """
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Makes what was renamed or removed in a folder survive a cut of the power.

    Raises:
        OSError: the disk refuses.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

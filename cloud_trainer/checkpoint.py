"""What a stage has trained survives an interrupted build: it is written whole, or not at all."""

from __future__ import annotations

import errno
import io
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.errors import AttuneError, Reason, StorageError

__all__ = ["full_disk_told", "make_folder", "read_arrays", "refused", "trained_once", "write_arrays"]

Weights = dict[str, npt.NDArray[np.float32]]

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_FULL_WORDS: Final = ("No space left on device", "errno = 28")


def trained_once(path: Path, train: Callable[[], Mapping[str, npt.NDArray[np.float32]]]) -> Weights:
    """Return the weights stored in a file; train and store them where there are none, or where they are damaged.

    Args:
        path: an `.npz` file in the stage's own work folder, which is another one when anything changes that decides
            the weights.
        train: makes the weights by name.

    Raises:
        StorageError: the disk refuses.
    """
    if (stored := read_arrays(path)) is not None:
        return stored
    weights = {name: np.asarray(values, np.float32) for name, values in train().items()}
    write_arrays(path, weights)
    return weights


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]] | None:
    """Return the arrays of a file, `None` where there is none or where it is damaged."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as stream, np.load(stream) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None


def write_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write arrays so that the file is there whole or not at all; what was there before stays until then.

    Raises:
        StorageError: the disk refuses.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Packed in memory: a zip file whose disk is full complains once more when it is thrown away.
        packed = io.BytesIO()
        np.savez(packed, **dict(arrays))
        with partial.open("wb") as stream:
            stream.write(packed.getbuffer())
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise refused(path, error) from error


def make_folder(path: Path) -> None:
    """Make a folder where there is none.

    Raises:
        StorageError: the disk refuses.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refused(path, error) from error


@contextmanager
def full_disk_told(folder: Path) -> Iterator[None]:
    """Tell of a full disk in one way, whichever library found it.

    Args:
        folder: that is written to inside the block.

    Raises:
        StorageError: the disk is full.
    """
    try:
        yield
    except AttuneError:
        raise
    except Exception as error:
        # TensorFlow and HDF5 have errors of their own for a disk that is full; everything else is passed on.
        full = getattr(error, "errno", None) in _FULL or any(words in str(error) for words in _FULL_WORDS)
        if not full:
            raise
        raise refused(folder, OSError(errno.ENOSPC, "No space left on device")) from error


def refused(path: Path, error: OSError) -> StorageError:
    """Return what to raise where the disk refuses a checkpoint."""
    full = error.errno in _FULL
    return StorageError(
        f"cannot write the checkpoint {path}: {error.strerror}",
        reason=Reason.DISK_FULL if full else Reason.FAILED,
        remedy="Make room and run the same command again; it goes on from the last checkpoint"
        if full
        else "Choose another folder with --work",
    )

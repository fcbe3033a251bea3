"""What decided a result: the files of the data sets, the code, the libraries, the seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, Final

from cloud_trainer.data.sources import check, fingerprint
from models.errors import DataError, Reason

__all__ = ["LIBRARIES", "Known", "configuration_hash", "known_data", "library_versions", "source_hash"]

LIBRARIES: Final = ("numpy", "scipy", "scikit-learn", "pandas")
"""Those of every table."""

_OF_NETWORKS: Final = ("tensorflow", "tf-keras")
_SETS_UP_NETWORKS: Final = "cloud_trainer.tensorflow_setup"
_BLOCK_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class Known:
    """The data of a table.

    Attributes:
        fingerprints: by set.
        unchecked: sets of which no checksums are recorded; their files were hashed instead.
    """

    fingerprints: Mapping[str, str]
    unchecked: tuple[str, ...]


def known_data(folder: Path, names: Iterable[str]) -> Known:
    """Check the files of data sets against SHA256SUMS where there is one.

    Args:
        folder: root of the data sets.
        names: sets that a table reads.

    Raises:
        DataError: the folder or a set is missing or empty, or a file is not what SHA256SUMS says.
    """
    if not folder.is_dir():
        raise DataError(
            f"the data folder {folder} does not exist",
            reason=Reason.MISSING,
            remedy="Point --data and --exam at folders",
        )
    fingerprints, unchecked = {}, []
    recorded = _recorded(folder)
    for name in names:
        files = sorted(file for file in (folder / name).rglob("*") if file.is_file())
        if not files:
            raise DataError(
                f"{folder / name} holds no file",
                reason=Reason.EMPTY,
                remedy=f"Put the data set {name} there; 'attune-trainer data list' names what is known",
            )
        if name in recorded:
            _refuse_changed(folder, name)
            fingerprints[name] = fingerprint(folder, name)
        else:
            unchecked.append(name)
            fingerprints[name] = _hash_files(files, folder)
    return Known(fingerprints, tuple(unchecked))


def library_versions(modules: Iterable[str] = ()) -> dict[str, str]:
    """Return the versions of the libraries that decide a table.

    Args:
        modules: the table's own; where one sets TensorFlow up, its version is among them.
    """
    trains = any(_SETS_UP_NETWORKS.encode() in _source(name) for name in modules)
    return {name: metadata.version(name) for name in (*LIBRARIES, *(_OF_NETWORKS if trains else ()))}


def source_hash(modules: Iterable[str]) -> str:
    """Return the SHA-256 of the modules' source."""
    digest = hashlib.sha256()
    for name in modules:
        digest.update(_source(name))
    return digest.hexdigest()


def configuration_hash(decides: Mapping[str, Any]) -> str:
    """Return a hash of what decides a result, 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(decides, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _source(module: str) -> bytes:
    return Path(str(import_module(module).__file__)).read_bytes()


def _recorded(folder: Path) -> set[str]:
    from cloud_trainer.data.sources import checksums

    if not (folder / "SHA256SUMS").is_file():
        return set()
    return {path.split("/", 1)[0] for path in checksums(folder)}


def _refuse_changed(folder: Path, name: str) -> None:
    changed = [path for path, what in check(folder, {name}) if what == "changed"]
    if changed:
        raise DataError(
            f"{folder / changed[0]} is not the file that SHA256SUMS records"
            + (f" (and {len(changed) - 1} more)" if len(changed) > 1 else ""),
            reason=Reason.CORRUPT,
            remedy="Restore it, or write SHA256SUMS anew where the change is meant",
        )


def _hash_files(files: Iterable[Path], folder: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(folder)}\n".encode())
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK_BYTES):
                digest.update(block)
    return digest.hexdigest()

"""What decided a result: the files of the data sets, the code, the libraries, the seed."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from cloud_trainer.data.sources import check, fingerprint
from models.errors import DataError, Reason

__all__ = ["LIBRARIES", "Known", "configuration_hash", "known_data", "library_versions", "source_hash"]

LIBRARIES: Final = ("numpy", "scipy", "scikit-learn", "pandas")
"""Those of every table."""

_OF_NETWORKS: Final = ("tensorflow", "tf-keras")
_SETS_UP_NETWORKS: Final = "cloud_trainer.tensorflow_setup"
_PROJECT: Final = ("cloud_trainer", "models")
_COMPUTE_NOTHING: Final = frozenset(
    {
        "cloud_trainer.artefact",
        "cloud_trainer.checkpoint",
        "cloud_trainer.progress",
        "cloud_trainer.search.frozen",
        "cloud_trainer.search.space",
        "cloud_trainer.tables.provenance",
        "cloud_trainer.tables.results",
        "models.errors",
    }
)
"""Modules that show, store and refuse: no figure depends on them. What a search froze stands in a row's grid."""
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


def source_hash(modules: Iterable[str], *, project: Sequence[str] = _PROJECT) -> str:
    """Return the SHA-256 of what modules compute, and the modules of the project that they import, however far.

    Comments, docstrings and layout are left out: words change without a figure changing.

    Args:
        modules: with which to begin.
        project: packages whose modules are followed.
    """
    found: set[str] = set()
    ahead = list(modules)
    while ahead:
        name = ahead.pop()
        if name not in found and name not in _COMPUTE_NOTHING:
            found.add(name)
            ahead += _imported(name, tuple(project))
    digest = hashlib.sha256()
    for name in sorted(found):
        digest.update(f"{name}\n{_statements(name)}\n".encode())
    return digest.hexdigest()


def configuration_hash(decides: Mapping[str, Any]) -> str:
    """Return a hash of what decides a result, 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(decides, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _source(module: str) -> bytes:
    return _file_of(module).read_bytes()


def _file_of(module: str) -> Path:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"there is no module {module}")
    return Path(spec.origin)


@cache
def _statements(module: str) -> str:
    return ast.unparse(_WithoutWords().visit(ast.parse(_source(module))))


class _WithoutWords(ast.NodeTransformer):
    """Takes the strings out that stand alone: docstrings of modules, classes, functions and constants."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        """Drop a string."""
        return None if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str) else node


@cache
def _imported(module: str, project: tuple[str, ...]) -> tuple[str, ...]:
    """Return the modules of the project that a module imports, within functions too."""
    found: list[str] = []
    for node in ast.walk(ast.parse(_source(module))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in project:
            package = _file_of(node.module).name == "__init__.py"
            names = [f"{node.module}.{alias.name}" for alias in node.names] if package else []
            found += [node.module, *(name for name in names if find_spec(name) is not None)]
    return tuple(found)


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

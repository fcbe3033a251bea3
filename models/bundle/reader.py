"""Reads a bundle, and refuses one that is not whole.

Rules:

- `Bundle.open` returns a bundle of which every listed file has its size and SHA-256, or raises.
- A model is loaded when it is first asked for; its tensors must be those of the manifest.
- Tables load without pickles.
"""

from __future__ import annotations

import hashlib
import zipfile
from importlib import resources
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.bundle.manifest import FORMAT, MODELS, TABLES, File, Manifest, Precision
from models.errors import BundleError, Reason
from models.interpreter import Interpreter, Runtime
from models.physiology.schema import SCHEMA_VERSION

__all__ = ["Bundle", "default_bundle", "read_manifest"]

_REMEDY: Final = "Fetch or build the bundle again; the one in use stays as it is"


def default_bundle() -> Path:
    """Folder of the bundle that ships with Attune."""
    return Path(str(resources.files("models") / "default"))


class Bundle:
    """A verified bundle.

    Attributes:
        folder: where it lies.
        manifest: what it says of itself.
        runtime: which TFLite runtime its models use.
    """

    def __init__(self, folder: Path, manifest: Manifest, runtime: Runtime) -> None:
        self.folder, self.manifest, self.runtime = folder, manifest, runtime
        self._models: dict[tuple[str, str], Interpreter] = {}

    @classmethod
    def open(cls, folder: Path, *, runtime: Runtime = "auto") -> Bundle:
        """Verify the bundle in a folder.

        Raises:
            BundleError: MISSING, MALFORMED, INCOMPATIBLE or TAMPERED; the message names the file.
        """
        manifest = read_manifest(folder)
        if manifest.format != FORMAT:
            raise _refuse(folder, f"has format {manifest.format}, this program reads {FORMAT}", Reason.INCOMPATIBLE)
        if manifest.feature_schema != SCHEMA_VERSION:
            raise _refuse(
                folder, f"has feature schema {manifest.feature_schema}, not {SCHEMA_VERSION}", Reason.INCOMPATIBLE
            )
        absent = [name for name in MODELS if name not in manifest.models]
        absent += [name for name in TABLES if name not in manifest.tables]
        if absent:
            raise _refuse(folder, f"lacks {', '.join(absent)}", Reason.INCOMPATIBLE)
        for file in manifest.files:
            _verify(folder, file)
        return cls(folder, manifest, runtime)

    def model(self, name: str, precision: Precision | None = None) -> Interpreter:
        """The model of this name, in the manifest's preferred precision unless one is given.

        Raises:
            BundleError: there is no such model, it does not load, or its tensors are not those of the manifest.
        """
        entry = self.manifest.models.get(name)
        wanted = precision or (entry.preferred if entry else "float32")
        if entry is None or wanted not in entry.variants:
            raise _refuse(self.folder, f"holds no {wanted} {name}", Reason.MISSING)
        if (name, wanted) not in self._models:
            interpreter = Interpreter(self.folder / entry.variants[wanted].path, runtime=self.runtime)
            for kind, listed, real in (
                ("inputs", entry.inputs, interpreter.inputs),
                ("outputs", entry.outputs, interpreter.outputs),
            ):
                if {tensor.name: tuple(tensor.shape) for tensor in listed} != real:
                    raise _refuse(self.folder, f"lists other {kind} than {name} has", Reason.INCOMPATIBLE)
            self._models[name, wanted] = interpreter
        return self._models[name, wanted]

    def table(self, name: str) -> dict[str, NDArray[Any]]:
        """The columns of a table.

        Raises:
            BundleError: there is no such table or it cannot be read.
        """
        entry = self.manifest.tables.get(name)
        if entry is None:
            raise _refuse(self.folder, f"holds no table {name}", Reason.MISSING)
        return _load(self.folder, entry.file)

    def self_test(self) -> dict[str, float]:
        """Run every model on its golden inputs, in the preferred precision.

        Returns:
            Per model the largest absolute difference to the golden outputs.

        Raises:
            BundleError: a difference is beyond the manifest's tolerance.
        """
        largest: dict[str, float] = {}
        for name, entry in self.manifest.models.items():
            golden = _load(self.folder, entry.golden)
            outputs = self.model(name).run(**{tensor.name: golden[f"input/{tensor.name}"] for tensor in entry.inputs})
            difference = max(
                float(np.abs(value - golden[f"output/{entry.preferred}/{key}"]).max()) for key, value in outputs.items()
            )
            if not difference <= entry.tolerance[entry.preferred]:
                allowed = entry.tolerance[entry.preferred]
                raise _refuse(
                    self.folder,
                    f"fails its self-test: {name} is {difference:.3g} off, {allowed:.3g} allowed",
                    Reason.FAILED,
                )
            largest[name] = difference
        return largest


def _refuse(folder: Path, what: str, reason: Reason) -> BundleError:
    return BundleError(f"the bundle in {folder} {what}", reason=reason, remedy=_REMEDY)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the bundle in a folder; its files are not looked at.

    Raises:
        BundleError: MISSING or MALFORMED.
    """
    try:
        content = (folder / "manifest.json").read_bytes()
        return msgspec.json.decode(content, type=Manifest)
    except OSError as error:
        raise _refuse(folder, f"has no readable manifest.json: {error.strerror}", Reason.MISSING) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _refuse(folder, f"has a damaged manifest.json: {error}", Reason.MALFORMED) from error


def _verify(folder: Path, file: File) -> None:
    path = folder / file.path
    try:
        size = path.stat().st_size
        if size != file.bytes:
            raise _refuse(folder, f"was altered: {file.path} has {size} bytes, not {file.bytes}", Reason.TAMPERED)
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise _refuse(folder, f"lacks {file.path}: {error.strerror}", Reason.MISSING) from error
    if digest != file.sha256:
        raise _refuse(folder, f"was altered: {file.path} does not have the SHA-256 of the manifest", Reason.TAMPERED)


def _load(folder: Path, file: File) -> dict[str, NDArray[Any]]:
    try:
        with np.load(folder / file.path, allow_pickle=False) as archive:
            return dict(archive)
    except (OSError, ValueError, zipfile.BadZipFile, KeyError) as error:
        raise _refuse(folder, f"has a damaged {file.path}: {error}", Reason.MALFORMED) from error

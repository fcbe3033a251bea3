"""Spoils a bundle on purpose. What comes out is listed and digested as it should be, so only a test of it finds out."""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

import msgspec
import numpy as np

from models.bundle.manifest import File, Manifest, Model
from models.bundle.reader import read_manifest
from models.errors import BundleError, Reason

__all__ = ["HOWS", "How", "spoil"]

How = Literal["answers", "weights", "format"]
HOWS: Final[dict[How, str]] = {
    "answers": "a model answers other than training measured",
    "weights": "a model's file is damaged",
    "format": "it is made for a program that does not exist yet",
}
_MODEL: Final = "user_emotion"


def spoil(source: Path, out: Path, how: How) -> Manifest:
    """Write a spoilt copy of a bundle under the next version.

    Args:
        source: folder of a whole bundle.
        out: folder of the new one; must not exist.
        how: what is wrong with it.

    Raises:
        BundleError: `source` has no manifest, or `out` exists or cannot be written.
    """
    manifest = read_manifest(source)
    try:
        shutil.copytree(source, out)
    except OSError as error:
        raise BundleError(
            f"the bundle cannot be copied to {out}: {error.strerror or error}",
            reason=Reason.REFUSED,
            remedy="Name a folder that does not exist, on a disk with room",
        ) from error
    head, number = manifest.version.rsplit(".", 1)
    spoilt = msgspec.structs.replace(manifest, version=f"{head}.{int(number) + 1}")
    match how:
        case "answers":
            spoilt = _with_model(spoilt, _other_answers(out, spoilt.models[_MODEL]))
        case "weights":
            spoilt = _with_model(spoilt, _damaged(out, spoilt.models[_MODEL]))
        case "format":
            spoilt = msgspec.structs.replace(spoilt, format=manifest.format + 1)
    (out / "manifest.json").write_bytes(msgspec.json.format(msgspec.json.encode(spoilt), indent=2))
    return spoilt


def _with_model(manifest: Manifest, model: Model) -> Manifest:
    return msgspec.structs.replace(manifest, models={**manifest.models, _MODEL: model})


def _other_answers(folder: Path, model: Model) -> Model:
    """The golden outputs are moved: what the model answers is then as wrong as if its weights had been."""

    def moved(content: bytes) -> bytes:
        with np.load(io.BytesIO(content)) as stored:
            golden = {name: value + np.float32(0.5) if "output/" in name else value for name, value in stored.items()}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **golden)
        return buffer.getvalue()

    return msgspec.structs.replace(model, golden=_changed(folder, model.golden, moved))


def _damaged(folder: Path, model: Model) -> Model:
    """The middle of the file is overwritten, as a bad card would; the digest is that of what lies there."""

    def overwritten(content: bytes) -> bytes:
        third = len(content) // 3
        return content[:third] + bytes(255 - byte for byte in content[third : 2 * third]) + content[2 * third :]

    file = model.variants[model.preferred]
    variants = {**model.variants, model.preferred: _changed(folder, file, overwritten)}
    return msgspec.structs.replace(model, variants=variants)


def _changed(folder: Path, file: File, change: Callable[[bytes], bytes]) -> File:
    content = change((folder / file.path).read_bytes())
    (folder / file.path).write_bytes(content)
    return File(file.path, len(content), hashlib.sha256(content).hexdigest())

"""A bundle made from another one: other precisions, another version, the same models and tables.

What is cheap to try on a fleet (does float32 sound better, or fit the device's latency?) needs no training.

Rules:

- The golden outputs of every precision lie in the bundle, so the new one tests itself by what training measured.
- The audio model in another precision gives other embeddings, so it gets an embedding space of its own.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from models.bundle.manifest import Manifest, Precision
from models.bundle.reader import Bundle
from models.errors import BundleError, Reason

__all__ = ["next_version", "repack"]

_AUDIO_MODEL: Final = "music_emotion"
_PRECISION_IN_SPACE: Final = re.compile(r"-(float32|int8)\Z")


def next_version(version: str) -> str:
    """The version after this one: year.month.number with the next number."""
    head, number = version.rsplit(".", 1)
    return f"{head}.{int(number) + 1}"


def repack(source: Path, out: Path, *, prefer: Mapping[str, Precision], version: str | None = None) -> Manifest:
    """Write a changed copy of a bundle.

    Args:
        source: folder of a whole bundle.
        out: folder of the new one; must not exist.
        prefer: precision by model; the others stay as they are.
        version: of the new bundle; the next number when None.

    Returns:
        The new manifest.

    Raises:
        BundleError: `source` is no whole bundle, it has no such model or precision, or `out` cannot be written.
    """
    bundle = Bundle.open(source)
    before = bundle.manifest
    for name, precision in prefer.items():
        if name not in before.models or precision not in before.models[name].variants:
            raise BundleError(
                f"the bundle in {source} has no {name} in {precision}",
                reason=Reason.MISSING,
                remedy=f"Choose among {', '.join(_choices(before))}",
            )
    models = {
        name: msgspec.structs.replace(model, preferred=prefer.get(name, model.preferred))
        for name, model in before.models.items()
    }
    manifest = msgspec.structs.replace(
        before, models=models, version=version or next_version(before.version), embedding_space=_space(before, prefer)
    )
    # Checked before anything is written: a version that no reader would take.
    content = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    try:
        msgspec.json.decode(content, type=Manifest)
    except msgspec.ValidationError as error:
        raise BundleError(
            f"{manifest.version!r} is no version of a bundle: {error}",
            reason=Reason.WRONG_VALUE,
            remedy="Write year.month.number, as in 2026.11.3",
        ) from error
    _copy(source, out, [file.path for file in before.files], content)
    return manifest


def _choices(manifest: Manifest) -> list[str]:
    return [f"{name}={precision}" for name, model in manifest.models.items() for precision in sorted(model.variants)]


def _space(before: Manifest, prefer: Mapping[str, Precision]) -> str:
    precision = prefer.get(_AUDIO_MODEL, before.models[_AUDIO_MODEL].preferred)
    if precision == before.models[_AUDIO_MODEL].preferred:
        return before.embedding_space
    return f"{_PRECISION_IN_SPACE.sub('', before.embedding_space)}-{precision}"


def _copy(source: Path, out: Path, paths: list[str], manifest: bytes) -> None:
    try:
        out.mkdir(parents=True)
        for path in paths:
            (out / path).parent.mkdir(exist_ok=True)
            shutil.copyfile(source / path, out / path)
        (out / "manifest.json").write_bytes(manifest)
    except FileExistsError as error:
        raise BundleError(
            f"{out} exists already",
            reason=Reason.REFUSED,
            remedy="Name a folder that does not exist, or remove this one",
        ) from error
    except OSError as error:
        shutil.rmtree(out, ignore_errors=True)
        raise BundleError(
            f"the bundle cannot be written to {out}: {error.strerror}",
            reason=Reason.UNREADABLE,
            remedy="Choose a folder that can be written to, on a disk with room",
        ) from error

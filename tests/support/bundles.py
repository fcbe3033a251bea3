"""Bundles for tests of delivery: tiny ones of which only the files matter, and variants of the one that ships."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from models.bundle.manifest import FORMAT, MODELS, TABLES, File, Manifest, Model, Table, Tensor
from models.bundle.reader import default_bundle
from models.physiology.schema import SCHEMA_VERSION

__all__ = ["changed_bundle", "digest", "tiny_bundle"]


def tiny_bundle(folder: Path, version: str, *, space: str = "space-1") -> str:
    """Write a bundle that is whole but holds no models; return the digest of its manifest.

    By hand, since `write_bundle` syncs every file to the disk.
    """
    (folder / "golden").mkdir(parents=True, exist_ok=True)

    def put(path: str) -> File:
        content = f"{path} of {version}".encode()
        (folder / path).write_bytes(content)
        return File(path, len(content), hashlib.sha256(content).hexdigest())

    tensor = [Tensor("x", [1], "1")]

    def model(name: str) -> Model:
        return Model({"int8": put(f"{name}.tflite")}, "int8", tensor, tensor, put(f"golden/{name}.npz"), {"int8": 0.1})

    manifest = Manifest(
        format=FORMAT,
        version=version,
        created="2026-11-22",
        embedding_space=space,
        feature_schema=SCHEMA_VERSION,
        step_s=5.0,
        models={
            name: Model(
                {"int8": put(f"{name}.tflite")}, "int8", tensor, tensor, put(f"golden/{name}.npz"), {"int8": 0.1}
            )
            for name in MODELS
        },
        tables={name: Table(put(f"{name}.npz")) for name in TABLES},
        licence=put("licence.txt"),
    )
    (folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    return digest(folder)


def changed_bundle(
    folder: Path,
    *,
    version: str = "2026.12.1",
    files: Mapping[str, Callable[[bytes], bytes]] | None = None,
    manifest: Callable[[dict[str, object]], None] = lambda _: None,
) -> str:
    """Copy the bundle that ships, change some of its files, and list them as they are now; return the digest.

    Args:
        folder: to be made.
        version: of the changed bundle.
        files: by path in the bundle, what makes the new content of the old.
        manifest: changes the manifest, as plain values, after the files were listed.
    """
    shutil.copytree(default_bundle(), folder)
    for path, change in (files or {}).items():
        (folder / path).write_bytes(change((folder / path).read_bytes()))
    plain = msgspec.json.decode((folder / "manifest.json").read_bytes())
    plain["version"] = version
    _list_anew(folder, plain)
    manifest(plain)
    content = msgspec.json.encode(plain)
    msgspec.json.decode(content, type=Manifest)
    (folder / "manifest.json").write_bytes(content)
    return digest(folder)


def digest(folder: Path) -> str:
    """Return the SHA-256 of a bundle's manifest."""
    return hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()


def _list_anew(folder: Path, node: object) -> None:
    """Give every file in a manifest the size and digest that it has on the disk."""
    if isinstance(node, dict):
        if node.keys() == {"path", "bytes", "sha256"}:
            content = (folder / node["path"]).read_bytes()
            node |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for below in node.values():
            _list_anew(folder, below)
    elif isinstance(node, list):
        for below in node:
            _list_anew(folder, below)

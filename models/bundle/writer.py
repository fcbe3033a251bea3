"""Writes a bundle folder: all of it or nothing."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.bundle.manifest import FORMAT, Figure, File, Manifest, Model, Precision, Table, Tensor, TrainingSet
from models.errors import BundleError, Reason
from models.physiology.schema import SCHEMA_VERSION, STEP_S

__all__ = ["ModelContent", "TableContent", "write_bundle"]


@dataclass(frozen=True, kw_only=True)
class ModelContent:
    """A model to be written; see `models.bundle.manifest.Model` for what the fields mean.

    Attributes:
        golden: `inputs` and per precision `outputs`, arrays by tensor name, of one call.
    """

    variants: Mapping[Precision, bytes]
    preferred: Precision
    inputs: list[Tensor]
    outputs: list[Tensor]
    golden_inputs: Mapping[str, NDArray[Any]]
    golden_outputs: Mapping[Precision, Mapping[str, NDArray[Any]]]
    tolerance: Mapping[Precision, float]
    metrics: Mapping[str, Figure] = field(default_factory=dict)
    training_data: list[TrainingSet] = field(default_factory=list)
    front_end: Mapping[str, float | int | str] = field(default_factory=dict)
    operators: Mapping[Precision, Mapping[str, int]] = field(default_factory=dict)
    cost_s: float = 0.0
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class TableContent:
    """A table to be written."""

    arrays: Mapping[str, NDArray[Any]]
    description: str = ""
    training_data: list[TrainingSet] = field(default_factory=list)
    metrics: Mapping[str, Figure] = field(default_factory=dict)


def _npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **dict(arrays))
    return buffer.getvalue()


def _put(folder: Path, path: str, content: bytes) -> File:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    return File(path=path, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def _put_model(folder: Path, name: str, content: ModelContent) -> Model:
    golden = {f"input/{key}": value for key, value in content.golden_inputs.items()}
    for precision, outputs in content.golden_outputs.items():
        golden |= {f"output/{precision}/{key}": value for key, value in outputs.items()}
    return Model(
        variants={p: _put(folder, f"{name}.{p}.tflite", data) for p, data in content.variants.items()},
        preferred=content.preferred,
        inputs=content.inputs,
        outputs=content.outputs,
        golden=_put(folder, f"golden/{name}.npz", _npz(golden)),
        tolerance=dict(content.tolerance),
        metrics=dict(content.metrics),
        training_data=content.training_data,
        front_end=dict(content.front_end),
        operators={precision: dict(versions) for precision, versions in content.operators.items()},
        cost_s=content.cost_s,
        description=content.description,
    )


def _put_table(folder: Path, name: str, content: TableContent) -> Table:
    return Table(
        file=_put(folder, f"{name}.npz", _npz(content.arrays)),
        description=content.description,
        training_data=content.training_data,
        metrics=dict(content.metrics),
    )


def write_bundle(
    folder: Path,
    *,
    version: str,
    created: str,
    embedding_space: str,
    models: Mapping[str, ModelContent],
    tables: Mapping[str, TableContent],
    licence: str,
    producer: Mapping[str, str],
) -> Manifest:
    """Write a bundle and replace what was at `folder`.

    Everything is written and synced beside the target first, so a reader sees the old bundle or the new one.

    Args:
        folder: where the bundle shall be.
        version: year.month.number.
        created: ISO 8601 date of the build.
        embedding_space: name of the space of the audio embedding.
        models: contents by model name.
        tables: contents by table name.
        licence: text of the weights' licence.
        producer: versions of the libraries that built it.

    Raises:
        BundleError: the disk refuses.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise _refused(folder, error) from error
    try:
        manifest = Manifest(
            format=FORMAT,
            version=version,
            created=created,
            embedding_space=embedding_space,
            feature_schema=SCHEMA_VERSION,
            step_s=STEP_S,
            models={name: _put_model(staging, name, content) for name, content in models.items()},
            tables={name: _put_table(staging, name, content) for name, content in tables.items()},
            licence=_put(staging, "licence.txt", licence.encode()),
            producer=dict(producer),
        )
        _put(staging, "manifest.json", msgspec.json.format(msgspec.json.encode(manifest), indent=2))
        staging.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        staging.rename(folder)
    except OSError as error:
        raise _refused(folder, error) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return manifest


def _refused(folder: Path, error: OSError) -> BundleError:
    return BundleError(
        f"the bundle cannot be written to {folder}: {error.strerror}",
        reason=Reason.UNREADABLE,
        remedy="Choose a folder that can be written to, on a disk with room",
    )

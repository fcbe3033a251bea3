"""Finished stages on disk, so that an interrupted build goes on where it stopped.

A stage's artefacts lie in `<work>/<stage>/<key>/`: `index.json` (everything but arrays), one `.npz` per artefact, the
flatbuffers. The folder is written beside and renamed when complete. The key is a hash of what decides the result:
configuration, scale, seed, the source files of the stage's packages, the fingerprints of its data sets, library
versions, and the keys of the stages that it needs. What was trained lies in `work-<key>` under a key of its own, which
the code of conversion does not enter: another way to quantise asks for no new training.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from cloud_trainer.artefact import (
    Artefact,
    Figure,
    Golden,
    ModelArtefact,
    Scale,
    Stage,
    TableArtefact,
    TensorSpec,
    TrainingData,
)
from cloud_trainer.checkpoint import refused
from cloud_trainer.data.sources import fingerprint

__all__ = ["CONVERSION", "LIBRARIES", "libraries", "load", "save", "stage_key"]

LIBRARIES: Final = ("tensorflow", "tf-keras", "numpy", "scipy", "scikit-learn")

CONVERSION: Final = (
    "cloud_trainer.quantisation",
    "cloud_trainer.tflite_child",
    "cloud_trainer.evaluation.variants",
    "cloud_trainer.evaluation.variant_choice",
)
"""Modules that decide how a trained network is converted, and not how it is trained."""


def libraries() -> dict[str, str]:
    """Return the versions of the libraries that decide a result."""
    return {name: metadata.version(name) for name in LIBRARIES}


def stage_key(
    stage: Stage, *, data: Path, scale: Scale, seed: int, needed: Sequence[str], without: Sequence[str] = ()
) -> str:
    """Return the key under which a stage's result is stored, 16 hexadecimal digits.

    Args:
        stage: the stage.
        data: root of the data sets.
        scale: of the build.
        seed: of the build.
        needed: keys of the stages that it needs, of the same kind.
        without: modules whose source does not count; with `CONVERSION` it is the key of what the stage has trained.

    Raises:
        DataError: SHA256SUMS does not list one of the stage's data sets.
    """
    decides = {
        "configuration": dict(stage.configuration),
        "scale": scale,
        "seed": seed,
        "code": {name: _code(name, without) for name in sorted(stage.packages) if name not in without},
        "data": {name: fingerprint(data, name) for name in sorted(stage.sources)},
        "libraries": libraries(),
        "needed": list(needed),
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]


def save(folder: Path, artefacts: Sequence[Artefact]) -> None:
    """Write a stage's artefacts; the folder appears when it is complete.

    Raises:
        StorageError: the disk refuses.
    """
    new = folder.with_name(f".{folder.name}.new")
    try:
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        index = [_write(new, number, artefact) for number, artefact in enumerate(artefacts)]
        (new / "index.json").write_text(json.dumps(index, indent=1), "utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)
    except OSError as error:
        shutil.rmtree(new, ignore_errors=True)
        raise refused(folder, error) from error


def load(folder: Path) -> list[Artefact] | None:
    """Return the artefacts stored in a folder, `None` where there are none."""
    index = folder / "index.json"
    if not index.is_file():
        return None
    return [_read(folder, number, entry) for number, entry in enumerate(json.loads(index.read_text("utf-8")))]


def _code(name: str, without: Sequence[str] = ()) -> str:
    """Return the SHA-256 of a module's source, or of all modules of a package but some."""
    digest = hashlib.sha256()
    left_out = {_origin(module) for module in without}
    origin = _origin(name)
    files = sorted(origin.parent.rglob("*.py")) if origin.name == "__init__.py" else [origin]
    for file in files:
        if file not in left_out:
            digest.update(f"{file.name}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def _origin(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"a stage names the package {name!r}, which does not exist", name=name)
    return Path(spec.origin)


def _write(folder: Path, number: int, artefact: Artefact) -> dict[str, Any]:
    shared = {
        "name": artefact.name,
        "description": artefact.description,
        "metrics": {name: asdict(figure) for name, figure in artefact.metrics.items()},
        "training_data": [asdict(source) for source in artefact.training_data],
    }
    if isinstance(artefact, TableArtefact):
        np.savez(folder / f"{number}.npz", **dict(artefact.arrays))
        return {"kind": "table", **shared}
    for variant, content in artefact.variants.items():
        (folder / f"{number}.{variant}.tflite").write_bytes(content)
    np.savez(folder / f"{number}.npz", **_flat_arrays(artefact))
    return {
        "kind": "model",
        **shared,
        "variants": list(artefact.variants),
        "preferred": artefact.preferred,
        "inputs": [asdict(spec) for spec in artefact.inputs],
        "outputs": [asdict(spec) for spec in artefact.outputs],
        "tolerances": [dict(golden.tolerance) for golden in artefact.golden],
        "cost_s": artefact.cost_s,
        "front_end": dict(artefact.front_end),
    }


def _flat_arrays(artefact: ModelArtefact) -> dict[str, Any]:
    flat = {f"extra/{name}": values for name, values in artefact.extras.items()}
    for number, golden in enumerate(artefact.golden):
        flat |= {f"golden/{number}/input/{name}": values for name, values in golden.inputs.items()}
        for variant, outputs in golden.outputs.items():
            flat |= {f"golden/{number}/{variant}/{name}": values for name, values in outputs.items()}
    return flat


def _read(folder: Path, number: int, entry: Mapping[str, Any]) -> Artefact:
    with np.load(folder / f"{number}.npz") as archive:
        arrays = dict(archive)
    shared: dict[str, Any] = {
        "name": entry["name"],
        "description": entry["description"],
        "metrics": {name: Figure(**figure) for name, figure in entry["metrics"].items()},
        "training_data": [TrainingData(**source) for source in entry["training_data"]],
    }
    if entry["kind"] == "table":
        return TableArtefact(arrays=arrays, **shared)
    return ModelArtefact(
        **shared,
        variants={variant: (folder / f"{number}.{variant}.tflite").read_bytes() for variant in entry["variants"]},
        preferred=entry["preferred"],
        inputs=[_spec(spec) for spec in entry["inputs"]],
        outputs=[_spec(spec) for spec in entry["outputs"]],
        golden=[
            _golden(arrays, f"golden/{index}/", entry["variants"], tolerance)
            for index, tolerance in enumerate(entry["tolerances"])
        ],
        cost_s=entry["cost_s"],
        front_end=entry["front_end"],
        extras=_under(arrays, "extra/"),
    )


def _spec(entry: Mapping[str, Any]) -> TensorSpec:
    return TensorSpec(**{**entry, "shape": tuple(entry["shape"])})


def _golden(arrays: Mapping[str, Any], prefix: str, variants: Sequence[Any], tolerance: Mapping[Any, float]) -> Golden:
    return Golden(
        inputs=_under(arrays, f"{prefix}input/"),
        outputs={variant: _under(arrays, f"{prefix}{variant}/") for variant in variants},
        tolerance=tolerance,
    )


def _under(arrays: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}

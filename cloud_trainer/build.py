"""From artefacts to a bundle that has tested itself."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cloud_trainer import store
from cloud_trainer.artefact import Artefact, Figure, ModelArtefact, Scale, TableArtefact
from cloud_trainer.quantisation import check_operators
from cloud_trainer.workshop import BuildResult
from models.bundle import manifest
from models.bundle.manifest import MODELS, TABLES
from models.bundle.writer import ModelContent, TableContent, write_bundle
from models.errors import BundleError, Reason

__all__ = ["FREE_LICENCE", "WEIGHTS_LICENCE", "bundle_contents", "embedding_space", "self_test", "write"]

WEIGHTS_LICENCE: Final = """\
The weights and tables in this folder were trained on research data sets, most of which are for non-commercial use
(manifest.json lists them with their licences). They are licensed under the Creative Commons
Attribution-NonCommercial-ShareAlike 4.0 International licence: https://creativecommons.org/licenses/by-nc-sa/4.0/

The piano heard in training is the Salamander Grand Piano by Alexander Holm, CC BY 3.0.
"""
FREE_LICENCE: Final = """\
The weights and tables in this folder were trained on generated data alone and on the sound of one piano: the Salamander
Grand Piano by Alexander Holm, CC BY 3.0. They are licensed under the Creative Commons Attribution 4.0 International
licence: https://creativecommons.org/licenses/by/4.0/
"""

_ALL_GENERATED: Final = " In this bundle, every data set that is named here was generated in the other one's format."
_LICENCE_NAMES: Final = {WEIGHTS_LICENCE: "CC BY-NC-SA 4.0", FREE_LICENCE: "CC BY 4.0"}
_SELF_TEST: Final = """\
import json, sys
from pathlib import Path
from models.bundle.reader import Bundle
print(json.dumps(Bundle.open(Path(sys.argv[1])).self_test()))
"""
_SELF_TEST_LIMIT_S: Final = 300.0


def bundle_contents(
    artefacts: Mapping[str, Artefact],
) -> tuple[dict[str, ModelContent], dict[str, TableContent]]:
    """Return models and tables as the bundle's writer takes them.

    Raises:
        BundleError: a model or table that every bundle holds is missing.
    """
    if missing := [name for name in (*MODELS, *TABLES) if name not in artefacts]:
        raise BundleError(
            f"the stages made no {', '.join(missing)}: a bundle needs them all",
            reason=Reason.MISSING,
            remedy="Build with all stages",
        )
    kept = {name: artefacts[name] for name in (*MODELS, *TABLES)}
    models = {name: _model(artefact) for name, artefact in kept.items() if isinstance(artefact, ModelArtefact)}
    tables = {name: _table(artefact) for name, artefact in kept.items() if isinstance(artefact, TableArtefact)}
    return models, tables


def write(
    result: BuildResult, *, out: Path, version: str, seed: int, scale: Scale, licence: str = WEIGHTS_LICENCE
) -> dict[str, float]:
    """Write the bundle and let it test itself; return the largest difference to the golden outputs per model.

    The embedding space is named after the audio model that a device runs: another file is another space, and other code
    that makes the same file is not, since a device hears all its music again for a new space.

    Args:
        result: of all stages.
        out: folder of the bundle.
        version: of the bundle.
        seed: of the build.
        scale: of the build.
        licence: of the weights.

    Raises:
        BundleError: something is missing, the disk refuses, or the self-test fails.
    """
    models, tables = bundle_contents(result.artefacts)
    if licence == FREE_LICENCE:
        models = {
            name: replace(model, description=model.description + _ALL_GENERATED) for name, model in models.items()
        }
    audio = models["music_emotion"]
    write_bundle(
        out,
        version=version,
        created=datetime.now(UTC).date().isoformat(),
        embedding_space=embedding_space(audio.variants[audio.preferred]),
        models=models,
        tables=tables,
        licence=licence,
        producer={
            **store.libraries(),
            "python": sys.version.split()[0],
            "seed": str(seed),
            "scale": scale,
            "weights_licence": _LICENCE_NAMES.get(licence, "see licence.txt"),
            **{f"stage.{name}": key for name, key in result.keys.items()},
        },
    )
    return self_test(out)


def embedding_space(audio_model: bytes) -> str:
    """Return the name of the space in which a converted audio model places sounds."""
    return f"music-emotion-{hashlib.sha256(audio_model).hexdigest()[:16]}"


def self_test(folder: Path) -> dict[str, float]:
    """Open a bundle in a process without TensorFlow and run its golden inputs.

    Raises:
        BundleError: it does not open, or a difference is beyond its tolerance.
    """
    command = [sys.executable, "-c", _SELF_TEST, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SELF_TEST_LIMIT_S, check=False)
    if done.returncode != 0:
        last_words = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise BundleError(
            f"the bundle in {folder} fails its self-test: {last_words}",
            reason=Reason.FAILED,
            remedy="Build it again; the log says what each stage measured",
        )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def _model(artefact: ModelArtefact) -> ModelContent:
    golden = artefact.golden[0]
    return ModelContent(
        variants=dict(artefact.variants),
        preferred=artefact.preferred,
        inputs=[manifest.Tensor(**{**asdict(spec), "shape": list(spec.shape)}) for spec in artefact.inputs],
        outputs=[manifest.Tensor(**{**asdict(spec), "shape": list(spec.shape)}) for spec in artefact.outputs],
        golden_inputs=golden.inputs,
        golden_outputs=dict(golden.outputs),
        tolerance=dict(golden.tolerance),
        metrics=_figures(artefact.metrics),
        training_data=[manifest.TrainingSet(**asdict(source)) for source in artefact.training_data],
        front_end=artefact.front_end,
        operators={variant: check_operators(content) for variant, content in artefact.variants.items()},
        cost_s=artefact.cost_s,
        description=artefact.description,
    )


def _table(artefact: TableArtefact) -> TableContent:
    return TableContent(
        arrays=artefact.arrays,
        description=artefact.description,
        training_data=[manifest.TrainingSet(**asdict(source)) for source in artefact.training_data],
        metrics=_figures(artefact.metrics),
    )


def _figures(metrics: Mapping[str, Figure]) -> dict[str, manifest.Figure]:
    return {name: manifest.Figure(**asdict(figure)) for name, figure in metrics.items()}

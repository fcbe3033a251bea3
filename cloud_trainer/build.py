"""The build: stages make artefacts, artefacts make a bundle, the bundle tests itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from cloud_trainer import store
from cloud_trainer.artefact import (
    Artefact,
    BuildContext,
    Figure,
    ModelArtefact,
    Scale,
    Stage,
    TableArtefact,
    TrainableStage,
)
from cloud_trainer.checkpoint import make_folder
from cloud_trainer.data.sources import verify
from cloud_trainer.progress import Progress
from cloud_trainer.quantisation import check_operators
from cloud_trainer.runs import Run, recorded
from models.bundle import manifest
from models.bundle.manifest import MODELS, TABLES
from models.bundle.writer import ModelContent, TableContent, write_bundle
from models.errors import BundleError, Reason

__all__ = [
    "FREE_LICENCE",
    "WEIGHTS_LICENCE",
    "BuildResult",
    "Trained",
    "Workshop",
    "bundle_contents",
    "prepared",
    "run_stages",
    "self_test",
    "train_stage",
    "write",
]

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

_LICENCE_NAMES: Final = {WEIGHTS_LICENCE: "CC BY-NC-SA 4.0", FREE_LICENCE: "CC BY 4.0"}
_SELF_TEST: Final = """\
import json, sys
from pathlib import Path
from models.bundle.reader import Bundle
print(json.dumps(Bundle.open(Path(sys.argv[1])).self_test()))
"""
_SELF_TEST_LIMIT_S: Final = 300.0


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """Where and how stages run.

    Attributes:
        data: root of the data sets.
        work: folder of caches and stored results.
        scale: `full` or `tiny`.
        seed: of every random number.
        progress: where progress is shown.
        threads: that a stage may use.
        tensorboard: whether run folders get an event file.
    """

    data: Path
    work: Path
    scale: Scale
    seed: int
    progress: Progress
    threads: int = 2
    tensorboard: bool = False


@dataclass(frozen=True)
class Trained:
    """What a training left.

    Attributes:
        run: folder that tells what was done.
        checkpoints: folder of the weights.
        key: hash of everything that decided them.
        epochs: figures by epoch, of this run alone; empty where everything had been trained before.
    """

    run: Path
    checkpoints: Path
    key: str
    epochs: Mapping[int, Mapping[str, float]]


@dataclass
class BuildResult:
    """What stages have made.

    Attributes:
        artefacts: by name.
        keys: of the stages, by stage name.
        training_keys: likewise, of what they have trained.
        resumed: stages whose stored result was taken.
    """

    artefacts: dict[str, Artefact] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    training_keys: dict[str, str] = field(default_factory=dict)
    resumed: list[str] = field(default_factory=list)


def run_stages(stages: Sequence[Stage], shop: Workshop) -> BuildResult:
    """Run stages in order, taking the stored result of each that has not changed.

    Args:
        stages: each after those that it needs.
        shop: where and how.

    Raises:
        DataError: a data set is missing, changed or damaged.
        BundleError: a model does not convert.
        StorageError: the disk refuses.
    """
    result = BuildResult()
    for stage in stages:
        context = prepared(stage, shop, result)
        folder = shop.work / shop.scale / stage.name
        stored = store.load(folder / result.keys[stage.name])
        if stored is None:
            shop.progress.note(f"stage {stage.name} ({result.keys[stage.name]})")
            verify(shop.data, stage.sources)
            with _recorded(stage, context, shop, key=result.keys[stage.name], doing="build") as (_, observed):
                stored = stage.build(observed)
                store.save(folder / result.keys[stage.name], stored)
        else:
            shop.progress.note(f"stage {stage.name} ({result.keys[stage.name]}): taken from {folder}")
            result.resumed.append(stage.name)
        result.artefacts |= {artefact.name: artefact for artefact in stored}
    return result


def train_stage(stages: Sequence[Stage], shop: Workshop) -> Trained:
    """Run the stages before the last one, and train that one; go on from its last checkpoint.

    A stage that has nothing to train is built.

    Args:
        stages: in order; the last one is trained.
        shop: where and how.

    Raises:
        DataError: a data set is missing, changed or damaged.
        BundleError: a model that the last one needs does not convert.
        StorageError: the disk refuses.
    """
    *before, stage = stages
    result = run_stages(before, shop)
    context = prepared(stage, shop, result)
    key = result.training_keys[stage.name]
    verify(shop.data, stage.sources)
    with _recorded(stage, context, shop, key=key, doing="train") as (run, observed):
        if isinstance(stage, TrainableStage):
            stage.train(observed)
        else:
            stage.build(observed)
    return Trained(run=run.folder, checkpoints=context.work, key=key, epochs=run.epochs)


@contextmanager
def _recorded(
    stage: Stage, context: BuildContext, shop: Workshop, *, key: str, doing: str
) -> Iterator[tuple[Run, BuildContext]]:
    """Make the work folder and record the run; yield a context whose progress is written down."""
    runs = shop.work / shop.scale / "runs"
    with recorded(stage, context, runs=runs, key=key, doing=doing, tensorboard=shop.tensorboard) as (run, observed):
        make_folder(context.work)
        yield run, replace(context, progress=observed, shared=context.cache)


def prepared(stage: Stage, shop: Workshop, result: BuildResult) -> BuildContext:
    """Return what a stage needs to run after those of a result, and note its keys there.

    Raises:
        DataError: SHA256SUMS does not list one of the stage's data sets.
    """
    key = partial(store.stage_key, stage, data=shop.data, scale=shop.scale, seed=shop.seed)
    result.keys[stage.name] = key(needed=[result.keys[name] for name in stage.needs])
    trained = key(needed=[result.training_keys[name] for name in stage.needs], without=store.CONVERSION)
    result.training_keys[stage.name] = trained
    folder = shop.work / shop.scale / stage.name
    return BuildContext(
        data=shop.data,
        work=folder / f"work-{trained}",
        scale=shop.scale,
        seed=shop.seed,
        progress=shop.progress,
        artefacts=dict(result.artefacts),
        threads=shop.threads,
        shared=folder / "shared",
    )


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

    The embedding space is named after the audio model's key: another audio model is another space.

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
    write_bundle(
        out,
        version=version,
        created=datetime.now(UTC).date().isoformat(),
        embedding_space=f"music-emotion-{result.keys['music_emotion']}",
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

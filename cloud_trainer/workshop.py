"""Running stages: each in order, from the store where nothing has changed, recorded, going on after an interruption."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from cloud_trainer import store
from cloud_trainer.artefact import Artefact, BuildContext, Scale, Stage, TrainableStage
from cloud_trainer.checkpoint import full_disk_told, make_folder
from cloud_trainer.data.sources import verify
from cloud_trainer.progress import Progress
from cloud_trainer.runs import Run, recorded

__all__ = ["BuildResult", "Trained", "Workshop", "prepared", "run_stages", "train_stage"]


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
        with full_disk_told(context.work):
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

"""`attune-trainer quantise`: every variant of a model, what it costs and saves, and which one ships."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cloud_trainer.commands.options import Config, Data, Json, Results, Seed, Work, progress_shown, scale_of
from cloud_trainer.settings import TrainerSettings
from models.bundle.manifest import MODELS
from models.settings import load

if TYPE_CHECKING:
    from cloud_trainer.report.quantisation import ModelTable

__all__ = ["quantise"]


def quantise(
    models: Annotated[list[str], typer.Argument(metavar="MODEL…|all", help="Models by name, or all.")],
    *,
    bundle: Annotated[
        Path | None,
        typer.Option(help="A finished bundle: tell of its variants, and time what ships anew."),
    ] = None,
    data: Data = None,
    scale: Annotated[str, typer.Option(help="full, or tiny: the same code on a handful of rows.")] = "full",
    seed: Seed = None,
    results: Results = None,
    work: Work = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Convert a trained model to float32, float16 and both kinds of int8; measure size, loss and time; choose.

    What is not trained yet is trained first. The table goes to RESULTS/quantisation, and what it favours is what build
    puts into a bundle. Loss and difference are measured on held-out data through the device's runtime.

    Example: attune-trainer quantise all --data ../shared/data
    """
    import msgspec

    from cloud_trainer.report.quantisation import as_text, write_tables

    wanted = list(MODELS) if "all" in models else list(dict.fromkeys(models))
    if unknown := [name for name in wanted if name not in MODELS]:
        raise typer.BadParameter(f"unknown model {', '.join(unknown)}; known are {', '.join(MODELS)}, all")
    settings = load(TrainerSettings, program="trainer", config=config)
    # A tiny run must not overwrite what was measured in earnest.
    name = "quantisation" if scale_of(scale) == "full" else f"quantisation-{scale}"
    folder = (results or settings.tables.results).expanduser() / name
    if bundle is not None:
        tables = _of_bundle(wanted, bundle)
    else:
        tables = _of_build(
            wanted,
            settings,
            data=(data or settings.data.folder).expanduser(),
            work=(work or settings.build.work).expanduser(),
            scale=scale,
            seed=settings.build.seed if seed is None else seed,
        )
    path = write_tables(tables, folder)
    if as_json:
        typer.echo(msgspec.json.encode(tables).decode())
        return
    typer.echo(as_text(tables))
    typer.echo(path)


def _of_build(
    wanted: list[str], settings: TrainerSettings, *, data: Path, work: Path, scale: str, seed: int
) -> list[ModelTable]:
    from cloud_trainer.artefact import ModelArtefact
    from cloud_trainer.quantisation import operator_versions
    from cloud_trainer.report.quantisation import model_table
    from cloud_trainer.stages import stages
    from cloud_trainer.workshop import Workshop, run_stages

    with progress_shown() as progress:
        shop = Workshop(
            data=data,
            work=work,
            scale=scale_of(scale),
            seed=seed,
            progress=progress,
            threads=settings.build.threads,
            tensorboard=settings.train.tensorboard,
        )
        built = run_stages(stages(wanted, settings), shop)
    artefacts = [built.artefacts[name] for name in wanted]
    return [
        model_table(
            artefact.name,
            origin=f"configuration {built.keys[artefact.name]}",
            values={name: figure.value for name, figure in artefact.metrics.items()},
            judged=artefact.metrics["dynamic.largest_loss"].count,
            float32_bytes=len(artefact.variants["float32"]),
            operators=operator_versions(artefact.variants["int8"]),
        )
        for artefact in artefacts
        if isinstance(artefact, ModelArtefact)
    ]


def _of_bundle(wanted: list[str], folder: Path) -> list[ModelTable]:
    from cloud_trainer.bundle_times import variant_times
    from cloud_trainer.report.quantisation import model_table
    from models.bundle.reader import Bundle

    bundle = Bundle.open(folder)
    tables = []
    for name in wanted:
        entry = bundle.manifest.models[name]
        tables.append(
            model_table(
                name,
                origin=f"bundle {bundle.manifest.version}",
                values={figure: found.value for figure, found in entry.metrics.items()},
                judged=entry.metrics["dynamic.largest_loss"].count,
                float32_bytes=entry.variants["float32"].bytes,
                operators=entry.operators["int8"],
                ms=variant_times(bundle, name),
            )
        )
    return tables

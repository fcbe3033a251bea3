"""`attune-trainer build`: train, quantise, self-test, bundle."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cloud_trainer.commands.options import Config, Data, Json, Results, Seed, Work, progress_shown, scale_of
from cloud_trainer.settings import TrainerSettings
from models.settings import load

if TYPE_CHECKING:
    from cloud_trainer.workshop import BuildResult, Workshop

__all__ = ["build"]


def build(
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder of the bundle; replaced when the build is complete.")],
    data: Data = None,
    scale: Annotated[str, typer.Option(help="full, or tiny: the same code on a handful of rows.")] = "full",
    stages: Annotated[str, typer.Option(help="Stages by name, with commas; empty for all.")] = "",
    free: Annotated[bool, typer.Option("--free", help="From generated data and the piano's samples alone.")] = False,
    seed: Seed = None,
    results: Results = None,
    work: Work = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Train, quantise, evaluate every model, write the bundle and let it test itself.

    An interrupted build goes on where it stopped. With --stages, only these stages run (and those that they need) and
    no bundle is written. With --free, the weights may be used for anything; where --data holds the research data, the
    figures of the free bundle on it are written beside those of the one that ships, to RESULTS/free.

    Example: attune-trainer build --data ../shared/data --out models/default
    """
    from cloud_trainer.build import FREE_LICENCE, WEIGHTS_LICENCE, write
    from cloud_trainer.generated.root import generated_data
    from cloud_trainer.stages import STAGES
    from cloud_trainer.stages import stages as stages_by_name
    from cloud_trainer.workshop import Workshop, run_stages

    settings = load(TrainerSettings, program="trainer", config=config)
    names = [name.strip() for name in stages.split(",") if name.strip()]
    start = time.monotonic()
    with progress_shown() as progress:
        shop = Workshop(
            data=(data or settings.data.folder).expanduser(),
            work=(work or settings.build.work).expanduser(),
            scale=scale_of(scale),
            seed=settings.build.seed if seed is None else seed,
            progress=progress,
            threads=settings.build.threads,
            tensorboard=settings.train.tensorboard,
        )
        chosen = shop
        if free:
            generated = generated_data(
                shop.work / "generated", piano=shop.data, scale=shop.scale, seed=shop.seed, progress=progress
            )
            chosen = replace(shop, data=generated)
        result = run_stages(stages_by_name(names or STAGES, settings), chosen)
        differences = {}
        if not names:
            progress.note(f"writing {out}")
            differences = write(
                result,
                out=out,
                version=settings.bundle.version,
                seed=shop.seed,
                scale=shop.scale,
                licence=FREE_LICENCE if free else WEIGHTS_LICENCE,
            )
        if free and differences and shop.scale == "full":
            _beside(out, shop, (results or settings.tables.results).expanduser())
    if as_json:
        figures = {
            name: {figure: (entry.value, entry.baseline) for figure, entry in artefact.metrics.items()}
            for name, artefact in result.artefacts.items()
        }
        answer = {"seconds": time.monotonic() - start, "resumed": result.resumed, "figures": figures}
        typer.echo(json.dumps({**answer, "self_test": differences, "stages": result.keys}))
        return
    _tell(result)
    typer.echo(f"done in {time.monotonic() - start:.0f} s" + (f": {out}" if differences else ""))


def _tell(result: BuildResult) -> None:
    for name, artefact in result.artefacts.items():
        for figure, entry in artefact.metrics.items():
            beside = "" if entry.baseline is None else f"   baseline {entry.baseline:.3f}"
            typer.echo(f"{name:16} {figure:40} {entry.value:8.3f}{beside}")


def _beside(out: Path, shop: Workshop, results: Path) -> None:
    """Write the figures of the free bundle beside those of the one that ships, where the research data is there."""
    from cloud_trainer.data.sources import checksums
    from cloud_trainer.generated.beside import beside
    from cloud_trainer.report.free import as_text, write_beside
    from cloud_trainer.user_emotion.sides import SETS
    from models.bundle.reader import Bundle, default_bundle

    there = {path.split("/", 1)[0] for path in checksums(shop.data)}
    if not there.issuperset(("emopia", "vgmidi", "emotify", *SETS)):
        shop.progress.note(f"{shop.data} holds no research data to judge the free bundle by")
        return
    found = beside(
        Bundle.open(default_bundle()),
        Bundle.open(out),
        data=shop.data,
        work=shop.work / shop.scale,
        seed=shop.seed,
        progress=shop.progress,
    )
    typer.echo(as_text(found))
    typer.echo(write_beside(found, results / "free"))

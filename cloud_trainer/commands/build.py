"""`attune-trainer build`: train, quantise, self-test, bundle."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from cloud_trainer.commands.options import Config, Data, Json, Seed, Work, progress_shown, scale_of
from cloud_trainer.settings import TrainerSettings
from models.settings import load

__all__ = ["build"]


def build(
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder of the bundle; replaced when the build is complete.")],
    data: Data = None,
    scale: Annotated[str, typer.Option(help="full, or tiny: the same code on a handful of rows.")] = "full",
    stages: Annotated[str, typer.Option(help="Stages by name, with commas; empty for all.")] = "",
    seed: Seed = None,
    work: Work = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Train, evaluate and convert every model and write the bundle.

    An interrupted build goes on where it stopped. With --stages, only these stages run (and those that they need) and
    no bundle is written.

    Example: attune-trainer build --data ../shared/data --out models/default
    """
    from cloud_trainer.build import Workshop, run_stages, write
    from cloud_trainer.stages import STAGES
    from cloud_trainer.stages import stages as stages_by_name

    chosen_scale = scale_of(scale)
    settings = load(TrainerSettings, program="trainer", config=config)
    chosen_seed = settings.build.seed if seed is None else seed
    names = [name.strip() for name in stages.split(",") if name.strip()]
    start = time.monotonic()
    with progress_shown() as progress:
        result = run_stages(
            stages_by_name(names or STAGES, settings),
            Workshop(
                data=(data or settings.data.folder).expanduser(),
                work=(work or settings.build.work).expanduser(),
                scale=chosen_scale,
                seed=chosen_seed,
                progress=progress,
                threads=settings.build.threads,
                tensorboard=settings.train.tensorboard,
            ),
        )
        differences = {}
        if not names:
            progress.note(f"writing {out}")
            differences = write(result, out=out, version=settings.bundle.version, seed=chosen_seed, scale=chosen_scale)
    figures = {
        name: {figure: (entry.value, entry.baseline) for figure, entry in artefact.metrics.items()}
        for name, artefact in result.artefacts.items()
    }
    if as_json:
        answer = {"seconds": time.monotonic() - start, "resumed": result.resumed, "figures": figures}
        typer.echo(json.dumps({**answer, "self_test": differences, "stages": result.keys}))
        return
    for name, entries in figures.items():
        for figure, (value, baseline) in entries.items():
            beside = "" if baseline is None else f"   baseline {baseline:.3f}"
            typer.echo(f"{name:16} {figure:40} {value:8.3f}{beside}")
    typer.echo(f"done in {time.monotonic() - start:.0f} s" + (f": {out}" if differences else ""))

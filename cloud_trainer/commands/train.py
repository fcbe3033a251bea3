"""`attune-trainer train`: train one model, with checkpoints and a run folder."""

from __future__ import annotations

import json
import time
from typing import Annotated

import typer

from cloud_trainer.commands.options import Config, Data, Json, Seed, Work, progress_shown, scale_of
from cloud_trainer.settings import TrainerSettings
from models.settings import load

__all__ = ["train"]


def train(
    model: Annotated[str, typer.Argument(help="music_emotion, user_emotion, sequence or hybrid.")],
    *,
    data: Data = None,
    scale: Annotated[str, typer.Option(help="full, or tiny: the same code on a handful of rows.")] = "full",
    seed: Seed = None,
    tensorboard: Annotated[
        bool | None, typer.Option(help="Write an event file; overrides [train] tensorboard.")
    ] = None,
    work: Work = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Train a model, and those that it needs; a training that was killed goes on with its last checkpoint.

    The weights stay in the work folder, where quantise and build find them. The run folder holds settings, hashes of
    configuration and data, versions of the libraries, the figures of every epoch, and an event file for TensorBoard
    where the settings ask for one.

    Example: attune-trainer train user_emotion --data ../shared/data
    """
    from cloud_trainer.stages import stages
    from cloud_trainer.workshop import Workshop, train_stage

    settings = load(TrainerSettings, program="trainer", config=config)
    start = time.monotonic()
    with progress_shown() as progress:
        trained = train_stage(
            stages([model], settings),
            Workshop(
                data=(data or settings.data.folder).expanduser(),
                work=(work or settings.build.work).expanduser(),
                scale=scale_of(scale),
                seed=settings.build.seed if seed is None else seed,
                progress=progress,
                threads=settings.build.threads,
                tensorboard=settings.train.tensorboard if tensorboard is None else tensorboard,
            ),
        )
    seconds = time.monotonic() - start
    scores = [figures["validation"] for figures in trained.epochs.values() if "validation" in figures]
    best = max(scores, default=None)
    if as_json:
        answer = {"run": str(trained.run), "checkpoints": str(trained.checkpoints), "configuration": trained.key}
        typer.echo(json.dumps({**answer, "epochs": len(trained.epochs), "validation": best, "seconds": seconds}))
        return
    told = "trained before, nothing was left to do" if best is None else f"validation {best:.4f} at best"
    typer.echo(f"{model}: {told}; {len(trained.epochs)} epochs in {seconds:.0f} s, configuration {trained.key}")
    typer.echo(f"run         {trained.run}")
    typer.echo(f"checkpoints {trained.checkpoints}")

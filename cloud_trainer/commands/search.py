"""`attune-trainer search`: find hyper-parameters on validation rows and freeze the winners."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cloud_trainer.commands.options import Config, Data, Json, Results, Seed, Work, progress_shown, scale_of
from cloud_trainer.settings import TrainerSettings
from models.settings import load

__all__ = ["search"]


def search(
    model: Annotated[str, typer.Argument(help="music_emotion, user_emotion, sequence or hybrid.")],
    *,
    trials: Annotated[int | None, typer.Option(min=1, help="For each rival; overrides [search] trials.")] = None,
    rivals: Annotated[str, typer.Option(help="Rivals by name, with commas; empty for all.")] = "",
    data: Data = None,
    seed: Seed = None,
    scale: Annotated[str, typer.Option(help="full, or tiny: a handful of rows; tiny winners are not frozen.")] = "full",
    results: Results = None,
    frozen: Annotated[Path | None, typer.Option(help="Folder of the winners; the package's own unless given.")] = None,
    work: Work = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Search the hyper-parameters of a model and of its rivals, each with the same number of trials.

    Validation rows alone decide. The log of all trials goes to RESULTS/search, the winners to the frozen settings that
    train, build and the tables use. An interrupted search goes on with the trial where it stopped.

    Example: attune-trainer search music_emotion --trials 20
    """
    from cloud_trainer.search.command import run

    settings = load(TrainerSettings, program="trainer", config=config)
    with progress_shown() as progress:
        log = run(
            model,
            rivals=[name.strip() for name in rivals.split(",") if name.strip()],
            budget=trials or settings.search.trials,
            data=(data or settings.data.folder).expanduser(),
            work=(work or settings.build.work).expanduser(),
            results=(results or settings.tables.results).expanduser(),
            frozen=None if frozen is None else frozen.expanduser(),
            scale=scale_of(scale),
            seed=settings.build.seed if seed is None else seed,
            settings=settings,
            progress=progress,
        )
    if as_json:
        answer = {
            rival.name: {"settings": rival.trials[rival.winner].settings, "score": rival.trials[rival.winner].score}
            for rival in log.rivals
        }
        typer.echo(json.dumps(answer))
        return
    for rival in log.rivals:
        won, first = rival.trials[rival.winner], rival.trials[0]
        start = "no score" if first.score is None else f"{first.score:.4f}"
        pruned = sum(trial.state == "pruned" for trial in rival.trials)
        typer.echo(
            f"{rival.name}: {won.score:.4f}, trial {won.number} of {len(rival.trials)}, {pruned} pruned; start {start}"
        )
        for name, value in won.settings.items():
            typer.echo(f"    {name} = {value!r}")

"""`attune-trainer search` and `confirm`: find hyper-parameters on validation rows, confirm and freeze the winners."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from cloud_trainer.commands.options import Config, Data, Json, Results, Seed, Work, progress_shown, scale_of
from cloud_trainer.progress import Progress
from cloud_trainer.search.log import RivalLog, SearchLog
from cloud_trainer.settings import TrainerSettings
from models.settings import load

if TYPE_CHECKING:
    from cloud_trainer.search.command import Place

__all__ = ["confirm", "search"]

_Model: TypeAlias = Annotated[str, typer.Argument(help="music_emotion, user_emotion, sequence or hybrid.")]
_Rivals: TypeAlias = Annotated[str, typer.Option(help="Rivals by name, with commas; empty for all.")]
_Scale: TypeAlias = Annotated[str, typer.Option(help="full, or tiny: a handful of rows; tiny winners are not frozen.")]
_Frozen: TypeAlias = Annotated[Path | None, typer.Option(help="Folder of the winners; the package's own unless given.")]


def search(
    model: _Model,
    *,
    trials: Annotated[int | None, typer.Option(min=1, help="For each rival; overrides [search] trials.")] = None,
    rivals: _Rivals = "",
    data: Data = None,
    seed: Seed = None,
    scale: _Scale = "full",
    results: Results = None,
    frozen: _Frozen = None,
    work: Work = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Search the hyper-parameters of a model and of its rivals, each with the same number of trials.

    Validation rows alone decide. The log of all trials goes to RESULTS/search, the winners to the frozen settings that
    train, build and the tables use; where trials are shorter than a build's training, only once 'confirm' has confirmed
    them. An interrupted search goes on with the trial where it stopped.

    Example: attune-trainer search music_emotion --trials 20
    """
    from cloud_trainer.search.command import run

    settings = load(TrainerSettings, program="trainer", config=config)
    with progress_shown() as progress:
        log = run(
            model,
            rivals=_names(rivals),
            budget=trials or settings.search.trials,
            place=_place(settings, progress, data, work, results, frozen, scale, seed),
        )
    _tell(log, as_json=as_json)


def confirm(
    model: _Model,
    *,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of the start and of the winner.")] = 3,
    rivals: _Rivals = "",
    data: Data = None,
    scale: _Scale = "full",
    results: Results = None,
    frozen: _Frozen = None,
    work: Work = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Train the winners of a search, and what it started from, as long as a build does; freeze what is better.

    The validation rows of the search decide, by the mean of some seeds. What came of it goes into the search's log. An
    interrupted confirmation goes on with the training where it stopped.

    Example: attune-trainer confirm user_emotion --seeds 3
    """
    from cloud_trainer.search.command import confirm as confirm_all

    settings = load(TrainerSettings, program="trainer", config=config)
    with progress_shown() as progress:
        log = confirm_all(
            model,
            rivals=_names(rivals),
            seeds=seeds,
            place=_place(settings, progress, data, work, results, frozen, scale),
        )
    _tell(log, as_json=as_json)


def _place(
    settings: TrainerSettings,
    progress: Progress,
    data: Path | None,
    work: Path | None,
    results: Path | None,
    frozen: Path | None,
    scale: str,
    seed: int | None = None,
) -> Place:
    from cloud_trainer.search.command import Place

    return Place(
        data=(data or settings.data.folder).expanduser(),
        work=(work or settings.build.work).expanduser(),
        results=(results or settings.tables.results).expanduser(),
        frozen=None if frozen is None else frozen.expanduser(),
        scale=scale_of(scale),
        seed=settings.build.seed if seed is None else seed,
        settings=settings,
        progress=progress,
    )


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _tell(log: SearchLog, *, as_json: bool) -> None:
    if as_json:
        answer = {
            rival.name: {
                "settings": rival.settled.settings,
                "score": rival.settled.score,
                "trial": rival.settled.number,
            }
            for rival in log.rivals
        }
        typer.echo(json.dumps(answer))
        return
    for rival in log.rivals:
        _tell_rival(rival)


def _tell_rival(rival: RivalLog) -> None:
    won, first = rival.trials[rival.winner], rival.trials[0]
    pruned = sum(trial.state == "pruned" for trial in rival.trials)
    typer.echo(
        f"{rival.name}: {_score(won.score)}, trial {won.number} of {len(rival.trials)}, {pruned} pruned; "
        f"start {_score(first.score)}"
    )
    if rival.confirmed is not None:
        found = rival.confirmed
        typer.echo(
            f"    at full length, by seed: winner {' '.join(map(_score, found.winner))}; "
            f"start {' '.join(map(_score, found.start))}"
        )
    elif rival.settled is not won:
        typer.echo("    not confirmed at full length, so the start stays; run 'attune-trainer confirm' for it")
    for name, value in rival.settled.settings.items():
        typer.echo(f"    {name} = {value!r}")


def _score(score: float | None) -> str:
    return "no score" if score is None else f"{score:.4f}"

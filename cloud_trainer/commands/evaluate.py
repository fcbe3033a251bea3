"""`attune-trainer evaluate`: compute tables and store their results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloud_trainer.commands.options import Config, Data, Json, Results, progress_shown
from cloud_trainer.settings import TrainerSettings
from models.settings import load

__all__ = ["evaluate"]


def evaluate(
    tables: Annotated[list[str], typer.Argument(metavar="TABLE…|all", help="Tables by name, or all.")],
    *,
    data: Data = None,
    exam: Annotated[
        Path | None,
        typer.Option(help="Folder in the same formats: train and tune on --data, score once there."),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of every random number; overrides [build] seed.")] = None,
    jobs: Annotated[
        int | None, typer.Option(min=0, max=256, help="Processes; 0: one a processor. Overrides [tables] jobs.")
    ] = None,
    results: Results = None,
    work: Annotated[Path | None, typer.Option(help="Folder of finished folds; overrides [build] work.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Compute tables: every row on the same held-out rows, with intervals, paired differences and cost.

    Without --exam, a table holds rows out by its own protocol. With it, everything is trained and tuned on --data and
    the exam's rows are scored once. An interrupted table goes on where it stopped; one whose data, code and settings
    have not changed is not computed again.

    Example: attune-trainer evaluate all --data ../shared/data
    """
    from cloud_trainer.report.text import as_text
    from cloud_trainer.tables.processes import processors
    from cloud_trainer.tables.registry import TABLES
    from cloud_trainer.tables.results import as_json as to_json
    from cloud_trainer.tables.running import evaluate as compute

    wanted = list(TABLES) if "all" in tables else list(dict.fromkeys(tables))
    if unknown := [name for name in wanted if name not in TABLES]:
        raise typer.BadParameter(f"unknown table {', '.join(unknown)}; known are {', '.join(TABLES)}, all")
    settings = load(TrainerSettings, program="trainer", config=config)
    found = []
    with progress_shown() as progress:
        for name in wanted:
            result = compute(
                TABLES[name],
                data=(data or settings.data.folder).expanduser(),
                exam=None if exam is None else exam.expanduser(),
                seed=settings.build.seed if seed is None else seed,
                work=(work or settings.build.work).expanduser(),
                results=(results or settings.tables.results).expanduser(),
                progress=progress,
                jobs=(settings.tables.jobs if jobs is None else jobs) or processors(),
            )
            found.append(result)
            if not as_json:
                typer.echo(as_text(result))
    if as_json:
        typer.echo(to_json(found))

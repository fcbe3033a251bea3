"""`attune-trainer data`: which research data sets there are, and whether they are whole."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from cloud_trainer.commands.options import Config, Data, Json, progress_shown
from cloud_trainer.settings import TrainerSettings
from models.settings import load

__all__ = ["check_data", "list_data"]


@dataclass(frozen=True)
class _Listed:
    """A set as it is listed; `size` in bytes."""

    name: str
    folder: str
    files: int
    size: int
    rows: int | None
    licence: str
    used_for: str
    description: str
    citation: str


def list_data(data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """List the data sets: files, size, rows, licence, what each is used for.

    Example: attune-trainer data list --data ../shared/data
    """
    from cloud_trainer.data.schemas import row_count, schemas
    from cloud_trainer.data.sources import checksums, sources

    folder = _data_folder(data, config)
    recorded = checksums(folder)
    rows = []
    for name, source in sources(folder).items():
        files = [folder / path for path in recorded if path.startswith(f"{name}/")]
        schema = schemas()[name]
        rows.append(
            _Listed(
                name=name,
                folder=str(folder / name),
                files=len(files),
                size=sum(file.stat().st_size for file in files if file.is_file()),
                rows=row_count(folder / name, schema),
                licence=source.licence,
                used_for=schema.used_for,
                description=source.description,
                citation=source.citation,
            )
        )
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows]))
        return
    typer.echo(f"in {folder}")
    typer.echo(f"{'set':16}{'files':>6}{'MB':>8}{'rows':>9}  {'licence':58}used for")
    for row in rows:
        megabytes, count = f"{row.size / 1e6:.1f}", "–" if row.rows is None else str(row.rows)
        typer.echo(f"{row.name:16}{row.files:6}{megabytes:>8}{count:>9}  {row.licence:58}{row.used_for}")


def check_data(
    names: Annotated[list[str] | None, typer.Argument(help="Data sets; all unless named.")] = None,
    data: Data = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Check files against SHA256SUMS, and their columns, numbers and ranges; exit with 1 where something is wrong.

    What is wrong with a table names its file and the row, the heading being row 1.

    Example: attune-trainer data check emopia vgmidi
    """
    from cloud_trainer.data.schemas import problems, schemas
    from cloud_trainer.data.sources import SOURCES, check

    if unknown := sorted(set(names or ()) - SOURCES.keys()):
        raise typer.BadParameter(f"unknown data set {', '.join(unknown)}; known are {', '.join(SOURCES)}")
    folder, chosen = _data_folder(data, config), list(dict.fromkeys(names or SOURCES))
    checked, wrong = 0, dict[str, str]()
    with progress_shown() as progress, progress.task("data check", len(chosen)) as advance:
        for name in chosen:
            found = dict(check(folder, {name}))
            checked += len(found)
            wrong |= {path: what for path, what in found.items() if what}
            for path, what in problems(folder / name, schemas()[name]):
                wrong[f"{name}/{path}"] = "; ".join(filter(None, (wrong.get(f"{name}/{path}"), what)))
            advance(name)
    if as_json:
        typer.echo(json.dumps({"checked": checked, "wrong": wrong}))
    else:
        for path, what in wrong.items():
            typer.echo(f"{path}: {what}")
        typer.echo(f"{checked} files checked, {len(wrong)} wrong")
    if wrong:
        raise typer.Exit(1)


def _data_folder(data: Path | None, config: Path | None) -> Path:
    return (data or load(TrainerSettings, program="trainer", config=config).data.folder).expanduser()

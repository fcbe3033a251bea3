"""The command `attune-trainer`: data, training, bundles. Results go to standard output, the log to standard error."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from cloud_trainer.artefact import Scale
from cloud_trainer.commands.evaluate import evaluate
from cloud_trainer.commands.options import Config, Data, Json, progress_shown
from cloud_trainer.commands.repack import repack
from cloud_trainer.commands.report import report
from cloud_trainer.commands.search import search
from cloud_trainer.settings import TrainerSettings
from models.errors import AttuneError, SettingsError
from models.settings import load

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # markup would swallow the [section] of a setting
    help=__doc__,
)
data_app = typer.Typer(no_args_is_help=True, help="The research data sets.")
app.add_typer(data_app, name="data")
app.command()(evaluate)
app.command()(report)
app.command()(repack)
app.command()(search)


def main() -> None:
    """Run the command line; exit with 1 where something failed and 2 where it was used wrongly."""
    try:
        app()
    except SettingsError as error:
        typer.echo(f"attune-trainer: {error}", err=True)
        sys.exit(2)
    except AttuneError as error:
        typer.echo(f"attune-trainer: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        typer.echo("attune-trainer: interrupted; the same command goes on from here", err=True)
        sys.exit(1)


@app.command()
def build(
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder of the bundle; replaced when the build is complete.")],
    data: Data = None,
    scale: Annotated[str, typer.Option(help="full, or tiny: the same code on a handful of rows.")] = "full",
    stages: Annotated[str, typer.Option(help="Stages by name, with commas; empty for all.")] = "",
    seed: Annotated[int | None, typer.Option(min=0, help="Of every random number; overrides [build] seed.")] = None,
    work: Annotated[Path | None, typer.Option(help="Folder of caches; overrides [build] work.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Train, evaluate and convert every model and write the bundle.

    An interrupted build goes on where it stopped. With --stages, only these stages run (and those that they need) and
    no bundle is written.

    Example: attune-trainer build --data ../shared/data --out models/default
    """
    from cloud_trainer.build import run_stages, write
    from cloud_trainer.stages import STAGES
    from cloud_trainer.stages import stages as stages_by_name

    chosen_scale = _scale(scale)
    settings = load(TrainerSettings, program="trainer", config=config)
    chosen_seed = settings.build.seed if seed is None else seed
    names = [name.strip() for name in stages.split(",") if name.strip()]
    start = time.monotonic()
    with progress_shown() as progress:
        result = run_stages(
            stages_by_name(names or STAGES, settings),
            data=(data or settings.data.folder).expanduser(),
            work=(work or settings.build.work).expanduser(),
            scale=chosen_scale,
            seed=chosen_seed,
            progress=progress,
            threads=settings.build.threads,
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


@data_app.command("list")
def list_data(data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """List the data sets with their files, licence and citation.

    Example: attune-trainer data list --data ../shared/data
    """
    from cloud_trainer.data.sources import SOURCES, checksums

    folder = _data_folder(data, config)
    recorded = checksums(folder)
    rows = [
        {
            "name": name,
            "files": sum(path.startswith(f"{name}/") for path in recorded),
            "licence": source.licence,
            "description": source.description,
            "citation": source.citation,
        }
        for name, source in SOURCES.items()
    ]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for row in rows:
        typer.echo(f"{row['name']:16} {row['files']:4} files  {row['description']} ({row['licence']})")


@data_app.command("check")
def check_data(
    names: Annotated[list[str] | None, typer.Argument(help="Data sets; all unless named.")] = None,
    data: Data = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Compare every file with its checksum in SHA256SUMS; exit with 1 where one is missing or changed.

    Example: attune-trainer data check emopia vgmidi
    """
    from cloud_trainer.data.sources import SOURCES, check

    if unknown := sorted(set(names or ()) - SOURCES.keys()):
        raise typer.BadParameter(f"unknown data set {', '.join(unknown)}; known are {', '.join(SOURCES)}")
    found = dict(check(_data_folder(data, config), set(names) if names else None))
    wrong = {path: what for path, what in found.items() if what}
    if as_json:
        typer.echo(json.dumps({"checked": len(found), "wrong": wrong}))
    else:
        for path, what in wrong.items():
            typer.echo(f"{what:8} {path}")
        typer.echo(f"{len(found)} files checked, {len(wrong)} wrong")
    if wrong:
        raise typer.Exit(1)


def _data_folder(data: Path | None, config: Path | None) -> Path:
    return (data or load(TrainerSettings, program="trainer", config=config).data.folder).expanduser()


def _scale(scale: str) -> Scale:
    match scale:
        case "full" | "tiny":
            return scale
        case _:
            raise typer.BadParameter(f"{scale!r} is neither full nor tiny", param_hint="--scale")

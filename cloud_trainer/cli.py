"""The command `attune-trainer`: data, training, bundles. Results go to standard output, the log to standard error."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from cloud_trainer.commands.build import build
from cloud_trainer.commands.cards import cards
from cloud_trainer.commands.evaluate import evaluate
from cloud_trainer.commands.options import Config, Data, Json
from cloud_trainer.commands.quantise import quantise
from cloud_trainer.commands.repack import repack
from cloud_trainer.commands.report import report
from cloud_trainer.commands.search import search
from cloud_trainer.commands.train import train
from cloud_trainer.publishing.commands import mount
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
app.command()(build)
app.command()(cards)
app.command()(evaluate)
app.command()(quantise)
app.command()(report)
app.command()(repack)
mount(app)
app.command()(search)
app.command()(train)


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

"""The command `attune-trainer`: data, training, bundles. Results go to standard output, the log to standard error."""

from __future__ import annotations

import sys

import typer

from cloud_trainer.commands.build import build
from cloud_trainer.commands.cards import cards
from cloud_trainer.commands.data import check_data, list_data
from cloud_trainer.commands.evaluate import evaluate
from cloud_trainer.commands.quantise import quantise
from cloud_trainer.commands.repack import repack
from cloud_trainer.commands.report import report
from cloud_trainer.commands.search import confirm, search
from cloud_trainer.commands.train import train
from cloud_trainer.publishing.commands import mount
from models.errors import AttuneError, SettingsError

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # markup would swallow the [section] of a setting
    help=__doc__,
)
data_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The research data sets.")
data_app.command("list")(list_data)
data_app.command("check")(check_data)
app.add_typer(data_app, name="data")
app.command()(build)
app.command()(cards)
app.command()(confirm)
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

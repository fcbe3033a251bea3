"""`attune-agent`: the command line of the player.

Rules:

- Results go to standard output, everything else to standard error; 0 fine, 1 failed, 2 wrong use.
- An error that Attune raises on purpose is told in its own words, without a stack.
- Nothing heavy is imported before the command that needs it.
- NumPy computes in one thread: the products are small, the music needs the other cores, and threads that wait for each
  other cost more than they save. Whoever sets the variable knows better.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy is loaded, so it stands before all else

import sys
from typing import Annotated

import typer

from agent.catalogue.command import scan
from agent.commands import config, consent, wearables
from agent.commands.enrol import enrol
from agent.commands.gateway import gateway
from agent.commands.record import record
from agent.commands.run import run
from agent.commands.status import status
from agent.commands.track import track
from agent.commands.watch import watch
from models.errors import AttuneError

__all__ = ["app", "main"]

app = typer.Typer(
    name="attune-agent",
    help="A music player that listens back: it follows your wearable and re-ranks the music on your own disk.",
    epilog="Settings: attune-agent config show --default. Attune is no medical device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(run)
app.command()(scan)
app.command()(track)
app.command()(watch)
app.command()(status)
app.command()(gateway)
app.command()(record)
app.command()(enrol)
app.add_typer(wearables.app, name="wearables")
app.add_typer(consent.app, name="consent")
app.add_typer(config.app, name="config")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"attune {version('attune')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Tell the version and end.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    del version  # answered by its callback


def main() -> None:
    """Run the command line; the entry point of `attune-agent`."""
    try:
        app()
    except AttuneError as error:
        sys.stderr.write(f"attune-agent: {error}\n")
        sys.exit(1)

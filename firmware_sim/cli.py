"""`attune-sim`: wearables, listeners, demo music and faults on the command line."""

from __future__ import annotations

import typer

from firmware_sim.ble.command import ble
from firmware_sim.bundles.command import spoil
from firmware_sim.command import stream
from firmware_sim.demo.command import demo
from firmware_sim.music.command import music
from firmware_sim.recordings.command import convert, replay

__all__ = ["app", "main"]

app = typer.Typer(
    name="attune-sim",
    help="Stand in for wearables, listeners and a music library.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(stream)
app.command()(ble)
app.command()(music)
app.command()(demo)
app.command()(replay)
app.command()(spoil)
app.add_typer(convert)


def main() -> None:
    """Run the command line."""
    app()

"""`attune-sim demo`: the command line in front of the demo."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from models.errors import AttuneError

if TYPE_CHECKING:
    from firmware_sim.demo.run import Options
    from firmware_sim.demo.summary import Summary
    from firmware_sim.demo.workspace import Workspace

__all__ = ["demo"]

_PORT, _AIR_PORT = 1883, 6402


def demo(
    seconds: Annotated[float | None, typer.Option(min=5, help="End after this long; else run until Ctrl-C.")] = None,
    folder: Annotated[Path, typer.Option(metavar="DIR", help="Where music, settings and data go.")] = Path(".demo"),
    tracks: Annotated[int, typer.Option(min=12, max=999, help="Pieces in the demo catalogue.")] = 72,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The listener; another seed is another person.")] = 1,
    script: Annotated[
        str | None, typer.Option(help="The course of feeling, as for `attune-sim stream`; one that fits by default.")
    ] = None,
    reports_every: Annotated[
        float,
        typer.Option(min=0, help="Seconds between the listener's own words on how they feel; 0: the wearable alone."),
    ] = 15.0,
    output: Annotated[
        Literal["device", "file", "silent"],
        typer.Option(help="Where the sound goes; file is played.wav in the folder."),
    ] = "device",
    ble: Annotated[
        bool, typer.Option("--ble", help="The wearable speaks Bluetooth, over a virtual link and the agent's gateway.")
    ] = False,
    view: Annotated[bool, typer.Option(help="Show the live view, where there is a terminal.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON on standard output.")] = False,
) -> None:
    """Show the whole of Attune on one machine: music, agent, a simulated listener, and a score at the end.

    Example: attune-sim demo --seconds 60
    """
    from firmware_sim.demo.run import Options
    from firmware_sim.demo.workspace import Workspace, free_port

    terminal = sys.stdout.isatty() and sys.stdin.isatty()
    options = Options(
        seconds=seconds,
        script=script,
        reports_every_s=reports_every,
        output=output,
        view=view and terminal and not as_json,
    )
    try:
        air_port = free_port(_AIR_PORT) if ble else None
        workspace = Workspace(folder.expanduser().resolve(), free_port(_PORT), tracks, seed, air_port)
        summary = asyncio.run(_run(workspace, options))
    except AttuneError as error:
        typer.echo(f"attune-sim demo: {error}", err=True)
        raise typer.Exit(1) from error
    if as_json:
        import msgspec

        typer.echo(msgspec.json.encode(summary))
    else:
        typer.echo(f"\n{summary.text()}")


async def _run(workspace: Workspace, options: Options) -> Summary:
    from firmware_sim.demo.run import run

    # Waiting for a broker that is about to start, and losing it at the end, is what happens in every demo.
    for noisy in ("firmware_sim.link", "mqtt"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    return await run(workspace, options, stop=stop, tell=lambda text: typer.echo(text, err=True))

"""`attune-agent watch`: the live view of a running agent, over MQTT alone."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from agent.commands.options import ConfigOption, DeviceOption, HostOption, PortOption, target

__all__ = ["watch"]

_PLAIN_SIZE = (100, 30)
"""Columns and rows where there is no terminal to ask."""


def watch(
    *,
    config: ConfigOption = None,
    host: HostOption = None,
    port: PortOption = None,
    device: DeviceOption = None,
    seconds: Annotated[float | None, typer.Option(min=0.0, help="End by itself after so long.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Draw one frame and end.")] = False,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE.svg", dir_okay=False, help="Write the last frame as a picture.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="COLUMNSxROWS", help="Size of a frame; without it the terminal's.")
    ] = None,
) -> None:
    """Watch a running agent: how you feel, what plays, what comes next and why. q or Ctrl-C ends it.

    Example: attune-agent watch --config agent.toml --seconds 60 --save picture.svg
    """
    from rich.console import Console

    from agent.commands.live.session import Wishes, show

    name, broker = target(config, host=host, port=port, device=device)
    console = Console(highlight=False)
    cells = _size(size)
    if cells is None and not console.is_terminal and "COLUMNS" not in os.environ:
        cells = _PLAIN_SIZE
    if cells is not None:
        console.size = cells
    asyncio.run(show(name, broker, Wishes(seconds=seconds, once=once, save=save, size=cells), console))


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    columns, _, rows = text.partition("x")
    if not (columns.isdecimal() and rows.isdecimal()):
        message = f"{text!r} is no size: write columns x rows, 120x36"
        raise typer.BadParameter(message, param_hint="--size")
    return int(columns), int(rows)

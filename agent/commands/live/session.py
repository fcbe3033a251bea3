"""The live view as it runs: frames drawn when something was heard, and at least twice a second."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.live import Live

from agent.commands.live.keys import keys
from agent.commands.live.line import line
from agent.commands.live.link import Viewer, viewer
from agent.commands.live.observed import View
from agent.commands.live.picture import svg
from agent.commands.live.screen import screen
from agent.settings import Broker
from models.errors import AttuneError, Reason

__all__ = ["Wishes", "show"]

_QUICKEST_S: Final = 0.25
"""Between two frames: the eye needs no more, and drawing shares the machine with the player."""
_SLOWEST_S: Final = 0.5
_HEAR_WITHIN_S: Final = 5.0


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """How the view is wanted.

    Attributes:
        seconds: when to end by itself; None for not at all.
        once: draw one frame and end.
        save: where the last frame goes as SVG.
        size: columns and rows; None takes the terminal's.
    """

    seconds: float | None = None
    once: bool = False
    save: Path | None = None
    size: tuple[int, int] | None = None


async def show(device: str, broker: Broker, wishes: Wishes, console: Console) -> None:
    """Show a device until the time is over, a key ends it or a signal comes.

    Raises:
        BrokerError: a single frame is wanted and no broker answers.
        AttuneError: the picture cannot be written.
    """
    async with viewer(device, broker) as watching:
        if wishes.once:
            await watching.gather(timeout_s=_HEAR_WITHIN_S)
            console.print(screen(_view(watching), *_size(console, wishes)))
        else:
            await _follow(watching, wishes, console)
        if wishes.save is not None:
            columns, rows = _size(console, wishes)
            _save(wishes.save, svg(screen(_view(watching), columns, rows), columns, rows, title="attune-agent watch"))


async def _follow(watching: Viewer, wishes: Wishes, console: Console) -> None:
    stop = asyncio.Event()
    with _signals(stop), contextlib.suppress(TimeoutError):
        async with asyncio.timeout(wishes.seconds):
            if console.is_terminal:
                with keys(lambda typed: stop.set() if "q" in typed.lower() else None):
                    await _frames(watching, wishes, console, stop)
            else:
                await _lines(watching, console, stop)


async def _frames(watching: Viewer, wishes: Wishes, console: Console, stop: asyncio.Event) -> None:
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while not stop.is_set():
            live.update(screen(_view(watching), *_size(console, wishes)), refresh=True)
            await _pause(watching, stop)


async def _lines(watching: Viewer, console: Console, stop: asyncio.Event) -> None:
    """Without a terminal: a line whenever the queue was ranked anew."""
    told = -1
    while not stop.is_set():
        view = _view(watching)
        if view.queue is not None and view.reranks != told:
            told = view.reranks
            console.print(line(view), soft_wrap=True, markup=False, highlight=False)
        await _pause(watching, stop)


async def _pause(watching: Viewer, stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_QUICKEST_S):
            await stop.wait()
    if not stop.is_set():
        await watching.wait(_SLOWEST_S - _QUICKEST_S)


def _view(watching: Viewer) -> View:
    return watching.observed.view(time.time(), trouble=watching.trouble)


def _size(console: Console, wishes: Wishes) -> tuple[int, int]:
    return wishes.size or (console.width, console.height)


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    caught = (signal.SIGINT, signal.SIGTERM)
    for number in caught:
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)


def _save(path: Path, drawing: str) -> None:
    try:
        path.expanduser().write_text(drawing, encoding="utf-8")
    except OSError as error:
        message = f"Cannot write the picture {path}: {error.strerror}"
        raise AttuneError(message, reason=Reason.UNREADABLE, remedy="Choose another place") from error

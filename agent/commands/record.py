"""`attune-agent record`: what the wearables send, into a session file."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from agent.commands.options import (
    ConfigOption,
    DeviceOption,
    HostOption,
    JsonOption,
    PortOption,
    print_json,
    target,
)

if TYPE_CHECKING:
    from agent.commands.recorder import Recorder
    from agent.integration.link import Link
    from agent.settings import Broker

__all__ = ["record"]

_CONNECT_WITHIN_S: Final = 5.0
_PLAIN_COLUMNS: Final = 80
"""Of a terminal that does not know its size."""
_POLL_S: Final = 0.05
"""The link tells of a failed attempt in its status alone: so often it is looked at."""


def record(
    file: Annotated[Path, typer.Argument(metavar="FILE", dir_okay=False, help="A new file, such as walk.session.gz.")],
    *,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="End by itself after so long.")] = None,
    with_state: Annotated[
        bool, typer.Option("--with-state", help="Record the player's state, what plays and its queue as well.")
    ] = False,
    config: ConfigOption = None,
    host: HostOption = None,
    port: PortOption = None,
    device: DeviceOption = None,
    listener: Annotated[
        str | None, typer.Option(help="Whose wearables, instead of the settings' listener.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Record what the listener's wearables send, to play it again with `attune-sim replay`. Ctrl-C ends it.

    The file holds health data: keep it where only you can read it. Example: attune-agent record walk.session.gz
    """
    from agent import settings
    from models.wire.topics import DeviceTopics, sense_filter

    name, broker = target(config, host=host, port=port, device=device)
    filters = [sense_filter(settings.load(config).listener.id if listener is None else listener)]
    if with_state:
        topics = DeviceTopics(name)
        filters += [topics.affect, topics.now, topics.queue]
    recorder = asyncio.run(_record(file.expanduser(), broker, filters, seconds))
    _show(recorder, file, as_json=as_json)


async def _record(file: Path, broker: Broker, filters: list[str], seconds: float | None) -> Recorder:
    from agent.commands.recorder import Recorder
    from agent.integration.link import Link, LinkSettings
    from models.wire.session import Header, SessionWriter

    settings = LinkSettings(
        host=broker.address,
        port=broker.port,
        client_id=f"attune-record-{os.getpid()}-{secrets.token_hex(4)}",
        username=broker.username,
        password_file=broker.password_file,
        ca_file=broker.ca_file,
        cert_file=broker.cert_file,
        key_file=broker.key_file,
    )
    stop = asyncio.Event()
    link = Link(settings)
    for topic_filter in filters:
        link.subscribe(topic_filter, qos=1)
    async with link:
        with _signals(stop):
            await _connected(link, f"{broker.address}:{broker.port}", stop)
            header = Header(t=time.time(), source=f"attune-agent record, {', '.join(filters)}")
            with SessionWriter(file, header) as writer:
                recorder = Recorder(link, writer)
                sys.stderr.write(f"Recording into {file}; Ctrl-C ends it\n")
                sys.stderr.flush()
                try:
                    await recorder.run(stop, seconds=seconds, tell=_progress)
                finally:
                    _progress_ends()
    return recorder


async def _connected(link: Link, where: str, stop: asyncio.Event) -> None:
    """Wait for the broker, so that a file is only begun where something can come.

    Raises:
        BrokerError: nobody answers in time.
    """
    from models.errors import BrokerError, Reason

    until = time.monotonic() + _CONNECT_WITHIN_S
    while not (link.status().connected or link.status().last_error or time.monotonic() > until):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_POLL_S):
                await stop.wait()
                return
    if not link.status().connected:
        raise BrokerError(
            (link.status().last_error or f"No broker answers at {where}").split(". ")[0],
            reason=Reason.UNREACHABLE,
            remedy="Start the agent, or name its broker with --config or --host and --port",
        )


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


def _progress(recorder: Recorder) -> None:
    """One line that is written over, on a terminal alone."""
    if sys.stderr.isatty():
        minutes, seconds = divmod(int(recorder.elapsed_s), 60)
        quantities = ", ".join(sorted(recorder.packs)) or "nothing yet"
        line = f"{minutes}:{seconds:02d}  {recorder.packs.total()} packs  {quantities}"
        columns = os.get_terminal_size(sys.stderr.fileno()).columns or _PLAIN_COLUMNS
        sys.stderr.write("\r\x1b[K" + line[: columns - 1])
        sys.stderr.flush()


def _progress_ends() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")


def _show(recorder: Recorder, file: Path, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "file": str(file),
                "seconds": round(recorder.elapsed_s, 1),
                "packs": dict(recorder.packs),
                "other_messages": recorder.others,
            }
        )
        return
    lines = [f"{file}: {recorder.packs.total()} packs and {recorder.others} other messages"]
    lines += [f"  {name}: {count}" for name, count in sorted(recorder.packs.items())]
    typer.echo("\n".join(lines))

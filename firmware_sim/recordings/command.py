"""`attune-sim replay` and `attune-sim convert`: recorded people on the command line."""

from __future__ import annotations

import asyncio
import logging
import math
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from models.errors import AttuneError

if TYPE_CHECKING:
    from firmware_sim.recordings.playing import Played, Stretch
    from firmware_sim.recordings.recording import Recording
    from firmware_sim.settings import BrokerSection

__all__ = ["convert", "replay"]

convert = typer.Typer(
    name="convert",
    help="Write recorded people as sessions, to be played with `attune-sim replay`.",
    no_args_is_help=True,
)

OutOption = Annotated[
    Path, typer.Option("--out", metavar="FILE", dir_okay=False, help="A new file, such as walk.session.gz.")
]
DataOption = Annotated[Path, typer.Option("--data", metavar="DIR", help="Where the research data sets lie.")]
ListenerOption = Annotated[str, typer.Option(help="Under whose name it is recorded.")]
_DATA = Path("../shared/data")


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", dir_okay=False, help="A session.")],
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings file; config/sim.toml explains it.")
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="Broker; an agent's embedded one on this machine by default.")
    ] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="The broker's port.")] = None,
    listener: Annotated[str | None, typer.Option(help="Whose wearables they are said to be.")] = None,
    first_s: Annotated[float, typer.Option("--from", min=0.0, help="Begin so many seconds into the session.")] = 0.0,
    last_s: Annotated[float | None, typer.Option("--to", min=0.0, help="End so many seconds into the session.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as JSON on standard output.")] = False,
) -> None:
    """Play a session over MQTT as if it happened now. In real time, as everything over the wire; Ctrl-C ends it.

    Example: attune-sim replay walk.session.gz --from 600 --to 900
    """
    from firmware_sim.recordings.playing import Stretch
    from firmware_sim.settings import SimulatorSettings
    from models.settings import load
    from models.wire.topics import check_name

    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(name)s: %(message)s")
    with _told("replay"):
        settings = load(SimulatorSettings, program="sim", config=config)
        broker = settings.broker
        if host is not None:
            broker = msgspec.structs.replace(broker, host=host)
        if port is not None:
            broker = msgspec.structs.replace(broker, port=port)
        name = check_name(settings.listener.id if listener is None else listener, "the listener")
        stretch = Stretch(first_s, math.inf if last_s is None else last_s)
        played = asyncio.run(_replay(file.expanduser(), broker, name, stretch))
    _show(file, played, as_json=as_json)


async def _replay(file: Path, broker: BrokerSection, listener: str, stretch: Stretch) -> Played:
    from firmware_sim.recordings.playing import play
    from models.wire.session import SessionReader

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    with SessionReader(file) as session:
        try:
            return await play(session, broker, listener=listener, stretch=stretch, stop=stop, tell=_progress)
        finally:
            if sys.stderr.isatty():
                sys.stderr.write("\r\x1b[K")


def _progress(elapsed_s: float) -> None:
    if sys.stderr.isatty():
        minutes, seconds = divmod(int(elapsed_s), 60)
        sys.stderr.write(f"\r\x1b[K{minutes}:{seconds:02d} of the session played")
        sys.stderr.flush()


def _show(file: Path, played: Played, *, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode({"file": str(file), **msgspec.to_builtins(played)}))
        return
    lines = [f"{file}: {played.packs.total()} packs in {played.seconds:.0f} s, {played.lost} lost without a broker"]
    lines += [f"  {name}: {count}" for name, count in sorted(played.packs.items())]
    if played.unreadable:
        lines.append(f"  {played.unreadable} of them nobody can read; they went out as they came")
    if played.left_out:
        lines.append(f"  {played.left_out} messages of a player were not sent")
    if played.is_cut:
        lines.append("  The file was cut off; it was played up to there.")
    typer.echo("\n".join(lines))


@convert.command()
def e4(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", file_okay=False, help="With EDA.csv and its siblings.")],
    out: OutOption,
    listener: ListenerOption = "me",
) -> None:
    """Convert an Empatica E4 export: a folder of CSV files, gzip'd or not."""
    from firmware_sim.recordings.e4 import read

    with _told("convert"):
        _write(read(folder.expanduser()), out, listener)


@convert.command()
def hku956(
    participant: Annotated[str, typer.Argument(metavar="PARTICIPANT", help="Such as hku1904.")],
    out: OutOption,
    data: DataOption = _DATA,
    listener: ListenerOption = "me",
) -> None:
    """Convert a participant of HKU956, who heard music and told how it felt."""
    from firmware_sim.recordings.hku956 import read

    with _told("convert"):
        _write(read(data.expanduser() / "hku956", participant), out, listener)


@convert.command("exam-stress")
def exam_stress(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Such as S1.")],
    session: Annotated[str, typer.Argument(metavar="SESSION", help="Midterm1, Midterm2 or Final.")],
    out: OutOption,
    data: DataOption = _DATA,
    listener: ListenerOption = "me",
) -> None:
    """Convert an exam of the exam stress data set: hours of a student's wristband."""
    from firmware_sim.recordings.exam_stress import read

    with _told("convert"):
        _write(read(data.expanduser() / "exam-stress-e4", person, session), out, listener)


@convert.command()
def signals(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as bio-resting-5min; a wrong one lists them all.")],
    out: OutOption,
    data: DataOption = _DATA,
    listener: ListenerOption = "me",
) -> None:
    """Convert a test signal of NeuroKit2, HeartPy, BioSPPy or flirt."""
    from firmware_sim.recordings.signals import read

    with _told("convert"):
        _write(read(data.expanduser() / "signals", name), out, listener)


def _write(recording: Recording, out: Path, listener: str) -> None:
    from firmware_sim.recordings.recording import entries, header
    from models.wire.session import SessionWriter

    with SessionWriter(out.expanduser(), header(recording)) as writer:
        writer.write(entries(recording, listener=listener))
    samples = ", ".join(f"{quantity} {len(series.times)}" for quantity, series in recording.series.items())
    typer.echo(f"{out}: {recording.source}, {writer.entries} messages, {writer.size} bytes; samples: {samples}")


@contextmanager
def _told(command: str) -> Iterator[None]:
    """Tell an error of ours in its own words and end with 1."""
    try:
        yield
    except AttuneError as error:
        typer.echo(f"attune-sim {command}: {error}", err=True)
        raise typer.Exit(1) from error

"""`attune-sim stream`: the command line in front of a simulated listener and their wearables."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import msgspec
import typer

from firmware_sim.settings import Course, Format, Kind, SimulatorSettings, WearableSection
from models.errors import AttuneError, Reason, SettingsError
from models.settings import load

if TYPE_CHECKING:
    from firmware_sim.link import Link
    from firmware_sim.simulation import Report

__all__ = ["stream"]

_WRONG_USE = frozenset({Reason.WRONG_VALUE, Reason.UNKNOWN_KEY, Reason.WRONG_TYPE, Reason.NOT_TOML})


def stream(
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings file; config/sim.toml explains it.")
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="Broker; an agent's embedded one on this machine by default.")
    ] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="The broker's port.")] = None,
    device: Annotated[str | None, typer.Option(help="The player that the listener hears.")] = None,
    listener: Annotated[str | None, typer.Option(help="The listener's name.")] = None,
    wearable: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[:KIND]", help="What is worn, band or strap; may be given several times."),
    ] = None,
    course: Annotated[Course | None, typer.Option(help="scripted, random, or follow (the music that plays).")] = None,
    script: Annotated[
        str | None, typer.Option(help="A named script, a .toml file, or points 'seconds,valence,arousal; …'.")
    ] = None,
    fit: Annotated[bool, typer.Option("--fit", help="Stretch the script to --seconds.")] = False,
    music: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The demo catalogue, for --course follow and --skips.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**32 - 1, help="Decides everything random.")] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.25, help="End after this long; else run until stopped.")
    ] = None,
    pack_format: Annotated[Format | None, typer.Option("--format", help="cbor or json.")] = None,
    quantities: Annotated[
        str | None, typer.Option(help="What is sent, for instance hr,rr,eda; all by default.")
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[:SHARE]", help="Lie now and then: duplicate, future:0.1, …; several times."),
    ] = None,
    skips: Annotated[bool, typer.Option("--skips", help="Skip disliked tracks and like loved ones.")] = False,
    reports_every: Annotated[
        float | None, typer.Option(min=0, help="Report the feeling every so many seconds.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as JSON on standard output.")] = False,
) -> None:
    """Simulate a listener with wearables and publish what they measure over MQTT, in real time.

    Example: attune-sim stream --script commute --course scripted --wearable band --wearable strap:strap --seconds 300
    """
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s: %(message)s")
    given: dict[str, dict[str, Any]] = {
        "broker": {"host": host, "port": port},
        "device": {"id": device},
        "library": {"folder": music},
        "listener": {
            "id": listener,
            # A script that is named is meant to be played.
            "course": course or ("scripted" if script else None),
            "script": script,
            "fit": fit or None,
            "seed": seed,
            "skips": skips or None,
            "reports_every_s": reports_every,
        },
    }
    worn: dict[str, Any] = {
        "format": pack_format,
        "quantities": [name.strip() for name in quantities.split(",")] if quantities else None,
        "faults": fault or None,
    }
    try:
        settings = _merged(load(SimulatorSettings, program="sim", config=config), given, wearable, worn)
        report, link = asyncio.run(_run(settings, seconds))
    except AttuneError as error:
        typer.echo(f"attune-sim stream: {error}", err=True)
        raise typer.Exit(2 if error.reason in _WRONG_USE else 1) from error
    _show(report, link, as_json=as_json)


def _merged(
    settings: SimulatorSettings, given: dict[str, dict[str, Any]], names: list[str] | None, worn: dict[str, Any]
) -> SimulatorSettings:
    """Lay what was given on the command line over the settings; refuse it by the same rules.

    Raises:
        SettingsError: a value is not allowed.
    """
    content: dict[str, Any] = msgspec.to_builtins(settings, enc_hook=str)
    for section, values in given.items():
        content[section] |= {key: value for key, value in values.items() if value is not None}
    wearables: list[dict[str, Any]] = (
        [_worn(name, content["wearables"]) for name in names] if names else content["wearables"]
    )
    content["wearables"] = [
        each | {key: value for key, value in worn.items() if value is not None} for each in wearables
    ]
    try:
        return msgspec.convert(content, SimulatorSettings, dec_hook=lambda kind, value: kind(value))
    except msgspec.ValidationError as error:
        raise SettingsError(
            f"A value on the command line is not allowed: {error}",
            reason=Reason.WRONG_VALUE,
            remedy="Names have a-z, 0-9 and - only; quantities are hr, rr, ppg, eda, temp, acc and batt",
        ) from error


def _worn(text: str, configured: list[dict[str, Any]]) -> dict[str, Any]:
    """The wearable that `NAME[:KIND]` means: the configured one of that name, else a new one."""
    name, _, kind = text.partition(":")
    if kind and kind not in get_args(Kind):
        raise SettingsError(
            f"There is no kind of wearable {kind!r}",
            reason=Reason.WRONG_VALUE,
            remedy=f"Use {', '.join(get_args(Kind))}",
        )
    found = next((each for each in configured if each["name"] == name), None)
    base: dict[str, Any] = found or msgspec.to_builtins(WearableSection()) | {"name": name}
    return base | ({"kind": kind} if kind else {})


async def _run(settings: SimulatorSettings, seconds: float | None) -> tuple[Report, Link]:
    from firmware_sim.stream import stream as run

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        return await run(settings, seconds=seconds, stop=stop)
    except* AttuneError as errors:
        # One task failed and took the others with it; what failed is what the caller wants to know.
        first: BaseException = errors
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


def _show(report: Report, link: Link, *, as_json: bool) -> None:
    if as_json:
        content = msgspec.to_builtins(report)
        content |= {"packs_sent": report.packs_sent, "connections": link.connections, "lost": link.lost}
        typer.echo(msgspec.json.encode(content))
        return
    lines = [f"{report.seconds:.0f} s simulated, {report.packs_sent} packs sent, {link.lost} lost without a broker."]
    for name, packs in report.packs.items():
        counts = ", ".join(f"{quantity} {count}" for quantity, count in packs.items())
        lines.append(f"  {name}: {counts}; {report.gaps[name]} packs lost on the radio")
        told = ", ".join(f"{fault} {count}" for fault, count in report.faults.get(name, {}).items())
        if told:
            lines.append(f"  {name} lied: {told}")
    if report.commands:
        lines.append("  commands: " + ", ".join(f"{verb} {count}" for verb, count in report.commands.items()))
    typer.echo("\n".join(lines))

"""`attune-sim ble`: the command line in front of virtual Bluetooth wearables."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import msgspec
import typer

from firmware_sim.settings import BleKind, BleWearableSection, Course, SimulatorSettings
from models.errors import AttuneError, Reason, SettingsError
from models.settings import load

if TYPE_CHECKING:
    from firmware_sim.ble.stream import OnAir, Radio
    from firmware_sim.simulation import Report

__all__ = ["ble"]

_WRONG_USE = frozenset({Reason.WRONG_VALUE, Reason.UNKNOWN_KEY, Reason.WRONG_TYPE, Reason.NOT_TOML})


def ble(
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings file; config/sim.toml explains it.")
    ] = None,
    wearables: Annotated[
        str | None,
        typer.Option(metavar="KIND,…", help="What is worn: strap, polar, sense, oximeter, thermometer; or NAME:KIND."),
    ] = None,
    listen: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where the virtual link is; 127.0.0.1:6402 by default.")
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FAULT",
            help="What goes wrong: NAME[:SHARE] or NAME@START[+LENGTH] (seconds), of drop, silent, truncated, extended,"
            " random, copies, zero, fill, frozen, future, 1970; several times.",
        ),
    ] = None,
    gaps: Annotated[bool, typer.Option(help="Go out of reach now and then, as set; --no-gaps: never.")] = True,
    host: Annotated[str | None, typer.Option(help="Broker, for the truth; one on this machine by default.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="The broker's port.")] = None,
    device: Annotated[str | None, typer.Option(help="The player that the listener hears.")] = None,
    listener: Annotated[str | None, typer.Option(help="The listener's name.")] = None,
    course: Annotated[Course | None, typer.Option(help="scripted, random, or follow (the music that plays).")] = None,
    script: Annotated[
        str | None, typer.Option(help="A named script, a .toml file, or points 'seconds,valence,arousal; …'.")
    ] = None,
    fit: Annotated[bool, typer.Option("--fit", help="Stretch the script to --seconds.")] = False,
    music: Annotated[Path | None, typer.Option(metavar="DIR", help="The demo catalogue, for --course follow.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**32 - 1, help="Decides everything random.")] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.25, help="End after this long; else run until stopped.")
    ] = None,
    reports_every: Annotated[
        float | None, typer.Option(min=0, help="Report the feeling every so many seconds.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as JSON on standard output.")] = False,
) -> None:
    """Be Bluetooth wearables on a virtual link: GATT services over HCI on TCP, driven by a simulated body.

    To a gateway the link is the adapter hci:tcp-client:127.0.0.1:6402. What the listener truly feels is published over
    MQTT, as by `attune-sim stream`.

    Example: attune-sim ble --wearables strap,oximeter,polar --script commute --fault drop@30+10 --seconds 300
    """
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s: %(message)s")
    # Bumble tells of every packet that came a moment after its link was lost.
    logging.getLogger("bumble").setLevel(logging.CRITICAL)
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
            "reports_every_s": reports_every,
        },
    }
    try:
        given["ble"] = _place(listen)
        worn = ({"faults": fault} if fault else {}) | ({} if gaps else {"gaps_per_hour": 0.0})
        settings = _merged(load(SimulatorSettings, program="sim", config=config), given, wearables, worn)
        report, radios = asyncio.run(_run(settings, seconds))
    except AttuneError as error:
        typer.echo(f"attune-sim ble: {error}", err=True)
        raise typer.Exit(2 if error.reason in _WRONG_USE else 1) from error
    _show(report, radios, as_json=as_json)


def _place(listen: str | None) -> dict[str, Any]:
    if listen is None:
        return {}
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal():
        raise SettingsError(
            f"{listen!r} is no place to listen", reason=Reason.WRONG_VALUE, remedy="Write --listen 127.0.0.1:6402"
        )
    return {"host": host, "port": int(port)}


def _merged(
    settings: SimulatorSettings, given: dict[str, dict[str, Any]], names: str | None, worn: dict[str, Any]
) -> SimulatorSettings:
    """Lay what was given on the command line over the settings; refuse it by the same rules.

    Raises:
        SettingsError: a value is not allowed.
    """
    content: dict[str, Any] = msgspec.to_builtins(settings, enc_hook=str)
    for section, values in given.items():
        content[section] |= {key: value for key, value in values.items() if value is not None}
    configured: list[dict[str, Any]] = content["ble"]["wearables"]
    chosen = [_worn(text.strip(), configured) for text in names.split(",")] if names else configured
    content["ble"]["wearables"] = [each | worn for each in chosen]
    try:
        return msgspec.convert(content, SimulatorSettings, dec_hook=lambda kind, value: kind(value))
    except msgspec.ValidationError as error:
        raise SettingsError(
            f"A value on the command line is not allowed: {error}",
            reason=Reason.WRONG_VALUE,
            remedy="Names have a-z, 0-9 and - only",
        ) from error


def _worn(text: str, configured: list[dict[str, Any]]) -> dict[str, Any]:
    """The wearable that `KIND` or `NAME:KIND` means: the configured one of that name, else a new one."""
    name, _, kind = text.partition(":")
    found = next((each for each in configured if each["name"] == name), None)
    kind = kind or (found["kind"] if found else name)
    if kind not in get_args(BleKind):
        raise SettingsError(
            f"There is no kind of Bluetooth wearable {kind!r}",
            reason=Reason.WRONG_VALUE,
            remedy=f"Use {', '.join(get_args(BleKind))}",
        )
    base: dict[str, Any] = found or msgspec.to_builtins(BleWearableSection()) | {"name": name}
    return base | {"kind": kind}


async def _run(settings: SimulatorSettings, seconds: float | None) -> tuple[Report, dict[str, Radio]]:
    try:
        from firmware_sim.ble.stream import stream
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] != "bumble":
            raise
        raise AttuneError(
            "Virtual Bluetooth needs Bumble, which is not installed",
            reason=Reason.MISSING,
            remedy="Install it with pip install 'attune[sim]'",
        ) from error

    def ready(on_air: OnAir) -> None:
        shown = ", ".join(f"{name} {peripheral.address}" for name, peripheral in on_air.peripherals.items())
        logging.getLogger(__name__).info("hci:tcp-client:%s:%d: %s", settings.ble.host, on_air.port, shown)

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        return await stream(settings, seconds=seconds, stop=stop, ready=ready)
    except* AttuneError as errors:
        # One task failed and took the others with it; what failed is what the caller wants to know.
        first: BaseException = errors
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


def _show(report: Report, radios: dict[str, Radio], *, as_json: bool) -> None:
    if as_json:
        content: dict[str, Any] = msgspec.to_builtins(report)
        sent = sum(radio.sent for radio in radios.values())
        typer.echo(msgspec.json.encode(content | {"packs_sent": sent, "radios": msgspec.to_builtins(radios)}))
        return
    lines = [f"{report.seconds:.0f} s simulated."]
    for name, radio in radios.items():
        lines.append(
            f"  {name} ({radio.address}): {radio.connections} connections, {radio.sent} notices sent,"
            f" {radio.dropped} dropped, {report.gaps[name]} times out of reach"
        )
        lines.append("    made: " + ", ".join(f"{kind} {count}" for kind, count in report.packs[name].items()))
        told = ", ".join(f"{fault} {count}" for fault, count in report.faults.get(name, {}).items())
        if told:
            lines.append(f"    lied: {told}")
    typer.echo("\n".join(lines))

"""`attune-agent wearables`: what is in the air, and whose it is."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from agent.commands.options import ConfigOption, JsonOption, log_to_stderr, print_json

if TYPE_CHECKING:
    from agent.sensing.gateway.pairings import Pairing, Pairings
    from agent.sensing.gateway.survey import Found
    from agent.settings import AgentSettings

__all__ = ["app"]

app = typer.Typer(invoke_without_command=True)

AdapterOption: TypeAlias = Annotated[
    str | None, typer.Option("--adapter", help="Bluetooth to use, instead of the settings'.", show_default=False)
]
SecondsOption: TypeAlias = Annotated[float, typer.Option("--seconds", min=0.5, max=300.0, help="How long to listen.")]


@app.callback()
def listing(
    context: typer.Context,
    config: ConfigOption = None,
    adapter: AdapterOption = None,
    seconds: SecondsOption = 6.0,
    everything: Annotated[bool, typer.Option("--all", help="List what is no sensor too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the Bluetooth wearables in the air, pair one with a listener, forget one.

    Put them on first: most advertise only when worn.

    Example: attune-agent wearables --seconds 10
    """
    if context.invoked_subcommand is not None:
        if config or adapter or everything or as_json:
            message = f"write options behind it: attune-agent wearables {context.invoked_subcommand} …"
            raise typer.BadParameter(message, param_hint=context.invoked_subcommand)
        return
    loaded, pairings = _open(config)
    paired = {each.address: each for each in pairings.load()}
    found = _look(loaded, adapter, seconds, paired)
    shown = [each for each in found if everything or each.is_sensor or each.wearable]
    if as_json:
        import msgspec

        print_json(msgspec.to_builtins(shown))
        return
    for each in shown:
        typer.echo(_line(each))
    if not shown:
        others = f" ({len(found)} other devices: --all lists them)" if found else ""
        typer.echo(f"No wearable in the air{others}. Put it on, and see that no phone is connected to it.")


@app.command()
def pair(
    address: Annotated[str, typer.Argument(help="As `attune-agent wearables` shows it.")],
    name: Annotated[
        str | None,
        typer.Option(help="Its name in topics; without it made of what it calls itself.", show_default=False),
    ] = None,
    listener: Annotated[
        str | None, typer.Option(help="Whose it is, instead of the settings' listener.", show_default=False)
    ] = None,
    unseen: Annotated[bool, typer.Option("--unseen", help="Do not look whether it is in the air.")] = False,
    config: ConfigOption = None,
    adapter: AdapterOption = None,
    seconds: SecondsOption = 15.0,
    as_json: JsonOption = False,
) -> None:
    """Pair a wearable with a listener: the gateway connects to it from now on, whenever it is near.

    Example: attune-agent wearables pair F0:F1:F2:F3:F4:01 --name strap
    """
    from agent.sensing.gateway.pairings import Pairing, check_address, wearable_name

    address = check_address(address)
    loaded, pairings = _open(config)
    known = next((each for each in pairings.load() if each.address == address), None)
    called = known.model if known else ""
    if not unseen:
        called = _must_hear(loaded, adapter, seconds, address).name or called
    before = known.name if known else wearable_name(called, address)
    made = Pairing(address, name or before, listener or loaded.listener.id, called, round(time.time(), 3))
    pairings.pair(made)
    _tell(made, f"{made.name} ({address}) belongs to {made.listener}", as_json=as_json)


@app.command()
def forget(
    which: Annotated[str, typer.Argument(metavar="ADDRESS|NAME", help="Which wearable.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget a wearable: the gateway lets go of it within seconds. Fails where there is none of that name.

    Example: attune-agent wearables forget strap
    """
    from models.errors import Reason, WireError

    _, pairings = _open(config)
    gone = pairings.forget(which)
    if gone is None:
        raise WireError(
            f"no wearable {which[:64]!r} is paired",
            reason=Reason.WRONG_VALUE,
            remedy="List those that are with attune-agent wearables",
        )
    _tell(gone, f"{gone.name} ({gone.address}) is forgotten", as_json=as_json)


def _open(config: Path | None) -> tuple[AgentSettings, Pairings]:
    from agent import settings
    from agent.sensing.gateway.pairings import Pairings

    loaded = settings.load(config)
    log_to_stderr(loaded.log.level)
    return loaded, Pairings(loaded.storage.folder)


def _look(
    loaded: AgentSettings, adapter: str | None, seconds: float, paired: dict[str, Pairing], until: str | None = None
) -> list[Found]:
    from functools import partial

    from agent.sensing.gateway.adapters import open_adapter
    from agent.sensing.gateway.survey import look_around

    opening = partial(open_adapter, adapter or loaded.gateway.adapter)
    return asyncio.run(look_around(opening, seconds, paired, until=until))


def _must_hear(loaded: AgentSettings, adapter: str | None, seconds: float, address: str) -> Found:
    from models.errors import AttuneError, Reason

    for each in _look(loaded, adapter, seconds, {}, until=address):
        if each.address == address:
            return each
    raise AttuneError(
        f"{address} was not heard within {seconds:.0f} seconds",
        reason=Reason.NO_DEVICE,
        remedy="Put it on and close to this device, see that no phone is connected to it, or pair it with --unseen",
    )


def _line(found: Found) -> str:
    strength = "  not heard" if found.rssi_dbm is None else f"{found.rssi_dbm:4d} dBm"
    owner = f"  {found.wearable}, of {found.listener}" if found.wearable else ""
    services = ", ".join(each.replace("_", " ") for each in found.services)
    return f"{found.address}  {strength:>11}  {found.name or '(no name)':24}  {services}{owner}".rstrip()


def _tell(pairing: Pairing, text: str, *, as_json: bool) -> None:
    if as_json:
        import msgspec

        print_json(msgspec.to_builtins(pairing))
    else:
        typer.echo(text)

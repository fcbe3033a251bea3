"""Options that several commands share, and how a command ends."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

if TYPE_CHECKING:
    from agent.settings import Broker

__all__ = [
    "ConfigOption",
    "DeviceOption",
    "HostOption",
    "JsonOption",
    "PortOption",
    "log_to_stderr",
    "print_json",
    "target",
]

ConfigOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings file; without it $XDG_CONFIG_HOME/attune/agent.toml, else the defaults.",
        show_default=False,
    ),
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")]
HostOption: TypeAlias = Annotated[
    str | None, typer.Option(help="Broker of the agent, instead of the settings'.", show_default=False)
]
PortOption: TypeAlias = Annotated[
    int | None, typer.Option(min=1, max=65535, help="Its port, instead of the settings'.", show_default=False)
]
DeviceOption: TypeAlias = Annotated[
    str | None, typer.Option(help="Name of the player, instead of the settings'.", show_default=False)
]


def target(config: Path | None, *, host: str | None, port: int | None, device: str | None) -> tuple[str, Broker]:
    """Tell which device to look at, and at which broker: the settings', as far as no option says otherwise.

    Raises:
        SettingsError: the settings are wrong.
        WireError: the device's name cannot stand in a topic.
    """
    import msgspec

    from agent import settings
    from models.wire.topics import check_name

    loaded = settings.load(config)
    broker = loaded.broker
    if host is not None:
        broker = msgspec.structs.replace(broker, host=host)
    if port is not None:
        broker = msgspec.structs.replace(broker, port=port)
    return check_name(loaded.device.id if device is None else device, "the device"), broker


def print_json(answer: object) -> None:
    """Write an answer for programs to standard output."""
    sys.stdout.write(json.dumps(answer, ensure_ascii=False, indent=2) + "\n")


def log_to_stderr(level: str) -> None:
    """Send the log of the whole program to standard error; results alone go to standard output."""
    logging.basicConfig(
        stream=sys.stderr, level=level.upper(), format="%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    )
    # aiomqtt warns of ten pending calls, which a burst of retained messages reaches at every connection.
    logging.getLogger("mqtt").setLevel(logging.ERROR)

"""`attune-agent gateway`: Bluetooth wearables, read in a process of their own."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from agent.commands.options import ConfigOption, HostOption, JsonOption, PortOption, log_to_stderr, print_json

__all__ = ["gateway"]


def gateway(
    config: ConfigOption = None,
    host: HostOption = None,
    port: PortOption = None,
    adapter: Annotated[
        str | None, typer.Option(help="Bluetooth to use, instead of the settings'.", show_default=False)
    ] = None,
    seconds: Annotated[float | None, typer.Option(min=0.0, help="End by itself after so long.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Read the paired Bluetooth wearables and publish what they measure. Ends with Ctrl-C or SIGTERM.

    Pair them first: attune-agent wearables. The agent does this itself where its settings
    say inside = true.

    Example: attune-agent gateway --config ~/.config/attune/agent.toml
    """
    import msgspec

    from agent import settings
    from agent.sensing.gateway.process import serve

    loaded = settings.load(config)
    broker = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    radio = {} if adapter is None else {"adapter": adapter}
    loaded = msgspec.structs.replace(
        loaded,
        broker=msgspec.structs.replace(loaded.broker, **broker),
        gateway=msgspec.structs.replace(loaded.gateway, **radio),
    )
    log_to_stderr(loaded.log.level)
    status = asyncio.run(serve(loaded, seconds=seconds))
    if as_json:
        print_json(msgspec.to_builtins(status))
    raise typer.Exit(0)

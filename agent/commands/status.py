"""`attune-agent status`: how a running agent is, once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

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
    from agent.commands.live.observed import View
    from agent.settings import Broker

__all__ = ["status"]


def status(
    *,
    config: ConfigOption = None,
    host: HostOption = None,
    port: PortOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for an answer.")] = 3.0,
) -> None:
    """Tell how a running agent is. Fails where it is offline or cannot be reached.

    Example: attune-agent status --json
    """
    name, broker = target(config, host=host, port=port, device=device)
    view = asyncio.run(_ask(name, broker, timeout))
    if as_json:
        print_json(_plain(view))
    else:
        from agent.commands.live.summary import summary

        typer.echo(summary(view))
    raise typer.Exit(0 if view.is_online else 1)


async def _ask(device: str, broker: Broker, timeout_s: float) -> View:
    import time

    from agent.commands.live.link import viewer

    async with viewer(device, broker) as watching:
        await watching.gather(timeout_s=timeout_s)
        return watching.observed.view(time.time())


def _plain(view: View) -> dict[str, object]:
    import msgspec

    states = {name: getattr(view, name) for name in ("affect", "now", "queue", "health", "bundle")}
    return {
        "device": view.device,
        "broker": view.broker,
        "online": bool(view.is_online),
        **{name: msgspec.to_builtins(state) for name, state in states.items()},
    }

"""`attune-trainer status`: a channel on the disk and on the broker."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta

import msgspec
import typer

from cloud_trainer.commands.options import Config, Json
from cloud_trainer.publishing.commands.options import ChannelName, Host, Port, open_channel, publishing_settings

__all__ = ["status"]


def status(
    *,
    channel: ChannelName = "stable",
    host: Host = None,
    port: Port = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Tell what a channel offers, until when what is signed holds, and whether the broker has it; 1 where it has not.

    Example: attune-trainer status --channel stable
    """
    from cloud_trainer.publishing.broker import connected
    from cloud_trainer.publishing.mirror import differences
    from cloud_trainer.publishing.publisher import fence

    settings = publishing_settings(config, host, port)
    place = open_channel(settings, channel)
    root = place.root()
    offer = place.offer() if place.folder.versions("targets") else None

    async def look() -> list[str]:
        async with connected(settings, fence=fence(channel)) as broker:
            return await differences(place, broker)

    missing = asyncio.run(look())
    until = place.expiries()
    soon = {role: at for role, at in until.items() if at < datetime.fromtimestamp(time.time(), UTC) + timedelta(days=2)}
    if as_json:
        answer = {"channel": channel, "root": root.version, "offer": msgspec.to_builtins(offer), "missing": missing}
        typer.echo(json.dumps({**answer, "expires": {role: f"{at:%Y-%m-%dT%H:%M:%SZ}" for role, at in until.items()}}))
    else:
        typer.echo(f"channel {channel}, root {root.version}, in {place.folder.path}")
        typer.echo(f"offers  {'nothing yet' if offer is None else f'bundle {offer.version}, {offer.rollout.status}'}")
        for role, at in until.items():
            typer.echo(f"{role:10} holds until {at:%Y-%m-%d %H:%M} UTC" + (" (soon)" if role in soon else ""))
        where = f"{settings.host}:{settings.port}"
        typer.echo(f"{where} has it all" if not missing else f"{where} lacks {', '.join(missing)}")
    if missing or soon:
        what = "keys renew" if "root" in soon else "refresh"
        typer.echo(f"attune-trainer: give the command attune-trainer {what} --channel {channel}", err=True)
        raise typer.Exit(1)

"""`attune-trainer fleet`: every player that the broker knows."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cloud_trainer.commands.options import Config, Json
from cloud_trainer.publishing.commands.options import Host, Port, open_channel, publishing_settings

if TYPE_CHECKING:
    from cloud_trainer.publishing.fleet import Fleet

__all__ = ["fleet"]


def fleet(
    *,
    channel: Annotated[str, typer.Option("--channel", help="Only players that follow it; all unless named.")] = "",
    host: Host = None,
    port: Port = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """List the players: bundle, what it does with the one on offer, why, group, runtime, and when it said so.

    Example: attune-trainer fleet --channel stable
    """
    from cloud_trainer.publishing.broker import connected
    from cloud_trainer.publishing.commands.tables import ago, show_table
    from cloud_trainer.publishing.fleet import device_rows, read_fleet
    from cloud_trainer.publishing.folder import channels
    from cloud_trainer.publishing.publisher import fence

    settings = publishing_settings(config, host, port)
    known = {name: open_channel(settings, name) for name in channels(settings.folder)}
    offers = {name: place.offer() for name, place in known.items() if place.folder.versions("targets")}

    async def look() -> Fleet:
        async with connected(settings, fence=fence(channel or "stable")) as broker:
            return await read_fleet(broker)

    found = asyncio.run(look())
    rows = [row for row in device_rows(found, offers, time.time()) if channel in {"", row["channel"]}]
    if as_json:
        typer.echo(json.dumps({"devices": rows, "unreadable": list(found.unreadable)}))
        return
    show_table(
        f"{len(rows)} players at {settings.host}:{settings.port}",
        ["player", "channel", "group", "bundle", "now", "last offer", "why", "runtime", "said"],
        [
            [
                *(row["device"], row["channel"], row["group"]),
                row["version"] + (" (newest)" if row["up_to_date"] else ""),
                *(_now(row), _last(row), row["reason"], row["runtime"], f"{ago(row['reported_s_ago'])} ago"),
            ]
            for row in rows
        ],
        empty=f"no player has reported to {settings.host}:{settings.port}"
        + (f" on channel {channel}" if channel else ""),
    )
    if found.unreadable:
        typer.echo(f"attune-trainer: the reports of {', '.join(found.unreadable)} cannot be read", err=True)


def _now(row: dict[str, Any]) -> str:
    """What a player does: `fetching 40 %`, `waits`, `idle`."""
    stage = str(row["stage"])
    return f"{stage} {100 * row['progress']:.0f} %" if stage in {"fetching", "embedding", "probation"} else stage


def _last(row: dict[str, Any]) -> str:
    """How the last offer ended: `2026.11.4 returned (worse)`."""
    if not row["offered"] or row["outcome"] == "none":
        return ""
    return f"{row['offered']} {row['outcome']}" + (f" ({row['code']})" if row["code"] else "")

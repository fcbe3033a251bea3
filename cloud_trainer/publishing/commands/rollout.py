"""`attune-trainer rollout`: how far a bundle has come, and a hand on it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import typer

from cloud_trainer.commands.options import Config, Json, progress_shown
from cloud_trainer.publishing.commands.options import (
    ChannelName,
    Host,
    Keys,
    PassphraseFile,
    Port,
    open_channel,
    open_ring,
    publishing_settings,
)
from models.delivery.offer import Rollout

if TYPE_CHECKING:
    from cloud_trainer.publishing.fleet import Fleet
    from models.delivery.offer import Offer

__all__ = ["rollout_app"]

rollout_app = typer.Typer(no_args_is_help=True, help="The rollout of the bundle that a channel offers.")


@rollout_app.command()
def status(
    *,
    channel: ChannelName = "stable",
    host: Host = None,
    port: Port = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show each phase: who is in it, how many have confirmed the bundle and how many failed.

    Example: attune-trainer rollout status
    """
    from cloud_trainer.publishing.broker import connected
    from cloud_trainer.publishing.fleet import read_fleet
    from cloud_trainer.publishing.publisher import fence

    settings = publishing_settings(config, host, port)
    place = open_channel(settings, channel)
    place.root()
    offer = place.offer()

    async def look() -> Fleet:
        async with connected(settings, fence=fence(channel)) as broker:
            return await read_fleet(broker)

    _tell(offer, asyncio.run(look()), as_json=as_json)


@rollout_app.command()
def abort(
    *,
    recall: Annotated[
        bool, typer.Option("--recall", help="Players that have confirmed the bundle go back, too.")
    ] = False,
    channel: ChannelName = "stable",
    keys: Keys = None,
    passphrase_file: PassphraseFile = None,
    host: Host = None,
    port: Port = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """End it: nobody begins any more, and players that try the bundle go back.

    Example: attune-trainer rollout abort --recall
    """
    _change(
        lambda rollout: msgspec.structs.replace(rollout, status="aborted", recall=recall or rollout.recall),
        *(channel, keys, passphrase_file, host, port, config),
        as_json=as_json,
    )


def _status(wanted: Literal["running", "paused"]) -> Callable[[Rollout], Rollout]:
    def change(rollout: Rollout) -> Rollout:
        from models.errors import DeliveryError, Reason

        if rollout.status == "aborted":
            raise DeliveryError(
                f"rollout {rollout.id} was aborted",
                reason=Reason.WRONG_STATE,
                remedy="Publish the bundle again, which starts another rollout",
            )
        return msgspec.structs.replace(rollout, status=wanted)

    return change


def _opened_further(rollout: Rollout) -> Rollout:
    from cloud_trainer.publishing.phases import opened_further

    return opened_further(rollout)


def _change(
    change: Callable[[Rollout], Rollout],
    channel: str,
    keys: list[Path] | None,
    passphrase_file: Path | None,
    host: str | None,
    port: int | None,
    config: Path | None,
    *,
    as_json: bool,
) -> None:
    from cloud_trainer.publishing.publisher import change_rollout, send

    settings = publishing_settings(config, host, port)
    ring = open_ring(settings, channel, keys=keys, passphrase_file=passphrase_file)
    place = open_channel(settings, channel, ring)
    now = time.time()
    with place.folder.locked():
        place.root()
        offer = change_rollout(place, change, now)
        with progress_shown() as progress:
            _, fleet = asyncio.run(send(place, settings, thorough=False, now=now, progress=progress))
    _tell(offer, fleet, as_json=as_json)


def _tell(offer: Offer, fleet: Fleet, *, as_json: bool) -> None:
    from cloud_trainer.publishing.commands.publish import unheard
    from cloud_trainer.publishing.commands.tables import percent, show_table
    from cloud_trainer.publishing.fleet import rollout_rows, verdict

    rows = rollout_rows(offer, fleet)
    warning = unheard(offer, fleet)
    if as_json:
        answer = {"offer": msgspec.to_builtins(offer), "phases": rows, "verdict": verdict(offer, fleet)}
        typer.echo(json.dumps({**answer, "warning": warning}))
        return
    show_table(
        f"bundle {offer.version} on channel {offer.channel}, rollout {offer.rollout.id}",
        ["phase", "who", "open", "players", "confirmed", "failed", "next at", "stops at"],
        [
            [
                *(str(row["phase"]), row["who"], "yes" if row["open"] else "not yet"),
                *(str(row["devices"]), str(row["confirmed"]), str(row["failed"])),
                *(percent(row["success_at"]), percent(row["stops_at"])),
            ]
            for row in rows
        ],
    )
    typer.echo(verdict(offer, fleet))
    if warning:
        typer.echo(f"attune-trainer: {warning}.", err=True)


def _add(name: str, about: str, change: Callable[[Rollout], Rollout]) -> None:
    @rollout_app.command(name, help=f"{about}\n\nExample: attune-trainer rollout {name}")
    def command(
        *,
        channel: ChannelName = "stable",
        keys: Keys = None,
        passphrase_file: PassphraseFile = None,
        host: Host = None,
        port: Port = None,
        config: Config = None,
        as_json: Json = False,
    ) -> None:
        _change(change, channel, keys, passphrase_file, host, port, config, as_json=as_json)


_add("pause", "Let no further player begin; those that run the bundle keep it.", _status("paused"))
_add("resume", "Go on after a pause.", _status("running"))
_add("promote", "Open the next phase by hand; after the last one, open it to everyone.", _opened_further)

"""`attune-trainer publish` and `refresh`: a bundle to the players, and what keeps it trusted."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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

if TYPE_CHECKING:
    from cloud_trainer.publishing.fleet import Fleet
    from cloud_trainer.publishing.mirror import Mirrored
    from models.delivery.offer import Offer

__all__ = ["as_json_of", "publish", "refresh", "sent", "unheard"]


def publish(
    bundle: Annotated[Path, typer.Argument(help="Folder that attune-trainer build or repack has written.")],
    *,
    channel: ChannelName = "stable",
    group: Annotated[str, typer.Option(help="Only players of this group ([bundle] group); promote widens it.")] = "",
    percent: Annotated[float, typer.Option(min=0.01, max=100.0, help="Only so many of them, in percent.")] = 100.0,
    phases: Annotated[
        str,
        typer.Option(help='One after another, such as "canary, 10%, 50%, all"; each opens when the last succeeded.'),
    ] = "",
    success: Annotated[
        float, typer.Option(min=0.0, max=100.0, help="Percent of a phase that must have confirmed before the next.")
    ] = 90.0,
    errors: Annotated[float, typer.Option(min=0.0, max=100.0, help="Percent that failed at which all stops.")] = 20.0,
    least: Annotated[int, typer.Option(min=1, help="Players that must have answered before either counts.")] = 1,
    board: Annotated[
        list[str] | None, typer.Option("--board", help="Only machines of this kind, such as aarch64; repeatable.")
    ] = None,
    runtime: Annotated[
        list[str] | None, typer.Option("--runtime", help="Only players with this TFLite runtime; repeatable.")
    ] = None,
    older: Annotated[bool, typer.Option("--older", help="Players may go back to this version.")] = False,
    anew: Annotated[bool, typer.Option("--anew", help="Start another rollout of a bundle that is offered.")] = False,
    untested: Annotated[bool, typer.Option("--untested", help="Skip the self-test of the models here.")] = False,
    keys: Keys = None,
    passphrase_file: PassphraseFile = None,
    host: Host = None,
    port: Port = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Sign a bundle and bring it to the broker, where players find it. Given again, it goes on where it was cut.

    Example: attune-trainer publish models/default --phases "canary, 10%, all"
    """
    from cloud_trainer.publishing.phases import Request, parse_phases
    from cloud_trainer.publishing.publisher import offer_bundle, send

    if phases and (group or percent != 100.0):
        raise typer.BadParameter("--phases says what --group and --percent say", param_hint="--phases")
    text = phases or f"{group or 'all'}:{percent}%"
    parsed = parse_phases(text, success=success, errors=errors, least=least)
    request = Request(parsed, board or (), runtime or (), older=older, anew=anew)
    settings = publishing_settings(config, host, port)
    ring = open_ring(settings, channel, keys=keys, passphrase_file=passphrase_file)
    place = open_channel(settings, channel, ring)
    now = time.time()
    typer.echo(f"reading {bundle}" + ("" if untested else " and testing its models"), err=True)
    with place.folder.locked():
        # Passphrases are asked for before bars are drawn over the question.
        offer = offer_bundle(
            place, bundle.expanduser(), request, chunk_bytes=settings.chunk_bytes, tested=not untested, now=now
        )
        with progress_shown() as progress:
            mirrored, fleet = asyncio.run(send(place, settings, thorough=True, now=now, progress=progress))
    _tell(offer, mirrored, fleet, as_json=as_json)


def refresh(
    *,
    channel: ChannelName = "stable",
    thorough: Annotated[bool, typer.Option("--all", help="Look at every chunk on the broker.")] = False,
    keys: Keys = None,
    passphrase_file: PassphraseFile = None,
    host: Host = None,
    port: Port = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Sign a new timestamp, and what else expires soon, and put the broker right. Made for cron, once a day.

    Example: attune-trainer refresh --passphrase-file /etc/attune/passphrase
    """
    from cloud_trainer.publishing.publisher import refresh as sign
    from cloud_trainer.publishing.publisher import send

    settings = publishing_settings(config, host, port)
    ring = open_ring(settings, channel, keys=keys, passphrase_file=passphrase_file)
    place = open_channel(settings, channel, ring)
    now = time.time()
    with place.folder.locked():
        place.root()
        signed = sign(place, now)
        with progress_shown() as progress:
            mirrored, _ = asyncio.run(send(place, settings, thorough=thorough, now=now, progress=progress))
    until = place.expiries()
    if as_json:
        answer = {"channel": channel, "signed": signed, "expires": {role: f"{at:%FT%TZ}" for role, at in until.items()}}
        typer.echo(json.dumps({**answer, "broker": as_json_of(mirrored)}))
        return
    typer.echo(f"channel {channel}: signed {', '.join(signed) or 'nothing'}; sent {sent(mirrored)}")
    first = min(until, key=lambda role: until[role])
    typer.echo(f"good until {until[first]:%Y-%m-%d %H:%M} UTC ({first})")


def unheard(offer: Offer, fleet: Fleet) -> str:
    """What to do where nobody listens; empty where somebody does."""
    from cloud_trainer.publishing.fleet import followers
    from models.delivery.rollout import phase_of

    there = followers(fleet, offer.channel)
    if not there:
        others = sorted({report.channel for report in fleet.reports.values()})
        seen = f"those that report follow {', '.join(others)}" if others else "no player has reported to this broker"
        return (
            f"nobody follows the channel {offer.channel} here: {seen}. Set [bundle] channel in agent.toml, let the "
            "player trust the channel with attune-agent enrol, and check that both use this broker"
        )
    if all(phase_of(offer, device, report.group) is None for device, report in there.items()):
        groups = sorted({report.group or "(none)" for report in there.values()})
        return (
            f"no phase takes any of the {len(there)} players on the channel {offer.channel}; their groups: "
            f"{', '.join(groups)}. Widen it with attune-trainer rollout promote, or publish with other phases"
        )
    return ""


def _tell(offer: Offer, mirrored: Mirrored, fleet: Fleet, *, as_json: bool) -> None:
    from cloud_trainer.publishing.fleet import followers, verdict
    from cloud_trainer.publishing.phases import said

    warning = unheard(offer, fleet)
    there = followers(fleet, offer.channel)
    if as_json:
        answer = {"offer": msgspec.to_builtins(offer), "broker": as_json_of(mirrored), "followers": sorted(there)}
        typer.echo(json.dumps({**answer, "warning": warning}))
        return
    typer.echo(f"bundle  {offer.version} on channel {offer.channel}, {offer.bytes / 1e6:.1f} MB")
    typer.echo(f"sent    {sent(mirrored)}")
    typer.echo(f"rollout {offer.rollout.id}: {', then '.join(said(phase) for phase in offer.rollout.phases)}")
    typer.echo(f"players on the channel: {len(there)}; {verdict(offer, fleet)}")
    if warning:
        typer.echo(f"attune-trainer: {warning}.", err=True)


def sent(mirrored: Mirrored) -> str:
    """What went to the broker, in words."""
    parts = list(mirrored.sent_files)
    if mirrored.sent_chunks:
        there = mirrored.chunks - mirrored.sent_chunks
        chunks = f"{mirrored.sent_chunks} chunks ({mirrored.sent_bytes / 1e6:.1f} MB)"
        parts.insert(0, chunks + (f" besides {there} that were there" if there > 0 else ""))
    text = ", ".join(parts) or "nothing: it was all there"
    return text + (f"; cleared {mirrored.cleared} topics that nobody needs" if mirrored.cleared else "")


def as_json_of(mirrored: Mirrored) -> dict[str, Any]:
    """What went to the broker, for programs."""
    return asdict(mirrored)

"""`attune-agent enrol`: whose bundles this device takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.commands.options import ConfigOption, JsonOption, log_to_stderr, print_json

if TYPE_CHECKING:
    from agent.delivery.receiving.enrolment import Enrolment

__all__ = ["enrol"]


def enrol(
    root: Annotated[
        Path | None,
        typer.Argument(metavar="ROOT.json", help="The channel's root; without it the trusted one is shown."),
    ] = None,
    channel: Annotated[
        str | None, typer.Option(help="Name of the channel, instead of the settings'.", show_default=False)
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Take it although another root is trusted.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Trust the keys of a channel of bundles: new models signed by them are taken from then on.

    Bring the file to the device by hand, and compare the fingerprints with the publisher's.

    Example: attune-agent enrol root.json --channel stable
    """
    from agent import settings
    from agent.delivery.receiving import enrolment

    loaded = settings.load(config)
    log_to_stderr(loaded.log.level)
    bundles, name = loaded.storage.folder / "bundles", channel or loaded.bundle.channel
    if root is None:
        known = enrolment.enrolment(bundles, name)
    else:
        known = enrolment.enrol(bundles, name, _content(root), replace=replace)
    if as_json:
        print_json(_plain(known, name))
    elif known is None:
        typer.echo(f"This device trusts no keys for channel {name}: it takes no bundles from there.")
        typer.echo("Give it the channel's root: attune-agent enrol ROOT.json")
    else:
        typer.echo("\n".join(_lines(known, told=root is not None)))


def _content(file: Path) -> bytes:
    from models.errors import DeliveryError, Reason

    try:
        return file.read_bytes()
    except OSError as error:
        raise DeliveryError(
            f"{file} cannot be read: {error.strerror}",
            reason=Reason.UNREADABLE,
            remedy="Name the root.json of the channel",
        ) from error


def _lines(known: Enrolment, *, told: bool) -> list[str]:
    from datetime import UTC, datetime

    state = ("is now enrolled" if known.changed else "was enrolled already") if told else "is enrolled"
    over = " It has expired: a newer root must be published." if known.expires < datetime.now(UTC) else ""
    lines = [
        f"Channel {known.channel} {state} with root {known.version}, valid until {known.expires:%Y-%m-%d}.{over}",
    ]
    for role, keys in known.roles.items():
        lines.append(f"{role:>10}: {keys.threshold} of {len(keys.fingerprints)}")
        lines += [f"{'':12}{fingerprint}" for fingerprint in keys.fingerprints]
    return lines


def _plain(known: Enrolment | None, channel: str) -> dict[str, object]:
    if known is None:
        return {"channel": channel, "enrolled": False}
    roles = {
        role: {"threshold": keys.threshold, "fingerprints": list(keys.fingerprints)}
        for role, keys in known.roles.items()
    }
    return {
        "channel": channel,
        "enrolled": True,
        "changed": known.changed,
        "version": known.version,
        "expires": known.expires.isoformat(),
        "roles": roles,
    }

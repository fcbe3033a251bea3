"""`attune-trainer keys`: whom the players of a channel trust."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cloud_trainer.commands.options import Config, Json
from cloud_trainer.publishing.commands.options import (
    ChannelName,
    KeyIdentifiers,
    Keys,
    PassphraseFile,
    RootPassphraseFile,
    key_maker,
    open_channel,
    open_ring,
    passphrases_of,
    publishing_settings,
    replaced,
)
from cloud_trainer.publishing.commands.signing import accept, make, propose, sign

if TYPE_CHECKING:
    from cloud_trainer.publishing.channel import Channel
    from cloud_trainer.publishing.folder import Role
    from cloud_trainer.publishing.keys import KeyFiles

__all__ = ["keys_app"]

keys_app = typer.Typer(no_args_is_help=True, help="The keys of a channel: three of root, of which two sign.")


@keys_app.command()
def init(
    *,
    channel: ChannelName = "stable",
    passphrase_file: PassphraseFile = None,
    root_passphrase_file: RootPassphraseFile = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Make the keys of a channel, encrypted with a passphrase, and its root, which players are to trust.

    Example: attune-trainer keys init
    """
    from cloud_trainer.publishing.keys import KeyFiles
    from cloud_trainer.publishing.passphrases import choose, terminal

    settings = publishing_settings(config)
    place = open_channel(settings, channel)
    files = KeyFiles([settings.keys / channel])
    with place.folder.locked():
        place.refuse_second_keys()
        online, root = passphrases_of(settings, passphrase_file, root_passphrase_file)
        chosen = choose(online, terminal(), f"the keys of {channel}")
        chosen_root = chosen if root.known is None else choose(root, None, f"the root's keys of {channel}")
        place.create(lambda role: files.create(role, chosen_root if role == "root" else chosen), time.time())
    if as_json:
        typer.echo(json.dumps(_described(place, files)))
        return
    typer.echo(f"channel {channel}: 3 root keys, of which 2 sign, and one each for targets, snapshot and timestamp")
    typer.echo(f"keys    {files.folder}   keep root-*.key on drives apart from each other, away from this machine")
    typer.echo(f"root    {place.folder.enrolment}   players trust it after: attune-agent enrol FILE")
    typer.echo("next    attune-trainer publish BUNDLE" + ("" if channel == "stable" else f" --channel {channel}"))


@keys_app.command()
def rotate(
    roles: Annotated[list[str], typer.Argument(metavar="ROLE…", help="root, targets, snapshot, timestamp.")],
    *,
    key: KeyIdentifiers = None,
    channel: ChannelName = "stable",
    keys: Keys = None,
    passphrase_file: PassphraseFile = None,
    root_passphrase_file: RootPassphraseFile = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Replace keys and sign the next root with two keys of the last one, so that every player can follow.

    Example: attune-trainer keys rotate root --keys /media/drawer
    """
    _sign_root(replaced(roles, key), channel, keys, passphrase_file, root_passphrase_file, config, as_json=as_json)


@keys_app.command()
def renew(
    *,
    channel: ChannelName = "stable",
    keys: Keys = None,
    root_passphrase_file: RootPassphraseFile = None,
    passphrase_file: PassphraseFile = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Sign the next root with the same keys, so that it holds for longer; due before it expires.

    Example: attune-trainer keys renew --keys /media/drawer
    """
    _sign_root({}, channel, keys, passphrase_file, root_passphrase_file, config, as_json=as_json)


@keys_app.command()
def show(*, channel: ChannelName = "stable", keys: Keys = None, config: Config = None, as_json: Json = False) -> None:
    """List the keys of a channel, where their files are, and until when what they signed holds.

    Example: attune-trainer keys show
    """
    from cloud_trainer.publishing.commands.tables import show_table
    from cloud_trainer.publishing.keys import KeyFiles

    settings = publishing_settings(config)
    place = open_channel(settings, channel)
    found = _described(place, KeyFiles([settings.keys / channel, *(folder.expanduser() for folder in keys or ())]))
    if as_json:
        typer.echo(json.dumps(found))
        return
    rows = [
        [role, entry["key"][:8], f"{threshold['threshold']} of {len(threshold['keys'])}", entry["file"] or "not here"]
        for role, threshold in found["roles"].items()
        for entry in threshold["keys"]
    ]
    show_table(f"channel {channel}, root {found['root']}", ["role", "key", "sign", "file"], rows)
    for role, until in found["expires"].items():
        typer.echo(f"{role:10} holds until {until}")


keys_app.command()(make)
keys_app.command()(propose)
keys_app.command()(sign)
keys_app.command()(accept)


def _sign_root(
    replace: dict[Role, list[str]],
    channel: str,
    keys: list[Path] | None,
    passphrase_file: Path | None,
    root_passphrase_file: Path | None,
    config: Path | None,
    *,
    as_json: bool,
) -> None:
    settings = publishing_settings(config)
    ring = open_ring(
        settings, channel, keys=keys, passphrase_file=passphrase_file, root_passphrase_file=root_passphrase_file
    )
    place = open_channel(settings, channel, ring)
    with place.folder.locked():
        ring.signers(place.root(), "root")  # before new passphrases are asked for
        passphrases = passphrases_of(settings, passphrase_file, root_passphrase_file)
        signed, gone = place.rotate(key_maker(ring.files, channel, replace, passphrases), replace, time.time())
    if as_json:
        typer.echo(json.dumps({**_described(place, ring.files), "replaced": gone}))
        return
    typer.echo(f"channel {channel}: root {signed.version}, good until {signed.expires:%Y-%m-%d}")
    for keyid in gone:
        typer.echo(f"replaced *-{keyid[:8]}.key: destroy it")
    typer.echo("next    attune-trainer refresh" + ("" if channel == "stable" else f" --channel {channel}"))


def _described(place: Channel, files: KeyFiles) -> dict[str, Any]:
    root = place.root()
    return {
        "channel": place.name,
        "root": root.version,
        "root_file": str(place.folder.enrolment),
        "expires": {role: f"{until:%Y-%m-%dT%H:%M:%SZ}" for role, until in place.expiries().items()},
        "roles": {
            name: {
                "threshold": role.threshold,
                "keys": [
                    {"key": keyid, "file": None if (path := files.path(root.keys[keyid])) is None else str(path)}
                    for keyid in role.keyids
                ],
            }
            for name, role in root.roles.items()
        },
    }

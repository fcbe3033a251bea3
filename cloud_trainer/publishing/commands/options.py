"""Options that the commands share, and what they open."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import msgspec
import typer

from cloud_trainer.settings import TrainerSettings
from models.settings import load

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner

    from cloud_trainer.publishing.channel import Channel
    from cloud_trainer.publishing.folder import Role
    from cloud_trainer.publishing.keys import KeyFiles, KeyRing
    from cloud_trainer.publishing.passphrases import Passphrases
    from cloud_trainer.publishing.settings import PublishingSection

__all__ = [
    "ChannelName",
    "Host",
    "KeyIdentifiers",
    "Keys",
    "PassphraseFile",
    "Port",
    "RootPassphraseFile",
    "key_maker",
    "open_channel",
    "open_ring",
    "passphrases_of",
    "publishing_settings",
    "replaced",
]

ROOT_VARIABLE: Final = "ATTUNE_ROOT_PASSPHRASE"

ChannelName: TypeAlias = Annotated[str, typer.Option("--channel", help="Name of the channel.")]
Host: TypeAlias = Annotated[str | None, typer.Option("--host", help="Of the broker; overrides [publishing] host.")]
Port: TypeAlias = Annotated[
    int | None, typer.Option("--port", min=1, max=65535, help="Of the broker; overrides [publishing] port.")
]
Keys: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option("--keys", help="Folder with key files, such as a drive, besides [publishing] keys; repeatable."),
]
KeyIdentifiers: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--key", help="Replace only the key whose identifier begins so; repeatable. See keys show."),
]
PassphraseFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help="File with the passphrase; else ATTUNE_PASSPHRASE, else asked for."),
]
RootPassphraseFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--root-passphrase-file", help=f"The same for the root's keys; else {ROOT_VARIABLE}."),
]


def publishing_settings(config: Path | None, host: str | None = None, port: int | None = None) -> PublishingSection:
    """`[publishing]` with what the command line says instead.

    Raises:
        SettingsError: see `models.settings.load`.
    """
    settings = load(TrainerSettings, program="trainer", config=config).publishing
    return msgspec.structs.replace(settings, host=host or settings.host, port=port or settings.port)


def open_channel(settings: PublishingSection, name: str, ring: KeyRing | None = None) -> Channel:
    """A channel in the folder of the settings."""
    from cloud_trainer.publishing.channel import Channel
    from cloud_trainer.publishing.folder import ChannelFolder

    return Channel(ChannelFolder(settings.folder, name), settings, ring)


def passphrases_of(settings: PublishingSection, online: Path | None, root: Path | None) -> tuple[Passphrases, ...]:
    """Where the passphrases of the online roles' and of the root's keys come from; the same where only one is named.

    Raises:
        DeliveryError: a file cannot be read.
    """
    from cloud_trainer.publishing.passphrases import Passphrases, terminal

    ask = terminal()
    first = Passphrases.find(online or settings.passphrase_file, ask=ask)
    if root is None and not os.environ.get(ROOT_VARIABLE):
        return first, Passphrases(first.known, ask)
    return first, Passphrases.find(root, ROOT_VARIABLE, ask)


def open_ring(
    settings: PublishingSection,
    channel: str,
    *,
    keys: list[Path] | None = None,
    passphrase_file: Path | None = None,
    root_passphrase_file: Path | None = None,
) -> KeyRing:
    """What opens the key files of a channel.

    Raises:
        DeliveryError: a passphrase file cannot be read.
    """
    from cloud_trainer.publishing.keys import KeyFiles, KeyRing

    online, root = passphrases_of(settings, passphrase_file, root_passphrase_file)
    folders = [settings.keys / channel, *(folder.expanduser() for folder in keys or ())]
    return KeyRing(KeyFiles(folders), online, root)


def replaced(role_names: list[str], keys: list[str] | None) -> dict[Role, list[str]]:
    """Per role that somebody named the beginnings of its keys to be replaced; none for all of them.

    Raises:
        typer.BadParameter: a role is unknown, or keys are named for several.
    """
    from cloud_trainer.publishing.folder import ROLES

    wanted = list(dict.fromkeys(role_names))
    if unknown := sorted(set(wanted) - set(ROLES)):
        raise typer.BadParameter(f"unknown role {', '.join(unknown)}; known are {', '.join(ROLES)}")
    if keys and len(wanted) != 1:
        raise typer.BadParameter("--key needs exactly one role")
    return {role: list(keys or ()) for role in ROLES if role in wanted}


def key_maker(
    files: KeyFiles, channel: str, roles: Collection[Role], passphrases: tuple[Passphrases, ...]
) -> Callable[[Role], CryptoSigner]:
    """What makes keys for these roles, after their passphrases were chosen.

    Args:
        files: where they go.
        channel: whose they are.
        roles: that are to have new ones.
        passphrases: of the online roles and of root, as `passphrases_of` finds them.

    Raises:
        DeliveryError: no passphrase, or too short a one.
    """
    from cloud_trainer.publishing.passphrases import choose, terminal

    online, root = passphrases
    chosen: dict[bool, str] = {}
    for is_root, found, what in ((True, root, "root"), (False, online, "online")):
        if any((role == "root") == is_root for role in roles):
            chosen[is_root] = choose(found, terminal(), f"the new {what} keys of {channel}")
    return lambda role: files.create(role, chosen[role == "root"])

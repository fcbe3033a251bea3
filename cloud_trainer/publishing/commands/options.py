"""Options that the commands share, and what they open."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import msgspec
import typer

from cloud_trainer.settings import TrainerSettings
from models.settings import load

if TYPE_CHECKING:
    from cloud_trainer.publishing.channel import Channel
    from cloud_trainer.publishing.keys import KeyRing
    from cloud_trainer.publishing.passphrases import Passphrases
    from cloud_trainer.publishing.settings import PublishingSection

__all__ = [
    "ChannelName",
    "Host",
    "Keys",
    "PassphraseFile",
    "Port",
    "RootPassphraseFile",
    "open_channel",
    "open_ring",
    "passphrases_of",
    "publishing_settings",
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

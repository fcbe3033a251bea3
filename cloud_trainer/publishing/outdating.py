"""What is out of date in a channel's folder, and for how long it has been.

It stays for a while, for players that are in the middle of fetching it. All roots stay for ever: each leads a player
that was off to the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tuf.api.metadata import Targets

from cloud_trainer.publishing import roles
from cloud_trainer.publishing.content import chunks_of
from cloud_trainer.publishing.folder import ChannelFolder, State

__all__ = ["Outdated", "forget", "note", "outdated"]

_DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Outdated:
    """What nobody needs any more: metadata files by name, chunks by address."""

    files: frozenset[str] = frozenset()
    chunks: frozenset[str] = frozenset()


def note(folder: ChannelFolder, now: float) -> None:
    """Note that something was signed, and since when each targets and snapshot file has been out of date.

    Args:
        folder: of the channel.
        now: seconds since the epoch.
    """
    known = folder.state().superseded
    old = [f"{version}.{role}.json" for role in ("targets", "snapshot") for version in folder.versions(role)[:-1]]
    folder.keep(State({file: known.get(file, now) for file in old}, signed=now))


def outdated(folder: ChannelFolder, now: float, *, keep_days: float) -> Outdated:
    """What has been out of date for longer than it is kept.

    Args:
        folder: of the channel.
        now: seconds since the epoch.
        keep_days: for how long.

    Raises:
        DeliveryError: MALFORMED: targets that are kept cannot be read.
    """
    limit = now - keep_days * _DAY_S
    files = {file for file, since in folder.state().superseded.items() if since <= limit}
    needed = set[str]()
    for version in folder.versions("targets"):
        file = f"{version}.targets.json"
        if file not in files:
            needed.update(chunks_of(roles.read(folder.read(file), Targets, file).signed))
    return Outdated(frozenset(files), frozenset(folder.chunks() - needed))


def forget(folder: ChannelFolder, gone: Outdated) -> None:
    """Remove what is out of date; called once it is gone from the broker."""
    for name in gone.chunks:
        folder.remove_chunk(name)
    for file in gone.files:
        folder.remove(file)
    state = folder.state()
    state.superseded = {file: since for file, since in state.superseded.items() if file not in gone.files}
    folder.keep(state)

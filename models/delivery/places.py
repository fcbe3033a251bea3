"""Where a publisher keeps its channels unless told otherwise: a player on the same computer finds their roots there."""

from __future__ import annotations

from pathlib import Path

__all__ = ["channels_folder", "root_of"]


def channels_folder() -> Path:
    """Folder of the channels that this user publishes."""
    return Path("~/.local/share/attune/channels").expanduser()


def root_of(folder: Path, channel: str) -> Path:
    """The newest root of a channel: what players are enrolled with."""
    return folder / channel / "root.json"

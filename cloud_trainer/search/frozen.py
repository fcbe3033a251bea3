"""The frozen winners of searches: what `train`, `build` and the tables take their settings from.

A model's winners stand in `cloud_trainer/frozen/MODEL.json`, written by `attune-trainer search` and committed. Nothing
there was chosen by a test row. Without the file, or without the rival in it, the settings in the code hold.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

import msgspec

from cloud_trainer.search.space import Setting, Settings, Space, checked
from models.errors import Reason, SettingsError

__all__ = ["FORMAT", "Frozen", "Winner", "folder", "read", "settings_of", "winner"]

FORMAT: Final = 1


class Winner(msgspec.Struct, frozen=True):
    """What a search settled on for a rival.

    Attributes:
        settings: by name.
        score: on validation rows; more is better.
        start_score: of the settings that were tried first.
        trials: how many were run, pruned and failed ones included.
        seconds: that they took together.
        configuration: hash of what decided the scores: space, code, data, libraries, seed.
    """

    settings: dict[str, Setting]
    score: float
    start_score: float | None
    trials: int
    seconds: float
    configuration: str


class Frozen(msgspec.Struct, frozen=True):
    """The winners of a model's search, by rival."""

    format: int
    model: str
    rivals: dict[str, Winner]


def folder() -> Path:
    """Return where the winners stand in this installation."""
    return Path(str(resources.files("cloud_trainer") / "frozen"))


@cache
def read(model: str, where: Path | None = None) -> Frozen | None:
    """Return a model's frozen winners, `None` where nothing was searched yet.

    Args:
        model: a name without slashes.
        where: folder of the files; that of this installation unless given.

    Raises:
        SettingsError: the file is damaged or of another format.
    """
    path = (where or folder()) / f"{model}.json"
    if not path.is_file():
        return None
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Frozen)
    except (OSError, msgspec.DecodeError) as error:
        raise SettingsError(
            f"{path} holds no winners of a search: {error}",
            reason=Reason.MALFORMED,
            remedy=f"Restore it, or run 'attune-trainer search {model}' again",
        ) from error
    if found.format != FORMAT:
        raise SettingsError(
            f"{path} has format {found.format}, not {FORMAT}",
            reason=Reason.INCOMPATIBLE,
            remedy=f"Run 'attune-trainer search {model}' again",
        )
    return found


def winner(model: str, rival: str, where: Path | None = None) -> dict[str, Setting] | None:
    """Return the frozen settings of a rival, `None` where it was not searched.

    Raises:
        SettingsError: as in `read`.
    """
    found = read(model, where)
    return None if found is None or rival not in found.rivals else dict(found.rivals[rival].settings)


def settings_of(model: str, space: Space, where: Path | None = None) -> Settings:
    """Return the frozen settings of a rival, or its start where it was not searched.

    Raises:
        SettingsError: as in `read`, or a frozen setting is not one of the space's or lies outside of its range.
    """
    found = winner(model, space.name, where)
    if found is None:
        return dict(space.start)
    return checked(found, space.ranges, where=f"{model}.json, {space.name}")

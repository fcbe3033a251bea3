"""The hidden file beside the demo catalogue that says which emotion each piece was composed for.

It exists for scoring alone: a benchmark compares the listener's true state with the emotion that was intended, so that
neither figure comes from the agent's own belief. The agent never opens it (scanners pass over hidden files).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import DataError, Reason

__all__ = ["SIDECAR_NAME", "SIDECAR_VERSION", "Intended", "encode_intended", "load_intended", "load_settings"]

SIDECAR_NAME = ".intended.json"
SIDECAR_VERSION = 1
_REMEDY = "Make the catalogue anew with `attune-sim music DIR` in an empty folder"


@dataclass(frozen=True, slots=True)
class Intended:
    """What a piece was composed for.

    Attributes:
        title: the title in the file's tags.
        artist: the artist in the file's tags.
        valence: intended valence, -1 (unpleasant) to 1 (pleasant).
        arousal: intended arousal, -1 (calm) to 1 (excited).
    """

    title: str
    artist: str
    valence: float
    arousal: float


def encode_intended(tracks: Mapping[str, Intended], settings: Mapping[str, object]) -> bytes:
    """The sidecar's content: UTF-8 JSON, tracks in the order of their file names.

    Args:
        tracks: relative file name (POSIX) -> what was intended.
        settings: what the catalogue was made with, so that a later run can tell whether it would make the same one.
    """
    content = {
        "version": SIDECAR_VERSION,
        "settings": dict(settings),
        "tracks": {
            name: {
                "title": track.title,
                "artist": track.artist,
                "valence": round(track.valence, 6),
                "arousal": round(track.arousal, 6),
            }
            for name, track in sorted(tracks.items())
        },
    }
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def load_intended(folder: Path) -> dict[str, Intended]:
    """The intended emotion of every piece in a demo catalogue, by file name relative to the folder.

    Args:
        folder: the folder that `attune-sim music` wrote.

    Raises:
        DataError: the sidecar is missing, unreadable, of another version or malformed; the message names the place.
    """
    path = folder / SIDECAR_NAME
    content = _read(path)
    tracks = content.get("tracks")
    if not isinstance(tracks, dict):
        raise DataError(f"{path}: `tracks` is missing or no object", reason=Reason.MALFORMED, remedy=_REMEDY)
    return {name: _track(entry, where=f"{path}: track {name!r}") for name, entry in tracks.items()}


def load_settings(folder: Path) -> dict[str, object]:
    """The settings that a demo catalogue was made with; empty if the sidecar does not say.

    Raises:
        DataError: as `load_intended`.
    """
    settings = _read(folder / SIDECAR_NAME).get("settings")
    return settings if isinstance(settings, dict) else {}


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise DataError(
            f"{path} does not exist: {path.parent} is no demo catalogue", reason=Reason.MISSING, remedy=_REMEDY
        ) from error
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}", reason=Reason.UNREADABLE, remedy="Check the file's permissions"
        ) from error
    except ValueError as error:  # not JSON, or not UTF-8
        raise DataError(f"{path} is no JSON: {error}", reason=Reason.MALFORMED, remedy=_REMEDY) from error
    if not isinstance(content, dict):
        raise DataError(f"{path} holds no object", reason=Reason.MALFORMED, remedy=_REMEDY)
    if content.get("version") != SIDECAR_VERSION:
        raise DataError(
            f"{path} has version {content.get('version')!r}, this program reads {SIDECAR_VERSION}",
            reason=Reason.INCOMPATIBLE,
            remedy=_REMEDY,
        )
    return content


def _track(entry: object, *, where: str) -> Intended:
    if not isinstance(entry, dict):
        raise DataError(f"{where} is no object", reason=Reason.MALFORMED, remedy=_REMEDY)
    for key in ("title", "artist"):
        if not isinstance(entry.get(key), str):
            raise DataError(f"{where}: `{key}` is missing or no text", reason=Reason.MALFORMED, remedy=_REMEDY)
    return Intended(
        title=entry["title"],
        artist=entry["artist"],
        valence=_coordinate(entry, "valence", where),
        arousal=_coordinate(entry, "arousal", where),
    )


def _coordinate(entry: dict[Any, Any], key: str, where: str) -> float:
    value = entry.get(key)
    number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if not abs(number) <= 1:  # neither outside nor NaN
        raise DataError(
            f"{where}: `{key}` is {value!r}, expected a number from -1 to 1", reason=Reason.MALFORMED, remedy=_REMEDY
        )
    return number

"""Reads the slots from the disk, whatever became of it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import msgspec

from agent.delivery.installing.slots.state import FORMAT, Mark, Occupant, Place, SlotState
from models.bundle.reader import Bundle
from models.errors import BundleError

__all__ = ["digest_of", "is_whole", "read_slots"]

_MOST_BYTES: Final = 1 << 20
"""Of state.json: far more than 32 refusals take."""
_SLOTS: Final[tuple[Place, ...]] = ("a", "b")


def read_slots(folder: Path) -> tuple[SlotState, str]:
    """Returns what the slots remember, and what was wrong; the latter is empty when nothing was. Never raises.

    Where `state.json` is lost, the marks beside the slots tell which bundle was confirmed last; it runs if it is whole.
    """
    problem = ""
    try:
        return _decode(folder / "state.json"), ""
    except FileNotFoundError:
        problem = "is missing"
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
        problem = f"is damaged ({error})"
    found = max(filter(None, (_marked(folder, place) for place in _SLOTS)), key=lambda mark: mark.serial, default=None)
    if found is None:
        is_new = problem == "is missing" and not any((folder / place).exists() for place in _SLOTS)
        return SlotState(), "" if is_new else f"{folder / 'state.json'} {problem}: the bundle that ships runs"
    state = SlotState(running=found.occupant, confirmed=found.occupant, serial=found.serial)
    version = found.occupant.version
    return state, f"{folder / 'state.json'} {problem}: bundle {version}, the last one that was confirmed, runs"


def is_whole(folder: Path, occupant: Occupant) -> bool:
    """Tells whether a folder holds this bundle, with every file as its manifest lists it."""
    try:
        Bundle.open(folder)
        return occupant.place == "shipped" or digest_of(folder) == occupant.digest
    except (BundleError, OSError):
        return False


def digest_of(folder: Path) -> str:
    """Returns the SHA-256 of a bundle's manifest, which names the bundle.

    Raises:
        OSError: there is none to read.
    """
    return hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()


def _decode(path: Path) -> SlotState:
    with path.open("rb") as stream:
        content = stream.read(_MOST_BYTES)
    state = msgspec.json.decode(content, type=SlotState)
    if state.format != FORMAT:
        raise ValueError(f"it has format {state.format}, this program reads {FORMAT}")
    return state


def _marked(folder: Path, place: Place) -> Mark | None:
    """The mark beside a slot, if the slot still holds what it marks."""
    try:
        mark = msgspec.json.decode((folder / f"{place}.good").read_bytes()[:_MOST_BYTES], type=Mark)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return mark if mark.occupant.place == place and is_whole(folder / place, mark.occupant) else None

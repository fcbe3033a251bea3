"""Which bundle the agent starts with: the one that the slots point to, or the next good one where it does not open."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.delivery.installing.slots.slots import Slots
from agent.delivery.slot import Slot, open_slot
from models.bundle.reader import Bundle, default_bundle
from models.errors import BundleError
from models.interpreter import Runtime

__all__ = ["FOLDER", "Started", "in_use", "start"]

FOLDER: Final = "bundles"
"""In `[storage] folder`: all that delivery keeps."""


@dataclass(frozen=True, slots=True)
class Started:
    """What the agent starts with.

    Attributes:
        slot: the bundle in use.
        slots: where others are installed; None where the settings name a bundle.
        problem: what is wrong with the slots, or why this start has left the bundle of the last one; empty for nothing.
    """

    slot: Slot
    slots: Slots | None
    problem: str = ""


def start(storage: Path, *, folder: Path | None, channel: str, runtime: Runtime) -> Started:
    """Count the start and open a bundle. Blocks for as long as models take to load.

    Args:
        storage: `[storage] folder`.
        folder: `[bundle] folder`; where it is set, nothing is taken from the channel.
        channel: of the settings.
        runtime: likewise.

    Raises:
        BundleError: not even the bundle that ships can be used.
    """
    if folder is not None:
        return Started(open_slot(folder, channel=channel, runtime=runtime), None)
    slots = Slots.open(storage / FOLDER / "slots", default_bundle())
    before = slots.state.running
    path = slots.boot()
    left = (
        f"bundle {before.version} was given back: {slots.state.ended.reason}" if before != slots.state.running else ""
    )
    refused: BundleError | None = None
    while True:
        try:
            bundle = Bundle.open(path, runtime=runtime)
            bundle.self_test()
        except BundleError as error:
            next_best = slots.fall_back(str(error), error.reason)
            if next_best is None:
                raise
            refused, path = error, next_best
        else:
            return Started(Slot(bundle, channel, refused), slots, slots.problem or left)


def in_use(storage: Path, *, folder: Path | None) -> Path:
    """The folder of the bundle that an agent with these settings runs, for programs beside it. Nothing is written.

    Args:
        storage: `[storage] folder`.
        folder: `[bundle] folder`.
    """
    return folder if folder is not None else Slots.open(storage / FOLDER / "slots", default_bundle()).running

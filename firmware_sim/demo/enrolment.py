"""Whoever makes keys on this computer while the demo plays may push bundles to it: its player is enrolled by itself.

At home a person carries the root to the player (`attune-agent enrol`); here publisher and player have the same owner.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from firmware_sim.demo.children import Children, program
from models.delivery.places import channels_folder, root_of

__all__ = ["enrol_when_keys_appear"]

_CHANNEL: Final = "stable"
_LOOK_EVERY_S: Final = 1.0


async def enrol_when_keys_appear(
    children: Children, config: Path, log: Path, tell: Callable[[str], None], *, folder: Path | None = None
) -> None:
    """Wait for a channel of this user's own, then let the demo's player trust it.

    Args:
        children: of the demo.
        config: the player's settings.
        log: of the enrolment.
        tell: shows a line to whoever watches.
        folder: of the channels; the default of `attune-trainer publish` when None.
    """
    root = root_of(folder or channels_folder(), _CHANNEL)
    # Another program writes the file: there is nobody to set an event.
    while not await asyncio.to_thread(root.exists):  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_EVERY_S)
    command = (program("attune-agent"), "enrol", str(root), "--replace", "--channel", _CHANNEL, "--config", str(config))
    child = await children.background("enrolment", *command, log=log)
    await child.wait()
    if child.returncode == 0:
        tell(f"The player trusts your keys ({root}): attune-trainer publish reaches it")
    else:
        tell(f"The player does not trust your keys in {root}: {child.last_words(1)}")

"""The hot swap: everything of the new bundle is built beside the old one, then taken over between two evaluations.

What the orchestrator does, in this order:

    prepared = await prepare(folder, …)                      # in threads; the music and the evaluations go on
    await asyncio.to_thread(slots.activate, before)          # the pointer: from here on a restart opens the new bundle
    await stations.compute(prepared.take_over, session, now=time.time())   # the pause that a listener could notice
    stations.ask("bundle")
    del prepared; await asyncio.to_thread(memory.trim)       # what the old bundle held goes back to the system

and the same with the folder that `Slots.give_back` returned, for the way back; that one must not be refused for want of
memory, so it is `examine` that looks whether there is room for two bundles at once. What is heard between `prepare` and
`take_over` is added by the session.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from agent.delivery.installing.memory import trim
from agent.delivery.slot import Slot
from agent.library import Library
from agent.ranking.taste import Play, Taste, taste_of
from agent.repertoire import Repertoire
from agent.session import Session
from agent.storage.database import Database
from models.bundle.reader import Bundle
from models.interpreter import Runtime

__all__ = ["Prepared", "prepare"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A bundle that is loaded, warm, and ready to take over.

    Attributes:
        slot: verified and self-tested.
        library: loads the catalogue for this bundle from now on.
        repertoire: the catalogue as this bundle sees it.
        plays: the history on it.
        taste: what that history says.
    """

    slot: Slot
    library: Library
    repertoire: Repertoire
    plays: list[Play]
    taste: Taste

    def take_over(self, session: Session, *, now: float) -> None:
        """Puts a session on this bundle: ranking, taste and affect in one step. Call it where nothing else computes."""
        model = self.slot.bundle.model("user_emotion")
        session.adopt(self.repertoire, self.plays, model, taste=self.taste, now=now)


async def prepare(folder: Path, database: Database, *, channel: str, queue_length: int, runtime: Runtime) -> Prepared:
    """Loads a bundle and builds everything that a session needs of it, in threads.

    Args:
        folder: of the bundle; examined.
        database: of the agent.
        channel: of the settings.
        queue_length: likewise.
        runtime: likewise.

    Raises:
        BundleError: it cannot be used after all.
        StorageError: the database cannot be read.
    """
    bundle = await asyncio.to_thread(_opened, folder, runtime)
    library = Library(database, bundle, queue_length=queue_length)
    repertoire = await library.load()
    plays = await library.plays(repertoire)
    taste = await asyncio.to_thread(
        taste_of, plays, repertoire.tracks, repertoire.slices, repertoire.sequence, now=time.time()
    )
    await asyncio.to_thread(trim)
    return Prepared(Slot(bundle, channel), library, repertoire, plays, taste)


def _opened(folder: Path, runtime: Runtime) -> Bundle:
    """Opens a bundle and runs every model once, so that none does its first, slow call between two evaluations."""
    bundle = Bundle.open(folder, runtime=runtime)
    bundle.self_test()
    return bundle

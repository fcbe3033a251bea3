"""The listener's library as the running bundle sees it: the catalogue from the database, and the history on it."""

from __future__ import annotations

import asyncio
from heapq import merge
from operator import attrgetter

from agent.catalogue.library import Catalogue
from agent.ranking.taste import Play
from agent.repertoire import Repertoire
from agent.storage.database import Database
from models.bundle.reader import Bundle

__all__ = ["Library"]


class Library:
    """Loads what a session needs.

    Args:
        database: where the catalogue and the history lie.
        bundle: which decides on the embedding space and the item vectors.
        queue_length: of the ranker.
    """

    def __init__(self, database: Database, bundle: Bundle, *, queue_length: int) -> None:
        self._database, self._bundle, self._queue_length = database, bundle, queue_length

    async def load(self) -> Repertoire:
        """The tracks of the bundle's embedding space, laid out for ranking.

        Raises:
            StorageError: the database cannot be read.
            BundleError: the bundle's tables do not fit.
        """
        table = await self._database.load_tracks(embedding_space=self._bundle.manifest.embedding_space)

        def build() -> Repertoire:
            tables = {name: self._bundle.table(name) for name in ("items", "metadata")}
            catalogue = Catalogue.build(table, tables)
            return Repertoire.build(catalogue, self._bundle, queue_length=self._queue_length)

        return await asyncio.to_thread(build)

    async def plays(self, repertoire: Repertoire) -> list[Play]:
        """What the listener did with the tracks of a repertoire, oldest first; other tracks are left out."""
        row_of = repertoire.catalogue.row_of
        heard = [
            Play(row_of[play.track_id], play.ended_t, play.outcome)
            for play in await self._database.plays()
            if play.track_id in row_of and play.outcome != "stopped"
        ]
        judged = [
            Play(row_of[said.track_id], said.t, said.kind)
            for said in await self._database.feedback()
            if said.track_id in row_of
        ]
        heard.sort(key=attrgetter("t"))
        return list(merge(heard, judged, key=attrgetter("t")))

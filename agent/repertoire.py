"""The catalogue as a bundle sees it: laid out for ranking, together with the models that rank it.

A repertoire is built beside the one in use and swapped in as a whole, so vectors of two embedding spaces never meet.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agent.catalogue.library import Catalogue
from agent.playback.messages import TrackToPlay
from agent.ranking.ranker import Ranker
from agent.ranking.taste import SequenceModel
from agent.ranking.tracks import Slices, TrackArrays
from models.bundle.reader import Bundle

__all__ = ["Repertoire"]


@dataclass(frozen=True, slots=True)
class Repertoire:
    """What a session ranks.

    Attributes:
        catalogue: ids, titles and paths, by row.
        tracks: the arrays that ranking reads, by the same row.
        slices: of the item vectors.
        ranker: ranks `tracks`.
        sequence: folds the history in.
        bundle_version: of the bundle that made it.
    """

    catalogue: Catalogue
    tracks: TrackArrays
    slices: Slices
    ranker: Ranker
    sequence: SequenceModel
    bundle_version: str

    @classmethod
    def build(cls, catalogue: Catalogue, bundle: Bundle, *, queue_length: int) -> Repertoire:
        """Lay a catalogue out for a bundle.

        Raises:
            BundleError: a model or table of the bundle cannot be used.
        """
        slices = Slices.of_table(bundle.table("items"))
        tracks = TrackArrays.build(
            emotion=catalogue.emotion,
            embedding=catalogue.embedding,
            metadata=catalogue.metadata,
            items=catalogue.items,
            popularity=catalogue.popularity,
            artist=catalogue.artist,
            slices=slices,
        )
        ranker = Ranker(tracks, slices, bundle.model("hybrid"), length=queue_length)
        return cls(catalogue, tracks, slices, ranker, bundle.model("sequence"), bundle.manifest.version)

    def track(self, row: int) -> TrackToPlay:
        """The track of a row, as the player takes it."""
        catalogue = self.catalogue
        return TrackToPlay(catalogue.ids[row], Path(catalogue.path[row]), float(catalogue.duration_s[row]))

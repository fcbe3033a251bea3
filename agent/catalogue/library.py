"""The catalogue in memory: one row per track, laid out for ranking.

Where the item vector of a track comes from: the first of its identity keys (recording, ISRC, artist and title, artist)
that the bundle's table `items` holds; else, the usual case at home, a linear prediction from its audio embedding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from agent.storage.records import TrackTable
from models.errors import BundleError, Reason
from models.metadata import METADATA_SIZE

__all__ = ["Catalogue", "Tables"]

Tables = Mapping[str, Mapping[str, NDArray[Any]]]
"""The tables of a bundle by name, each by column; `items` and `metadata` are read here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All tracks that can be played and ranked. Arrays are C-contiguous and not to be written to.

    Attributes:
        embedding_space: of every row.
        ids: 16 hex digits each; a track keeps its id when it is renamed, moved or retagged (`agent.catalogue.files`).
        path, title, artist, album: by row; title is never empty.
        duration_s: float32[N].
        emotion: float32[N, 2], valence and arousal in [-1, 1].
        embedding: float32[N, 128], unit length.
        descriptors: float32[N, 78], `models.audio.descriptors.DESCRIPTORS`.
        metadata: float32[N, 32], zeros where nothing is known.
        items: float32[N, D].
        known_item: bool[N], whether the item vector was trained rather than predicted.
        popularity: float32[N], 0 where the item is not known.
        row_of: row by id.
    """

    embedding_space: str
    ids: tuple[str, ...]
    path: tuple[str, ...]
    title: tuple[str, ...]
    artist: tuple[str, ...]
    album: tuple[str, ...]
    duration_s: NDArray[np.float32]
    emotion: NDArray[np.float32]
    embedding: NDArray[np.float32]
    descriptors: NDArray[np.float32]
    metadata: NDArray[np.float32]
    items: NDArray[np.float32]
    known_item: NDArray[np.bool_]
    popularity: NDArray[np.float32]
    row_of: dict[str, int] = field(repr=False)

    @classmethod
    def build(cls, table: TrackTable, tables: Tables) -> Self:
        """Joins what is stored of the tracks with what a bundle knows of them.

        Args:
            table: of the bundle's own embedding space, since item vectors are predicted from the embedding.
            tables: of the bundle.

        Raises:
            BundleError: a table lacks a column or has one of another size.
        """
        try:
            items, known, popularity = item_vectors(table.identity_keys, table.embedding, tables["items"])
            metadata = metadata_vectors(table.value_keys, tables["metadata"])
        except (KeyError, ValueError, IndexError) as error:
            raise BundleError(
                f"the bundle's tables do not fit the catalogue ({error!r})",
                reason=Reason.INCOMPATIBLE,
                remedy="Fetch or build the bundle again",
            ) from error
        return cls(
            embedding_space=table.embedding_space,
            ids=table.ids,
            path=table.path,
            title=table.title,
            artist=table.artist,
            album=table.album,
            duration_s=table.duration_s,
            emotion=table.emotion,
            embedding=table.embedding,
            descriptors=table.descriptors,
            metadata=metadata,
            items=items,
            known_item=known,
            popularity=popularity,
            row_of={track_id: row for row, track_id in enumerate(table.ids)},
        )

    def __len__(self) -> int:
        return len(self.ids)


def item_vectors(
    identity_keys: NDArray[np.uint64], embedding: NDArray[np.float32], items: Mapping[str, NDArray[Any]]
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32]]:
    """Returns the item vectors of tracks, whether each was trained, and their popularity.

    Args:
        identity_keys: uint64[N, levels], strongest first, 0 for none.
        embedding: float32[N, 128].
        items: the table: `key` sorted, `vector`, `popularity`, `from_audio` float32[129, D] with the bias last.

    Returns:
        float32[N, D], bool[N], float32[N]
    """
    key, vector, popularity, from_audio = (items[name] for name in ("key", "vector", "popularity", "from_audio"))
    result = np.ascontiguousarray(embedding @ from_audio[:-1] + from_audio[-1], dtype=np.float32)
    known = np.zeros(embedding.shape[0], dtype=np.bool_)
    popular = np.zeros(embedding.shape[0], dtype=np.float32)
    if key.size == 0:
        return result, known, popular
    for wanted in identity_keys.T:
        rows = np.minimum(np.searchsorted(key, wanted), key.size - 1)
        found = (key[rows] == wanted) & (wanted != 0) & ~known
        result[found] = vector[rows[found]]
        popular[found] = popularity[rows[found]]
        known |= found
    return result, known, popular


def metadata_vectors(
    value_keys: Sequence[NDArray[np.uint64]], metadata: Mapping[str, NDArray[Any]]
) -> NDArray[np.float32]:
    """Returns float32[N, 32]: per track the mean of the vectors of its known values, zeros where none is known.

    The same as `models.metadata.MetadataTable.vector_of` for every track, in one pass.

    Args:
        value_keys: per track the keys of its values.
        metadata: the table: `key` sorted, `vector`.
    """
    key, vector = metadata["key"], metadata["vector"]
    result = np.zeros((len(value_keys), METADATA_SIZE), dtype=np.float32)
    counts = np.array([keys.size for keys in value_keys], dtype=np.intp)
    if key.size == 0 or counts.sum() == 0:
        return result
    wanted = np.concatenate(value_keys)
    rows = np.minimum(np.searchsorted(key, wanted), key.size - 1)
    found = key[rows] == wanted
    tracks = np.repeat(np.arange(counts.size), counts)[found]
    np.add.at(result, tracks, vector[rows[found]].astype(np.float32))
    known = np.bincount(tracks, minlength=counts.size)
    result /= np.maximum(known, 1).astype(np.float32)[:, None]
    return result

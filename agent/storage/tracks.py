"""Tracks as rows of the database and back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from agent.storage.records import AnalysisRow, KnownFile, TrackRow, TrackTable
from agent.storage.words import WORDS_COLUMNS, words_row
from models.audio.descriptors import DESCRIPTORS

__all__ = [
    "EMBEDDING_SIZE",
    "FORGET_STALE",
    "KNOWN_FILES",
    "LADDER",
    "LENGTHS",
    "MAIN_SPACE",
    "MOVE_TRACK",
    "PUT_ANALYSIS",
    "SPACES",
    "TRACK_TABLE",
    "UNEMBEDDED",
    "UPSERT_TRACK",
    "analysis_parameters",
    "known_file",
    "track_parameters",
    "track_table",
]

EMBEDDING_SIZE: Final = 128
"""Length of an audio embedding."""

_FLOATS: Final = np.dtype("<f4")
_KEYS: Final = np.dtype("<u8")
LADDER: Final = 4
"""Recording, ISRC, artist and title, artist: what models.identity.ladder gives at most."""

_HEARD: Final = ("embedding_space", "valence", "arousal", "embedding", "descriptors", "analysed_t")
_COLUMNS: Final = tuple(name for name in TrackRow.__struct_fields__ if name not in _HEARD)
_UPDATED: Final = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name != "id")
UPSERT_TRACK: Final = (
    f"INSERT INTO tracks ({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{name}' for name in _COLUMNS)})"  # noqa: S608 - names of our own columns
    f" ON CONFLICT (id) DO UPDATE SET {_UPDATED}, missing = 0"
)
"""Stores a track in place of the one with its id; a file that is stored is there."""
FORGET_STALE: Final = "DELETE FROM analyses WHERE track_id = :id AND fingerprint <> :fingerprint"
"""What was heard of another content than the track has now, in any space."""
PUT_ANALYSIS: Final = (
    "INSERT OR REPLACE INTO analyses"
    " (track_id, embedding_space, fingerprint, valence, arousal, embedding, descriptors, analysed_t)"
    " SELECT id, :embedding_space, fingerprint, :valence, :arousal, :embedding, :descriptors, :analysed_t"
    " FROM tracks WHERE id = :track_id AND fingerprint = :fingerprint"
)
"""Stores what was heard, unless the file has become another one since."""
MOVE_TRACK: Final = "UPDATE tracks SET path = :path, mtime_ns = :mtime_ns, missing = 0 WHERE id = :id"
_IN_SPACE: Final = (
    "analyses ON analyses.track_id = tracks.id AND embedding_space = :space"
    " AND analyses.fingerprint = tracks.fingerprint"
    " AND length(embedding) = :embedding_bytes AND length(descriptors) = :descriptors_bytes"
)
KNOWN_FILES: Final = (
    "SELECT id, path, size, mtime_ns, tracks.fingerprint, missing, error, error_reason, coalesce(embedding_space, ''),"  # noqa: S608
    f" {WORDS_COLUMNS}, tracks.fingerprint"
    f" FROM tracks LEFT JOIN {_IN_SPACE} LEFT JOIN words ON words.track_id = tracks.id ORDER BY path"
)
TRACK_TABLE: Final = (
    "SELECT id, path, title, artist, album, duration_s, valence, arousal, embedding, descriptors,"  # noqa: S608
    f" identity_keys, value_keys FROM tracks JOIN {_IN_SPACE} WHERE missing = 0 AND error = '' ORDER BY path"
)
UNEMBEDDED: Final = (
    "SELECT id, path, fingerprint FROM tracks WHERE missing = 0 AND error = ''"
    " AND EXISTS (SELECT 1 FROM analyses WHERE track_id = id AND embedding_space = :like"
    " AND analyses.fingerprint = tracks.fingerprint)"
    " AND NOT EXISTS (SELECT 1 FROM analyses WHERE track_id = id AND embedding_space = :space"
    " AND analyses.fingerprint = tracks.fingerprint) ORDER BY path"
)
MAIN_SPACE: Final = (
    "SELECT embedding_space FROM analyses JOIN tracks ON track_id = id WHERE missing = 0"
    " GROUP BY embedding_space ORDER BY count(*) DESC LIMIT 1"
)
SPACES: Final = "SELECT embedding_space, count(*) FROM analyses GROUP BY embedding_space"
LENGTHS: Final = {
    "embedding_bytes": EMBEDDING_SIZE * _FLOATS.itemsize,
    "descriptors_bytes": len(DESCRIPTORS) * _FLOATS.itemsize,
}
"""Parameters of the queries: vectors of other lengths come from another program and are as good as not there."""


def track_parameters(row: TrackRow) -> dict[str, Any]:
    """Returns the columns of a track for `UPSERT_TRACK`."""
    parameters = {name: getattr(row, name) for name in _COLUMNS}
    parameters["tags"] = msgspec.json.encode(row.tags).decode()
    for name in ("identity_keys", "value_keys"):
        parameters[name] = np.array(parameters[name], dtype=_KEYS).tobytes()
    return parameters


def analysis_parameters(row: TrackRow | AnalysisRow) -> dict[str, Any]:
    """Returns the columns of an analysis, alone or as part of a track, for `PUT_ANALYSIS`."""
    parameters = {name: getattr(row, name) for name in _HEARD}
    for name in ("embedding", "descriptors"):
        if parameters[name] is not None:
            parameters[name] = np.asarray(parameters[name], dtype=_FLOATS).tobytes()
    track_id = row.id if isinstance(row, TrackRow) else row.track_id
    return {**parameters, "track_id": track_id, "fingerprint": row.fingerprint}


def known_file(row: Sequence[Any]) -> KnownFile:
    """Returns a row of `KNOWN_FILES`."""
    return KnownFile(
        id=row[0],
        path=row[1],
        size=row[2],
        mtime_ns=row[3],
        fingerprint=row[4],
        missing=bool(row[5]),
        error=row[6],
        error_reason=row[7],
        embedding_space=row[8],
        words=words_row(row[9:]),
    )


def track_table(rows: Sequence[Sequence[Any]], embedding_space: str) -> TrackTable:
    """Returns the rows of `TRACK_TABLE` as columns."""
    columns: list[Any] = list(zip(*rows, strict=True)) or [()] * 12
    ids, paths, titles, artists, albums, durations, valences, arousals, embeddings, descriptors, ladders, values = (
        columns
    )
    return TrackTable(
        embedding_space=embedding_space,
        ids=ids,
        path=tuple(os.fsdecode(path) for path in paths),
        title=titles,
        artist=artists,
        album=albums,
        duration_s=np.array(durations, dtype=np.float32),
        emotion=np.array([valences, arousals], dtype=np.float32).T.copy(),
        embedding=_matrix(embeddings, EMBEDDING_SIZE),
        descriptors=_matrix(descriptors, len(DESCRIPTORS)),
        identity_keys=_padded_keys(ladders),
        value_keys=tuple(np.frombuffer(keys, dtype=_KEYS) for keys in values),
    )


def _matrix(blobs: Sequence[bytes], width: int) -> NDArray[np.float32]:
    return np.frombuffer(b"".join(blobs), dtype=_FLOATS).reshape(len(blobs), width).astype(np.float32)


def _padded_keys(ladders: Sequence[bytes]) -> NDArray[np.uint64]:
    width = LADDER * _KEYS.itemsize
    joined = b"".join(keys[:width].ljust(width, b"\0") for keys in ladders)
    return np.frombuffer(joined, dtype=_KEYS).reshape(-1, LADDER).astype(np.uint64)

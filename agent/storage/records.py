"""What is stored, as types. Times are seconds since the epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "AffectRow",
    "AnalysisRow",
    "Command",
    "Feedback",
    "KnownFile",
    "Play",
    "Sample",
    "TrackRow",
    "TrackTable",
    "WordsRow",
]


class Play(msgspec.Struct, frozen=True, kw_only=True):
    """A track that sounded, and how that ended: through, skipped, or stopped with the player."""

    track_id: str
    started_t: float
    ended_t: float
    played_s: float
    outcome: Literal["completed", "skipped", "stopped"]


class Feedback(msgspec.Struct, frozen=True, kw_only=True):
    """What the listener said of a track."""

    track_id: str
    t: float
    kind: Literal["liked", "disliked"]


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command that was accepted; `payload` is JSON."""

    t: float
    verb: str
    payload: str = "{}"


class AffectRow(msgspec.Struct, frozen=True, kw_only=True):
    """An affect state as it was estimated; valence and arousal in [-1, 1], the deviations in the same units."""

    t: float
    valence: float
    arousal: float
    sd_valence: float
    sd_arousal: float
    rho: float
    quality: float
    calibrated: bool
    model: str


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One raw reading in the SI unit of its quantity."""

    t: float
    wearable: str
    quantity: str
    value: float
    channel: str = ""


class WordsRow(msgspec.Struct, frozen=True, kw_only=True):
    """What the words of a track say; see the schema for what the columns mean.

    `fingerprint` is that of the content whose tags were read: it holds as long as the track's is the same.
    """

    track_id: str
    fingerprint: bytes
    lexicon: str = ""
    source: Literal["", "lyrics", "tags"] = ""
    valence: float | None = None
    arousal: float | None = None
    dominance: float | None = None
    known: int = 0
    language: str = ""
    lyrics: Literal["", "tags", "file"] = ""
    lyrics_size: int | None = None
    lyrics_mtime_ns: int | None = None
    problem: str = ""
    problem_reason: str = ""


class KnownFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a scan needs to know of a file that was seen before.

    `embedding_space` is the one that was asked for where the file was heard in it as it is now, else empty; `words` is
    None where they were never read.
    """

    id: str
    path: bytes
    size: int
    mtime_ns: int
    fingerprint: bytes
    missing: bool
    error: str
    error_reason: str
    embedding_space: str
    words: WordsRow | None = None


class TrackRow(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is stored of a track; see the schema for what the columns mean.

    The analysis is absent (`embedding_space` empty) where the file could not be read; `error` says why.
    """

    id: str
    path: bytes
    size: int
    mtime_ns: int
    fingerprint: bytes
    error: str = ""
    error_reason: str = ""
    title: str = ""
    artist: str = ""
    album: str = ""
    album_artist: str = ""
    tags: dict[str, list[str]] = {}
    identity_keys: tuple[int, ...] = ()
    value_keys: tuple[int, ...] = ()
    duration_s: float = 0.0
    valence: float | None = None
    arousal: float | None = None
    embedding: NDArray[np.float32] | None = None
    descriptors: NDArray[np.float32] | None = None
    embedding_space: str = ""
    analysed_t: float | None = None


class AnalysisRow(msgspec.Struct, frozen=True, kw_only=True):
    """What was heard of a track by one audio model.

    `fingerprint` is that of the content that was heard: it holds as long as the track's is the same.
    """

    track_id: str
    embedding_space: str
    fingerprint: bytes
    valence: float
    arousal: float
    embedding: NDArray[np.float32]
    descriptors: NDArray[np.float32]
    analysed_t: float


@dataclass(frozen=True, slots=True)
class TrackTable:
    """All tracks that can be played and ranked, one row each, sorted by path.

    Attributes:
        embedding_space: of every row.
        ids, path, title, artist, album: by row; paths are absolute.
        duration_s: float32[N].
        emotion: float32[N, 2], valence and arousal.
        embedding: float32[N, 128].
        descriptors: float32[N, 78].
        identity_keys: uint64[N, 4], strongest first, 0 where a track has fewer.
        value_keys: per row uint64[any], the keys of its metadata values.
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
    identity_keys: NDArray[np.uint64]
    value_keys: tuple[NDArray[np.uint64], ...]

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, chosen: Sequence[int]) -> TrackTable:
        """The table of some of the tracks, in the order given."""
        index = np.asarray(chosen, dtype=np.intp)
        lists = ("ids", "path", "title", "artist", "album", "value_keys")
        arrays = ("duration_s", "emotion", "embedding", "descriptors", "identity_keys")
        columns: dict[str, Any] = {name: getattr(self, name)[index] for name in arrays}
        columns |= {name: tuple(getattr(self, name)[row] for row in index.tolist()) for name in lists}
        return replace(self, **columns)

"""What child processes are told and what they answer, as bytes between two processes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from agent.storage.records import TrackTable
from agent.storage.tracks import EMBEDDING_SIZE, LADDER
from models.audio.descriptors import DESCRIPTORS
from models.errors import Reason

__all__ = [
    "Answer",
    "EmbeddingJob",
    "EmbeddingLine",
    "ExaminationJob",
    "ExaminationLine",
    "Limits",
    "Refused",
    "Tracks",
]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """See `ExamineLimits`."""

    seconds: float
    memory_bytes: int
    slower: float
    floor_ms: dict[str, float]
    least_floor_ms: float
    larger: float
    larger_floor_bytes: int
    heard: int


class Tracks(msgspec.Struct, frozen=True):
    """A `TrackTable` without what only people read; arrays as bytes, paths as the file system has them."""

    embedding_space: str
    ids: list[str]
    path: list[bytes]
    artist: list[str]
    emotion: bytes
    embedding: bytes
    descriptors: bytes
    identity_keys: bytes
    value_keys: list[bytes]

    @classmethod
    def of(cls, table: TrackTable) -> Tracks:
        """Packs a table."""
        return cls(
            embedding_space=table.embedding_space,
            ids=list(table.ids),
            path=[os.fsencode(path) for path in table.path],
            artist=list(table.artist),
            emotion=table.emotion.tobytes(),
            embedding=table.embedding.tobytes(),
            descriptors=table.descriptors.tobytes(),
            identity_keys=table.identity_keys.tobytes(),
            value_keys=[keys.tobytes() for keys in table.value_keys],
        )

    def table(self) -> TrackTable:
        """Unpacks it; titles are the ids, durations 0."""
        count = len(self.ids)

        def matrix(content: bytes, width: int) -> NDArray[np.float32]:
            return np.frombuffer(content, np.float32).reshape(count, width)

        return TrackTable(
            embedding_space=self.embedding_space,
            ids=tuple(self.ids),
            path=tuple(os.fsdecode(path) for path in self.path),
            title=tuple(self.ids),
            artist=tuple(self.artist),
            album=("",) * count,
            duration_s=np.zeros(count, np.float32),
            emotion=matrix(self.emotion, 2),
            embedding=matrix(self.embedding, EMBEDDING_SIZE),
            descriptors=matrix(self.descriptors, len(DESCRIPTORS)),
            identity_keys=np.frombuffer(self.identity_keys, np.uint64).reshape(count, LADDER),
            value_keys=tuple(np.frombuffer(keys, np.uint64) for keys in self.value_keys),
        )


class ExaminationJob(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be examined."""

    candidate: str
    running: str
    runtime: Literal["auto", "tflite", "litert"]
    limits: Limits
    tracks: Tracks

    def folders(self) -> tuple[Path, Path]:
        """Of the candidate and of the bundle in use."""
        return Path(self.candidate), Path(self.running)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of a bundle that passed; see `Examined`."""

    version: str
    embedding_space: str
    is_new_space: bool
    differences: dict[str, float]
    latency_ms: dict[str, tuple[float, float]]
    memory_bytes: int
    tracks_heard: int


class Refused(msgspec.Struct, frozen=True):
    """An `AttuneError` on its way to the parent."""

    message: str
    reason: Reason
    remedy: str = ""


class ExaminationLine(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A line that the examination says: one of these."""

    step: str = ""
    refused: Refused | None = None
    answer: Answer | None = None


class EmbeddingJob(msgspec.Struct, frozen=True, kw_only=True):
    """Which catalogue is to be embedded, and with what."""

    storage: str
    bundle: str
    running_space: str
    runtime: Literal["auto", "tflite", "litert"]


class EmbeddingLine(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A line that the embedding says: tracks done, of how many, left out; or why it ends."""

    embedded: tuple[int, int, int] | None = None
    refused: Refused | None = None
    later: Refused | None = None

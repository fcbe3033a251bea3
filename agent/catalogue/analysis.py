"""Hears a track: emotion, embedding and descriptors from up to four pieces of it.

A file is sought, never decoded as a whole: 15 s at the middle of each quarter (`models.audio.patches`), so that ten
hours take as long as four minutes. Emotion is the mean over the pieces; the embedding is their mean, normalised; the
descriptors are those of a piece near the middle. A piece that is damaged, or beyond where a truncated file breaks off,
is left out; one that can be heard is enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from agent.decoding import AudioReader, open_audio
from models.audio.descriptors import descriptors
from models.audio.log_mel import SAMPLE_RATE
from models.audio.patches import PATCH_SAMPLES, PATCH_SECONDS, FrontEnd, patch, patch_starts
from models.audio.resampling import to_mono_22050
from models.bundle.reader import Bundle
from models.errors import AudioError, BundleError, Reason
from models.metadata import MetadataTable, Value

__all__ = ["PATCHES", "Analyser", "Analysis", "MusicEmotionModel", "listen"]

PATCHES: Final = 4
"""Pieces of a track that are heard, at most: more of them move the mean emotion by less than listeners disagree."""

# So much more than a piece is decoded, since resampling may round its length down.
_MARGIN_S: Final = 0.05
# Shorter than this, a piece says nothing: a file that breaks off has such an end.
_SHORTEST_S: Final = 1.0
# A stream that does not state its length is read through to tell it, but not for ever.
_LONGEST_COUNT_S: Final = 3_600.0


class MusicEmotionModel(Protocol):
    """What runs the `music_emotion` model; `models.interpreter.Interpreter` does."""

    def run(self, **inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Returns `emotion` [1, 2] and `embedding` [1, 128] for `log_mel` [1, 128, 640, 1] and `metadata` [1, 32]."""
        ...


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was heard.

    Attributes:
        duration_s: of the whole file.
        valence, arousal: in [-1, 1].
        embedding: float32[128], unit length.
        descriptors: float32[78].
        heard_s: seconds of sound that went into it.
    """

    duration_s: float
    valence: float
    arousal: float
    embedding: NDArray[np.float32]
    descriptors: NDArray[np.float32]
    heard_s: float


@dataclass(frozen=True, slots=True)
class Analyser:
    """Hears tracks with the models of one bundle.

    Attributes:
        model: `music_emotion`.
        front_end: what the model's log-mel is normalised with.
        metadata: vectors of metadata values.
        embedding_space: names the space of the embeddings.
    """

    model: MusicEmotionModel
    front_end: FrontEnd
    metadata: MetadataTable
    embedding_space: str

    @classmethod
    def of_bundle(cls, bundle: Bundle) -> Self:
        """Takes what is needed from a bundle.

        Raises:
            BundleError: the model or table is unusable, or wants another front end.
        """
        table = bundle.table("metadata")
        return cls(
            model=bundle.model("music_emotion"),
            front_end=FrontEnd.from_manifest(bundle.manifest.models["music_emotion"].front_end),
            metadata=MetadataTable(table["key"], table["vector"]),
            embedding_space=bundle.manifest.embedding_space,
        )

    def analyse(self, path: Path, values: list[Value]) -> Analysis:
        """Hears a file.

        Args:
            path: of the file.
            values: its metadata.

        Raises:
            AudioError: nothing in it can be heard.
            BundleError: the model fails.
        """
        duration_s, pieces = listen(path)
        vector = self.metadata.vector_of(values)[None, :]
        emotions, embeddings = [], []
        for piece in pieces:
            log_mel = patch(piece, front_end=self.front_end)[None, :, :, None]
            result = self.model.run(log_mel=log_mel, metadata=vector)
            emotions.append(result["emotion"][0])
            embeddings.append(result["embedding"][0])
        emotion = np.clip(np.mean(emotions, axis=0), -1.0, 1.0)
        embedding = np.mean(embeddings, axis=0, dtype=np.float32)
        if not (np.isfinite(emotion).all() and np.isfinite(embedding).all()):
            raise BundleError(
                f"music_emotion gives what is no number for {path}",
                reason=Reason.FAILED,
                remedy="Use another bundle, or the other runtime in [bundle] runtime",
            )
        return Analysis(
            duration_s=duration_s,
            valence=float(emotion[0]),
            arousal=float(emotion[1]),
            embedding=embedding / max(float(np.linalg.norm(embedding)), 1e-9),
            descriptors=descriptors(pieces[len(pieces) // 2]),
            heard_s=sum(piece.size for piece in pieces) / SAMPLE_RATE,
        )


def listen(path: Path) -> tuple[float, list[NDArray[np.float32]]]:
    """Returns a file's duration in seconds and up to four pieces of it, mono at 22.05 kHz.

    Raises:
        AudioError: the file cannot be opened, or no piece of it can be decoded.
    """
    with open_audio(path) as reader:
        duration_s = reader.duration_s or _count_seconds(reader)
        count = min(PATCHES, max(1, ceil(duration_s / PATCH_SECONDS)))
        starts = patch_starts(round(duration_s * SAMPLE_RATE), count)
        pieces, refusal = [], None
        for start in starts:
            try:
                piece = _piece(reader, start / SAMPLE_RATE)
            except AudioError as error:
                refusal = error
                continue
            if piece.size >= min(_SHORTEST_S * SAMPLE_RATE, duration_s * SAMPLE_RATE / 2):
                pieces.append(piece)
        if not pieces:
            pieces = [_from_the_start(reader, refusal)]
    return duration_s, pieces


def _piece(reader: AudioReader, start_s: float) -> NDArray[np.float32]:
    reader.seek(start_s)
    samples = reader.read(ceil((PATCH_SECONDS + _MARGIN_S) * reader.sample_rate))
    return to_mono_22050(samples, reader.sample_rate)[:PATCH_SAMPLES]


def _from_the_start(reader: AudioReader, refusal: AudioError | None) -> NDArray[np.float32]:
    """Returns what can be heard of a file of which no piece could be found where its header says that it goes on."""
    try:
        piece = _piece(reader, 0.0)
    except AudioError as error:
        raise refusal or error from error
    if piece.size == 0:
        raise refusal or AudioError(
            f"{reader.path} holds no sound where it says it does", reason=Reason.CORRUPT, remedy="Replace the file"
        )
    return piece


def _count_seconds(reader: AudioReader) -> float:
    """Returns the length of a stream that does not state it, as far as an hour."""
    block = reader.sample_rate * 10
    while reader.position_s < _LONGEST_COUNT_S and reader.read(block).shape[0] == block:
        pass
    return reader.position_s

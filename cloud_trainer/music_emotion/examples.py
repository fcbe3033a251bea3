"""All patches of the training sides as one table of rows: where the patch lies, its targets, and their masks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.data.emotify import GENRES
from cloud_trainer.data.labels import EMOTIFY_EMOTIONS
from cloud_trainer.data.pieces import Piece, Split
from cloud_trainer.music_emotion.augmentation import sound_summary, summary_width
from cloud_trainer.music_emotion.corpus import Corpus
from cloud_trainer.music_emotion.network import METADATA
from cloud_trainer.music_emotion.note_statistics import NOTE_STATISTICS

__all__ = ["AUXILIARY", "Examples", "MetadataOf", "examples", "standardise"]

Floats = npt.NDArray[np.float32]
MetadataOf = Callable[[Piece], Floats]

AUXILIARY: Final[Mapping[str, int]] = {
    "notes": len(NOTE_STATISTICS),
    "moods": len(EMOTIFY_EMOTIONS),
    "genre": len(GENRES),
    "sound": summary_width(),
}
"""Width of each auxiliary head. The last is computed from the augmented patch, the others come from the data sets."""

_COLUMNS: Final = ("corpus", "patch", "piece", "value", "sign", "metadata", "weight")


@dataclass(frozen=True)
class Examples:
    """Rows of patches with targets; a NaN target is unknown.

    Attributes:
        corpora: where the patches lie.
        corpus: `[n]`, which corpus.
        patch: `[n]`, which patch of it.
        piece: `[n]`, a number per piece, over all corpora.
        value: `[n, 2]` valence and arousal where they are rated.
        sign: `[n, 2]` where only their signs are known.
        metadata: `[n, 32]`, zeros where unknown.
        targets: per auxiliary head, `[n, width]`.
        weight: `[n, 2]` of the squared errors: one over the variance of the set's labels, so that no set's narrow
            scale makes it count less.
    """

    corpora: Sequence[Corpus]
    corpus: npt.NDArray[np.int64]
    patch: npt.NDArray[np.int64]
    piece: npt.NDArray[np.int64]
    value: Floats
    sign: Floats
    metadata: Floats
    targets: Mapping[str, Floats]
    weight: Floats

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self.corpus.size)

    def take(self, rows: npt.NDArray[np.int64]) -> Examples:
        """Return some of the rows."""
        return replace(
            self,
            **{name: getattr(self, name)[rows] for name in _COLUMNS},
            targets={name: column[rows] for name, column in self.targets.items()},
        )

    def patches(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float16]:
        """Return the patches `[b, 128, 640]` of rows."""
        return np.stack([self.corpora[self.corpus[row]].patches[self.patch[row]] for row in rows])


def examples(corpora: Sequence[Corpus], split: Split, metadata_of: MetadataOf) -> Examples:
    """Return the rows of one side.

    Args:
        corpora: of all data sets.
        split: the side.
        metadata_of: the metadata vector of a piece, zeros where it is unknown.
    """
    columns: dict[str, list[Floats]] = {}
    piece_number = 0
    for index, corpus in enumerate(corpora):
        chosen = [number for number, piece in enumerate(corpus.pieces) if piece.split == split]
        weight = _weight([corpus.pieces[number] for number in chosen])
        for number in chosen:
            rows = corpus.rows(number) if split == "train" else corpus.plain_rows(number)
            for name, row in _targets(corpus.pieces[number], weight, metadata_of).items():
                columns.setdefault(name, []).append(np.tile(row, (len(rows), 1)))
            columns.setdefault("notes", []).append(corpus.notes[rows])
            place = np.stack([np.full(len(rows), index), rows, np.full(len(rows), piece_number)], axis=1)
            columns.setdefault("place", []).append(place.astype(np.float32))
            piece_number += 1
    table = {name: np.concatenate(values) for name, values in columns.items()}
    place = table["place"].astype(np.int64)
    return Examples(
        corpora=corpora,
        corpus=place[:, 0],
        patch=place[:, 1],
        piece=place[:, 2],
        value=table["value"],
        sign=table["sign"],
        metadata=table["metadata"],
        targets={name: table[name] for name in ("notes", "moods", "genre")},
        weight=table["weight"],
    )


def standardise(training: Examples, sample: int, random: np.random.Generator) -> Mapping[str, tuple[Floats, Floats]]:
    """Return mean and scale per auxiliary target on the training side, `sound` from a sample of its patches."""
    rows = np.sort(random.choice(len(training), size=min(sample, len(training)), replace=False))
    values = {**training.targets, "sound": sound_summary(training.patches(rows).astype(np.float32))}
    return {name: _moments(column) for name, column in values.items()}


def _moments(column: Floats) -> tuple[Floats, Floats]:
    known = column[np.isfinite(column).all(axis=1)]
    if not len(known):
        return np.zeros(column.shape[1], np.float32), np.ones(column.shape[1], np.float32)
    return known.mean(axis=0), np.maximum(known.std(axis=0), 1e-3)


def _weight(pieces: Sequence[Piece]) -> Floats:
    rated = np.array([(piece.valence, piece.arousal) for piece in pieces if piece.label == "value"], np.float32)
    if len(rated) < 2:
        return np.ones(2, np.float32)
    return np.asarray(1.0 / np.maximum(rated.var(axis=0), 1e-2), np.float32)


def _targets(piece: Piece, weight: Floats, metadata_of: MetadataOf) -> dict[str, Floats]:
    emotion = np.array([piece.valence, piece.arousal], np.float32)
    unknown = np.full(2, np.nan, np.float32)
    genre = np.full(len(GENRES), np.nan, np.float32)
    if piece.dataset == "emotify":
        genre = np.array([piece.genre == name for name in GENRES], np.float32)
    metadata = np.asarray(metadata_of(piece), np.float32)
    if metadata.shape != (METADATA,):
        raise ValueError(f"a metadata vector has {METADATA} numbers, not the shape {metadata.shape}")
    return {
        "value": emotion if piece.label == "value" else unknown,
        "sign": emotion if piece.label == "sign" else unknown,
        "weight": weight if piece.label == "value" else np.ones(2, np.float32),
        "metadata": metadata,
        "moods": np.array([piece.shares.get(emotion, np.nan) for emotion in EMOTIFY_EMOTIONS], np.float32),
        "genre": genre,
    }

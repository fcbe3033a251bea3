"""Vectors for the values of metadata, from which listeners called which artist what.

Values that are said of the same artists get similar vectors, whatever their language: the table aligns "français" with
"chanson" without translating. Count how many listeners said a value of an artist, turn counts into positive pointwise
mutual information, max(0, ln p(value, artist) / (p(value) p(artist))), and take the first 32 left singular vectors
scaled by the root of the singular values (Levy & Goldberg 2014), each row at unit length.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.linalg import svds

from cloud_trainer.artefact import Artefact, BuildContext, Figure, TableArtefact
from cloud_trainer.data import hetrec
from cloud_trainer.data.sources import training_data
from cloud_trainer.evaluation.ranking import ranks_of, recall_at
from cloud_trainer.recommenders.tag_values import values_of_tag
from models.metadata import METADATA_SIZE, Value, value_key

__all__ = ["MetadataVectorsStage", "ValueCounts", "count_values", "vectors_of"]

_MIN_ARTISTS: Final = {"full": 8, "tiny": 2}
"""A value that fewer artists carry tells more about them than about the value."""
_MIN_LISTENERS: Final = {"full": 4, "tiny": 1}
"""A word that fewer listeners use is their own shorthand, not the name of a genre."""
_HELD_OUT: Final = 0.1
_SMALLEST_ARTIST: Final = 4
"""Values that a held-out artist needs, so that half can be given and half asked for."""


@dataclass(frozen=True)
class ValueCounts:
    """How many listeners said which value of which artist.

    Attributes:
        values: field and value of each row.
        counts: sparse, shape `(values, artists)`.
    """

    values: tuple[Value, ...]
    counts: sparse.csr_matrix


def count_values(data: hetrec.HetRec, *, artists: int, listeners: int) -> ValueCounts:
    """Count the listeners behind each (value, artist).

    Values that fewer than `artists` artists carry, or fewer than `listeners` listeners use, are left out.
    """
    named = [values_of_tag(tag) for tag in data.tags]
    values = sorted({value for values in named for value in values})
    row_of = {value: row for row, value in enumerate(values)}
    pairs = [(tag, row_of[value]) for tag, values in enumerate(named) for value in values]
    tag_to_value = sparse.csr_matrix(
        (np.ones(len(pairs)), ([row for _, row in pairs], [tag for tag, _ in pairs])),
        shape=(len(values), len(data.tags)),
    )
    said = sparse.csr_matrix(
        (np.ones(len(data.tag_word)), (data.tag_word, data.tag_artist)), shape=(len(data.tags), len(data.artists))
    )
    users = sparse.csr_matrix(
        (np.ones(len(data.tag_word)), (data.tag_word, data.tag_user)), shape=(len(data.tags), data.users)
    )
    counts = sparse.csr_matrix(tag_to_value @ said)
    users = sparse.csr_matrix(tag_to_value @ users)
    frequent = np.flatnonzero((np.diff(counts.indptr) >= artists) & (np.diff(users.indptr) >= listeners))
    return ValueCounts(tuple(values[row] for row in frequent), counts[frequent])


def vectors_of(counts: sparse.csr_matrix, *, size: int, seed: int) -> npt.NDArray[np.float32]:
    """Return a unit vector per row of counts, shape `(rows, size)`; see the module."""
    table = counts.tocoo()
    total = table.data.sum()
    row_share, column_share = (np.asarray(counts.sum(axis=axis)).ravel() / total for axis in (1, 0))
    information = np.log(table.data / total / (row_share[table.row] * column_share[table.col]))
    positive = sparse.csr_matrix((np.maximum(information, 0), (table.row, table.col)), shape=table.shape)
    rank = min(size, min(positive.shape) - 1)
    left, strength, _ = svds(positive, k=rank, v0=np.random.default_rng(seed).normal(size=min(positive.shape)))
    found = left[:, ::-1] * np.sqrt(strength[::-1])
    # The sign of a singular vector is free; fix it, so that a build can be repeated.
    found *= np.sign(found[np.abs(found).argmax(axis=0), np.arange(rank)])
    vectors = np.zeros((len(found), size), np.float32)
    vectors[:, :rank] = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)
    return vectors


def held_out_recall(counts: sparse.csr_matrix, *, size: int, seed: int) -> tuple[float, float, int]:
    """Return recall@10 of the vectors and of popularity in completing the values of unseen artists, and their number.

    A tenth of the artists is left out of the decomposition. Half of the values of each are given; all others are
    ranked by the cosine with the mean of the given ones, and by the number of artists that carry them.
    """
    generator = np.random.default_rng(seed)
    unseen = generator.random(counts.shape[1]) < _HELD_OUT
    vectors = vectors_of(sparse.csr_matrix(counts[:, ~unseen]), size=size, seed=seed)
    popularity = np.diff(sparse.csr_matrix(counts[:, ~unseen]).indptr).astype(np.float64)
    by_artist = sparse.csc_matrix(counts)
    ours: list[float] = []
    peer: list[float] = []
    for artist in np.flatnonzero(unseen):
        rows = by_artist.indices[by_artist.indptr[artist] : by_artist.indptr[artist + 1]]
        if len(rows) < _SMALLEST_ARTIST:
            continue
        shuffled = generator.permutation(rows)
        given, asked = shuffled[: len(rows) // 2], shuffled[len(rows) // 2 :]
        for scores, figures in ((vectors @ vectors[given].mean(axis=0), ours), (popularity, peer)):
            left = np.asarray(scores, np.float64).copy()
            left[given] = -np.inf
            figures.append(recall_at(ranks_of(left, asked), 10))
    return (float(np.mean(ours)), float(np.mean(peer)), len(ours)) if ours else (0.0, 0.0, 0)


@dataclass(frozen=True)
class MetadataVectorsStage:
    """Builds the table `metadata`: `key`, `vector`, and the names in `value` as `field:value`."""

    name: str = "metadata_vectors"
    needs: Sequence[str] = ()
    sources: Sequence[str] = ("hetrec-lastfm",)
    packages: Sequence[str] = (
        "cloud_trainer.recommenders.metadata_vectors",
        "cloud_trainer.recommenders.tag_values",
        "cloud_trainer.data.hetrec",
        "models.metadata",
        "models.identity",
    )

    @property
    def configuration(self) -> Mapping[str, Any]:
        """What decides the result beside code and data."""
        return {"minimum_artists": _MIN_ARTISTS, "minimum_listeners": _MIN_LISTENERS, "size": METADATA_SIZE}

    def build(self, context: BuildContext) -> list[Artefact]:
        """Count, decompose, check on unseen artists.

        Raises:
            DataError: HetRec is absent or damaged.
        """
        data = hetrec.load(context.data)
        counted = count_values(data, artists=_MIN_ARTISTS[context.scale], listeners=_MIN_LISTENERS[context.scale])
        recall, popular, artists = held_out_recall(counted.counts, size=METADATA_SIZE, seed=context.seed)
        context.progress.note(f"metadata vectors: {len(counted.values)} values, recall@10 {recall:.3f} / {popular:.3f}")
        vectors = vectors_of(counted.counts, size=METADATA_SIZE, seed=context.seed)
        keys = np.array([value_key(field, value) for field, value in counted.values], np.uint64)
        order = np.argsort(keys)
        return [
            TableArtefact(
                name="metadata",
                arrays={
                    "key": keys[order],
                    "vector": vectors[order],
                    "value": np.array([f"{field}:{value}" for field, value in counted.values])[order],
                },
                description="A unit vector of 32 numbers per value of language, genre, decade, region and role, from "
                "the tags that listeners gave to artists (PPMI, truncated SVD). Keys: models.identity, kind metadata.",
                training_data=[training_data(context.data, "hetrec-lastfm", rows=len(data.tag_word))],
                metrics={
                    "hetrec.value_recall_at_10": Figure(
                        value=recall,
                        baseline=popular,
                        baseline_name="popularity",
                        protocol=f"a tenth of the artists unseen, half of the values of each given, all others ranked; "
                        f"seed {context.seed}",
                        count=artists,
                    )
                },
            )
        ]

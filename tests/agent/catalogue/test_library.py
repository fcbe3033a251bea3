from __future__ import annotations

import numpy as np
import pytest

from agent.catalogue.library import Catalogue
from agent.storage.records import TrackTable
from models.errors import BundleError
from models.identity import key, ladder
from models.metadata import METADATA_SIZE, MetadataTable, value_key

SIZE = 6


def table(ladders: list[list[int]], values: list[list[tuple[str, str]]]) -> TrackTable:
    count = len(ladders)
    identity = np.zeros((count, 4), dtype=np.uint64)
    for row, keys in enumerate(ladders):
        identity[row, : len(keys)] = keys
    names = tuple(f"{row:016x}" for row in range(count))
    embedding = np.random.default_rng(0).normal(size=(count, 128)).astype(np.float32)
    return TrackTable(
        embedding_space="space-1",
        ids=names,
        path=names,
        title=names,
        artist=names,
        album=names,
        duration_s=np.full(count, 200.0, dtype=np.float32),
        emotion=np.zeros((count, 2), dtype=np.float32),
        embedding=embedding / np.linalg.norm(embedding, axis=1, keepdims=True),
        descriptors=np.zeros((count, 78), dtype=np.float32),
        identity_keys=identity,
        value_keys=tuple(np.array([value_key(*value) for value in row], dtype=np.uint64) for row in values),
    )


def sorted_table(vectors: dict[int, np.ndarray]) -> dict[str, np.ndarray]:
    keys = np.array(sorted(vectors), dtype=np.uint64)
    return {"key": keys, "vector": np.array([vectors[int(each)] for each in keys], dtype=np.float32)}


@pytest.fixture
def tables() -> dict[str, dict[str, np.ndarray]]:
    items = sorted_table(
        {
            key("artist", "Known"): np.full(SIZE, 1.0),
            key("artist_title", "Known", "Song"): np.full(SIZE, 2.0),
            **{key("artist", f"Other {number}"): np.full(SIZE, 9.0) for number in range(50)},
        }
    )
    generator = np.random.default_rng(1)
    metadata = sorted_table(
        {value_key("genre", genre): generator.normal(size=METADATA_SIZE) for genre in ("rock", "pop", "jazz")}
    )
    return {
        "items": {
            **items,
            "popularity": np.linspace(0.1, 0.9, items["key"].size, dtype=np.float32),
            "from_audio": generator.normal(size=(129, SIZE)).astype(np.float32),
        },
        "metadata": metadata,
    }


def test_the_strongest_identity_that_is_known_gives_the_item_vector(tables: dict[str, dict[str, np.ndarray]]):
    tracks = table(
        [ladder(None, None, "Known", "Song"), ladder(None, None, "Known", "Another"), ladder(None, None, "X", "Y"), []],
        [[], [], [], []],
    )
    catalogue = Catalogue.build(tracks, tables)
    np.testing.assert_array_equal(catalogue.items[0], np.full(SIZE, 2.0))
    np.testing.assert_array_equal(catalogue.items[1], np.full(SIZE, 1.0))
    np.testing.assert_array_equal(catalogue.known_item, [True, True, False, False])
    assert catalogue.popularity[0] > 0.0
    assert catalogue.popularity[2] == 0.0


def test_unknown_tracks_get_the_vector_that_their_sound_predicts(tables: dict[str, dict[str, np.ndarray]]):
    tracks = table([[]], [[]])
    from_audio = tables["items"]["from_audio"]
    expected = tracks.embedding[0] @ from_audio[:128] + from_audio[128]
    np.testing.assert_allclose(Catalogue.build(tracks, tables).items[0], expected, rtol=1e-5)


def test_metadata_vectors_are_those_of_the_shared_table(tables: dict[str, dict[str, np.ndarray]]):
    values = [
        [("genre", "rock"), ("genre", "pop")],
        [],
        [("genre", "jazz"), ("genre", "unheard of")],
        [("genre", "unheard of")],
    ]
    catalogue = Catalogue.build(table([[]] * 4, values), tables)
    shared = MetadataTable(tables["metadata"]["key"], tables["metadata"]["vector"])
    for row, each in enumerate(values):
        np.testing.assert_allclose(catalogue.metadata[row], shared.vector_of(each), rtol=1e-5)


def test_rows_are_found_by_id_and_arrays_are_contiguous(tables: dict[str, dict[str, np.ndarray]]):
    catalogue = Catalogue.build(table([[]] * 3, [[]] * 3), tables)
    assert len(catalogue) == 3
    assert catalogue.row_of[catalogue.ids[2]] == 2
    for array in (catalogue.emotion, catalogue.embedding, catalogue.metadata, catalogue.items):
        assert array.dtype == np.float32
        assert array.flags.c_contiguous


def test_an_empty_catalogue_is_no_error(tables: dict[str, dict[str, np.ndarray]]):
    catalogue = Catalogue.build(table([], []), tables)
    assert len(catalogue) == 0
    assert catalogue.items.shape == (0, SIZE)


def test_tables_that_do_not_fit_are_refused(tables: dict[str, dict[str, np.ndarray]]):
    del tables["items"]["from_audio"]
    with pytest.raises(BundleError):
        Catalogue.build(table([[]], [[]]), tables)

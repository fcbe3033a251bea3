from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.metadata import FIELDS, METADATA_SIZE, MetadataTable, value_key, values_of


@pytest.mark.parametrize(
    ("tags", "values"),
    [
        ({"genre": "Hip-Hop/R&B; Soul"}, [("genre", "hip hop"), ("genre", "r and b"), ("genre", "soul")]),
        ({"genre": ["Rock", "ROCK"]}, [("genre", "rock")]),
        ({"date": "1997-05-01"}, [("decade", "1990s")]),
        ({"date": "2009", "original_date": "1969"}, [("decade", "1960s")]),
        ({"date": "19977"}, []),
        ({"language": "kor"}, [("language", "ko")]),
        ({"language": "English"}, [("language", "en")]),
        ({"language": "zxx", "title": "가"}, []),
        ({"title": "봄날"}, [("language", "ko")]),
        ({"title": "君の名は"}, [("language", "ja")]),
        ({"title": "月亮代表我的心"}, [("language", "zh")]),
        ({"title": "Yesterday"}, []),
        ({"country": "KR"}, [("region", "kr")]),
        ({"country": "XW", "isrc": "USRC17607839"}, []),
        ({"isrc": "QMRC17607839"}, [("region", "us")]),
        ({"genre": "OST"}, [("genre", "ost"), ("role", "soundtrack")]),
        ({"album": "Goblin OST Part 1"}, [("role", "soundtrack")]),
        ({"grouping": "Opening Theme"}, [("role", "opening")]),
    ],
)
def test_tags_become_values(tags: dict[str, str | list[str]], values: list[tuple[str, str]]):
    assert values_of(tags) == values


@given(
    st.dictionaries(
        st.sampled_from(["genre", "date", "language", "country", "isrc", "title", "artist", "album", "grouping", "x"]),
        st.one_of(st.text(max_size=30), st.lists(st.text(max_size=30), max_size=3)),
    )
)
def test_no_tag_is_an_error(tags: dict[str, str | list[str]]):
    for field, value in values_of(tags):
        assert field in FIELDS
        assert value


@pytest.fixture
def table() -> MetadataTable:
    keys = np.array([value_key("genre", "rock"), value_key("decade", "1990s")], dtype=np.uint64)
    order = np.argsort(keys)
    vectors = np.stack([np.full(METADATA_SIZE, 1.0), np.full(METADATA_SIZE, 3.0)]).astype(np.float32)
    return MetadataTable(keys[order], vectors[order])


def test_a_tracks_vector_is_the_mean_of_its_known_values(table: MetadataTable):
    vector = table.vector_of([("genre", "Rock"), ("decade", "1990s"), ("genre", "unheard of")])
    np.testing.assert_allclose(vector, 2.0)
    assert vector.dtype == np.float32


def test_nothing_known_is_the_zero_vector(table: MetadataTable):
    np.testing.assert_array_equal(table.vector_of([]), np.zeros(METADATA_SIZE))
    np.testing.assert_array_equal(table.vector_of([("genre", "unheard of")]), np.zeros(METADATA_SIZE))
    empty = MetadataTable(np.empty(0, dtype=np.uint64), np.empty((0, METADATA_SIZE), dtype=np.float32))
    np.testing.assert_array_equal(empty.vector_of([("genre", "rock")]), np.zeros(METADATA_SIZE))

"""Metadata vectors: what a tag means, and that values said of the same artists end up close."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from cloud_trainer.artefact import BuildContext, TableArtefact
from cloud_trainer.progress import LogProgress
from cloud_trainer.recommenders.metadata_vectors import MetadataVectorsStage, vectors_of
from cloud_trainer.recommenders.tag_values import values_of_tag
from models.metadata import FIELDS, METADATA_SIZE, MetadataTable, value_key


@pytest.mark.parametrize(
    ("tag", "values"),
    [
        ("80s", [("decade", "1980s")]),
        ("00s", [("decade", "2000s")]),
        ("1960s", [("decade", "1960s")]),
        ("German", [("language", "de"), ("region", "de")]),
        ("british", [("region", "gb")]),
        ("K-Pop", [("language", "ko"), ("region", "kr"), ("genre", "k pop")]),
        ("Soundtrack", [("role", "soundtrack")]),
        ("Hip-Hop", [("genre", "hip hop")]),
        ("favorites", []),
        ("seen live", []),
        ("<3", []),
        ("", []),
    ],
)
def test_a_tag_names_the_values_that_a_file_would_carry(tag: str, values: list[tuple[str, str]]):
    assert values_of_tag(tag) == values
    assert all(field in FIELDS for field, _ in values)


def test_values_of_the_same_artists_are_close_and_others_are_not():
    counts = sparse.csr_matrix(np.array([[3, 2, 0, 0], [2, 3, 0, 0], [0, 0, 2, 1], [0, 0, 1, 2]], np.float64))
    vectors = vectors_of(counts, size=32, seed=1)
    assert vectors.shape == (4, 32)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(4))
    alike = vectors @ vectors.T
    assert alike[0, 1] > 0.9
    assert abs(alike[0, 2]) < 0.5


def test_the_same_seed_gives_the_same_vectors():
    counts = sparse.random(30, 50, density=0.2, random_state=1, format="csr")
    assert np.array_equal(vectors_of(counts, size=8, seed=3), vectors_of(counts, size=8, seed=3))


def test_the_stage_makes_the_table_that_the_device_reads(listener_data: Path, tmp_path: Path):
    context = BuildContext(data=listener_data, work=tmp_path, scale="tiny", seed=1, progress=LogProgress())
    (table,) = MetadataVectorsStage().build(context)
    assert isinstance(table, TableArtefact)
    assert table.name == "metadata"
    assert np.all(np.diff(table.arrays["key"].astype(object)) > 0)
    read = MetadataTable(key=table.arrays["key"], vector=table.arrays["vector"])
    known = read.vector_of([("genre", "rock")])
    assert known.shape == (METADATA_SIZE,)
    assert np.linalg.norm(known) == pytest.approx(1, abs=1e-5)
    assert not read.vector_of([("genre", "no such genre")]).any()
    assert value_key("role", "soundtrack") in table.arrays["key"]
    figure = table.metrics["hetrec.value_recall_at_10"]
    assert figure.baseline is not None

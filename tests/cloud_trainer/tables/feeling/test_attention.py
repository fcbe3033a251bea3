"""The attention map: from the shipped model, and what it is summed up to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cloud_trainer.tables.feeling.attention import AttentionMap, attention_maps, picture, strongest_gain
from models.errors import DataError

PNG = b"\x89PNG"


def _map(weights: np.ndarray, felt: np.ndarray) -> AttentionMap:
    return AttentionMap("somebody", weights, felt, felt)


def test_even_attention_gives_the_strongly_felt_no_more():
    count = 12
    felt = np.random.default_rng(1).uniform(-1, 1, (count, 2))
    even = np.tri(count) / np.arange(1, count + 1)[:, None]
    assert strongest_gain([_map(even, felt)]) == pytest.approx(1.0)


def test_attention_to_the_strongly_felt_is_a_gain():
    count = 12
    felt = np.random.default_rng(1).uniform(-1, 1, (count, 2))
    weights = np.tri(count)
    for song in range(1, count):
        weights[song, :song] = np.linalg.norm(felt[:song] - felt[:song].mean(axis=0), axis=1)
    assert strongest_gain([_map(weights / weights.sum(axis=1, keepdims=True), felt)]) > 1.3


def test_the_picture_is_a_png():
    count = 10
    assert picture(_map(np.tri(count) / count, np.zeros((count, 2)))).startswith(PNG)


def test_the_shipped_model_looks_back_and_never_ahead(shared_data: Path):
    maps = attention_maps(shared_data)
    assert len(maps) == 6
    for one in maps:
        assert one.weights.sum(axis=1) == pytest.approx(1.0, abs=1e-4)
        assert not np.triu(one.weights, 1).any()


def test_without_long_sessions_there_is_no_map(listener_data: Path):
    with pytest.raises(DataError, match="lab session"):
        attention_maps(listener_data)

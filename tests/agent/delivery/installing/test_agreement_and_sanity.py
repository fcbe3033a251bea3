from __future__ import annotations

import numpy as np
import pytest
from stand_in_library import track_table

from agent.delivery.installing.children.job import Tracks
from agent.delivery.installing.examination.agreement import contradiction
from agent.delivery.installing.examination.sanity import Sense, require_sense, sense_of
from models.bundle.reader import Bundle, default_bundle
from models.errors import BundleError, Reason


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.open(default_bundle())


def noisy(count: int, correlation: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    one, noise = np.random.default_rng(seed).normal(size=(2, count))
    return one, correlation * one + np.sqrt(1 - correlation**2) * noise


@pytest.mark.parametrize("count", [12, 48, 192])
def test_two_honest_models_are_hardly_ever_taken_for_a_contradiction(count: int):
    refused = sum(bool(contradiction(*noisy(count, 0.5, seed), least=0.2)) for seed in range(300))
    assert refused <= 3


def test_one_that_says_the_opposite_is_always_found_out():
    assert all(contradiction(*noisy(16, -0.95, seed), least=0.2) for seed in range(100))


def test_one_that_says_nothing_is_found_out_unless_the_other_says_nothing_either():
    one, nothing = np.linspace(-1, 1, 20), np.zeros(20)
    assert contradiction(nothing, one, least=0.2) == "no differences in the"
    assert contradiction(one, nothing, least=0.2) == ""


def test_the_shipped_bundle_tells_happy_from_sad_music(bundle: Bundle):
    assert sense_of(bundle, track_table(60, bundle.manifest.embedding_space)).separation > 0.6


def test_a_catalogue_that_is_all_alike_is_no_ranking(bundle: Bundle):
    table = track_table(20, bundle.manifest.embedding_space)
    table.emotion[:], table.embedding[:] = 0.0, table.embedding[0]
    with pytest.raises(BundleError, match="whatever is wanted") as caught:
        sense_of(bundle, table)
    assert caught.value.reason is Reason.FAILED


def test_a_bundle_may_be_a_little_worse_than_the_one_in_use_but_not_much(bundle: Bundle):
    require_sense(bundle, Sense(0.75), Sense(0.8))
    require_sense(bundle, Sense(0.42), Sense(0.45))
    require_sense(bundle, Sense(0.55), None)
    for candidate, running in ((Sense(0.55), Sense(0.8)), (Sense(0.45), None)):
        with pytest.raises(BundleError, match="above sad ones"):
            require_sense(bundle, candidate, running)


@pytest.mark.parametrize("count", [0, 1, 7])
def test_a_sample_comes_through_to_the_child_as_it_was(count: int):
    table = track_table(count, "space-1")
    again = Tracks.of(table).table()
    assert (again.ids, again.path, again.artist) == (table.ids, table.path, table.artist)
    for name in ("emotion", "embedding", "descriptors", "identity_keys"):
        np.testing.assert_array_equal(getattr(again, name), getattr(table, name))

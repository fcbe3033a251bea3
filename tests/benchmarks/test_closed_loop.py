"""The closed loop in small: a listener, a library without files, a clock that is told."""

from __future__ import annotations

import numpy as np
import pytest
from stand_in_library import repertoire

from agent.repertoire import Repertoire
from benchmarks.closed_loop import Scores, listen
from models.bundle.reader import Bundle, default_bundle


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.open(default_bundle())


@pytest.fixture(scope="module")
def library(bundle: Bundle) -> Repertoire:
    return repertoire(100, bundle)


def half_a_minute(library: Repertoire, bundle: Bundle, row: str) -> Scores:
    intended = np.asarray(library.tracks.emotion, np.float64)
    return listen(library, bundle, intended, course="calm-then-excited", seed=1, seconds=30.0, row=row)


def test_without_a_wearable_nothing_of_the_listener_reaches_the_agent(library: Repertoire, bundle: Bundle):
    scores = half_a_minute(library, bundle, "no wearable")
    assert len(scores.matched) == len(scores.shuffled) == len(scores.nearest) == 3
    np.testing.assert_array_equal(scores.state, np.tile(scores.state[0], (3, 1)))
    assert np.ptp(np.array(scores.truth)[:, 1]) > 0.5


def test_with_one_the_state_moves_and_the_distances_are_ordered(library: Repertoire, bundle: Bundle):
    scores = half_a_minute(library, bundle, "wearable alone")
    assert np.ptp(np.array(scores.state)[:, 1]) > 0.01
    for nearest, matched, shuffled in zip(scores.nearest, scores.matched, scores.shuffled, strict=True):
        assert nearest <= matched
        assert nearest < shuffled

"""Histories and their splits: confidence, merged spellings, order in time, no listener on two sides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cloud_trainer.data import hetrec
from cloud_trainer.data.hetrec import HetRec
from cloud_trainer.recommenders.full_ranking import figures_of, rank_all
from cloud_trainer.recommenders.interactions import (
    History,
    artist_space,
    fold_in,
    listening,
    split_users,
    tag_sequences,
)
from cloud_trainer.recommenders.sequence_data import HISTORY, chronological_cases, padded, sample_windows
from models import identity


def _small() -> HetRec:
    return HetRec(
        artists=("The Beatles", "Beatles", "Björk", "Rare"),
        tags=("rock",),
        users=3,
        play_user=np.array([0, 0, 1, 1, 2]),
        play_artist=np.array([0, 2, 1, 2, 3]),
        play_count=np.array([99, 9, 5, 1, 7], np.float32),
        tag_user=np.array([0, 0, 0]),
        tag_artist=np.array([2, 0, 2]),
        tag_word=np.array([0, 0, 0]),
        tag_month=np.array([5, 3, 9]),
    )


def test_spellings_of_one_name_are_one_artist_and_rare_ones_have_no_row():
    space = artist_space(_small(), minimum=2)
    assert len(space.keys) == 2
    assert space.row_of_artist[0] == space.row_of_artist[1] != space.row_of_artist[2]
    assert space.row_of_artist[3] == -1
    assert space.rows_of(["BEATLES", "bjork", "nobody"]).tolist() == [
        space.row_of_artist[0],
        space.row_of_artist[2],
        -1,
    ]
    assert space.keys[space.row_of_artist[2]] == identity.key("artist", "Björk")
    assert space.listeners[space.row_of_artist[0]] == 2


def test_confidence_is_the_logarithm_of_plays_over_the_largest():
    data = _small()
    space = artist_space(data, minimum=2)
    history = listening(data, space)[0]
    weights = dict(zip(history.items.tolist(), history.weights.tolist(), strict=True))
    assert weights[int(space.row_of_artist[0])] == pytest.approx(1)
    assert weights[int(space.row_of_artist[2])] == pytest.approx(np.log(10) / np.log(100))
    assert len(listening(data, space)[2].items) == 0


def test_sequences_follow_the_month_of_the_first_tag():
    data = _small()
    space = artist_space(data, minimum=2)
    assert tag_sequences(data, space, seed=1)[0].tolist() == [space.row_of_artist[0], space.row_of_artist[2]]


def test_no_listener_is_on_two_sides_and_a_tenth_is_tested():
    folds = split_users(200, seed=1)
    assert {fold: int((folds == fold).sum()) for fold in np.unique(folds)} == {
        "test": 20,
        "train": 160,
        "validation": 20,
    }
    assert np.array_equal(folds, split_users(200, seed=1))


def test_what_is_asked_for_was_not_given(listener_data: Path):
    data = hetrec.load(listener_data)
    histories = listening(data, artist_space(data, minimum=2))
    for _, given, asked in fold_in(histories, np.arange(20), seed=1):
        assert not np.intersect1d(given.items, asked).size
        assert len(given.items) + len(asked) == 12


def test_short_histories_are_left_out_of_the_cases():
    short = History(np.arange(4), np.ones(4, np.float32))
    assert fold_in([short], np.array([0]), seed=1) == []
    assert chronological_cases([np.arange(4)], np.array([0])) == []


def test_the_future_is_asked_for():
    ((user, given, asked),) = chronological_cases([np.arange(10)], np.array([0]))
    assert user == 0
    assert given.items.tolist() == list(range(8))
    assert asked.tolist() == [8, 9]


def test_windows_are_padded_on_the_left_and_hold_the_newest():
    items, mask = padded(np.array([7, 8]))
    assert items[-2:].tolist() == [7, 8]
    assert mask.sum() == 2
    assert not mask[:-2].any()
    items, mask = padded(np.arange(100))
    assert items.tolist() == list(range(100 - HISTORY, 100))
    assert mask.all()


def test_a_drawn_window_ends_where_its_target_begins():
    items, mask, target = sample_windows([np.arange(30)], 50, np.random.default_rng(1))
    assert np.array_equal(items[:, -1] + 1, target)
    assert mask[:, -1].all()


def test_a_perfect_score_ranks_first_and_given_items_do_not_count():
    cases = [(0, History(np.array([1]), np.ones(1, np.float32)), np.array([2, 3]))]
    scores = np.array([[0.0, 9.0, 3.0, 2.0, 1.0]])
    perfect = rank_all(cases, lambda _: scores)
    assert perfect.ndcg.tolist() == [1.0]
    assert scores[0, 1] == 9.0
    figures = figures_of("x", perfect, rank_all(cases, lambda _: -scores), protocol="p", seed=1)
    assert figures["x.recall_at_10"].value == 1
    assert figures["x.ndcg_at_10"].baseline is not None

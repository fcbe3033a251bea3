from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from small_catalogue import SLICES, EvenHybrid, LastItem, make_tracks

from agent.ranking.ranker import Ranker, Ranking
from agent.ranking.target import Target
from agent.ranking.taste import Play, Taste, taste_of
from agent.ranking.tracks import TrackArrays

NOW = 1_700_000_000.0
SITUATION = np.zeros(8, np.float32)
EMOTION_ONLY = np.array([0.0, 1.0, 0.0, 0.0])
EVEN = np.full(4, 0.25)


SCALE = make_tracks(400).scale


def at(valence: float, arousal: float) -> Target:
    point = np.array([valence, arousal])
    return Target(point, np.eye(2) * 0.01, SCALE.relative(point), np.full(2, 0.5))


def rank(
    ranker: Ranker, target: Target, taste: Taste, weights: np.ndarray = EMOTION_ONLY, **more: list[int]
) -> Ranking:
    return ranker.rank(target=target, weights=weights, taste=taste, situation=SITUATION, now=NOW, **more)


@pytest.fixture
def ranker(tracks: TrackArrays) -> Ranker:
    return Ranker(tracks, SLICES, EvenHybrid())


@pytest.mark.parametrize("valence", [-0.8, 0.0, 0.7])
@pytest.mark.parametrize("arousal", [-0.7, 0.1, 0.8])
def test_the_queue_lies_around_the_wanted_emotion(
    ranker: Ranker, tracks: TrackArrays, nobody: Taste, valence: float, arousal: float
) -> None:
    ranking = rank(ranker, at(valence, arousal), nobody)
    assert len(ranking.rows) == len(set(ranking.rows.tolist())) == 10
    assert np.linalg.norm(tracks.emotion[ranking.rows] - [valence, arousal], axis=1).max() < 0.45


def test_a_score_is_the_weighted_parts_less_the_listed_penalties(tracks: TrackArrays) -> None:
    plays = [Play(row, NOW - 60 * row, "completed") for row in range(1, 30)]
    taste = taste_of(plays, tracks, SLICES, LastItem(), now=NOW)
    ranking = rank(Ranker(tracks, SLICES, EvenHybrid()), at(0.2, 0.2), taste, EVEN)
    listed = np.array([sum(penalties.values()) for penalties in ranking.penalties])
    np.testing.assert_allclose(ranking.scores, ranking.parts @ ranking.weights - listed, atol=1e-3)
    assert (ranking.parts >= 0).all()
    assert (ranking.parts <= 1).all()


def test_the_playing_track_is_not_its_own_successor(ranker: Ranker, nobody: Taste) -> None:
    best = int(rank(ranker, at(0.5, 0.5), nobody).rows[0])
    assert best not in rank(ranker, at(0.5, 0.5), nobody, exclude=[best]).rows


def test_a_catalogue_of_one_track_still_has_a_queue() -> None:
    tracks = make_tracks(1)
    ranking = rank(Ranker(tracks, SLICES, EvenHybrid()), at(0, 0), Taste.none(tracks, SLICES), exclude=[0])
    assert ranking.rows.tolist() == [0]


def test_a_disliked_track_leaves_the_queue_and_a_like_brings_it_back(tracks: TrackArrays) -> None:
    ranker = Ranker(tracks, SLICES, EvenHybrid())
    best = int(rank(ranker, at(0.5, 0.5), Taste.none(tracks, SLICES), EVEN).rows[0])
    disliked = taste_of([Play(best, NOW - 5, "disliked")], tracks, SLICES, LastItem(), now=NOW)
    assert best not in rank(ranker, at(0.5, 0.5), disliked, EVEN).rows
    forgiven = [Play(best, NOW - 5, "disliked"), Play(best, NOW - 4, "liked")]
    liked = taste_of(forgiven, tracks, SLICES, LastItem(), now=NOW)
    assert best in rank(Ranker(tracks, SLICES, EvenHybrid()), at(0.5, 0.5), liked, EVEN).rows


def test_what_was_just_heard_rests_and_comes_back_later(tracks: TrackArrays) -> None:
    ranker = Ranker(tracks, SLICES, EvenHybrid())
    best = int(rank(ranker, at(0.5, 0.5), Taste.none(tracks, SLICES)).rows[0])
    for age, there in ((10.0, False), (3 * 86400.0, True)):
        taste = taste_of([Play(best, NOW - age, "completed")], tracks, SLICES, LastItem(), now=NOW)
        assert (best in rank(Ranker(tracks, SLICES, EvenHybrid()), at(0.5, 0.5), taste).rows) is there


def test_a_small_wobble_of_the_state_does_not_reorder_the_queue(ranker: Ranker, nobody: Taste) -> None:
    before = rank(ranker, at(0.3, 0.3), nobody, EVEN).rows
    after = rank(ranker, at(0.31, 0.29), nobody, EVEN).rows
    assert before.tolist() == after.tolist()


def test_the_hybrid_model_decides_among_the_candidates(tracks: TrackArrays) -> None:
    class Prefers(EvenHybrid):
        def run(self, **inputs: np.ndarray) -> dict[str, np.ndarray]:
            fused = (inputs["candidates"][:, :, 0] == tracks.items[7, 0]).astype(np.float32)
            return {"fused": fused}

    taste = taste_of([Play(3, NOW - 9e5, "completed")], tracks, SLICES, LastItem(), now=NOW)
    weights = np.array([0.0, 0.2, 0.0, 0.8])
    near_seven = at(*map(float, tracks.emotion[7]))
    assert rank(Ranker(tracks, SLICES, Prefers()), near_seven, taste, weights).rows[0] == 7


def test_the_ranking_equals_a_plain_computation_over_all_tracks() -> None:
    tracks = make_tracks(1000, seed=3)
    plays = [Play(row, NOW - 1e6, "completed") for row in range(5)]
    taste = taste_of(plays, tracks, SLICES, LastItem(), now=NOW)
    target = Target(np.zeros(2), np.eye(2), np.array([0.3, -0.5]), np.array([0.4, 0.9]))
    emotion = np.exp(-0.5 * np.square((tracks.relative - target.relative) / target.widths).sum(axis=1))
    audio = (1 + tracks.embedding @ taste.audio) / 2
    context = (1 + tracks.context @ taste.context) / 2
    weights = np.array([0.3, 0.5, 0.2, 0.0])
    expected = weights @ np.stack([audio, emotion, context, 0 * audio])
    ranking = rank(Ranker(tracks, SLICES, EvenHybrid()), target, taste, weights)
    np.testing.assert_allclose(ranking.parts @ weights, expected[ranking.rows], rtol=1e-5)
    assert set(ranking.rows[:5].tolist()) <= set(np.argsort(-expected)[:15].tolist())


def test_nothing_that_is_kept_between_calls_leaks_into_the_next(tracks: TrackArrays, nobody: Taste) -> None:
    used = Ranker(tracks, SLICES, EvenHybrid())
    history = [Play(1, NOW, "liked"), Play(2, NOW, "disliked")]
    rank(used, at(-0.5, 0.9), taste_of(history, tracks, SLICES, LastItem(), now=NOW), EVEN)
    used._before = np.empty(0, np.intp)
    fresh = rank(Ranker(tracks, SLICES, EvenHybrid()), at(0.4, 0.1), nobody, EVEN)
    assert rank(used, at(0.4, 0.1), nobody, EVEN).rows.tolist() == fresh.rows.tolist()


def test_two_tracks_of_one_artist_in_a_row_are_avoided_where_others_are_as_good() -> None:
    tracks = make_tracks(60, artists=3)
    same = dataclasses.replace(tracks, relative=np.zeros_like(tracks.relative))
    ranking = rank(Ranker(same, SLICES, EvenHybrid()), at(0, 0), Taste.none(same, SLICES))
    artists = same.artist[ranking.rows]
    assert not (artists[1:] == artists[:-1]).any()

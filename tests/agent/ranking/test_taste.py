from __future__ import annotations

import numpy as np
from small_catalogue import SLICES, LastItem

from agent.ranking.taste import Play, judgements_of, taste_of
from agent.ranking.tracks import TrackArrays

NOW = 1_700_000_000.0


def test_a_listener_without_history_has_no_taste(tracks: TrackArrays) -> None:
    taste = taste_of([], tracks, SLICES, LastItem(), now=NOW)
    assert taste.evidence == 0
    assert not taste.audio.any()
    assert not taste.pooled.any()


def test_taste_is_near_what_was_liked_and_nearer_to_what_was_liked_lately(tracks: TrackArrays) -> None:
    plays = [Play(1, NOW - 90 * 86400, "liked"), Play(2, NOW - 3600, "liked")]
    taste = taste_of(plays, tracks, SLICES, LastItem(), now=NOW)
    old, new = tracks.embedding[1] @ taste.audio, tracks.embedding[2] @ taste.audio
    assert new > old > 0
    np.testing.assert_allclose(np.linalg.norm(taste.audio), 1, rtol=1e-5)


def test_a_skip_is_no_evidence_of_taste(tracks: TrackArrays) -> None:
    assert taste_of([Play(1, NOW, "skipped")], tracks, SLICES, LastItem(), now=NOW).evidence == 0


def test_the_sequence_model_sees_the_last_fifty_padded_on_the_left(tracks: TrackArrays) -> None:
    seen: dict[str, np.ndarray] = {}

    class Watching(LastItem):
        def run(self, **inputs: np.ndarray) -> dict[str, np.ndarray]:
            seen.update(inputs)
            return super().run(**inputs)

    plays = [Play(row, NOW - 100 + row, "completed") for row in (4, 5, 6)]
    taste = taste_of(plays, tracks, SLICES, Watching(), now=NOW)
    assert seen["mask"][0].tolist() == [0.0] * 47 + [1.0] * 3
    assert not seen["items"][0, :47].any()
    np.testing.assert_array_equal(taste.sequence, tracks.items[6, SLICES["sequence"]])


def test_folding_in_one_track_gives_its_own_vector(tracks: TrackArrays) -> None:
    taste = taste_of([Play(9, NOW, "liked")], tracks, SLICES, LastItem(), now=NOW)
    np.testing.assert_allclose(taste.pooled, tracks.items[9], rtol=1e-5)


def test_the_last_word_about_a_track_counts() -> None:
    judgements = judgements_of([Play(1, 1.0, "liked"), Play(1, 2.0, "disliked"), Play(2, 3.0, "skipped")])
    assert judgements.rows.tolist() == [1, 2]
    assert judgements.disliked.tolist() == [True, False]
    assert judgements.liked.tolist() == [False, False]
    assert judgements.skipped_at.tolist() == [-np.inf, 3.0]

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.ranking.selection import STAY, select


def queue(scores: list[float], before: list[int], length: int = 3) -> list[int]:
    count = len(scores)
    chosen, _ = select(
        scores=np.array(scores),
        embedding=np.eye(count, 128, dtype=np.float32),
        artist=np.arange(count, dtype=np.int32),
        before=np.array(before, dtype=np.intp),
        length=length,
    )
    return chosen.tolist()


def test_without_a_queue_before_the_best_scores_come_first() -> None:
    assert queue([0.1, 0.9, 0.5, 0.7], []) == [1, 3, 2]


def test_a_track_keeps_its_place_against_one_that_is_hardly_better() -> None:
    assert queue([0.50, 0.50 + STAY / 2, 0.50, 0.1], [0, 1, 2]) == [0, 1, 2]


def test_a_track_that_is_clearly_better_takes_the_place() -> None:
    assert queue([0.50, 0.52, 0.50, 0.50 + 2 * STAY], [0, 1, 2]) == [3, 0, 1]


def test_a_copy_in_sound_of_a_chosen_track_gives_way() -> None:
    embedding = np.eye(3, 128, dtype=np.float32)
    embedding[1] = embedding[0]
    chosen, penalties = select(
        scores=np.array([0.5, 0.49, 0.45]),
        embedding=embedding,
        artist=np.arange(3, dtype=np.int32),
        before=np.empty(0, np.intp),
        length=3,
    )
    assert chosen.tolist() == [0, 2, 1]
    assert penalties[2] > 0


@given(
    scores=st.lists(st.floats(-1, 1), min_size=1, max_size=40),
    before=st.lists(st.integers(0, 39), max_size=10, unique=True),
    length=st.integers(1, 12),
)
def test_the_queue_is_full_and_never_repeats_a_track(scores: list[float], before: list[int], length: int) -> None:
    chosen = queue(scores, [place for place in before if place < len(scores)], length)
    assert len(chosen) == len(set(chosen)) == min(length, len(scores))

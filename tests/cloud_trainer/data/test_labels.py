from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cloud_trainer.data import labels
from models.errors import DataError, Reason

RATINGS = arrays(np.float32, 20, elements=st.floats(-100, 100, width=32))


@pytest.mark.parametrize(("quadrant", "signs"), [(1, (1, 1)), (2, (-1, 1)), (3, (-1, -1)), (4, (1, -1))])
def test_a_quadrant_gives_the_signs_of_valence_and_arousal(quadrant: int, signs: tuple[int, int]):
    assert labels.emopia_signs(quadrant) == signs


def test_a_fifth_quadrant_is_refused():
    with pytest.raises(DataError) as refused:
        labels.emopia_signs(5)
    assert refused.value.reason is Reason.WRONG_VALUE


def test_the_ends_of_every_scale_map_to_the_ends_of_ours():
    assert labels.deam(np.float32([1, 5, 9])).tolist() == [-1, 0, 1]
    assert labels.hku956(np.float32([-10, 0, 10])).tolist() == [-1, 0, 1]
    assert labels.deezer(np.float32([-2.5, 0, 2.5])).tolist() == [-1, 0, 1]


@given(RATINGS)
def test_deezer_never_leaves_the_plane(z_scores: np.ndarray):
    assert np.abs(labels.deezer(z_scores)).max() <= 1.0


def test_calm_is_pleasant_and_quiet_and_tension_the_opposite():
    one_hot = np.eye(9, dtype=np.float32)
    scores = dict(zip(labels.EMOTIFY_EMOTIONS, labels.emotify_scores(one_hot).tolist(), strict=True))
    assert scores["calmness"] == [0.5, -1.0]
    assert scores["tension"] == [-1.0, 1.0]
    assert scores["joyful_activation"] == [1.0, 1.0]


@given(arrays(np.float32, (12, 9), elements=st.floats(0, 1, width=32)))
def test_training_scores_divided_by_their_divisor_reach_one_and_no_further(shares: np.ndarray):
    scores = labels.emotify_scores(shares)
    divisor = labels.emotify_divisor(scores)
    if (divisor > 1e-3).all():
        assert np.abs(scores / divisor).max() == pytest.approx(1.0, abs=1e-5)

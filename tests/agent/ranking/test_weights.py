from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.ranking.weights import certainty, fusion_weights

unit = st.floats(0, 1)
PRIOR = np.eye(2) * 0.16


@given(sure=unit, change=unit, evidence=st.floats(0, 1e4), context_known=st.booleans())
def test_weights_are_not_negative_and_sum_to_one(
    sure: float, change: float, evidence: float, context_known: bool
) -> None:
    weights = fusion_weights(sure=sure, change=change, evidence=evidence, context_known=context_known)
    assert (weights >= 0).all()
    assert abs(weights.sum() - 1) < 1e-9


def emotion(sure: float, change: float = 0.0) -> float:
    return fusion_weights(sure=sure, change=change, evidence=20, context_known=True)[1]


def test_emotion_gains_weight_with_certainty_and_with_change() -> None:
    assert emotion(0.0) < emotion(0.4) < emotion(0.8)
    assert emotion(0.8, change=1.0) > emotion(0.8, change=0.0)


def test_an_unknown_state_leaves_the_word_to_long_term_taste() -> None:
    assert emotion(0.0) < 0.3
    assert emotion(1.0) > 0.5


def test_for_a_listener_without_history_emotion_decides() -> None:
    weights = fusion_weights(sure=0.3, change=0.0, evidence=0, context_known=False)
    assert weights[1] > 0.6


def test_certainty_is_zero_at_the_prior_and_grows_as_the_covariance_shrinks() -> None:
    assert certainty(PRIOR, PRIOR) == 0
    assert 0 < certainty(PRIOR / 4, PRIOR) < certainty(PRIOR / 16, PRIOR) < 1
    assert certainty(PRIOR * 2, PRIOR) == 0

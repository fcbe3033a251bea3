from __future__ import annotations

import numpy as np
import pytest

from agent.ranking.reasons import mood, reason
from models.wire.messages import Goal

EVEN = np.full(4, 0.25)


@pytest.mark.parametrize(
    ("valence", "arousal", "word"),
    [(0.8, 0.0, "pleasant"), (0.5, 0.6, "happy"), (0.0, 0.9, "excited"), (-0.6, 0.6, "tense"), (-0.6, -0.5, "sad"),
     (0.0, -0.8, "tired"), (0.6, -0.6, "calm"), (0.05, -0.05, "even")],
)  # fmt: skip
def test_a_point_of_the_plane_has_a_word(valence: float, arousal: float, word: str) -> None:
    assert mood(valence, arousal) == word


def test_the_reason_names_nearness_and_the_signals_that_speak_for_it() -> None:
    parts = np.array([0.9, 0.8, 0.5, 0.7])
    said = reason(
        emotion=np.array([0.6, -0.5], np.float32),
        away=0.2,
        goal=Goal(mode="match"),
        parts=parts,
        weights=EVEN,
    )
    assert said == "calm, close to how you feel; sounds like what you enjoy; liked by people who like what you like"


def test_a_signal_that_knows_nothing_is_no_reason() -> None:
    said = reason(
        emotion=np.zeros(2, np.float32),
        away=3.0,
        goal=Goal(mode="hold"),
        parts=np.full(4, 0.5),
        weights=EVEN,
    )
    assert said == "even, far from the mood you asked to keep"

"""The history of steps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.affect.steps import StepHistory
from models.physiology.schema import FEATURES, INDEX, PHYSIOLOGY, STEPS

T = 1.8e9


def body(rate: float) -> np.ndarray:
    values = np.full(len(PHYSIOLOGY), np.nan)
    values[INDEX["heart_rate"]] = rate
    return values


def column(history: StepHistory, name: str) -> list[float]:
    return history.raw()[:, INDEX[name]].tolist()


def test_a_step_ends_every_five_seconds():
    history = StepHistory(T)
    for second in range(12):
        history.feel(body(60.0 + second), T + second)
    assert column(history, "heart_rate") == [64.0, 69.0, 71.0]


def test_what_is_heard_is_the_mean_over_the_time_that_it_played():
    history = StepHistory(T)
    history.hear((1.0, 0.0), T + 1.0)
    history.hear((0.0, 1.0), T + 2.0)
    history.hear(None, T + 5.0)
    history.advance(T + 8.0)
    assert column(history, "heard_valence")[0] == pytest.approx(0.25)
    assert column(history, "heard_arousal")[0] == pytest.approx(0.75)
    assert column(history, "heard_share") == pytest.approx([0.8, 0.0])
    assert np.isnan(column(history, "heard_valence")[1])


def test_a_track_goes_on_through_the_steps():
    history = StepHistory(T)
    history.hear((0.5, -0.5), T)
    history.advance(T + 23.0)
    assert column(history, "heard_share") == pytest.approx([1.0] * 5)
    assert column(history, "liked") == [0.0] * 5


def test_how_a_track_was_received_stands_in_its_step_alone():
    history = StepHistory(T)
    history.hear((0.0, 0.0), T)
    history.receive("like", T + 6.0)
    history.receive("skip", T + 12.0)
    history.receive("complete", T + 16.0)
    assert column(history, "liked") == [0.0, 1.0, 0.0, 0.0]
    assert column(history, "skipped") == [0.0, 0.0, 1.0, 0.0]
    assert column(history, "completed") == [0.0, 0.0, 0.0, 1.0]


def test_a_report_stands_beside_what_was_usual_before():
    history = StepHistory(T)
    history.usually((0.1, 0.2), 3)
    history.report((-0.5, 0.5), (0.1, 0.2), 3, T + 1.0)
    assert column(history, "reported_valence") == [-0.5]
    assert column(history, "usual_arousal") == [0.2]
    assert column(history, "reports") == pytest.approx([np.log(4.0)])


def test_only_the_newest_steps_are_kept():
    history = StepHistory(T)
    for second in range(1000):
        history.feel(body(second), T + second)
    rates = column(history, "heart_rate")
    assert len(rates) == STEPS
    assert rates == [float(second) for second in range(844, 999, 5)] + [999.0]


def test_after_a_long_absence_the_history_begins_anew():
    history = StepHistory(T)
    history.feel(body(60.0), T)
    history.feel(body(70.0), T + 86400.0)
    assert column(history, "heart_rate") == [70.0]


@given(
    st.lists(
        st.tuples(st.sampled_from(["hear", "silence", "like", "feel", "advance"]), st.floats(-20.0, 200.0)), max_size=60
    )
)
def test_whatever_happens_whenever_the_history_is_bounded_and_shares_are_shares(events: list[tuple[str, float]]):
    history = StepHistory(T)
    for kind, offset in events:
        if kind == "hear":
            history.hear((0.3, -0.3), T + offset)
        elif kind == "silence":
            history.hear(None, T + offset)
        elif kind == "like":
            history.receive("like", T + offset)
        elif kind == "feel":
            history.feel(body(70.0), T + offset)
        else:
            history.advance(T + offset)
        raw = history.raw()
        assert raw.shape[1] == len(FEATURES)
        assert 1 <= len(raw) <= STEPS
        shares = raw[:, INDEX["heard_share"]]
        assert ((shares >= 0.0) & (shares <= 1.0)).all()

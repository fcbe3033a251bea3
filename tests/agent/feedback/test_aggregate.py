"""A week of listening becomes a table of counts, of which no day holds more than its share."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.feedback.aggregate import EVENTS_A_DAY, FELT, MUSIC, OUTCOMES, Event, bounds, quarter, tabulate, week_of

MONDAY = bounds("2026-W47")[0]


@pytest.mark.parametrize(
    ("valence", "arousal", "name"),
    [(0.5, 0.5, "excited"), (-0.5, 0.5, "tense"), (-0.5, -0.5, "sad"), (0.5, -0.5, "calm"), (0.0, 0.0, "excited")],
)
def test_a_point_of_the_plane_lies_in_one_quarter(valence: float, arousal: float, name: str) -> None:
    assert MUSIC[quarter(valence, arousal)] == name


@given(st.floats(0.0, 4e9))
def test_every_moment_lies_in_its_own_week(t: float) -> None:
    begin, end = bounds(week_of(t))
    assert begin <= t < end
    assert end - begin == 7 * 86_400.0


@given(
    st.lists(st.builds(Event, st.floats(MONDAY, MONDAY + 6e5), st.integers(0, 4), st.integers(0, 3), st.integers(0, 3)))
)
def test_one_day_changes_the_table_by_no_more_than_the_noise_is_measured_by(events: list[Event]) -> None:
    counts = tabulate(events, Random(0))
    days = {int(event.t // 86_400) for event in events}
    assert counts.shape == (len(FELT), len(MUSIC), len(OUTCOMES))
    assert counts.sum() <= min(len(events), EVENTS_A_DAY * len(days))
    fewer = [event for event in events if int(event.t // 86_400) != max(days, default=0)]
    assert counts.sum() - tabulate(fewer, Random(0)).sum() <= EVENTS_A_DAY


def test_an_ordinary_day_is_counted_whole() -> None:
    events = [Event(MONDAY + 60.0 * number, 1, 2, 0) for number in range(5)]
    assert tabulate(events, Random(0))[1, 2, 0] == 5

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.integration.link import backoff_s

UNIFORM = st.integers(0, 2**53 - 1).map(lambda draw: draw / 2**53)  # as random() draws
ATTEMPT = st.integers(0, 10_000)
LIMIT = st.floats(0.01, 1000.0)


@given(ATTEMPT, UNIFORM, LIMIT, LIMIT)
def test_the_delay_is_never_negative_and_never_reaches_its_limit(
    attempt: int, uniform: float, first_s: float, limit_s: float
):
    assert 0.0 <= backoff_s(attempt, uniform, first_s=first_s, limit_s=limit_s) <= limit_s


@given(ATTEMPT, UNIFORM)
def test_the_more_attempts_the_longer_the_delay_for_the_same_draw(attempt: int, uniform: float):
    assert backoff_s(attempt, uniform) <= backoff_s(attempt + 1, uniform) <= 2.0 * backoff_s(attempt, uniform)


@given(ATTEMPT, UNIFORM)
def test_the_jitter_is_full_the_delay_is_proportional_to_the_draw(attempt: int, uniform: float):
    whole = backoff_s(attempt, 1.0)
    assert backoff_s(attempt, 0.0) == 0.0
    assert backoff_s(attempt, uniform) == uniform * whole


def test_the_limit_is_doubled_from_attempt_to_attempt_until_the_largest():
    assert [backoff_s(attempt, 1.0) for attempt in range(8)] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]

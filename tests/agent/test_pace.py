from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.pace import Due, Pace


def pace(every_s: float = 1.0) -> Pace:
    return Pace(every_s=every_s, idle_s=5.0, now=100.0)


def test_the_first_sample_is_evaluated_at_once() -> None:
    it = pace()
    it.ask("sample", 100.0)
    assert it.take(100.0) == Due("sample", 100.0)


def test_samples_within_the_pause_share_one_evaluation_whose_latency_counts_from_the_end_of_the_pause() -> None:
    it = pace()
    it.ask("sample", 100.0)
    it.take(100.0)
    it.ask("sample", 100.25)
    it.ask("sample", 100.5)
    assert it.take(100.5) is None
    assert it.wait_s(100.5) == 0.5
    assert it.take(101.0) == Due("sample", 101.0)
    assert it.take(101.0) is None


def test_a_command_does_not_wait_for_the_pause() -> None:
    it = pace()
    it.ask("sample", 100.0)
    it.take(100.0)
    it.ask("sample", 100.1)
    it.ask("command", 100.2)
    assert it.take(100.2) == Due("command", 100.2)


def test_time_alone_asks_when_nothing_else_does() -> None:
    it = pace()
    it.ask("start", 100.0)
    it.take(100.0)
    assert it.wait_s(102.0) == 3.0
    assert it.take(105.0) == Due("time", 105.0)


@given(st.lists(st.tuples(st.sampled_from(["sample", "command"]), st.floats(0.0, 3.0)), max_size=60))
def test_samples_never_cause_evaluations_closer_than_the_pause(events: list[tuple[str, float]]) -> None:
    it, now, last = pace(), 100.0, float("-inf")
    for kind, gap in events:
        now += gap
        it.ask(kind, now)
        due = it.take(now)
        if due is not None:
            assert due.since <= now
            if due.kind == "sample":
                assert now - last >= 1.0 - 1e-9
            last = now

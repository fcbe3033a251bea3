from __future__ import annotations

import pytest

from agent.delivery.receiving import Limits
from agent.delivery.receiving.schedule import Schedule

LIMITS = Limits(spacing_s=2.0, retry_s=5.0, retry_limit_s=3600.0, due_s=86_400.0)


@pytest.fixture
def schedule() -> Schedule:
    return Schedule(LIMITS, 0.0, lambda: 0.999)


def test_a_channel_is_looked_at_when_its_timestamp_is_first_seen(schedule: Schedule):
    assert schedule.cause(0.0) is None
    schedule.timestamp(b"1")
    assert schedule.cause(0.0) == "metadata"


def test_without_a_timestamp_it_is_looked_at_after_the_first_distance(schedule: Schedule):
    assert schedule.wait_s(0.0) == 5.0
    assert schedule.cause(5.0) == "due"


def test_the_same_timestamp_is_no_news(schedule: Schedule):
    assert schedule.timestamp(b"1")
    schedule.succeeded(0.0, b"1")
    assert not schedule.timestamp(b"1")
    assert schedule.cause(1000.0) is None
    assert schedule.wait_s(1000.0) == 86_400.0 - 1000.0


def test_after_a_success_a_change_waits_for_the_spacing_alone(schedule: Schedule):
    schedule.succeeded(10.0, b"1")
    schedule.timestamp(b"2")
    assert schedule.cause(11.0) is None
    assert schedule.wait_s(11.0) == 1.0
    assert schedule.cause(12.0) == "metadata"


def test_a_day_without_news_is_too_long(schedule: Schedule):
    schedule.timestamp(b"1")
    schedule.succeeded(0.0, b"1")
    assert schedule.cause(86_400.0) == "due"


def test_refusals_in_a_row_hold_back_what_a_stranger_writes_but_not_for_ever(schedule: Schedule):
    now, distances = 0.0, []
    for number in range(20):
        schedule.timestamp(b"%d" % number)
        begun = now
        while schedule.cause(now) is None:
            now += schedule.wait_s(now)
        distances.append(now - begun)
        schedule.failed(now, b"%d" % number)
    assert distances[0] == 0.0
    assert distances[1:4] == pytest.approx([5.0, 10.0, 20.0], rel=0.01)
    assert distances[-1] == pytest.approx(300.0)


def test_what_was_lacking_may_come_at_any_time_and_is_looked_at_then(schedule: Schedule):
    for _ in range(20):
        schedule.failed(0.0, lacking=True)
    assert schedule.wait_s(0.0) == pytest.approx(3600.0, rel=0.01)
    schedule.timestamp(b"1")
    assert schedule.cause(2.0) == "metadata"


def test_a_failure_is_tried_again_though_nothing_changed(schedule: Schedule):
    schedule.timestamp(b"1")
    schedule.failed(0.0, b"1")
    assert schedule.cause(4.9) is None
    assert schedule.cause(5.0) == "due"


def test_a_success_ends_the_growing_of_the_distance(schedule: Schedule):
    for _ in range(10):
        schedule.failed(0.0)
    schedule.succeeded(0.0, None)
    schedule.failed(0.0)
    assert schedule.wait_s(0.0) < 5.0


def test_reports_are_told_once_and_not_all_the_time(schedule: Schedule):
    schedule.succeeded(0.0, None)
    schedule.report()
    assert schedule.cause(0.0) == "report"
    assert schedule.cause(0.0) is None
    schedule.report()
    schedule.report()
    assert schedule.cause(1.0) is None
    assert schedule.wait_s(1.0) == 1.0
    assert schedule.cause(2.0) == "report"
    assert schedule.cause(2.0) is None

"""Pack numbers: repeats, gaps, restarts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sensing.sequence import Arrival, SequenceWatch


def arrivals(*numbers: int, newer: bool = True) -> tuple[list[Arrival], SequenceWatch]:
    watch = SequenceWatch()
    return [watch.arrive(number, newer=newer) for number in numbers], watch


def test_a_number_that_was_seen_is_a_repeat():
    found, watch = arrivals(7, 8, 9, 8, 9)
    assert found[-2:] == [Arrival.REPEATED, Arrival.REPEATED]
    assert watch.missing == 0


def test_a_jump_is_a_gap_and_a_late_pack_closes_its_part():
    watch = SequenceWatch()
    for number in (7, 8, 12):
        watch.arrive(number, newer=True)
    assert watch.missing == 3
    assert watch.arrive(10, newer=False) is Arrival.LATE
    assert watch.missing == 2
    assert watch.arrive(10, newer=False) is Arrival.REPEATED


def test_a_wearable_that_restarts_is_heard_again():
    assert arrivals(20, 21, 0, 1, 2)[0][2:] == [Arrival.RESTARTED, Arrival.NEXT, Arrival.NEXT]
    assert arrivals(5000, 100, 101)[0][1:] == [Arrival.RESTARTED, Arrival.NEXT]


def test_a_broker_that_delivers_a_pack_of_relative_times_twice_repeats():
    assert arrivals(20, 21, 21, newer=True)[0][-1] is Arrival.REPEATED


def test_an_absurd_jump_is_another_count_and_no_gap():
    found, watch = arrivals(1, 10**30)
    assert found[-1] is Arrival.RESTARTED
    assert watch.missing == 0


@given(st.lists(st.integers(10, 60), max_size=60))
def test_every_number_is_taken_once_however_they_are_mixed(numbers: list[int]):
    watch = SequenceWatch()
    taken = [number for number in numbers if watch.arrive(number, newer=False) is not Arrival.REPEATED]
    assert sorted(taken) == sorted(set(numbers))
    assert watch.missing >= 0


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_a_counter_that_runs_over_opens_no_gap_even_with_late_and_repeated_packs(bits: int):
    top = 2**bits
    numbers = [top - 4, top - 3, top - 1, 0, top - 2, top - 1, 1, 2]
    found, watch = arrivals(*numbers)
    assert found[3] is Arrival.RESTARTED
    assert found[4:6] == [Arrival.LATE, Arrival.REPEATED]
    assert found[6:] == [Arrival.NEXT, Arrival.NEXT]
    assert watch.missing == 0


def test_over_a_day_of_packs_nothing_is_missing_and_nothing_grows():
    watch = SequenceWatch()
    arrivals = {watch.arrive(number % 2**16, newer=True) for number in range(200_000)}
    assert arrivals == {Arrival.NEXT, Arrival.RESTARTED}
    assert watch.missing == 0
    assert watch._seen.bit_length() <= 64

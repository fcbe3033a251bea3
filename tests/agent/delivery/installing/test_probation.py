from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.delivery.installing.probation import Probation, ProbationLimits, ProbationState, Rates, chance_of
from models.errors import Reason

BEFORE = Rates(evaluations=5000, faults=0, latency_ms=8.0, plays=100, skips=30)
LIMITS = ProbationLimits(least_s=600.0, evaluations=100, plays=6, most_s=3600.0)


def watched(*, before: Rates = BEFORE, limits: ProbationLimits = LIMITS) -> Probation:
    return Probation(Probation.begin(before), limits)


def evaluate(probation: Probation, count: int, *, latency_ms: float = 8.0, every_s: float = 1.0) -> None:
    for step in range(count):
        probation.evaluated(step * every_s, latency_ms)


def test_a_bundle_that_does_as_well_is_kept_after_its_time_and_plays():
    probation = watched()
    evaluate(probation, 700)
    assert probation.verdict().kind == "wait"
    for number in range(6):
        probation.played(skipped=number % 3 == 0)
    assert probation.verdict().kind == "keep"


def test_a_device_without_a_listener_keeps_it_after_the_longest_time():
    probation = watched()
    evaluate(probation, 700, every_s=5.0)
    assert probation.verdict().kind == "wait"
    evaluate(probation, 700, every_s=5.0)
    assert probation.verdict().kind == "keep"


def test_a_device_that_sleeps_or_sets_its_clock_proves_nothing_by_that():
    probation = watched()
    for now in (0.0, 1.0, 1e9, 1e9 + 1, 5.0, 6.0):
        probation.evaluated(now, 8.0)
    assert probation.state.observed_s == pytest.approx(1 + 10 + 1 + 0 + 1)


def test_faults_send_it_back_at_once():
    probation = watched()
    probation.evaluated(0.0, 8.0, faults=1)
    assert probation.verdict().kind == "wait"
    probation.evaluated(1.0, 8.0, faults=1)
    verdict = probation.verdict()
    assert (verdict.kind, verdict.code) == ("return", Reason.WORSE)
    assert verdict.reason == "its models failed in 2 of 2 evaluations"


def test_two_faults_are_enough_on_a_device_of_which_nothing_is_known():
    probation = watched(before=Rates())
    for _ in range(2):
        probation.evaluated(0.0, 8.0, faults=1)
    assert probation.verdict().kind == "return"


def test_rare_faults_that_were_there_before_do_not():
    probation = watched(before=msgspec.structs.replace(BEFORE, faults=50))
    evaluate(probation, 300)
    for _ in range(3):
        probation.evaluated(300.0, 8.0, faults=1)
    assert probation.verdict().kind == "wait"


def test_one_slow_minute_sends_it_back_and_a_slow_moment_does_not():
    probation = watched()
    evaluate(probation, 59, latency_ms=80.0)
    assert probation.verdict().kind == "wait"
    probation.evaluated(60.0, 80.0)
    verdict = probation.verdict()
    assert (verdict.kind, verdict.code) == ("return", Reason.WORSE)
    assert verdict.reason == "an evaluation takes 80 ms, 8 ms with the bundle before"


def test_three_times_slower_does_not_matter_where_it_is_still_fast():
    probation = watched(before=msgspec.structs.replace(BEFORE, latency_ms=2.0))
    evaluate(probation, 100, latency_ms=20.0)
    assert probation.verdict().kind == "wait"


def test_few_skips_are_no_evidence_and_many_are():
    probation = watched()
    for _ in range(7):
        probation.played(skipped=True)
        assert probation.verdict().kind == "wait"
    for _ in range(7):
        probation.played(skipped=True)
    verdict = probation.verdict()
    assert (verdict.kind, verdict.code) == ("return", Reason.WORSE)
    assert verdict.reason == "14 of 14 tracks were skipped, 30 of 100 before"


def test_a_new_listener_who_skips_is_no_evidence_against_the_bundle():
    probation = watched(before=Rates())
    for _ in range(200):
        probation.played(skipped=True)
    assert probation.verdict().kind == "wait"


def test_what_was_seen_goes_on_after_a_restart():
    probation = watched()
    evaluate(probation, 700)
    for _ in range(6):
        probation.played(skipped=False)
    kept = msgspec.json.decode(msgspec.json.encode(probation.state), type=ProbationState)
    assert Probation(kept, LIMITS).verdict().kind == "keep"


def test_a_listener_who_skips_in_bursts_as_before_is_seldom_taken_for_one_who_skips_more():
    random = np.random.default_rng(1)
    returned = 0
    for _ in range(400):
        skips = _bursts(random, 140)
        probation = watched(before=Rates(plays=100, skips=int(skips[:100].sum())))
        for skipped in skips[100:]:
            probation.played(skipped=bool(skipped))
            if probation.verdict().kind == "return":
                returned += 1
                break
    assert returned <= 4  # 1 %


def _bursts(random: np.random.Generator, count: int) -> np.ndarray:
    """A listener who skips three in ten, and a track after a skipped one twice as often."""
    skips = np.zeros(count, np.bool_)
    for number in range(1, count):
        skips[number] = random.random() < (0.46 if skips[number - 1] else 0.23)
    return skips


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 60), st.integers(0, 60))
def test_the_chance_is_that_of_the_exact_test(bad: int, fine: int, bad_before: int, fine_before: int):
    hypergeom = pytest.importorskip("scipy.stats").hypergeom
    drawn, total_bad = bad + fine, bad + bad_before
    total = drawn + bad_before + fine_before
    expected = float(hypergeom(total, total_bad, drawn).sf(bad - 1)) if total else 1.0
    assert chance_of((bad, drawn), (bad_before, bad_before + fine_before)) == pytest.approx(expected, abs=1e-9)

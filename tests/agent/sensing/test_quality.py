"""Quality from physics."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from agent.sensing import contact, quality
from agent.sensing.quality import Surroundings
from models.wire.quantities import QUANTITIES

NAN = float("nan")


def judged(quantity: str, times: ArrayLike, values: ArrayLike, **around: float) -> float:
    return quality.signal_quality(
        quantity, np.asarray(times, dtype=float), np.asarray(values, dtype=float), Surroundings(**around)
    )


SECONDS = np.arange(30.0)
WAVER = np.sin(SECONDS)


@pytest.mark.parametrize(
    ("quantity", "values"),
    [("hr", 70 + WAVER), ("eda", 2 + 0.1 * WAVER), ("temp", np.full(30, 33.0)), ("batt", np.full(30, 80.0))],
)
def test_a_stream_as_it_should_be_is_trusted(quantity: str, values: np.ndarray):
    assert judged(quantity, SECONDS, values) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("quantity", "values"),
    [
        ("hr", np.zeros(30)),
        ("hr", np.full(30, 255.0)),
        ("eda", 0.01 + 0.001 * WAVER),
        ("temp", np.full(30, 21.0)),
        ("eda", np.full(30, 2.0)),
        ("rr", np.full(30, 3.0)),
    ],
)
def test_what_cannot_be_what_it_claims_is_not_trusted(quantity: str, values: np.ndarray):
    assert judged(quantity, SECONDS, values) == pytest.approx(0.0)


def test_an_accelerometer_without_gravity_is_not_trusted():
    at = np.arange(0.0, 5.0, 0.1)
    assert judged("acc", at, np.zeros((50, 3))) == 0.0
    assert judged("acc", at, np.tile((0.0, 0.0, 9.8), (50, 1))) == 0.5


def test_a_rate_that_freezes_while_its_owner_moves_is_not_trusted():
    frozen = np.full(30, 72.0)
    assert judged("hr", SECONDS, frozen) > 0.5
    assert judged("hr", SECONDS, frozen, motion_ms2=3.0) < 0.1


def test_motion_takes_trust_from_the_pulse_more_than_from_beats():
    at = np.arange(0.0, 10.0, 1 / 64)
    calm, shaken = (judged("ppg", at, np.sin(8 * at), beats=0.9, motion_ms2=m) for m in (0.02, 3.0))
    assert calm == pytest.approx(0.9, abs=0.01)
    assert shaken < 0.2
    beats = 0.8 + 0.02 * WAVER
    assert judged("rr", np.cumsum(beats), beats, motion_ms2=3.0) > 0.5


def test_dropouts_lower_the_quality_by_what_is_missing():
    keep = np.ones(30, dtype=bool)
    keep[10:20] = False
    assert judged("hr", SECONDS[keep], (70 + WAVER)[keep]) == pytest.approx(19 / 29, abs=0.01)
    beats = 0.8 + 0.02 * WAVER
    assert judged("rr", np.cumsum(beats)[keep], beats[keep]) == pytest.approx(0.65, abs=0.05)


@pytest.mark.parametrize("quantity", sorted(QUANTITIES))
def test_trust_falls_with_age_to_nothing(quantity: str):
    trust = [quality.freshness(quantity, age_s=age, pack_interval_s=1.0) for age in np.linspace(0, 4000, 4001)]
    assert trust[0] == 1.0
    assert trust[-1] == 0.0
    assert all(later <= earlier for earlier, later in pairwise(trust))


def test_a_wearable_that_sends_every_ten_seconds_is_not_late():
    assert quality.freshness("hr", age_s=9.0, pack_interval_s=10.0) == 1.0
    assert quality.freshness("hr", age_s=9.0, pack_interval_s=1.0) < 1.0
    assert quality.freshness("hr", age_s=50.0, pack_interval_s=60.0) == 0.0


def test_unknown_motion_takes_nothing():
    assert quality.steadiness("ppg", math.nan) == 1.0
    assert quality.steadiness("temp", 10.0) == 1.0


def test_a_line_that_was_flat_for_a_part_costs_that_part():
    at = np.arange(0.0, 10.0, 1 / 64)
    wave = np.sin(8 * at)
    wave[at >= 6.0] = wave[at >= 6.0][0]
    assert judged("ppg", at, wave, beats=1.0) == pytest.approx(0.6, abs=0.02)
    # A converter's steps repeat values for a moment, and that is no flat line.
    assert judged("ppg", at, np.round(np.sin(at), 1), beats=1.0) > 0.9


def test_beats_that_take_more_time_than_passed_are_copies():
    beats = 0.8 + 0.02 * WAVER
    assert judged("rr", np.cumsum(beats), beats) > 0.95
    assert judged("rr", np.cumsum(beats) / 3.0, beats) == pytest.approx(1 / 3, abs=0.03)


def test_a_fill_value_costs_more_the_longer_it_lasts():
    trusts = []
    for bad in (1, 5, 10, 15, 20):
        values = 70 + WAVER
        values[-bad:] = 255.0
        trusts.append(judged("hr", SECONDS, values))
    assert trusts == sorted(trusts, reverse=True)
    assert trusts[0] > 0.9
    assert trusts[-1] == 0.0


def test_a_saturation_that_no_finger_has_is_not_trusted():
    assert judged("spo2", SECONDS, np.full(30, 97.0)) == 1.0
    assert judged("spo2", SECONDS, np.full(30, 127.0)) == judged("spo2", SECONDS, np.full(30, 40.0)) == 0.0


@pytest.mark.parametrize("quantity", ["hr", "eda", "spo2", "temp"])
def test_a_wearable_off_the_skin_is_not_believed_in_anything(quantity: str):
    values = {"hr": 70 + WAVER, "eda": 2 + 0.1 * WAVER, "spo2": 97 + 0.2 * WAVER, "temp": 27 + 0.01 * WAVER}[quantity]
    assert judged(quantity, SECONDS, values, contact=contact.ON) == pytest.approx(1.0)
    assert judged(quantity, SECONDS, values, contact=contact.UNSURE) == pytest.approx(contact.UNSURE)
    assert judged(quantity, SECONDS, values, contact=contact.OFF) <= 0.05


def test_electrodes_and_motion_suffer_from_a_wearable_that_is_off_alone():
    at = np.arange(0.0, 10.0, 1 / 130)
    wave = 1e-3 * np.sin(8 * at)
    trust = [judged("ecg", at, wave, beats=1.0, contact=each) for each in (contact.UNSURE, contact.OFF)]
    assert trust == pytest.approx([1.0, contact.OFF], rel=0.01)
    shaken = np.array((0.0, 0.0, 9.81)) + 0.1 * np.sin(np.outer(at, (1.0, 2.0, 3.0)))
    trust = [judged("acc", at, shaken, contact=each) for each in (contact.UNSURE, contact.OFF)]
    assert trust == pytest.approx([1.0, contact.OFF], rel=0.01)


def test_a_rate_counts_as_far_as_the_wearable_tells_its_beats():
    trust = [judged("hr", SECONDS, 70 + WAVER, told=told) for told in (0.0, 0.4, 0.8, 1.0)]
    assert trust == pytest.approx([0.4, 0.7, 1.0, 1.0])
    assert judged("eda", SECONDS, 2 + 0.1 * WAVER, told=0.0) == pytest.approx(1.0)


def test_a_stream_that_misses_every_third_sample_keeps_its_quality_from_second_to_second():
    at = np.delete(np.arange(60.0), np.arange(0, 60, 3)) + 1e-6 * np.sin(np.arange(40))
    found = [judged("hr", at[:n], 70 + np.sin(at[:n])) for n in range(30, 40)]
    assert max(found) - min(found) < 0.03
    assert found[0] == pytest.approx(0.67, abs=0.05)


def test_a_band_that_still_warms_up_is_trusted_less():
    at = np.arange(60.0)
    assert judged("temp", at, 33.0 - 5.0 * np.exp(-at / 60.0)) < 0.5
    assert judged("temp", at, np.full(60, 33.0) + 0.001 * at) == 1.0


@given(
    quantity=st.sampled_from(sorted(QUANTITIES)),
    at=st.lists(st.floats(0, 100), min_size=1, max_size=60).map(sorted),
    value=st.floats(-1e9, 1e9),
    step=st.floats(-1e3, 1e3),
    around=st.tuples(
        *[st.one_of(st.just(NAN), st.floats(0, 50))] * 2,
        st.sampled_from([contact.ON, contact.UNSURE, contact.OFF]),
        *[st.one_of(st.just(NAN), st.floats(0, 1))] * 2,
    ),
)
@settings(deadline=None, max_examples=200)
def test_whatever_comes_the_quality_is_a_share(
    quantity: str, at: list[float], value: float, step: float, around: tuple[float, ...]
):
    values = value + step * np.arange(len(at))
    if quantity == "acc":
        values = np.stack([values, values, values], axis=1)
    found = quality.signal_quality(quantity, np.array(at), values, Surroundings(*around))
    assert 0.0 <= found <= 1.0

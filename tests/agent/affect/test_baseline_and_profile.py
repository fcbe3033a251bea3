"""What is learned of a listener, and how it is kept."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.affect.baseline import CALIBRATION_STEPS, Baseline
from agent.affect.profile import Profile
from models.errors import Reason, StorageError
from models.physiology.baseline import POPULATION_CENTRES, centres
from models.physiology.schema import INDEX, PHYSIOLOGY

T, HOUR = 1.8e9, 3600.0
HEART, MOTION, PULSE = INDEX["heart_rate"], INDEX["motion"], INDEX["pulse_amplitude"]


def body(rate: float = 60.0, *, motion: float = -2.5, pulse: float = float("nan")) -> np.ndarray:
    values = np.full(len(PHYSIOLOGY), np.nan)
    values[HEART], values[MOTION], values[PULSE] = rate, motion, pulse
    return values


def test_the_first_minutes_are_calibration():
    baseline = Baseline()
    for _ in range(CALIBRATION_STEPS - 1):
        baseline.learn(body())
    assert not baseline.calibrated
    baseline.learn(body())
    assert baseline.calibrated


def test_the_centre_moves_from_the_populations_to_the_own_without_a_jump():
    baseline = Baseline()
    moved = []
    for _ in range(2000):
        baseline.learn(body(55.0))
        moved.append(centres(baseline.own())[HEART])
    # The first window says nearly as much of the listener as the population does; an hour more, but not all.
    assert moved[0] == pytest.approx(63.5, abs=1.0)
    assert moved[-1] < 59.0
    assert (np.diff(moved) < 0.0).all()
    assert np.abs(np.diff(moved)).max() < 0.5


def test_a_stressful_quarter_of_an_hour_hardly_moves_a_known_baseline():
    baseline = Baseline()
    for _ in range(2000):
        baseline.learn(body(60.0))
    for _ in range(180):
        baseline.learn(body(95.0))
    assert baseline.levels["heart_rate"].centre < 62.0


def test_an_artefact_hardly_moves_it_at_all():
    baseline = Baseline()
    for _ in range(100):
        baseline.learn(body(60.0))
    baseline.learn(body(200.0))
    assert baseline.levels["heart_rate"].centre < 60.2


def test_nothing_is_learned_in_motion():
    baseline = Baseline()
    baseline.learn(body(150.0, motion=1.0))
    assert baseline.levels == {}


def test_a_quantity_in_arbitrary_units_is_unknown_until_its_own_level_is():
    baseline = Baseline()
    assert baseline.unknown() == [PULSE]
    for _ in range(12):
        baseline.learn(body(pulse=4.5))
    assert baseline.unknown() == []
    assert centres(baseline.own())[PULSE] == pytest.approx(4.5)


def test_a_profile_survives_being_stored():
    profile = Profile()
    for _ in range(80):
        profile.baseline.learn(body(58.0, pulse=4.0))
    profile.report(0.4, -0.2, T)
    again = Profile.from_dict(json.loads(json.dumps(profile.to_dict())))
    assert again.to_dict() == profile.to_dict()
    assert again.baseline.calibrated
    np.testing.assert_array_equal(again.baseline.own(), profile.baseline.own())


def test_an_empty_profile_has_the_populations_centres():
    np.testing.assert_array_equal(centres(Profile().baseline.own()), POPULATION_CENTRES)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 99}, Reason.INCOMPATIBLE),
        ({"format": "one"}, Reason.CORRUPT),
        ({"baseline": {"heart_rate": {"centre": float("nan"), "steps": 9}}}, Reason.CORRUPT),
        ({"baseline": {"heart_rate": {"centre": 1e300, "steps": 9}}}, Reason.CORRUPT),
        ({"baseline": {"heart_rate": {"centre": 60.0, "steps": -1}}}, Reason.CORRUPT),
        ({"baseline": {"heart_rate": 60.0}}, Reason.CORRUPT),
        ({"reports": {"count": 1, "valence": 7.0, "arousal": 0.0}}, Reason.CORRUPT),
        ({"surplus": 1}, Reason.CORRUPT),
    ],
)
def test_a_damaged_profile_is_refused_with_its_reason(change: dict[str, Any], reason: Reason):
    with pytest.raises(StorageError) as caught:
        Profile.from_dict(Profile().to_dict() | change)
    assert caught.value.reason is reason
    assert "profile" in caught.value.message
    assert caught.value.remedy


@given(
    st.dictionaries(st.sampled_from(["format", "baseline", "reports"]), st.one_of(st.none(), st.integers(), st.text()))
)
def test_no_damage_raises_anything_else(data: dict[str, Any]):
    with pytest.raises(StorageError):
        Profile.from_dict(data)


def test_a_profile_of_the_format_before_sittings_keeps_its_mean():
    old = {"format": 1, "baseline": {}, "reports": {"count": 20, "valence": -0.5, "arousal": 0.4, "spread": [0.1, 0.1]}}
    profile = Profile.from_dict(old)
    assert profile.report_count == 20
    assert profile.usual == pytest.approx((-0.5, 0.4))
    assert profile.prior().mean[0] < -0.25
    profile.report(-0.5, 0.4, T)
    assert Profile.from_dict(profile.to_dict()).prior(T).mean == pytest.approx(profile.prior(T).mean)


def test_reports_pull_the_prior_towards_themselves_the_more_there_are():
    profile = Profile()
    distances, variances = [], []
    for day in range(30):
        prior = profile.prior()
        distances.append(float(np.linalg.norm(prior.mean - (-0.6, 0.5))))
        variances.append(float(prior.covariance[0, 0]))
        profile.report(-0.6, 0.5, T + day * 24 * HOUR)
    assert all(np.diff(distances) < 0.0)
    assert all(np.diff(variances) < 0.0)
    assert profile.usual == pytest.approx((-0.6, 0.5))


def test_five_reports_of_a_person_bring_the_prior_nearer_to_that_person():
    """People drawn as HKU956 finds them: an eighth of the variance lies between people."""
    rng = np.random.default_rng(11)
    before = after = 0.0
    for _ in range(400):
        person = np.clip(np.array([0.17, 0.11]) + 0.44 * np.sqrt(0.12) * rng.standard_normal(2), -1, 1)
        profile = Profile()
        before += float(np.square(profile.prior().mean - person).sum())
        for time in range(5):
            said = np.clip(person + 0.44 * np.sqrt(0.88) * rng.standard_normal(2), -1, 1)
            profile.report(*said, T + time * 5 * HOUR)
        after += float(np.square(profile.prior().mean - person).sum())
    assert after < 0.75 * before


def test_twenty_reports_of_one_sitting_tell_less_than_four_of_four_days():
    sitting, days = Profile(), Profile()
    for song in range(20):
        sitting.report(-0.4, -0.3, T + song * 100.0)
    for day in range(4):
        days.report(-0.4, -0.3, T + day * 24 * HOUR)
    assert days.prior().mean[0] < sitting.prior().mean[0] < Profile().prior().mean[0]


def test_how_much_one_swings_is_learned_within_a_sitting_and_forgotten_within_days():
    profile = Profile()
    for song in range(20):
        profile.report(0.1, 0.4 * (-1) ** song, T + song * 100.0)
    valence, arousal = np.sqrt(profile.prior(T + 2000.0).covariance.diagonal())
    assert valence < 0.24
    assert arousal > 0.36
    later = np.sqrt(profile.prior(T + 2000.0 + 7 * 24 * HOUR).covariance.diagonal())
    np.testing.assert_allclose(later, np.sqrt(Profile().prior().covariance.diagonal()), atol=0.02)


@given(
    reports=st.lists(
        st.tuples(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0), st.floats(-1e6, 1e6)), min_size=1, max_size=30
    )
)
def test_whatever_is_reported_and_when_the_prior_stays_one_and_the_profile_can_be_stored(
    reports: list[tuple[float, float, float]],
):
    profile, now = Profile(), T
    for valence, arousal, passed in reports:
        now += passed
        profile.report(valence, arousal, now)
        prior = profile.prior(now + abs(passed))
        assert (np.abs(prior.mean) <= 1.0).all()
        assert np.linalg.eigvalsh(prior.covariance).min() > 1e-3
        assert prior.covariance.max() < 2.0
    assert Profile.from_dict(profile.to_dict()).to_dict() == profile.to_dict()

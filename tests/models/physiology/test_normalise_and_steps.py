"""From raw features to the model's input."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.physiology.baseline import POPULATION_CENTRES, centres, own_levels
from models.physiology.normalise import normalise
from models.physiology.schema import CLIP, FEATURES, INDEX, PHYSIOLOGY, STEPS
from models.physiology.steps import history, step


def test_what_is_unknown_is_zero_with_mask_zero():
    raw = POPULATION_CENTRES.copy()
    raw[INDEX["rmssd"]] = np.nan
    values, mask = normalise(raw)
    assert not values.any()
    assert mask[INDEX["rmssd"]] == 0.0
    assert mask.sum() == len(FEATURES) - 1
    assert values.dtype == mask.dtype == np.float32


def test_values_are_scaled_and_clipped():
    raw = POPULATION_CENTRES.copy()
    raw[INDEX["heart_rate"]] += 16.0
    raw[INDEX["motion"]] += 1000.0
    values, _ = normalise(raw)
    assert values[INDEX["heart_rate"]] == pytest.approx(2.0)
    assert values[INDEX["motion"]] == CLIP


def test_own_levels_move_the_centre_of_personal_features_alone():
    year = 365 * 24 * 3600.0
    own = centres(own_levels({"heart_rate": (58.0, year), "motion": (1.0, year), "nonsense": (3.0, year)}))
    assert own[INDEX["heart_rate"]] == pytest.approx(58.0, abs=0.1)
    rest = np.delete(own, INDEX["heart_rate"])
    np.testing.assert_array_equal(rest, np.delete(POPULATION_CENTRES, INDEX["heart_rate"]))


def test_the_longer_ones_own_levels_are_known_the_more_they_count():
    centre = [centres(own_levels({"heart_rate": (90.0, s)}))[INDEX["heart_rate"]] for s in (5.0, 60.0, 600.0, 1e6)]
    assert (np.diff(centre) > 0.0).all()
    assert 76.0 < centre[0] < 80.0
    assert centre[-1] == pytest.approx(90.0, abs=0.2)


def test_what_has_no_populations_centre_is_taken_from_oneself():
    own = centres(own_levels({"pulse_amplitude": (4.5, 60.0)}))
    assert own[INDEX["pulse_amplitude"]] == 4.5


def test_the_model_is_told_what_the_baseline_rests_on():
    physiology = np.full(len(PHYSIOLOGY), np.nan)
    physiology[INDEX["heart_rate"]] = 70.0
    raw = np.stack([step(physiology), step(physiology)])
    steps, mask = history(raw, own_levels({"heart_rate": (86.0, 60.0)}))
    both = [INDEX["usual_heart_rate"], INDEX["worn"]]
    np.testing.assert_allclose(steps[-1, both], [2.0, math.log(2.0) / 2.0], rtol=1e-6)
    assert mask[-2:, both].all()
    assert not mask[:-2, both].any()
    _, mask = history(raw, own_levels({}))
    assert not mask[:, both].any()


def test_padding_stands_on_the_left_and_the_newest_step_is_last():
    physiology = np.full(len(PHYSIOLOGY), np.nan)
    physiology[INDEX["heart_rate"]] = 86.0
    raw = np.stack([step(heard=(0.5, -0.5), heard_share=1.0), step(physiology)])
    steps, mask = history(raw)
    assert steps.shape == mask.shape == (STEPS, len(FEATURES))
    assert not mask[:-2].any()
    assert steps[-2, INDEX["heard_valence"]] == pytest.approx(1.0)
    assert steps[-1, INDEX["heart_rate"]] == pytest.approx(2.0)
    assert mask[-1, INDEX["heard_valence"]] == 0.0
    assert mask[-1, INDEX["step_length"]] == 1.0


def test_of_a_long_history_the_newest_steps_count():
    raw = np.stack([step(reports=i) for i in range(STEPS + 5)])
    steps, mask = history(raw)
    assert mask[:, INDEX["reports"]].all()
    assert steps[-1, INDEX["reports"]] == pytest.approx(math.log1p(STEPS + 4))


def test_no_step_is_all_padding():
    steps, mask = history(np.empty((0, len(FEATURES))))
    assert not steps.any()
    assert not mask.any()

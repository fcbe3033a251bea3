"""Disturbed batches: labels in range, every input trained, any subset of wearables, movement explains the heart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cloud_trainer.data import situnes, wesad
from cloud_trainer.user_emotion import wesad_examples
from cloud_trainer.user_emotion.augmentation import GROUPS, KITS, Batch, disturb
from cloud_trainer.user_emotion.examples import Examples, concatenate
from cloud_trainer.user_emotion.situnes_examples import situnes_examples
from models.physiology.schema import FEATURES, INDEX, PHYSIOLOGY


@pytest.fixture(scope="module")
def examples(listener_data: Path) -> Examples:
    people = wesad_examples.subjects(wesad.load(listener_data))
    drawn = wesad_examples.draw(people, 400, np.random.default_rng(1))
    return concatenate([drawn, situnes_examples(situnes.load(listener_data))])


@pytest.fixture(scope="module")
def batch(examples: Examples) -> Batch:
    return disturb(examples, np.random.default_rng(2))


def test_what_is_hidden_is_zero_and_labels_stay_on_the_plane(batch: Batch):
    steps, mask, label = batch
    assert not steps[mask == 0].any()
    assert set(np.unique(mask)) == {0.0, 1.0}
    assert np.abs(label).max() <= 1
    assert np.isfinite(steps).all()


def test_every_input_reaches_the_model_in_training(batch: Batch):
    _, mask, _ = batch
    shown = mask.any(axis=1).mean(axis=0)
    untrained = [feature.name for feature, share in zip(FEATURES, shown, strict=True) if share < 0.02]
    assert untrained == []


def test_groups_hold_every_feature_but_the_step_length_once():
    names = [name for group in GROUPS for name in group]
    assert sorted(names) == sorted(set(INDEX) - {"step_length"})
    body = {feature.name for feature in PHYSIOLOGY} | {"usual_heart_rate", "worn"}
    assert all(set(GROUPS[place]) <= body for kit in KITS for place in kit)


def test_some_examples_show_a_heart_rate_alone_and_some_nothing_at_all(batch: Batch):
    _, mask, _ = batch
    body = mask[:, -1, : len(PHYSIOLOGY)]
    rate = INDEX["heart_rate"]
    others = np.delete(body, [rate, INDEX["heart_rate_slope"]], axis=1).any(axis=1)
    assert ((body[:, rate] > 0) & ~others).sum() > 10
    assert (~body.any(axis=1)).sum() > 10


def test_a_heart_rate_of_daily_life_is_never_shown_without_the_movement_behind_it(examples: Examples):
    daily = examples.take(np.char.startswith(examples.kind, "situnes_before"))
    _, mask, _ = disturb(daily, np.random.default_rng(3))
    with_rate = mask[:, :, INDEX["heart_rate"]].any(axis=1)
    with_motion = mask[:, :, INDEX["motion"]].any(axis=1)
    assert with_rate.any()
    assert not (with_rate & ~with_motion).any()


def test_a_body_is_moved_as_a_whole_and_nothing_else_is(examples: Examples):
    still, mask, _ = disturb(examples, np.random.default_rng(5))
    moved, _, _ = disturb(examples, np.random.default_rng(5), body_offset=1.0)
    rate = INDEX["heart_rate"]
    known = mask[:, :, rate] > 0
    apart = np.where(known, moved[:, :, rate] - still[:, :, rate], np.nan)[known.any(axis=1)]
    assert np.nanstd(np.nanmean(apart, axis=1)) == pytest.approx(1.0, abs=0.15)
    assert np.nanmedian(np.nanstd(apart, axis=1)) < 0.25
    assert np.array_equal(moved[:, :, len(PHYSIOLOGY) :], still[:, :, len(PHYSIOLOGY) :])


def test_a_body_is_hidden_as_often_as_is_asked_for(examples: Examples):
    _, mask, _ = disturb(examples, np.random.default_rng(6), body_hidden=1.0)
    assert not mask[:, :, : len(PHYSIOLOGY)].any()
    assert mask.any()


def test_the_examples_themselves_stay_as_they_are(examples: Examples):
    raw, label = examples.raw.copy(), examples.label.copy()
    disturb(examples, np.random.default_rng(4))
    assert np.array_equal(raw, examples.raw, equal_nan=True)
    assert np.array_equal(label, examples.label)

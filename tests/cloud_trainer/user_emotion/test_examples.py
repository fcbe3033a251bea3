"""Examples of `user_emotion`: only the past is seen, nobody's own word leaks, padding stands on the left."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cloud_trainer.data import hku956, situnes, wesad
from cloud_trainer.user_emotion import wesad_examples
from cloud_trainer.user_emotion.examples import SIZE, concatenate, history_levels, split_people
from cloud_trainer.user_emotion.hku_examples import heard_by_others, hku_examples, session_features
from cloud_trainer.user_emotion.situnes_examples import situnes_examples
from models.physiology.schema import INDEX, PHYSIOLOGY, STEP_S, STEPS

REPORTED = [INDEX["reported_valence"], INDEX["reported_arousal"]]


@pytest.fixture(scope="module")
def sessions(listener_data: Path) -> dict[str, list[hku956.Listening]]:
    return hku956.load(listener_data)


def test_a_song_is_heard_as_others_rated_it_and_never_as_its_listener_did(
    sessions: dict[str, list[hku956.Listening]],
):
    people = sorted(sessions)
    heard = heard_by_others(sessions, people)
    for person in people:
        for listening in sessions[person]:
            others = [
                other.felt
                for name in people
                for other in sessions[name]
                if name != person and other.song == listening.song
            ]
            if others:
                assert heard[person][listening.song] == pytest.approx(np.mean(others, axis=0), abs=1e-6)
            else:
                assert listening.song not in heard[person]


def test_ratings_of_held_out_persons_tell_nobody_anything(sessions: dict[str, list[hku956.Listening]]):
    heard = heard_by_others(sessions, [])
    assert not any(heard.values())


def test_the_rating_of_a_song_is_known_only_after_it(sessions: dict[str, list[hku956.Listening]]):
    listenings = sessions["hku0"]
    features = [session_features(listening) for listening in listenings]
    examples = hku_examples(listenings, features, {})
    assert len(examples) == 2 * len(listenings)
    for row, order in enumerate(np.repeat(np.arange(len(listenings)), 2)):
        said = examples.raw[row][:, REPORTED]
        said = said[np.isfinite(said[:, 0])]
        expected = [listening.felt for listening in listenings[:order]]
        assert said == pytest.approx(np.array(expected).reshape(-1, 2))
        assert np.isnan(examples.usual[row]).all() == (order == 0)


def test_own_levels_come_from_the_steps_until_then_alone(sessions: dict[str, list[hku956.Listening]]):
    listenings = sessions["hku1"]
    features = [session_features(listening) for listening in listenings]
    before = hku_examples(listenings, features, {})
    features[-1] = features[-1] + 100
    after = hku_examples(listenings, features, {})
    assert np.array_equal(before.level[:-2], after.level[:-2], equal_nan=True)
    assert np.array_equal(before.seconds, after.seconds)
    heart = before.seconds[:, INDEX["heart_rate"]]
    assert heart[0] > 0.0
    assert (np.diff(heart) >= 0.0).all()
    assert before.level[0, INDEX["heart_rate"]] == pytest.approx(
        np.nanmean(features[0][: max(1, round(0.6 * len(features[0]))), INDEX["heart_rate"]])
    )


def test_of_somebody_fresh_the_history_alone_is_known(sessions: dict[str, list[hku956.Listening]]):
    listenings = sessions["hku1"]
    examples = hku_examples(listenings, [session_features(listening) for listening in listenings], {})
    level, seconds = history_levels(examples.raw)
    known = np.isfinite(examples.raw[:, :, INDEX["heart_rate"]])
    assert seconds[:, INDEX["heart_rate"]] == pytest.approx(known.sum(axis=1) * STEP_S)
    assert level[:, INDEX["heart_rate"]] == pytest.approx(np.nanmean(examples.raw[:, :, INDEX["heart_rate"]], axis=1))
    everybody = np.ones(len(examples), bool)
    other_past = replace(examples, level=examples.level + 10.0)
    assert np.array_equal(examples.normalised(everybody)[0], other_past.normalised(everybody)[0])
    assert not np.array_equal(examples.normalised()[0], other_past.normalised()[0])


def test_the_mood_before_music_is_not_in_its_own_history(listener_data: Path):
    data = situnes.load(listener_data)
    examples = situnes_examples(data)
    before = examples.take(examples.kind == "situnes_before")
    assert np.isnan(before.raw[:, :, REPORTED]).all()
    after = examples.take(examples.kind == "situnes_after")
    assert np.isnan(after.raw[:, :, REPORTED]).all()
    told = examples.take(examples.kind == "situnes_after_reported")
    assert np.isfinite(told.raw[:, -2, REPORTED]).all()
    assert np.isnan(told.raw[:, -1, REPORTED]).all()


def test_padding_stands_on_the_left(listener_data: Path):
    examples = situnes_examples(situnes.load(listener_data))
    steps, mask = examples.normalised()
    assert steps.shape == mask.shape == (len(examples), STEPS, SIZE)
    seen = mask.any(axis=2)
    assert seen[:, -1].all()
    assert np.all(np.diff(seen.astype(int), axis=1) >= 0)
    assert not steps[mask == 0].any()


def test_wesad_says_that_stress_quickens_the_heart_and_wets_the_skin(listener_data: Path):
    people = wesad_examples.subjects(wesad.load(listener_data))
    assert len(people) == 8
    drawn = wesad_examples.draw(people, 600, np.random.default_rng(1))
    last = drawn.raw[:, -1]
    aroused, calm = drawn.label[:, 1] > 0.4, drawn.label[:, 1] < -0.2
    for name, sign in (("heart_rate", 1), ("rmssd", -1), ("eda_responses", 1), ("pulse_amplitude", -1)):
        change = (last - drawn.level)[:, INDEX[name]]
        assert sign * (change[aroused].mean() - change[calm].mean()) > 0
    assert np.isfinite(last[:, : len(PHYSIOLOGY)]).sum(axis=1).min() >= 10


def test_held_out_windows_hold_nothing_drawn(listener_data: Path):
    subject = wesad_examples.subjects(wesad.load(listener_data))[0]
    examples = wesad_examples.held_out(subject)
    known = np.isfinite(examples.raw).any(axis=(0, 1))
    names = {name for name, column in INDEX.items() if known[column]}
    assert names == {"heart_rate", "skin_temperature_slope", "eda_responses", "step_length"}
    assert len(examples) == 4 + 5 + 4


def test_nobody_is_on_two_sides():
    sides = split_people([f"p{i}" for i in range(20)], seed=1)
    assert sorted(set(sides.values())) == ["test", "train", "validation"]
    assert list(sides.values()).count("test") == 4
    assert sides == split_people([f"p{i}" for i in reversed(range(20))], seed=1)


def test_parts_are_joined_row_by_row(listener_data: Path):
    people = wesad_examples.subjects(wesad.load(listener_data))
    first, second = (wesad_examples.draw(people, count, np.random.default_rng(1)) for count in (3, 2))
    joined = concatenate([first, second])
    assert len(joined) == 5
    assert np.array_equal(joined.take(np.array([3, 4])).raw, second.raw, equal_nan=True)

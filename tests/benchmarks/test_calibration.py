"""The machinery of the calibration benchmark: honest forecasters pass, nothing leaks, what was found survives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import listener_sets
import numpy as np
import pytest

from benchmarks.calibration.__main__ import main
from benchmarks.calibration.figure import draw
from benchmarks.calibration.learning import Lesson, answers, replay_key
from benchmarks.calibration.people import KINDS, Fold, People, fold_of, load
from benchmarks.calibration.recordings import Body, Heard, Rated, Received, Recording, recording_of, situnes_recording
from benchmarks.calibration.replay import Played, relax, replay
from benchmarks.calibration.scores import coverage_curve, mean_by_person, over_people, r_squared, score
from benchmarks.calibration.studies import AFTER_S, Found, Plan, merge, read, study, validating, write
from benchmarks.calibration.tables import page
from cloud_trainer.evaluation.regression import r_squared as trainers_r_squared
from cloud_trainer.evaluation.uncertainty import coverage, ellipse_coverage, gaussian_crps, gaussian_nll
from cloud_trainer.user_emotion.training import Settings
from models.physiology.schema import PHYSIOLOGY, STEPS

FOLDS, SEED = 4, 3
PLAN = Plan(minutes=2, told_minutes=1, told={"daily": (0, 2), "whole": (0, 2)})


class Attentive:
    """A model whose answer moves with everything that it sees."""

    def run(self, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        seen = inputs["steps"][0] * np.linspace(0.1, 1.0, STEPS)[:, np.newaxis]
        mean = np.tanh([[seen.mean(), seen.std() - 0.5]])
        return {
            "mean": mean.astype(np.float32),
            "log_variance": np.full((1, 2), -2.5, np.float32),
            "attention": np.full((1, STEPS), 1 / STEPS, np.float32),
        }


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    listener_sets.write(folder)
    return folder


@pytest.fixture(scope="module")
def people(data: Path) -> People:
    return load(data)


@pytest.fixture(scope="module")
def folds(people: People) -> list[Fold]:
    return [fold_of(people, number, folds=FOLDS, seed=SEED) for number in range(FOLDS)]


@pytest.fixture(scope="module")
def found(people: People, folds: Sequence[Fold]) -> list[Found]:
    return [study(fold, people, Attentive(), PLAN, training_s=60.0) for fold in folds[:2]]


def _recordings(people: People, fold: Fold) -> dict[str, Recording]:
    """One person of each data set."""
    named = {person[:3]: recording_of(fold, people, person, minutes=2) for person in fold.held_out}
    assert set(named) == {"hku", "sit"}
    return named


def _normal_forecasts(count: int, claimed: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truths drawn from correlated normal forecasts, and those forecasts with `claimed` times the covariance."""
    random = np.random.default_rng(7)
    root = random.normal(size=(count, 2, 2)) * 0.3 + np.eye(2) * 0.2
    mean = random.normal(size=(count, 2)) * 0.3
    truth = mean + np.einsum("nij,nj->ni", root, random.normal(size=(count, 2)))
    return truth, mean, claimed * root @ root.transpose(0, 2, 1)


def test_a_perfectly_calibrated_forecaster_is_covered_as_it_claims():
    scores = score(*_normal_forecasts(20_000, 1.0))
    assert scores.inside_region.mean() == pytest.approx(0.9, abs=0.01)
    assert scores.inside.mean(axis=0) == pytest.approx(0.9, abs=0.01)
    nominal = np.array([0.1, 0.5, 0.9, 0.99])
    assert coverage_curve(scores, nominal) == pytest.approx(np.tile(nominal[:, np.newaxis], 3), abs=0.02)


def test_a_forecaster_that_claims_too_much_or_too_little_shows_and_scores_worse():
    honest, sure, unsure = (score(*_normal_forecasts(20_000, claimed)) for claimed in (1.0, 0.3, 3.0))
    assert sure.inside_region.mean() < 0.6
    assert unsure.inside_region.mean() > 0.95
    for wrong in (sure, unsure):
        assert wrong.joint_nll.mean() > honest.joint_nll.mean() + 0.1
        assert (wrong.crps.mean(axis=0) > honest.crps.mean(axis=0)).all()


def test_scores_agree_with_the_trainers():
    truth, mean, covariance = _normal_forecasts(500, 1.3)
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    scores = score(truth, mean, variance[:, :, np.newaxis] * np.eye(2))
    assert scores.nll.mean(axis=0) == pytest.approx(gaussian_nll(truth, mean, variance))
    assert scores.crps.mean(axis=0) == pytest.approx(gaussian_crps(truth, mean, variance))
    assert scores.inside.mean(axis=0) == pytest.approx(coverage(truth, mean, variance))
    assert scores.inside_region.mean() == pytest.approx(ellipse_coverage(truth, mean, variance))
    assert scores.joint_nll.mean() == pytest.approx(scores.nll.sum(axis=1).mean())


def test_intervals_resample_people_not_ratings():
    person = np.repeat(np.array(["a", "b", "c", "d"]), (10, 20, 30, 40))
    values = np.repeat([0.0, 1.0, 2.0, 3.0], (10, 20, 30, 40))
    interval = over_people(person, values)
    assert interval.value == pytest.approx(values.mean())
    assert interval.low < 1.0
    assert interval.high > 2.5
    assert mean_by_person(person, values)[1].tolist() == [0.0, 1.0, 2.0, 3.0]
    truth, squared = np.random.default_rng(1).normal(size=100), np.random.default_rng(2).random(100)
    expected = float(trainers_r_squared(truth, truth - np.sqrt(squared)))
    assert r_squared(person, truth, squared).value == pytest.approx(expected)


def test_everyone_is_held_out_once_and_teaches_nothing_then(people: People, folds: Sequence[Fold]):
    assert sorted(person for fold in folds for person in fold.held_out) == sorted(people.names)
    for fold in folds:
        taught = set(fold.training.person) | set(fold.validation.person)
        assert not taught & set(fold.held_out)
        assert not set(fold.training.person) & set(fold.validation.person)
        assert set(fold.judged.person) == set(fold.held_out)
        teachers = {one.person for one in fold.subjects}
        assert teachers.isdisjoint(one.person for one in fold.validation_subjects)


def test_constants_are_chosen_on_people_who_are_not_held_out(people: People, folds: Sequence[Fold]):
    for fold in folds:
        chosen = validating(fold, people)
        assert chosen.held_out
        assert not set(chosen.held_out) & set(fold.held_out)
        assert not set(chosen.held_out) & set(map(str, fold.training.person))
        person = chosen.held_out[0]
        played = replay(recording_of(chosen, people, person, minutes=1), None)
        rows = played.kind == played.kind[0]
        assert len(chosen.examples_at(person, str(played.kind[0]), int(rows.sum()))) == rows.sum()


def test_a_song_is_heard_as_the_training_people_rated_it(people: People, folds: Sequence[Fold]):
    fold = folds[0]
    teachers = set(fold.training.person)
    for person in fold.held_out:
        for song, emotion in fold.heard.get(person, {}).items():
            ratings = [one.felt for name in teachers for one in people.sessions.get(name, ()) if one.song == song]
            assert emotion == pytest.approx(np.mean(ratings, axis=0), abs=1e-6)


def _with_rating(recording: Recording, number: int, felt: tuple[float, float]) -> Recording:
    places = [place for place, event in enumerate(recording.events) if isinstance(event, Rated)]
    events = list(recording.events)
    rated = events[places[number]]
    assert isinstance(rated, Rated)
    events[places[number]] = replace(rated, felt=felt)
    return Recording(recording.person, tuple(events))


def _same(one: Played, other: Played, rows: slice) -> bool:
    believed = ("told", "age_s", "mean", "covariance", "prior_mean", "prior_covariance", "answer_mean")
    return all(
        np.array_equal(getattr(one, name)[rows], getattr(other, name)[rows], equal_nan=True) for name in believed
    )


@pytest.mark.parametrize("data_set", ["hku", "sit"])
def test_a_rating_changes_no_state_before_it_was_told(people: People, folds: Sequence[Fold], data_set: str):
    recording = _recordings(people, folds[0])[data_set]
    played = replay(recording, Attentive())
    for number in (0, 1, len(played) - 1):
        changed = replay(_with_rating(recording, number, (-0.95, 0.95)), Attentive())
        assert _same(played, changed, slice(number + 1))
        assert number == len(played) - 1 or not _same(played, changed, slice(number + 1, None))


@pytest.mark.parametrize("data_set", ["hku", "sit"])
def test_a_station_that_is_told_nothing_knows_nothing_of_ratings(people: People, folds: Sequence[Fold], data_set: str):
    recording = _recordings(people, folds[0])[data_set]
    played = replay(recording, Attentive(), told=0)
    changed = replay(_with_rating(recording, 0, (-0.95, 0.95)), Attentive(), told=0)
    assert _same(played, changed, slice(None))
    assert not played.told.any()
    assert np.isinf(played.age_s).all()


def test_only_as_many_reports_are_told_as_asked_for(people: People, folds: Sequence[Fold]):
    recording = _recordings(people, folds[0])["sit"]
    played = replay(recording, Attentive(), told=2)
    assert played.told.tolist() == [0, 1, *[2] * (len(played) - 2)]
    assert played.number.tolist() == list(range(len(played)))
    assert (np.diff(played.age_s[2:]) > 0).all()


def test_events_come_in_time_order_and_each_song_is_rated_when_it_ends(people: People, folds: Sequence[Fold]):
    for recording in _recordings(people, folds[0]).values():
        times = [event.t for event in recording.events]
        assert times == sorted(times)
        assert isinstance(recording.events[-1], Heard)
        assert recording.events[-1].emotion is None
        assert any(isinstance(event, Body) for event in recording.events)
    assert any(isinstance(event, Received) for event in recording.events)


def test_a_listening_with_the_time_of_another_is_neither_told_nor_judged(people: People, folds: Sequence[Fold]):
    daily = people.tunes.daily
    person = int(next(name for name in folds[0].held_out if name.startswith("sit")).removeprefix("situnes-"))
    rows = np.flatnonzero(daily.user == person)
    time = daily.time.copy()
    time[rows[2]] = time[rows[1]]
    wrong = replace(people.tunes, daily=replace(daily, time=time))
    played = replay(situnes_recording(wrong, people.tune_examples, person), None)
    untimed = played.take(~played.timed)
    assert untimed.truth == pytest.approx(np.stack([daily.before[rows[2]], daily.after[rows[2]]]))
    others = played.take(played.timed)
    assert others.told.tolist() == others.number.tolist() == list(range(len(others)))


def test_a_minute_of_the_wristband_is_known_only_when_it_is_over(people: People, folds: Sequence[Fold]):
    person = next(person for person in folds[0].held_out if person.startswith("situnes"))
    recording = recording_of(folds[0], people, person, minutes=3)
    own = people.tune_examples.take(people.tune_examples.person == person)
    minutes = own.raw[own.kind == "situnes_before"][0, :, : len(PHYSIOLOGY)]
    asked = next(event.t for event in recording.events if isinstance(event, Rated) and event.kind == "situnes_before")
    bodies = [event for event in recording.events if isinstance(event, Body) and event.t <= asked]
    assert len(bodies) == 25
    for body in bodies:
        back = int(np.ceil((asked - body.t) / 60.0))
        assert np.array_equal(body.values, minutes[-1 - back], equal_nan=True)


def test_the_model_alone_is_asked_at_the_moments_of_the_ratings(people: People, folds: Sequence[Fold]):
    for person in folds[0].held_out:
        played = replay(recording_of(folds[0], people, person), None)
        for kind in set(played.kind):
            truth = played.truth[played.kind == kind]
            examples = folds[0].examples_at(person, kind, len(truth))
            assert examples.label == pytest.approx(truth)
            assert answers(Attentive(), examples)[0].shape == truth.shape
    with pytest.raises(ValueError, match="do not go with"):
        folds[0].examples_at(folds[0].held_out[0], "hku956", 3)


def test_without_a_body_the_state_relaxes_to_the_prior_and_grows_unsure(people: People, folds: Sequence[Fold]):
    relaxed = relax(_recordings(people, folds[0])["hku"], Attentive(), AFTER_S)
    # The prior's own spread, learned from the last words, is forgotten by and by.
    assert (np.diff(relaxed[:, 0] / relaxed[:, 2]) > 0).all()
    assert (np.diff(relaxed[:, 4]) < 0).all()
    assert relaxed[0, 4] == pytest.approx(1.0)
    assert relaxed[-1, :2] == pytest.approx(relaxed[-1, 2:4], rel=0.01)
    # What is of the day is left.
    assert relaxed[-1, 4] < 0.15


def test_every_forecast_is_made_of_every_rating_but_the_bodiless_ones(found: Sequence[Found]):
    everything = merge(found)
    for name in ("constant", "prior", "model", "silent", "filter"):
        mean, covariance = everything.forecast(name)
        assert np.isfinite(mean).all()
        assert (np.linalg.eigvalsh(covariance) > 0).all()
    asked = np.isfinite(everything.forecast("asked")[0]).all(axis=1)
    assert not asked[everything.filter.kind == "situnes_lab"].any()
    assert asked[everything.filter.kind == "hku956"].all()
    assert set(everything.filter.kind) == set(KINDS)
    assert np.array_equal(everything.filter.truth, everything.silent.truth)


def test_findings_survive_the_disk_and_a_cut_file_counts_as_none(found: Sequence[Found], tmp_path: Path):
    path = tmp_path / "found.npz"
    assert read(path) is None
    write(path, found[0])
    again = read(path)
    assert again is not None
    for field in fields(Played):
        np.testing.assert_array_equal(getattr(again.filter, field.name), getattr(found[0].filter, field.name))
    assert {scope: list(told) for scope, told in again.told.items()} == {"daily": [0, 2], "whole": [0, 2]}
    assert np.array_equal(again.relaxed, found[0].relaxed)
    path.write_bytes(path.read_bytes()[:-200])
    assert read(path) is None


def test_another_fold_seed_or_plan_has_another_key(data: Path):
    lesson = Lesson(data, Settings(), 4, 0, 1)
    others = [replace(lesson, number=1), replace(lesson, seed=2), replace(lesson, settings=Settings(epochs=3))]
    assert len({lesson.key, *(other.key for other in others)}) == 4
    assert replay_key(lesson, {"minutes": 10}) != replay_key(lesson, {"minutes": 9})


def test_the_page_names_every_kind_and_every_forecast(found: Sequence[Found], tmp_path: Path):
    text = page(merge(found), folds=FOLDS, seed=SEED, settings=Settings(), plan=PLAN)
    for _, title in KINDS.values():
        assert title in text
    for words in ("personal prior alone", "filter with reports", "first reports told", "After five reports", "360 min"):
        assert words in text
    assert "2 min of training" in text
    assert "nan" not in text
    draw(merge(found), tmp_path / "images" / "calibration.png")
    assert (tmp_path / "images" / "calibration.png").stat().st_size > 10_000


@pytest.mark.slow
def test_the_whole_command_trains_replays_and_goes_on_from_what_is_kept(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    words = ["--quick", "--data", str(data), "--folds", "4", "--work", str(tmp_path)]
    assert main(words) == 0
    first = capsys.readouterr().out
    assert "filter with reports" in first
    assert main(words) == 0
    assert capsys.readouterr().out == first

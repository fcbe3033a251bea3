"""Rows of the user-emotion tables: what is hidden does not count, baselines say what they are called."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cloud_trainer.search.frozen import winner
from cloud_trainer.tables.feeling import arms, plain
from cloud_trainer.tables.feeling.arms import ARMS, Data, explanation, neural, newest_only, searched, without_reports
from cloud_trainer.tables.feeling.corpus import BEFORE, INDUCED, STRESS
from cloud_trainer.tables.feeling.networks import PAPER, RECURRENT
from cloud_trainer.tables.feeling.scales import Judged, answered
from cloud_trainer.tables.feeling.wearables import USER_EMOTION_WEARABLES
from cloud_trainer.tables.frame import Problem
from cloud_trainer.user_emotion.evaluation import without_body
from cloud_trainer.user_emotion.examples import SIZE
from cloud_trainer.user_emotion.network import Network
from cloud_trainer.user_emotion.training import predict
from models.physiology.schema import INDEX, STEPS


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train two batches."""
    brief = {"epochs": 1, "steps": 2, "batch": 8, "wesad_pool": 16}
    short = {name: replace(arm, settings=replace(arm.settings, **brief)) for name, arm in ARMS.items()}
    monkeypatch.setattr(arms, "ARMS", short)


@pytest.mark.parametrize("network", [PAPER, RECURRENT])
def test_what_is_masked_does_not_count(network: Network):
    random = np.random.default_rng(3)
    weights = network.initial_weights(random)
    steps = random.normal(size=(2, STEPS, SIZE)).astype(np.float32)
    mask = np.zeros_like(steps)
    mask[:, -5:, INDEX["heart_rate"]] = 1
    known, noisy = (predict(weights, values, mask, network) for values in (steps * mask, steps))
    assert noisy["mean"] == pytest.approx(known["mean"])
    assert np.abs(known["mean"]).max() <= 1


def test_padding_leaves_the_state_of_the_recurrent_network_alone():
    random = np.random.default_rng(4)
    weights = RECURRENT.initial_weights(random)
    weights["embed.bias"] += 0.5
    steps = random.normal(size=(1, STEPS, SIZE)).astype(np.float32)
    mask = np.zeros_like(steps)
    mask[:, -1] = 1
    newest = predict(weights, steps, mask, RECURRENT)["mean"]
    moved = np.roll(steps, 7, axis=1)
    moved[:, -1] = steps[:, -1]
    assert predict(weights, moved, mask, RECURRENT)["mean"] == pytest.approx(newest)


def test_views_hide_what_they_are_named_for():
    mask = np.ones((1, STEPS, SIZE), np.float32)
    assert newest_only(mask)[0].sum(axis=1).tolist() == [0] * (STEPS - 1) + [SIZE]
    assert set(np.flatnonzero(without_reports(mask)[0, 0] == 0)) == {
        INDEX[name] for name in ("reported_valence", "reported_arousal", "usual_valence", "usual_arousal", "reports")
    }
    assert mask.all()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", ["attention", "paper"])
def test_an_arm_answers_every_row_of_its_fold(name: str, problem: Problem[Data]):
    fresh = replace(problem, data=Data(problem.data.corpus))
    fold = fresh.folds[0]
    answer = neural(name, fresh, fold)
    assert answer.values.shape == (len(fold.test), fresh.truth.shape[1])
    assert np.abs(answer.values[:, :6]).max() <= 1
    assert set(np.unique(answer.values[:, 6:])) <= {0.0, 1.0}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("arm", "rival"), [("attention", "user_emotion"), ("recurrent", "recurrent")])
def test_an_arm_is_trained_with_what_its_search_has_frozen(arm: str, rival: str):
    frozen = winner("user_emotion", rival)
    assert frozen
    assert {name: getattr(ARMS[arm].settings, name) for name in frozen} == frozen
    assert searched(arm) == {name: (value,) for name, value in frozen.items()}
    assert "by 20 trials" in explanation(arm)
    assert explanation("paper").startswith("as the paper has it")


def test_wearables_are_asked_of_one_network(problem: Problem[Data]):
    fresh = replace(problem, data=Data(problem.data.corpus))
    fold = fresh.folds[0]
    rows = {row.name: row for row in USER_EMOTION_WEARABLES.rows}
    found = {name: rows[name].answer(fresh, fold).values for name in ("none", "hr", "all")}
    assert len(fresh.data.trained) == 1
    bare = neural("attention", fresh, fold, without_body).values
    assert found["none"] == pytest.approx(bare)
    induced = fresh.data.corpus.kind[fold.test] == INDUCED
    assert np.abs(found["hr"] - found["all"])[induced, :2].max() > 0


@pytest.mark.usefixtures("quick")
def test_an_exam_of_known_and_new_people_is_answered(exam_problem: Problem[Data]):
    (fold,) = exam_problem.folds
    assert neural("attention", exam_problem, fold).values.shape == (len(fold.test), exam_problem.truth.shape[1])
    for row in (plain.mean, plain.last_report, plain.running_mean):
        assert np.isfinite(row(exam_problem, fold).values).all()


def test_baselines_say_what_they_are_called(problem: Problem[Data]):
    fold, corpus = problem.folds[0], problem.data.corpus
    own = np.flatnonzero(corpus.kind[fold.test] == INDUCED)
    person = corpus.person[fold.test[own[0]]]
    mine = own[corpus.person[fold.test[own]] == person]
    felt = problem.truth[fold.test[mine], :2]
    running, last = (row(problem, fold).values[mine, :2] for row in (plain.running_mean, plain.last_report))
    centre = problem.truth[fold.train][corpus.kind[fold.train] == INDUCED, :2].mean(axis=0)
    assert running[0] == pytest.approx(centre)
    assert running[3] == pytest.approx(felt[:3].mean(axis=0))
    assert last[3] == pytest.approx(felt[2])
    assert plain.mean(problem, fold).values[mine[0], :2] == pytest.approx(centre)


def test_a_ridge_is_searched_for_every_set_and_axis(problem: Problem[Data]):
    answer = plain.ridge(problem, problem.folds[0])
    assert {f"{INDUCED}, valence", f"{BEFORE}, arousal", f"{STRESS}, arousal"} <= set(answer.chosen)
    assert np.isfinite(answer.values).all()


def test_a_region_that_holds_the_truth_counts_as_inside(problem: Problem[Data]):
    fold = problem.folds[0]
    label = problem.data.of_fold(fold).rows.label
    inside = answered(problem, fold, Judged(label, np.full_like(label, 0.01))).values[:, 7]
    outside = answered(problem, fold, Judged(label + 0.5, np.full_like(label, 0.01))).values[:, 7]
    scored = np.isfinite(problem.truth[fold.test, 7])
    assert inside[scored].all()
    assert not outside[scored].any()

"""`situnes-before`: how somebody feels before any music plays, from their own earlier reports, situation and wrist."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from cloud_trainer.evaluation.regression import rmse
from cloud_trainer.tables.frame import Answer, Claim, Column, Floats, Fold, Ints, Peer, Problem, Row, Table
from cloud_trainer.tables.learners import LEARNERS, searched
from cloud_trainer.tables.situnes import features
from cloud_trainer.tables.situnes.recordings import SET, Recordings, people_left_out, read
from cloud_trainer.tables.situnes.reports import (
    FEW,
    Setting,
    Weighted,
    earlier_rows,
    process,
    settings,
    shrinkage,
    shrunk_mean,
)

__all__ = ["SITUNES_BEFORE"]


@dataclass(frozen=True)
class _Data:
    recordings: Recordings
    earlier: list[Ints]
    wrist: Floats
    heart_rate: Floats
    situation: Floats
    processes: dict[tuple[Setting, bool], Weighted] = field(default_factory=dict)

    def process(self, setting: Setting, *, few: bool) -> Weighted:
        """Return the weights of a setting, computed once."""
        if (setting, few) not in self.processes:
            self.processes[setting, few] = process(self.recordings, setting, few=few)
        return self.processes[setting, few]


_P = Problem[_Data]


def _load(data: Path, exam: Path | None, seed: int) -> _P:
    recordings = read(data, exam)
    daily = recordings.daily
    earlier = earlier_rows(daily.user)
    later = np.array([len(past) >= FEW for past in earlier])
    known = np.where(later[:, None], daily.before, np.nan)
    return Problem(
        truth=np.concatenate([daily.before, daily.before, known], axis=1),
        group=daily.user,
        data=_Data(
            recordings,
            earlier,
            features.wrist(recordings),
            features.heart_rate_mean(recordings),
            features.situation(recordings),
        ),
        folds=people_left_out(daily, seed),
    )


def _answer(fold: Fold, few: Floats, every: Floats, chosen: Mapping[str, Any] | None = None) -> Answer:
    """Return an answer from valence and arousal of all rows with few reports and with all of them."""
    return Answer(np.concatenate([few, every, every], axis=1)[fold.test], chosen or {})


def _mean(problem: _P, fold: Fold) -> Answer:
    before = problem.data.recordings.daily.before
    flat = np.tile(before[fold.train].mean(axis=0), (len(before), 1))
    return _answer(fold, flat, flat)


def _last(problem: _P, fold: Fold) -> Answer:
    before = problem.data.recordings.daily.before
    prior = before[fold.train].mean(axis=0)
    last = np.stack([before[past[-1]] if len(past) else prior for past in problem.data.earlier])
    return _answer(fold, last, last)


def _running(problem: _P, fold: Fold) -> Answer:
    before = problem.data.recordings.daily.before
    prior = before[fold.train].mean(axis=0)
    # With a worth near nothing, a single report outweighs the population.
    means = [shrunk_mean(before, problem.data.earlier, np.full(2, 1e-9), prior, few) for few in (FEW, None)]
    return _answer(fold, means[0], means[1])


def _shrunk(problem: _P, fold: Fold) -> Answer:
    daily = problem.data.recordings.daily
    before, train = daily.before, fold.train
    worth = shrinkage(daily.user[train], before[train])
    means = [shrunk_mean(before, problem.data.earlier, worth, before[train].mean(axis=0), few) for few in (FEW, None)]
    return _answer(fold, means[0], means[1], {"worth_in_reports": worth.tolist()})


def _process(problem: _P, fold: Fold) -> Answer:
    (few, chosen_few), (every, chosen) = (_expected(problem, fold, few=few) for few in (True, False))
    return _answer(fold, few, every, {"few": chosen_few, "all": chosen})


def _expected(problem: _P, fold: Fold, *, few: bool) -> tuple[Floats, dict[str, Any]]:
    """Return the process of the setting that erred least on the training people, axis by axis."""
    recordings = problem.data.recordings
    train = fold.train
    tried = []
    for setting in settings():
        expected = problem.data.process(setting, few=few).expected(recordings, train)
        tried.append((setting, expected, rmse(recordings.daily.before[train], expected[train])))
    best = [min(tried, key=lambda one: float(one[2][axis])) for axis in range(2)]
    chosen = {
        name: {**asdict(best[axis][0]), "validation": float(best[axis][2][axis])}
        for axis, name in enumerate(("valence", "arousal"))
    }
    return np.stack([best[axis][1][:, axis] for axis in range(2)], axis=1), chosen


def _without_reports(matrix: Callable[[_Data], Floats]) -> Callable[[_P, Fold], Answer]:
    def answer(problem: _P, fold: Fold) -> Answer:
        before = problem.data.recordings.daily.before
        found, chosen = _learned(problem, fold, "ridge", matrix(problem.data), before)
        return _answer(fold, found, found, chosen)

    return answer


def _corrected(name: str, matrix: Callable[[_Data], Floats]) -> Callable[[_P, Fold], Answer]:
    """Learn what the process leaves over."""

    def answer(problem: _P, fold: Fold) -> Answer:
        before = problem.data.recordings.daily.before
        answers, choices = [], {}
        for few in (True, False):
            expected, chosen = _expected(problem, fold, few=few)
            columns = np.concatenate([matrix(problem.data), expected], axis=1)
            rest, searches = _learned(problem, fold, name, columns, before - expected)
            answers.append(expected + rest)
            choices["few" if few else "all"] = {"process": chosen, "correction": searches}
        return _answer(fold, answers[0], answers[1], choices)

    return answer


def _learned(
    problem: _P, fold: Fold, name: str, matrix: Floats, truth: Floats
) -> tuple[Floats, dict[str, dict[str, Any]]]:
    found, chosen = np.zeros_like(truth), {}
    for axis, label in enumerate(("valence", "arousal")):
        best = searched(
            LEARNERS[name],
            matrix[fold.train],
            truth[fold.train, axis],
            problem.group[fold.train],
            seed=fold.seed,
        )
        found[:, axis] = best.model.predict(matrix)
        chosen[label] = {**best.setting, "validation": best.validation}
    return found, chosen


def _around(data: _Data) -> Floats:
    return np.concatenate([data.situation, data.wrist], axis=1)


def _likes(data: _Data) -> Floats:
    """Return how the person rated songs until then: in the lab, in daily life, last; liking needs no asking."""
    lab, daily = data.recordings.lab, data.recordings.daily
    columns = []
    for user, past in zip(daily.user, data.earlier, strict=True):
        in_lab, since = lab.rating[lab.user == user], daily.rating[past]
        columns.append(
            [
                in_lab.mean() if len(in_lab) else np.nan,
                in_lab.std() if len(in_lab) else np.nan,
                since.mean() if len(since) else np.nan,
                since[-3:].mean() if len(since) else np.nan,
                since[-1] if len(since) else np.nan,
            ]
        )
    return np.array(columns, np.float64)


_TUNED: Final = "six settings on three folds of training people, by RMSE"
_README: Final = "an earlier figure on these data; which rows it scored is not stated"
_MEAN = {0: Peer("own running mean", 0.11, _README), 1: Peer("own running mean", 0.09, _README)}


def _columns() -> tuple[Column, ...]:
    names = ("at most five reports", "all earlier reports", "all earlier, from the sixth listening")
    return tuple(
        Column(
            name=f"{axis} R², {name}",
            metric="r2",
            output=2 * place + number,
            target=(0.14, 0.12)[number],
            peers=(_MEAN[number], Peer("heart rate alone", -0.02, _README)),
        )
        for place, name in enumerate(names)
        for number, axis in enumerate(("valence", "arousal"))
    )


_ALL: Final = ("valence R², all earlier reports", "arousal R², all earlier reports")
_GRID: Final = {"setting": [asdict(setting) for setting in settings()]}
SITUNES_BEFORE: Final = Table(
    name="situnes-before",
    title="Mood before music, in daily life (SiTunes)",
    question="How much of a mood is known before any music plays: from the person's earlier reports, from the "
    "situation, from half an hour on the wrist?",
    protocol="Leave one person out; what that person reported earlier is known. Interval: people resampled.",
    exam_protocol="Trained and tuned on the data's listenings, the exam's scored once; what a person reported earlier "
    "in either folder is known. Interval: people resampled.",
    group="person",
    sources=(SET,),
    columns=_columns(),
    rows=(
        Row(name="mean", what="the training people's mean", answer=_mean, baseline=True),
        Row(name="last report", what="the mood reported before the listening before", answer=_last, baseline=True),
        Row(
            name="own running mean",
            what="mean of the own earlier reports before music; the population's mean where there is none",
            answer=_running,
            baseline=True,
        ),
        Row(
            name="own running mean, shrunk",
            what="the same, shrunk to the population by the variances within and between the training people",
            answer=_shrunk,
            tuned="variances of the training people",
            baseline=True,
        ),
        Row(
            name="heart rate alone",
            what="ridge regression on the mean heart rate of the half hour",
            answer=_without_reports(lambda data: data.heart_rate),
            tuned=_TUNED,
            grid=LEARNERS["ridge"].grid,
            baseline=True,
        ),
        Row(
            name="physiology only",
            what="ridge regression on heart rate, movement, steps and activity of the half hour",
            answer=_without_reports(lambda data: data.wrist),
            tuned=_TUNED,
            grid=LEARNERS["ridge"].grid,
        ),
        Row(
            name="situation and wrist",
            what="ridge regression on time, weather, speed and the wrist, no report",
            answer=_without_reports(_around),
            tuned=_TUNED,
            grid=LEARNERS["ridge"].grid,
        ),
        Row(
            name="reports in time",
            what="Gaussian process of the own reports before and after music and in the lab: a level, a wave of hours, "
            "noise; with at most five reports the last after music and the last four before",
            answer=_process,
            tuned="twelve settings by the error on the training people's own courses",
            grid=_GRID,
        ),
        Row(
            name="reports, likes",
            what="the process, and a ridge regression of what it leaves over on the ratings of earlier songs",
            answer=_corrected("ridge", _likes),
            tuned=f"the process as in its row; ridge: {_TUNED}",
            grid=LEARNERS["ridge"].grid,
        ),
        Row(
            name="reports, situation, wrist",
            what="the process, and a ridge regression of what it leaves over on situation and wrist",
            answer=_corrected("ridge", _around),
            tuned=f"the process as in its row; ridge: {_TUNED}",
            grid=LEARNERS["ridge"].grid,
        ),
    ),
    reference="own running mean, shrunk",
    ours="reports, situation, wrist",
    load=_load,
    modules=(
        "cloud_trainer.tables.situnes.before",
        "cloud_trainer.tables.situnes.features",
        "cloud_trainer.tables.situnes.recordings",
        "cloud_trainer.tables.situnes.reports",
    ),
    claims=(
        Claim("Physiology tells mood before music", "physiology only", "mean", _ALL),
        Claim("Situation and wrist add to the own reports", "reports, situation, wrist", "reports in time", _ALL),
        Claim("How songs were liked adds to the own reports", "reports, likes", "reports in time", _ALL),
    ),
    notes=(
        "The data give the heart rate from the person's offset over the whole study, which favours physiology.",
        "Tried on twenty people and no better: both axes in one process, by likelihood; the five best reports.",
    ),
)

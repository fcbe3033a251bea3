"""`deam`: valence and arousal of real songs from openSMILE's features."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from cloud_trainer.data.labels import deam
from cloud_trainer.data.sources import require
from cloud_trainer.data.tables import floats, read_table
from cloud_trainer.tables.frame import Answer, Column, Floats, Fold, Ints, Peer, Problem, Row, Table
from cloud_trainer.tables.learners import LEARNERS, group_folds, searched
from cloud_trainer.tables.relevance import RELEVANCE
from models.errors import DataError, Reason

__all__ = ["DEAM"]

_SET: Final = "deam-features"
_LABELS: Final = ("valence_mean", "arousal_mean")
_NO_FEATURES: Final = {"track_id", *_LABELS, "valence_std", "arousal_std"}
_FOLDS: Final = 5
_LEARNERS: Final = {**LEARNERS, "relevance": RELEVANCE}
_PROCESS: Final = "relevance"
_COMMITTEE: Final = ("kernel", "ranked kernel", "extra trees", "boosting")


@dataclass(frozen=True)
class _Features:
    """What rivals look at, and what members of the committee have answered already."""

    matrix: Floats
    answered: dict[tuple[str, str], tuple[Floats, dict[str, Any]]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Songs:
    track: Ints
    features: Floats
    felt: Floats


def _read(folder: Path) -> tuple[_Songs, tuple[str, ...]]:
    path = require(folder / _SET / "features_74.csv.gz")
    try:
        names = tuple(pd.read_csv(path, nrows=0).columns)
    except (ValueError, OSError, EOFError) as error:
        raise DataError(
            f"{path} is no readable CSV file: {error}",
            reason=Reason.CORRUPT,
            remedy="Run 'attune-trainer data check' to see whether the file was changed",
        ) from error
    features = tuple(name for name in names if name not in _NO_FEATURES)
    table = read_table(path, {"track_id": "int", **dict.fromkeys((*_LABELS, *features), "float")})
    songs = _Songs(
        table["track_id"],
        np.stack([table[name] for name in features], axis=1),
        np.stack([deam(floats(table[name])) for name in _LABELS], axis=1).astype(np.float64),
    )
    return songs, features


def _load(data: Path, exam: Path | None, seed: int) -> Problem[_Features]:
    songs, names = _read(data)
    if exam is None:
        folds = [
            Fold(name=f"fold-{number}", train=train, test=test, seed=seed + number)
            for number, (train, test) in enumerate(group_folds(songs.track, _FOLDS, seed))
        ]
        return Problem(truth=songs.felt, group=songs.track, data=_Features(songs.features), folds=folds)
    new, new_names = _read(exam)
    if set(names) != set(new_names):
        raise DataError(
            f"{exam / _SET} has other features than {data / _SET}: {', '.join(sorted(set(names) ^ set(new_names)))}",
            reason=Reason.MALFORMED,
            remedy="Use the same feature extraction for both",
        )
    order = [new_names.index(name) for name in names]
    # A song that is examined is not trained on, whichever folder it comes from.
    train = np.flatnonzero(~np.isin(songs.track, new.track))
    test = len(songs.track) + np.arange(len(new.track))
    return Problem(
        truth=np.concatenate([songs.felt, new.felt]),
        group=np.concatenate([songs.track, new.track]),
        data=_Features(np.concatenate([songs.features, new.features[:, order]])),
        folds=[Fold(name="exam", train=train, test=np.asarray(test, np.int64), seed=seed)],
    )


def _mean(problem: Problem[_Features], fold: Fold) -> Answer:
    return Answer(np.tile(problem.truth[fold.train].mean(axis=0), (len(fold.test), 1)))


def _frozen_forest(problem: Problem[_Features], fold: Fold) -> Answer:
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(100, random_state=fold.seed, n_jobs=1)
    forest.fit(problem.data.matrix[fold.train], problem.truth[fold.train])
    return Answer(np.asarray(forest.predict(problem.data.matrix[fold.test])))


def _one(name: str, problem: Problem[_Features], fold: Fold) -> tuple[Floats, dict[str, Any]]:
    answered = problem.data.answered
    if (name, fold.name) not in answered:
        answers, chosen = [], {}
        for output, axis in enumerate(("valence", "arousal")):
            found = searched(
                _LEARNERS[name],
                problem.data.matrix[fold.train],
                problem.truth[fold.train, output],
                problem.group[fold.train],
                seed=fold.seed,
            )
            answers.append(np.asarray(found.model.predict(problem.data.matrix[fold.test])))
            chosen[axis] = {**found.setting, "validation": found.validation}
        answered[name, fold.name] = np.stack(answers, axis=1), chosen
    return answered[name, fold.name]


def _row(name: str, title: str) -> Row[_Features]:
    def answer(problem: Problem[_Features], fold: Fold) -> Answer:
        return Answer(*_one(name, problem, fold))

    learner = _LEARNERS[name]
    return Row(
        name=title,
        what=f"{learner.what} on the features, one model an axis",
        answer=answer,
        tuned="six settings on three folds inside the training songs, by RMSE",
        grid=learner.grid,
    )


def _committee(problem: Problem[_Features], fold: Fold) -> Answer:
    members = {name: _one(name, problem, fold) for name in (_PROCESS, *_COMMITTEE)}
    others = np.mean([members[name][0] for name in _COMMITTEE], axis=0)
    mean = (members[_PROCESS][0] + others) / 2
    return Answer(np.asarray(mean), {name: chosen for name, (_, chosen) in members.items()})


_README = "documentation of the data: measured on the same 1442 songs, 5 folds of another seed"
DEAM: Final = Table(
    name="deam",
    title="What a song expresses, from openSMILE's features (DEAM)",
    question="How much of a real song's mean valence and arousal do 74 audio features tell?",
    protocol="Five folds over songs. Interval: songs resampled. Values in [-1, 1].",
    exam_protocol="Trained and tuned on all songs of the data, scored once on the exam's. Interval: songs resampled.",
    group="song",
    sources=(_SET,),
    columns=(
        Column(name="valence R²", metric="r2", output=0, target=0.48, peers=(Peer("forest", 0.44, _README),)),
        Column(name="arousal R²", metric="r2", output=1, target=0.55, peers=(Peer("forest", 0.50, _README),)),
        Column(name="valence RMSE", metric="rmse", output=0, peers=(Peer("forest", 0.87 / 4, _README),)),
        Column(name="arousal RMSE", metric="rmse", output=1, peers=(Peer("forest", 0.90 / 4, _README),)),
    ),
    rows=(
        Row(name="mean", what="the training songs' mean", answer=_mean, baseline=True),
        Row(
            name="forest, untuned",
            what="random forest of 100 trees as the library sets it: the earlier figure, run again",
            answer=_frozen_forest,
            baseline=True,
        ),
        _row("ridge", "ridge"),
        _row("forest", "forest"),
        _row("extra trees", "extra trees"),
        _row("boosting", "gradient boosting"),
        _row("kernel", "support vectors"),
        _row("ranked kernel", "support vectors on ranks"),
        _row(_PROCESS, "Gaussian process"),
        Row(
            name="committee",
            what="half the Gaussian process, half the mean of both support vectors, extra trees and gradient boosting, "
            "each tuned as in its own row",
            answer=_committee,
            tuned="as its members; the halves on folds inside the training songs of fold 0",
        ),
    ),
    reference="forest, untuned",
    ours="committee",
    load=_load,
    modules=("cloud_trainer.tables.deam",),
)

"""`situnes-after`: how somebody feels after a song, from the mood before it, the song, and what is known of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from cloud_trainer.tables.frame import Answer, Claim, Column, Floats, Fold, Ints, Peer, Problem, Row, Table
from cloud_trainer.tables.learners import LEARNERS, searched
from cloud_trainer.tables.mixed import Mixed, linear, nearness, same, standardised, tuned
from cloud_trainer.tables.situnes import features
from cloud_trainer.tables.situnes.recordings import SET, Recordings, people_left_out, read

__all__ = ["SITUNES_AFTER"]

_AXES: Final = ("valence", "arousal")


@dataclass(frozen=True)
class _Data:
    """What rivals look at."""

    recordings: Recordings
    track: Floats
    wrist: Floats
    situation: Floats


_P = Problem[_Data]
_Matrix = Callable[[_Data, Ints], Floats]


def _load(data: Path, exam: Path | None, seed: int) -> _P:
    recordings = read(data, exam)
    return Problem(
        truth=recordings.daily.after,
        group=recordings.daily.user,
        data=_Data(recordings, features.track(recordings), features.wrist(recordings), features.situation(recordings)),
        folds=people_left_out(recordings.daily, seed),
    )


def _mean(problem: _P, fold: Fold) -> Answer:
    return Answer(np.tile(problem.truth[fold.train].mean(axis=0), (len(fold.test), 1)))


def _persistence(problem: _P, fold: Fold) -> Answer:
    return Answer(problem.data.recordings.daily.before[fold.test])


def _song(data: _Data, train: Ints) -> Floats:
    """Mood before and the song; products, because a happy song lifts a low mood more than a high one."""
    del train
    before = data.recordings.daily.before
    return np.concatenate([before, before**2, before[:, :1] * before[:, 1:], data.track], axis=1)


def _wrist(data: _Data, train: Ints) -> Floats:
    return np.concatenate([_song(data, train), data.wrist, data.situation], axis=1)


def _history(data: _Data, train: Ints) -> Floats:
    return np.concatenate([_song(data, train), features.history_of_ratings(data.recordings, train)], axis=1)


def _everything(data: _Data, train: Ints) -> Floats:
    return np.concatenate([_wrist(data, train), features.history_of_ratings(data.recordings, train)], axis=1)


def _rated(data: _Data, train: Ints) -> Floats:
    return np.concatenate([_song(data, train), data.recordings.daily.rating[:, None]], axis=1)


_MATRICES: Final[dict[str, _Matrix]] = {
    "song": _song,
    "wrist": _wrist,
    "history": _history,
    "everything": _everything,
    "song rated": _rated,
}


def _learned(name: str, matrix: str, problem: _P, fold: Fold) -> Answer:
    columns = _MATRICES[matrix](problem.data, fold.train)
    values, chosen = np.zeros((len(fold.test), 2)), {}
    for axis, label in enumerate(_AXES):
        found = searched(
            LEARNERS[name],
            columns[fold.train],
            problem.truth[fold.train, axis],
            problem.group[fold.train],
            seed=fold.seed,
        )
        values[:, axis] = found.model.predict(columns[fold.test])
        chosen[label] = {**found.setting, "validation": found.validation}
    return Answer(values, chosen)


def _row(name: str, matrix: str, title: str, what: str, *, baseline: bool = False) -> Row[_Data]:
    def answer(problem: _P, fold: Fold) -> Answer:
        return _learned(name, matrix, problem, fold)

    learner = LEARNERS[name]
    return Row(
        name=title,
        what=f"{learner.what} on {what}",
        answer=answer,
        tuned="six settings on three folds of training people, by RMSE",
        grid=learner.grid,
        baseline=baseline,
    )


def _mixed(data: _Data, truth: Floats, train: Ints, *, rated: bool) -> Mixed:
    """Return the rows; the weights of the terms were set once, in variances of the mood after music.

    Everybody: mood before and song, linear and by nearness. The track: the same for all who heard it. The person: a
    level, how far the mood before persists, which songs lift, a wave of hours.
    """
    daily = data.recordings.daily
    before = standardised(daily.before, train)
    curved = standardised(
        np.concatenate([daily.before, daily.before**2, daily.before[:, :1] * daily.before[:, 1:]], axis=1), train
    )
    songs = standardised(data.track, train)
    received = standardised(daily.rating[:, None], train) if rated else np.empty((len(songs), 0))
    alike = same(daily.user)
    apart = np.abs(daily.time[:, None] - daily.time[None, :]) / 3600
    near = np.concatenate([before, songs / 3, received], axis=1)
    return Mixed(
        truth=truth,
        group=daily.user,
        terms={
            "mood": 0.6 * linear(curved) + (0.1 * linear(received) if rated else 0.0),
            "song": 0.12 * linear(songs),
            "near": 0.4 * nearness(near, 2.0),
            "track": 0.06 * same(daily.track),
            "person": alike * (0.1 + 0.12 * linear(before) + 0.1 * linear(songs) + 0.06 * np.exp(-apart / 3)),
        },
        noise=1.0,
    )


_SETTINGS: Final = tuple(
    {"person": person, **dict.fromkeys(("mood", "song", "near", "track"), everybody)}
    for person in (0.5, 1.0, 2.0)
    for everybody in (0.5, 1.5)
)


def _mixed_row(title: str, what: str, *, rated: bool) -> Row[_Data]:
    def answer(problem: _P, fold: Fold) -> Answer:
        def make(train: Ints) -> Mixed:
            return _mixed(problem.data, problem.truth, train, rated=rated)

        return Answer(*tuned(make, _SETTINGS, fold.train, fold.test, seed=fold.seed))

    return Row(
        name=title,
        what=f"Gaussian process with effects of {what}",
        answer=answer,
        tuned="six settings on three folds of training people, by RMSE",
        grid={"factors": list(_SETTINGS)},
    )


_SONG: Final = "mood before and the song"
_HISTORY: Final = f"{_SONG}, what the person and others rated earlier, how the person's moods changed"
_RECEIVED: Final = ("mixed effects, song rated", "mixed effects, forecast")
_README: Final = "an earlier figure on these data, leave one person out"
SITUNES_AFTER: Final = Table(
    name="situnes-after",
    title="Mood after music, in daily life (SiTunes)",
    question="How close does one come to the mood after a song from the mood before it, the song, the wrist, and "
    "earlier ratings?",
    protocol="Leave one person out; what that person reported and rated earlier is known. Interval: people resampled.",
    exam_protocol="Trained and tuned on the data's listenings, the exam's scored once; what a person reported earlier "
    "in either folder is known. Interval: people resampled.",
    group="person",
    sources=(SET,),
    columns=(
        Column(
            name="valence RMSE",
            metric="rmse",
            output=0,
            target=0.225,
            peers=(Peer("ridge (before + song)", 0.234, _README), Peer("persistence", 0.276, _README)),
        ),
        Column(
            name="arousal RMSE",
            metric="rmse",
            output=1,
            target=0.270,
            peers=(Peer("ridge (before + song)", 0.279, _README), Peer("persistence", 0.336, _README)),
        ),
        Column(name="valence R²", metric="r2", output=0),
        Column(name="arousal R²", metric="r2", output=1),
    ),
    rows=(
        Row(name="mean", what="the training people's mean", answer=_mean, baseline=True),
        Row(name="persistence", what="the mood before, as if music did nothing", answer=_persistence, baseline=True),
        _row("ridge", "song", "ridge, song", _SONG, baseline=True),
        _row("small boosting", "song", "boosting, song", _SONG),
        _row("ridge", "wrist", "ridge, song and wrist", f"{_SONG}, the wrist, the situation"),
        _row("ridge", "history", "ridge, song and history", _HISTORY),
        _row("small boosting", "history", "boosting, song and history", _HISTORY),
        _row("ridge", "everything", "ridge, everything before", f"{_HISTORY}, the wrist, the situation"),
        _mixed_row(
            "mixed effects, forecast",
            f"{_SONG}, of the track, and of the person as learned from earlier listenings: all known before the song",
            rated=False,
        ),
        _row("ridge", "song rated", "ridge, song rated", f"{_SONG}, and how it was received (its rating)"),
        _mixed_row(
            "mixed effects, song rated",
            f"{_SONG}, how it was received (its rating), of the track, and of the person as learned from earlier "
            "listenings",
            rated=True,
        ),
    ),
    reference="ridge, song",
    ours="mixed effects, song rated",
    load=_load,
    modules=(
        "cloud_trainer.tables.mixed",
        "cloud_trainer.tables.situnes.after",
        "cloud_trainer.tables.situnes.features",
        "cloud_trainer.tables.situnes.recordings",
        "cloud_trainer.tables.situnes.reports",
    ),
    claims=(
        Claim("The wrist and the situation tell more than the song", "ridge, song and wrist", "ridge, song"),
        Claim("Earlier ratings and moods tell more than the song", "ridge, song and history", "ridge, song"),
        Claim("Learning the person beats the best without", "mixed effects, forecast", "ridge, song"),
        Claim("How the song was received tells more than a forecast", *_RECEIVED),
    ),
    notes=(
        "A song's rating is given when it ends, with the mood. Rows that look at it estimate; the others forecast.",
        "The target is held against the estimate, as of a device that was told like or skip.",
    ),
)

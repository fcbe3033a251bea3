"""`listener-profile`: what a questionnaire tells of how somebody feels at a song, beyond what others felt at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.tables.feeling.questionnaires import SETS, Answers, read_answers
from cloud_trainer.tables.frame import Answer, Claim, Column, Floats, Fold, Ints, Problem, Row, Table
from cloud_trainer.tables.learners import LEARNERS, group_folds, searched

__all__ = ["LISTENER_PROFILE"]

_FOLDS: Final = 5
_WORTH: Final = 4.0
"""Listeners that the genre's mean is worth beside those who heard a song."""
_FEWEST: Final = 40
"""Training rows from which a word has a column of its own: a language that few speak says nothing."""


@dataclass(frozen=True)
class _Data:
    """Answers of the sets, and the rows of the table that are theirs."""

    answers: tuple[Answers, ...]
    rows: tuple[Ints, ...]


_P = Problem[_Data]


def _load(data: Path, exam: Path | None, seed: int) -> _P:
    answers, examined = zip(*(_joined(data, exam, name) for name in SETS), strict=True)
    counts = [len(part.felt) for part in answers]
    starts = np.concatenate([[0], np.cumsum(counts)])
    truth = np.full((starts[-1], 2 * len(SETS)), np.nan)
    rows = tuple(np.arange(a, b) for a, b in pairwise(starts))
    for place, (part, own) in enumerate(zip(answers, rows, strict=True)):
        truth[own, 2 * place : 2 * place + 2] = part.felt
    group = np.concatenate([part.listener for part in answers])
    return Problem(
        truth=truth, group=group, data=_Data(answers, rows), folds=_folds(rows, group, np.concatenate(examined), seed)
    )


def _joined(data: Path, exam: Path | None, name: str) -> tuple[Answers, npt.NDArray[np.bool_]]:
    """Return a set's rows, those of the exam last; of a listener at a song that both hold, the exam's."""
    known = read_answers(data, name)
    if exam is None:
        return known, np.zeros(len(known.felt), bool)
    new = read_answers(exam, name)
    asked = set(zip(new.listener.tolist(), new.song.tolist(), strict=True))
    pairs = zip(known.listener.tolist(), known.song.tolist(), strict=True)
    kept = np.array([pair not in asked for pair in pairs], bool)
    both = Answers(
        listener=np.concatenate([known.listener[kept], new.listener]),
        song=np.concatenate([known.song[kept], new.song]),
        genre=np.concatenate([known.genre[kept], new.genre]),
        felt=np.concatenate([known.felt[kept], new.felt]),
        numbers={item: np.concatenate([known.numbers[item][kept], new.numbers[item]]) for item in known.numbers},
        words={item: np.concatenate([known.words[item][kept], new.words[item]]) for item in known.words},
    )
    return both, np.concatenate([np.zeros(int(kept.sum()), bool), np.ones(len(new.felt), bool)])


def _folds(rows: Sequence[Ints], group: npt.NDArray[np.str_], examined: npt.NDArray[np.bool_], seed: int) -> list[Fold]:
    if examined.any():
        return [Fold(name="exam", train=np.flatnonzero(~examined), test=np.flatnonzero(examined), seed=seed)]
    parts = [[(own[a], own[b]) for a, b in group_folds(group[own], _FOLDS, seed)] for own in rows]
    return [
        Fold(
            name=f"listeners-{number + 1}",
            train=np.concatenate([part[number][0] for part in parts]),
            test=np.concatenate([part[number][1] for part in parts]),
            seed=seed + number,
        )
        for number in range(_FOLDS)
    ]


def _others(answers: Answers, train: Ints) -> Floats:
    """Return what other training listeners felt at the song, shrunk to its genre, `(n, 2)`."""
    felt, centre = answers.felt, answers.felt[train].mean(axis=0)
    song, listener = _numbered(answers.song), _numbered(answers.listener)
    of_genre, heard = _sums(_numbered(answers.genre), felt, train)
    prior = (of_genre + centre) / (heard + 1)[:, None]
    total, count = _sums(song, felt, train)
    own, own_count = _sums(song * (int(listener.max()) + 1) + listener, felt, train)
    return np.asarray((total - own + _WORTH * prior) / (count - own_count + _WORTH)[:, None])


def _numbered(names: npt.NDArray[Any]) -> Ints:
    return np.asarray(np.unique(names, return_inverse=True)[1], np.int64)


def _sums(labels: Ints, felt: Floats, train: Ints) -> tuple[Floats, Floats]:
    """Return the training rows' sum and number for the label of every row, `(n, 2)` and `(n,)`."""
    size = int(labels.max()) + 1
    total = np.stack([np.bincount(labels[train], felt[train, axis], minlength=size) for axis in range(2)], axis=1)
    count = np.bincount(labels[train], minlength=size)
    return np.asarray(total[labels], np.float64), np.asarray(count[labels], np.float64)


def _columns(answers: Answers, train: Ints, items: Sequence[str]) -> Floats:
    """Return the questionnaire's columns: numbers with their squares, words as columns of 0 and 1, `(n, k)`."""
    columns: list[Floats] = [np.empty((len(answers.felt), 0))]
    for item in items:
        if item in answers.numbers:
            values = answers.numbers[item]
            columns += [values, (values - np.nanmean(values[train], axis=0)) ** 2]
        elif item in answers.words:
            words = answers.words[item]
            known, count = np.unique(words[train], return_counts=True)
            kept = [word for word, often in zip(known, count, strict=True) if often >= _FEWEST and word]
            columns.append(
                np.stack([words == word for word in kept], axis=1).astype(np.float64) if kept else columns[0]
            )
    return np.concatenate(columns, axis=1)


def _answer(problem: _P, fold: Fold, *, items: Sequence[str], crossed: bool) -> Answer:
    values, chosen = np.zeros((len(problem.truth), 2 * len(SETS))), {}
    trained = np.zeros(len(problem.truth), bool)
    trained[fold.train] = True
    for number, (name, answers, rows) in enumerate(zip(SETS, problem.data.answers, problem.data.rows, strict=True)):
        train = np.flatnonzero(trained[rows])
        others = _others(answers, train)
        columns = _columns(answers, train, items)
        if crossed and columns.shape[1]:
            filled = np.where(np.isfinite(columns), columns, np.nanmean(columns[train], axis=0))
            centred = filled - filled[train].mean(axis=0)
            columns = np.concatenate([columns, centred * others[:, :1], centred * others[:, 1:]], axis=1)
        matrix = np.concatenate([others, columns], axis=1)
        for axis, label in enumerate(("valence", "arousal")):
            found = searched(
                LEARNERS["ridge"], matrix[train], answers.felt[train, axis], answers.listener[train], seed=fold.seed
            )
            values[rows, 2 * number + axis] = found.model.predict(matrix)
            chosen[f"{name}, {label}"] = {**found.setting, "validation": found.validation}
    return Answer(values[fold.test], chosen)


def _mean(problem: _P, fold: Fold) -> Answer:
    return Answer(np.tile(np.nanmean(problem.truth[fold.train], axis=0), (len(fold.test), 1)))


_STAYS: Final = ("age", "gender", "culture", "training", "personality")
_SAYS: Final = {
    "age": "the age (Emotify, VGMIDI)",
    "gender": "the gender (Emotify, VGMIDI)",
    "culture": "the mother tongue (Emotify)",
    "training": "musicianship (VGMIDI)",
    "personality": "the Big Five (HKU956)",
    "mood": "the mood before the session, one number (Emotify)",
}


def _row(title: str, *items: str, crossed: bool = False, baseline: bool = False) -> Row[_Data]:
    told = ", ".join(_SAYS[item] for item in items) if len(items) < len(_STAYS) else "all that a listener is asked once"
    return Row(
        name=title,
        what="ridge regression on what others felt at the song"
        + (f" and {told}" if items else "")
        + (", each also times what others felt" if crossed else ""),
        answer=partial(_answer, items=items, crossed=crossed),
        tuned="six settings on three folds of training listeners, by RMSE",
        grid=LEARNERS["ridge"].grid,
        baseline=baseline,
    )


_TITLES: Final = {"hku956": "HKU956", "emotify": "Emotify", "vgmidi": "VGMIDI"}
LISTENER_PROFILE: Final = Table(
    name="listener-profile",
    title="What a questionnaire tells of a listener",
    question="Does what a listener answers once about age, gender, mother tongue, musicianship or personality tell how "
    "he or she feels at a song, beyond what others felt at it?",
    protocol="Five folds over listeners; whoever answered all questions alike is one listener in Emotify and VGMIDI, "
    "which number nobody. Interval: listeners resampled.",
    exam_protocol="Trained and tuned on the data's rows, the exam's scored once; of a song that is new, its genre's "
    "mean stands for what others felt. Interval: listeners resampled.",
    group="listener",
    sources=SETS,
    columns=tuple(
        Column(name=f"{_TITLES[name]} {axis} R²", metric="r2", output=2 * place + number)
        for place, name in enumerate(SETS)
        for number, axis in enumerate(("valence", "arousal"))
    ),
    rows=(
        Row(name="mean", what="the training listeners' mean of each set", answer=_mean, baseline=True),
        _row("others", baseline=True),
        *(_row(f"others, {item}", item) for item in _STAYS),
        _row("others, mood asked", "mood"),
        _row("others, questionnaire", *_STAYS),
        _row("others, questionnaire crossed", *_STAYS, crossed=True),
    ),
    reference="others",
    ours="others, questionnaire",
    load=_load,
    modules=(
        "cloud_trainer.tables.feeling.profile",
        "cloud_trainer.tables.feeling.questionnaires",
        "cloud_trainer.data.labels",
    ),
    claims=(
        Claim("The questionnaire adds to what others felt", "others, questionnaire", "others"),
        Claim("Personality adds", "others, personality", "others", ("HKU956 valence R²", "HKU956 arousal R²")),
        Claim("The mother tongue adds", "others, culture", "others", ("Emotify valence R²", "Emotify arousal R²")),
        Claim(
            "The mood of the moment adds", "others, mood asked", "others", ("Emotify valence R²", "Emotify arousal R²")
        ),
    ),
    notes=(
        "A row in which a set lacks the question answers as 'others' does there.",
        "HKU956 and Emotify ask what was felt, VGMIDI what is heard in the music.",
    ),
)

"""`wesad-stress`: stress from the wrist in people that nothing was trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import balanced_accuracy_score, f1_score

from cloud_trainer.data.sources import require
from cloud_trainer.data.tables import read_table
from cloud_trainer.data.wesad import CONDITIONS
from cloud_trainer.tables.frame import Answer, Claim, Column, Floats, Fold, Ints, Peer, Problem, Row, Table
from cloud_trainer.tables.learners import LEARNERS, searched, without_group
from models.errors import DataError, Reason

__all__ = ["WESAD_STRESS"]

_SET: Final = "wesad-features"
_FILES: Final = ("ppg_hrv_120s.csv.gz", "e4_resp_std.csv.gz")
_KEYS: Final = ("subject", "label")
_BASELINE, _STRESS = CONDITIONS.index("baseline"), CONDITIONS.index("stress")
_FIRST: Final = 10
"""Windows of 120 s at the start of the baseline, about six minutes, that make the personal baseline."""
_NEAREST: Final = 3
"""Windows of 30 s that stand for one of 120 s."""


@dataclass(frozen=True)
class _Windows:
    subject: Ints
    label: Ints
    columns: Floats
    names: tuple[str, ...]


@dataclass(frozen=True)
class _Data:
    """Features of each scored window: as they are, from the personal baseline, from the whole session's mean and SD.

    Attributes:
        pulse: how many of the columns are of the pulse; the rest are the E4's spreads.
        on_wrist: columns that a wrist measures.
    """

    raw: Floats
    own: Floats
    session: Floats
    pulse: int
    on_wrist: Ints


_P = Problem[_Data]
_Matrix = Callable[[_Data], Floats]


def _read(folder: Path, file: str) -> _Windows:
    path = require(folder / _SET / file)
    try:
        found = tuple(pd.read_csv(path, nrows=0).columns)
    except (ValueError, OSError, EOFError) as error:
        raise DataError(
            f"{path} is no readable CSV file: {error}",
            reason=Reason.CORRUPT,
            remedy="Run 'attune-trainer data check' to see whether the file was changed",
        ) from error
    names = tuple(name for name in found if name not in _KEYS)
    table = read_table(path, {**dict.fromkeys(names, "float"), **dict.fromkeys(_KEYS, "int")})
    wrong = np.flatnonzero(~np.isin(table["label"], range(len(CONDITIONS))))
    if len(wrong):
        raise DataError(
            f"row {wrong[0] + 2} of {path}: label {table['label'][wrong[0]]} is none of 0, 1, 2",
            reason=Reason.WRONG_VALUE,
            remedy="Run 'attune-trainer data check' to see whether the file was changed",
        )
    columns = np.stack([_tamed(name, table[name]) for name in names], axis=1)
    return _Windows(table["subject"], table["label"], columns, names)


def _tamed(name: str, values: Floats) -> Floats:
    if name.endswith("_std") and name != "HR_std":
        return np.asarray(np.log(np.maximum(values, 1e-7)))
    return np.asarray(np.sign(values) * np.log1p(np.abs(values))) if name in _POWERS else values


_NOT_ON_WRIST: Final = ("Resp", "0_")
_POWERS: Final = {"LF", "HF", "ULF", "VLF", "total_power", "SD2", "pA"}


def _joined(folder: Path) -> _Windows:
    """Return the windows of the pulse with the E4's spreads of the same time.

    Both files hold a subject's windows in order, without times: the windows of 30 s at the same share of the condition
    are those of the same time.
    """
    pulse, skin = (_read(folder, file) for file in _FILES)
    beside = np.full((len(pulse.label), skin.columns.shape[1]), np.nan)
    for subject in np.unique(pulse.subject):
        for label in range(len(CONDITIONS)):
            rows = np.flatnonzero((pulse.subject == subject) & (pulse.label == label))
            others = np.flatnonzero((skin.subject == subject) & (skin.label == label))
            if not len(others):
                continue
            places = (np.arange(len(others)) + 0.5) / len(others)
            for number, row in enumerate(rows):
                apart = np.abs(places - (number + 0.5) / len(rows))
                nearest = np.argsort(apart, kind="stable")[:_NEAREST]
                beside[row] = skin.columns[others[nearest]].mean(axis=0)
    return _Windows(
        pulse.subject, pulse.label, np.concatenate([pulse.columns, beside], axis=1), (*pulse.names, *skin.names)
    )


def _load(data: Path, exam: Path | None, seed: int) -> _P:
    windows = _joined(data)
    pulse = len(_read(data, _FILES[0]).names)
    on_wrist = np.flatnonzero([not name.startswith(_NOT_ON_WRIST) for name in windows.names])
    examined = np.zeros(len(windows.label), bool)
    if exam is not None:
        new = _joined(exam)
        if new.names != windows.names:
            raise DataError(
                f"{exam / _SET} has other columns than {data / _SET}",
                reason=Reason.MALFORMED,
                remedy="Use the same features for both",
            )
        kept = ~np.isin(windows.subject, new.subject)
        windows = _Windows(
            np.concatenate([windows.subject[kept], new.subject]),
            np.concatenate([windows.label[kept], new.label]),
            np.concatenate([windows.columns[kept], new.columns]),
            windows.names,
        )
        examined = np.concatenate([np.zeros(int(kept.sum()), bool), np.ones(len(new.label), bool)])
    first = _first_windows(windows)
    scored = np.flatnonzero(~first)
    subject, label = windows.subject[scored], windows.label[scored]
    return Problem(
        truth=np.stack([label == _STRESS, label], axis=1).astype(np.float64),
        group=subject,
        data=_Data(windows.columns[scored], _own(windows, first)[scored], _whole(windows)[scored], pulse, on_wrist),
        folds=_folds(subject, examined[scored], seed),
    )


def _folds(subject: Ints, examined: np.ndarray[tuple[int], np.dtype[np.bool_]], seed: int) -> list[Fold]:
    if examined.any():
        return [Fold(name="exam", train=np.flatnonzero(~examined), test=np.flatnonzero(examined), seed=seed)]
    return [
        Fold(name=f"without-{person}", train=train, test=test, seed=seed + number)
        for number, (person, train, test) in enumerate(without_group(subject))
    ]


def _first_windows(windows: _Windows) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    first = np.zeros(len(windows.label), bool)
    for subject in np.unique(windows.subject):
        rows = np.flatnonzero((windows.subject == subject) & (windows.label == _BASELINE))
        first[rows[: min(_FIRST, len(rows) // 2)]] = True
    return first


def _own(windows: _Windows, first: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Floats:
    """Return the difference from the mean of the person's first windows; the learners scale it."""
    found = windows.columns.copy()
    for subject in np.unique(windows.subject):
        rows = windows.subject == subject
        found[rows] -= windows.columns[rows & first].mean(axis=0)
    return found


def _whole(windows: _Windows) -> Floats:
    found = windows.columns.copy()
    for subject in np.unique(windows.subject):
        rows = windows.subject == subject
        found[rows] = (found[rows] - found[rows].mean(axis=0)) / (found[rows].std(axis=0) + 1e-9)
    return found


def _majority(problem: _P, fold: Fold) -> Answer:
    rest = [np.bincount(column.astype(np.int64)).argmax() for column in problem.truth[fold.train].T]
    return Answer(np.tile(np.array(rest, np.float64), (len(fold.test), 1)))


def _forest(title: str, what: str, matrix: _Matrix) -> Row[_Data]:
    """A forest as the library sets it, as in the earlier figures."""

    def answer(problem: _P, fold: Fold) -> Answer:
        columns = matrix(problem.data)
        values = []
        for output in range(2):
            model = RandomForestClassifier(100, random_state=fold.seed, n_jobs=1)
            model.fit(columns[fold.train], problem.truth[fold.train, output])
            values.append(model.predict(columns[fold.test]))
        return Answer(np.stack(values, axis=1))

    return Row(name=title, what=f"random forest of 100 trees on {what}", answer=answer, baseline=True)


def _macro_f1(truth: Floats, answer: Floats) -> float:
    return float(f1_score(truth, answer, average="macro"))


def _balanced(truth: Floats, answer: Floats) -> float:
    return float(balanced_accuracy_score(truth, answer))


def _tuned(name: str, title: str, what: str, matrix: _Matrix) -> Row[_Data]:
    def answer(problem: _P, fold: Fold) -> Answer:
        columns = matrix(problem.data)
        values, chosen = [], {}
        for output, (label, score) in enumerate((("stress", _macro_f1), ("three classes", _balanced))):
            found = searched(
                LEARNERS[name],
                columns[fold.train],
                problem.truth[fold.train, output],
                problem.group[fold.train],
                seed=fold.seed,
                score=score,
            )
            values.append(found.model.predict(columns[fold.test]))
            chosen[label] = {**found.setting, "validation": found.validation}
        return Answer(np.stack(values, axis=1).astype(np.float64), chosen)

    learner = LEARNERS[name]
    return Row(
        name=title,
        what=f"{learner.what} on {what}",
        answer=answer,
        tuned="six settings on three folds of training people; stress by macro-F1, classes by balanced accuracy",
        grid=learner.grid,
    )


def _pulse(matrix: Floats, data: _Data) -> Floats:
    return matrix[:, : data.pulse]


_README: Final = "documentation of the data, same 12 people, all windows scored"
WESAD_STRESS: Final = Table(
    name="wesad-stress",
    title="Stress from the wrist (WESAD)",
    question="Is somebody stressed, from pulse and skin, in a person never seen, with six minutes of baseline or none?",
    protocol=f"Leave one person out. The first {_FIRST} windows of the baseline make the personal baseline and are not "
    "scored, in no row. Interval: people resampled.",
    exam_protocol="Trained and tuned on the data's people, the exam's scored once; the first windows of each baseline "
    "are not scored. Interval: people resampled.",
    group="person",
    sources=(_SET,),
    columns=(
        Column(
            name="stress macro-F1",
            metric="macro_f1_2",
            output=0,
            target=0.92,
            peers=(Peer("forest, whole-session z-scores", 0.93, _README),),
        ),
        Column(
            name="stress accuracy",
            metric="accuracy_2",
            output=0,
            peers=(Peer("forest, raw", 0.905, _README), Peer("forest, whole-session z-scores", 0.95, _README)),
        ),
        Column(
            name="3 classes, balanced accuracy",
            metric="balanced_accuracy_3",
            output=1,
            target=0.74,
            peers=(Peer("forest, whole-session z-scores", 0.72, _README),),
        ),
    ),
    rows=(
        Row(name="majority", what="the most frequent class", answer=_majority, baseline=True),
        _forest("forest, raw pulse", "the pulse's variability as it is", lambda data: _pulse(data.raw, data)),
        _forest(
            "forest, whole session",
            "the pulse's variability, z-scored with the whole session's mean and deviation: it looks ahead",
            lambda data: _pulse(data.session, data),
        ),
        _forest("forest, own baseline", "pulse and skin from the personal baseline", lambda data: data.own),
        _tuned("logistic", "logistic, raw", "pulse and skin as they are, no baseline", lambda data: data.raw),
        _tuned(
            "logistic",
            "logistic, own baseline, pulse",
            "the pulse's variability from the personal baseline",
            lambda data: _pulse(data.own, data),
        ),
        _tuned(
            "logistic",
            "logistic, own baseline, skin",
            "spreads of skin, temperature, motion and breath from the personal baseline",
            lambda data: data.own[:, data.pulse :],
        ),
        _tuned(
            "logistic",
            "logistic, own baseline, wrist",
            "pulse and skin from the personal baseline, without breath and the column without name",
            lambda data: data.own[:, data.on_wrist],
        ),
        _tuned("kernel classes", "support vectors, own baseline", "all of it", lambda data: data.own),
        _tuned(
            "logistic", "logistic, own baseline", "pulse and skin from the personal baseline", lambda data: data.own
        ),
    ),
    reference="forest, whole session",
    ours="logistic, own baseline",
    load=_load,
    modules=("cloud_trainer.tables.wesad",),
    claims=(
        Claim("A personal baseline of six minutes helps", "logistic, own baseline", "logistic, raw"),
        Claim("Skin, motion and breath add to the pulse", "logistic, own baseline", "logistic, own baseline, pulse"),
    ),
    notes=(
        "The files have no times: windows count as in order; both files are matched by place.",
        "The E4's file holds breath from the chest band and a column without name: a row goes without them.",
    ),
)

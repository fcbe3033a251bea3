"""`situnes-change`: does music lift, keep or drop the mood; the split, features and rivals of the data's authors.

The authors' split: for each of the seeds 101 to 110 every person's listenings of stage 2 are shuffled and cut 70 : 10 :
20; their classes: the change of valence beyond ±0.125. Their rivals see the person's number, the track, the situation
and the mood before (Grigorev et al. 2024, and the programs beside their data).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from sklearn.metrics import accuracy_score, f1_score, log_loss

from cloud_trainer.tables.frame import Answer, Claim, Column, Floats, Fold, Ints, Peer, Problem, Row, Table
from cloud_trainer.tables.learners import LEARNERS
from cloud_trainer.tables.mixed import standardised
from cloud_trainer.tables.situnes import features
from cloud_trainer.tables.situnes.recordings import SET, TRACK_FEATURES, Recordings, read

__all__ = ["SITUNES_CHANGE"]

_STAGE: Final = 2
_EDGE: Final = 0.125
_SEEDS: Final = tuple(range(101, 111))
_TRAIN, _VALIDATION = 0.7, 0.1
_TRACK_COLUMNS: Final = len(TRACK_FEATURES)
_SONG_COLUMNS: Final = [TRACK_FEATURES.index(name) for name in ("energy", "valence", "danceability", "tempo")]
_DROP, _KEEP, _LIFT = 0, 1, 2
_MOOD_COLUMNS: Final = 7
"""Valence, arousal, their squares, product and absolute values."""
_WORTH: Final = 5.0
"""Listenings that the population is worth beside a person's or a track's own."""


@dataclass(frozen=True)
class _Data:
    """What rivals look at.

    Attributes:
        published: the authors' features: person's number, track, situation, wrist, mood before.
        felt: mood before with its products, track, wrist, situation.
        change: of valence, to learn how people and tracks differ: of training rows only.
        validation: by fold, the rows that the authors keep for validation.
    """

    recordings: Recordings
    published: Floats
    felt: Floats
    change: Floats
    validation: Mapping[str, Ints]


_P = Problem[_Data]
_Matrix = Callable[[_P, Ints], Floats]
_Scores = tuple[Callable[[Floats, Floats], float], ...]


def _load(data: Path, exam: Path | None, seed: int) -> _P:
    recordings = read(data, exam)
    daily = recordings.daily
    change = daily.after[:, 0] - daily.before[:, 0]
    # As the authors cut it: an edge belongs to the class below.
    label = np.searchsorted([-_EDGE, _EDGE], change, side="left").astype(np.float64)
    folds, validation = _folds(recordings, seed)
    around = np.concatenate([features.wrist(recordings), features.situation(recordings)], axis=1)
    before = daily.before
    track = features.track(recordings)
    curved = np.concatenate([before, before**2, before[:, :1] * before[:, 1:], np.abs(before)], axis=1)
    user = daily.user[:, None].astype(np.float64)
    return Problem(
        truth=label[:, None].repeat(2, axis=1),
        group=daily.user,
        data=_Data(
            recordings,
            np.concatenate([user, track, around, before], axis=1),
            np.concatenate([curved, track, around], axis=1),
            change,
            validation,
        ),
        folds=folds,
    )


def _folds(recordings: Recordings, seed: int) -> tuple[list[Fold], dict[str, Ints]]:
    daily = recordings.daily
    if daily.examined.any():
        known = np.random.default_rng(seed).permutation(np.flatnonzero(~daily.examined))
        cut = int(len(known) * _TRAIN / (_TRAIN + _VALIDATION))
        fold = Fold(name="exam", train=known[:cut], test=np.flatnonzero(daily.examined), seed=seed)
        return [fold], {"exam": known[cut:]}
    folds, validation = [], {}
    for repeat, number in enumerate(_SEEDS):
        # The authors draw with NumPy's global generator, person by person.
        generator = np.random.RandomState(number)
        parts: list[tuple[Ints, Ints, Ints]] = []
        for person in np.unique(daily.user):
            rows = np.flatnonzero((daily.user == person) & (daily.stage == _STAGE))
            rows = rows[generator.permutation(len(rows))]
            cuts = [int(len(rows) * _TRAIN), int(len(rows) * (_TRAIN + _VALIDATION))]
            parts.append((rows[: cuts[0]], rows[cuts[0] : cuts[1]], rows[cuts[1] :]))
        train, middle, test = (np.concatenate(part) for part in zip(*parts, strict=True))
        name = f"seed-{number}"
        folds.append(Fold(name=name, train=train, test=test, seed=number + seed, repeat=repeat))
        validation[name] = middle
    return folds, validation


def _majority(problem: _P, fold: Fold) -> Answer:
    common = np.bincount(problem.truth[fold.train, 0].astype(np.int64)).argmax()
    return Answer(np.full((len(fold.test), 2), float(common)))


def _published(problem: _P, fold: Fold) -> Floats:
    del fold
    return problem.data.published


def _subjective(problem: _P, fold: Fold) -> Floats:
    del fold
    return problem.data.published[:, [0, *range(1, 1 + _TRACK_COLUMNS), -2, -1]]


def _known(problem: _P, fold: Fold) -> Floats:
    """Add track, wrist and situation."""
    beyond = problem.data.felt[:, _MOOD_COLUMNS:]
    return np.concatenate([_person(problem, fold.train), beyond], axis=1)


def _left_out(labels: Ints, values: Floats, train: Ints) -> Floats:
    """Return the mean over the training rows of a row's label but itself, shrunk to that over all."""
    inside = np.zeros(len(values), bool)
    inside[train] = True
    size = int(labels.max()) + 1
    count = np.bincount(labels[train], minlength=size)[labels] - inside
    total = np.bincount(labels[train], values[train], minlength=size)[labels] - np.where(inside, values, 0.0)
    prior = values[train].mean()
    return np.asarray((total + _WORTH * prior) / (count + _WORTH))


def _fitted(
    name: str, matrix: Floats, problem: _P, fold: Fold, score: Callable[[Floats, Floats], float]
) -> tuple[Any, dict[str, Any]]:
    """Train every setting on the training rows, take the best on the validation rows, as the authors do."""
    learner = LEARNERS[name]
    truth, held = problem.truth[:, 0], problem.data.validation[fold.name]
    tried = []
    for setting in learner.settings():
        model = learner.make(fold.seed, **setting).fit(matrix[fold.train], truth[fold.train])
        tried.append((score(truth[held], model.predict(matrix[held])), setting, model))
    best = max(tried, key=lambda one: one[0])
    return best[2], {**best[1], "validation": best[0]}


def _accuracy(truth: Floats, answer: Floats) -> float:
    return float(accuracy_score(truth, answer))


def _macro_f1(truth: Floats, answer: Floats) -> float:
    return float(f1_score(truth, answer, average="macro"))


def _both(truth: Floats, answer: Floats) -> float:
    return float(accuracy_score(truth, answer) + f1_score(truth, answer, average="macro")) / 2


def _row(name: str, title: str, what: str, matrix: Callable[[_P, Fold], Floats], *, baseline: bool) -> Row[_Data]:
    score = _accuracy if baseline else _both

    def answer(problem: _P, fold: Fold) -> Answer:
        columns = matrix(problem, fold)
        model, chosen = _fitted(name, columns, problem, fold, score)
        return Answer(np.asarray(model.predict(columns[fold.test]))[:, None].repeat(2, axis=1), chosen)

    learner = LEARNERS[name]
    return Row(
        name=title,
        what=f"{learner.what} on {what}",
        answer=answer,
        tuned="six settings on the validation rows, by accuracy" + ("" if baseline else " and macro-F1, half each"),
        grid=learner.grid,
        baseline=baseline,
    )


_COSTS: Final = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
_LIFTS: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_INNER_FOLDS: Final = 5


def _person(problem: _P, train: Ints) -> Floats:
    """Mood before with its products, and how the person's and the track's training rows changed; no more."""
    daily, change = problem.data.recordings.daily, problem.data.change
    columns = (
        _left_out(daily.user, change, train),
        _left_out(daily.user, daily.after[:, 0], train),
        _left_out(daily.track, change, train),
    )
    return np.concatenate([problem.data.felt[:, :_MOOD_COLUMNS], np.stack(columns, axis=1)], axis=1)


def _song(problem: _P, train: Ints) -> Floats:
    """Add how often each class is the person's, how far their moods move, and what the song is, also times the mood."""
    daily, label = problem.data.recordings.daily, problem.truth[:, 0]
    moved = daily.after - daily.before
    of_person = [*(label == code for code in (_DROP, _KEEP, _LIFT)), np.abs(moved[:, 0]), moved[:, 1]]
    shares = [_left_out(daily.user, np.asarray(values, np.float64), train) for values in of_person]
    songs = standardised(features.track(problem.data.recordings), train)[:, _SONG_COLUMNS]
    mood = standardised(daily.before, train)[:, :1]
    return np.concatenate([_person(problem, train), np.stack(shares, axis=1), songs, songs * mood], axis=1)


def _probabilities(problem: _P, columns: Floats, train: Ints, test: Ints, *, cost: float, seed: int) -> Floats:
    model: Any = LEARNERS["logistic"].make(seed, cost=cost, weight=None)
    model.fit(columns[train], problem.truth[train, 0])
    return np.asarray(model.predict_proba(columns[test]))


def _decided(problem: _P, fold: Fold, scores: _Scores, matrix: _Matrix = _person) -> Answer:
    """Choose cost by likelihood and lifts by their figure, on folds inside training and validation rows; train on both.

    A lift multiplies a class's probability by a power of its rarity.
    """
    rows = np.concatenate([fold.train, problem.data.validation[fold.name]])
    parts = np.array_split(np.random.default_rng(fold.seed).permutation(rows), _INNER_FOLDS)
    truth = problem.truth[np.concatenate(parts), 0]
    found: dict[float, list[Floats]] = {cost: [] for cost in _COSTS}
    for part in parts:
        rest = np.setdiff1d(rows, part)
        columns = matrix(problem, rest)
        for cost, answers in found.items():
            answers.append(_probabilities(problem, columns, rest, part, cost=cost, seed=fold.seed))
    held = {cost: np.concatenate(answers) for cost, answers in found.items()}
    cost = min(_COSTS, key=lambda one: float(log_loss(truth, held[one], labels=[_DROP, _KEEP, _LIFT])))
    rarity = 1 / np.bincount(truth.astype(np.int64), minlength=3)
    test = _probabilities(problem, matrix(problem, rows), rows, fold.test, cost=cost, seed=fold.seed)
    decided, lifts = [], []
    for score in scores:
        lifts.append(max(_LIFTS, key=lambda lift: score(truth, _classes(held[cost], rarity**lift))))
        decided.append(_classes(test, rarity ** lifts[-1]))
    return Answer(np.stack(decided, axis=1), {"cost": cost, "lifts": lifts})


def _classes(probabilities: Floats, factors: Floats) -> Floats:
    return np.asarray(np.argmax(probabilities * factors, axis=1), np.float64)


def _one_answer(problem: _P, fold: Fold) -> Answer:
    return _decided(problem, fold, (_both, _both))


def _two_answers(problem: _P, fold: Fold) -> Answer:
    return _decided(problem, fold, (_macro_f1, _accuracy))


def _with_song(problem: _P, fold: Fold) -> Answer:
    return _decided(problem, fold, (_macro_f1, _accuracy), _song)


_PAPER: Final = "SiTunes paper, setting 2 (documentation of the data)"
_ALL: Final = "the person's number, track, situation, wrist and mood before: the authors' features"
_BOTH_DECIDED: Final = ("mood, person and song, decided per figure", "mood and person, decided per figure")
SITUNES_CHANGE: Final = Table(
    name="situnes-change",
    title="Does music lift the mood? (SiTunes, setting 2)",
    question="Will valence rise, stay or fall with a song, by more than 0.125?",
    protocol="The authors' setting 2: a person's listenings of stage 2 cut 70 : 10 : 20 at random, seeds 101 to "
    "110; figures are means over the seeds. The split is random in time, so later listenings are trained on. "
    "Interval: people resampled.",
    exam_protocol="Trained on seven eighths of the data's listenings, tuned on the rest, the exam's scored once. "
    "Interval: people resampled.",
    group="person",
    sources=(SET,),
    columns=(
        Column(
            name="macro-F1",
            metric="macro_f1_3",
            output=0,
            target=0.50,
            peers=(
                Peer("support vectors", 0.487, "an earlier figure on these data"),
                Peer("forest, subjective features", 0.452, _PAPER),
                Peer("perceptron, all features", 0.439, _PAPER),
            ),
        ),
        Column(
            name="accuracy",
            metric="accuracy_3",
            output=1,
            target=0.58,
            peers=(
                Peer("perceptron, all features", 0.572, _PAPER),
                Peer("majority", 0.505, "documentation of the data"),
            ),
        ),
    ),
    rows=(
        Row(name="majority", what="the most frequent class", answer=_majority, baseline=True),
        _row("logistic", "logistic, published", _ALL, _published, baseline=True),
        _row("kernel classes", "support vectors, published", _ALL, _published, baseline=True),
        _row("forest classes", "forest, published", _ALL, _published, baseline=True),
        _row("perceptron", "perceptron, published", _ALL, _published, baseline=True),
        _row("forest classes", "forest, subjective", "person's number, track, mood before", _subjective, baseline=True),
        _row(
            "logistic",
            "logistic, known changes",
            "mood, track, wrist, situation, and how the person's and the track's rows changed",
            _known,
            baseline=False,
        ),
        _row(
            "kernel classes",
            "support vectors, known changes",
            "mood, track, wrist, situation, and how the person's and the track's rows changed",
            _known,
            baseline=False,
        ),
        Row(
            name="mood and person, one answer",
            what="logistic regression on mood before with products and how the person's and the track's training rows "
            "changed; rare classes lifted",
            answer=_one_answer,
            tuned="on five folds of training and validation rows: cost by likelihood, lift by accuracy and macro-F1",
            grid={"cost": list(_COSTS), "lift": list(_LIFTS)},
        ),
        Row(
            name="mood and person, decided per figure",
            what="the same; one lift for macro-F1, another for accuracy: no answer is best for both",
            answer=_two_answers,
            tuned="as above, each lift by its own figure",
            grid={"cost": list(_COSTS), "lift": list(_LIFTS)},
        ),
        Row(
            name="mood, person and song, decided per figure",
            what="the same, with how often each class is the person's, how far their moods move, and the song's "
            "energy, valence, danceability and tempo, also times the mood before",
            answer=_with_song,
            tuned="as above",
            grid={"cost": list(_COSTS), "lift": list(_LIFTS)},
        ),
    ),
    reference="logistic, published",
    ours="mood, person and song, decided per figure",
    load=_load,
    modules=(
        "cloud_trainer.tables.mixed",
        "cloud_trainer.tables.situnes.change",
        "cloud_trainer.tables.situnes.features",
        "cloud_trainer.tables.situnes.recordings",
        "cloud_trainer.tables.situnes.reports",
    ),
    claims=(
        Claim("Situation and wrist add to the mood before", "forest, published", "forest, subjective"),
        Claim("How a person's moods change, and the song, add", *_BOTH_DECIDED),
    ),
    notes=(
        "What is learned of a person and a track comes from training rows, which in this split may be later ones.",
        "Which features do better was seen on training and validation rows of four seeds; others test some of these.",
    ),
)

"""Rivals that learn valence and arousal of pieces from features; where a set gives signs, the signs are learned.

Every rival answers two numbers a piece; a table that asks for classes takes their signs. What is tuned is tuned on
three folds inside the training pieces that keep songs whole, six settings a rival and axis.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVR

from cloud_trainer.tables.frame import Answer, Floats, Fold, Problem, Row
from cloud_trainer.tables.learners import LEARNERS, Learner, searched
from cloud_trainer.tables.music.pieces import Music, heard
from cloud_trainer.tables.relevance import RELEVANCE

__all__ = [
    "AXES",
    "BY_SIX",
    "MUSIC_LEARNERS",
    "Says",
    "Spoken",
    "Voice",
    "committee",
    "features_row",
    "forest_on_notes",
    "kernel_on_spectrum",
    "learned",
    "lent",
    "mean",
    "row",
]

AXES: Final = ("valence", "arousal")
Spoken = tuple[Floats, dict[str, Any]]
"""Valence and arousal of the test rows `(m, 2)`, and what was chosen."""
Voice = Callable[[Problem[Music], Fold], Spoken]
Says = Callable[[Floats], Floats]
"""From valence and arousal `(m, 2)` to the table's outputs."""
BY_SIX: Final = "six settings an axis on three folds inside the training pieces, by RMSE"
_NOTE_TREES: Final = 300
_NOTES_PENALTY: Final = 100.0
_LENT_PENALTY: Final = 300.0


def _shared_width(features: Floats) -> Floats:
    """Return columns over the root of their number, so that a kernel's width means the same for few and many."""
    return np.asarray(features / np.sqrt(features.shape[1]))


def _kernel(seed: int, *, cost: float, width: float) -> BaseEstimator:
    del seed
    machine = make_pipeline(StandardScaler(), FunctionTransformer(_shared_width), SVR(C=cost, gamma=width, epsilon=0.1))
    return TransformedTargetRegressor(machine, transformer=StandardScaler())


MUSIC_LEARNERS: Final[Mapping[str, Learner]] = {
    "ridge": LEARNERS["ridge"],
    "boosting": LEARNERS["boosting"],
    "extra trees": LEARNERS["extra trees"],
    "kernel": Learner(
        what="support vector regression, Gaussian kernel of a width over the number of features",
        make=_kernel,
        grid={"cost": (0.5, 1.5, 4.0), "width": (0.3, 1.0)},
    ),
    "process": RELEVANCE,
}


def row(
    name: str,
    what: str,
    voice: Voice,
    says: Says,
    *,
    tuned: str = "",
    baseline: bool = False,
    grid: Mapping[str, Sequence[Any]] | None = None,
) -> Row[Music]:
    """Return a table's row of a voice."""

    def answer(problem: Problem[Music], fold: Fold) -> Answer:
        values, chosen = _remembered(name, voice, problem, fold)
        return Answer(says(values), chosen)

    return Row(name=name, what=what, answer=answer, tuned=tuned, grid=grid or {}, baseline=baseline)


def mean(problem: Problem[Music], fold: Fold) -> Spoken:
    """The training pieces' mean; of signs, which of them are more."""
    return np.tile(problem.data.felt[fold.train].mean(axis=0), (len(fold.test), 1)), {}


def forest_on_notes(problem: Problem[Music], fold: Fold) -> Spoken:
    """Random forest on the score's statistics, untuned: the earlier figure, run again."""
    from sklearn.ensemble import RandomForestRegressor

    notes = np.nan_to_num(problem.data.kinds["notes"])
    forest = RandomForestRegressor(_NOTE_TREES, random_state=fold.seed, n_jobs=1)
    forest.fit(notes[fold.train], problem.data.felt[fold.train])
    return np.asarray(forest.predict(notes[fold.test])), {}


def kernel_on_spectrum(problem: Problem[Music], fold: Fold) -> Spoken:
    """Support vectors on mean, deviation and change of the log-mel's bands, untuned: the earlier figure, run again."""
    seen = problem.data.kinds["spectrum"]
    answers = []
    for axis in range(len(AXES)):
        model = make_pipeline(StandardScaler(), SVR()).fit(seen[fold.train], problem.data.felt[fold.train, axis])
        answers.append(model.predict(seen[fold.test]))
    return np.stack(answers, axis=1), {}


def learned(learner: str, kinds: Sequence[str]) -> Voice:
    """Return a voice that tunes a learner on features of some kinds, one model an axis."""

    def voice(problem: Problem[Music], fold: Fold) -> Spoken:
        return _tuned(learner, np.nan_to_num(heard(problem.data, kinds)), problem, fold)

    return voice


def lent(learner: str, kinds: Sequence[str], own: Sequence[str] = ()) -> Voice:
    """Return a voice that first learns from other data sets what its own has too few pieces for.

    A ridge regression on everything heard learns the statistics of the score from the others' scores and the training
    pieces'; further ones learn valence and arousal of each other set. Their answers, with features of the piece's own,
    are what a learner is tuned on. Nothing of a test piece but its sound is used.

    Args:
        learner: which.
        kinds: what the first regressions hear.
        own: what is kept beside their answers.
    """

    def voice(problem: Problem[Music], fold: Fold) -> Spoken:
        music = problem.data
        sound = heard(music, kinds)
        parts = [_heard_notes(music, sound, fold, kinds), *(_opinion(other, sound, kinds) for other in music.others)]
        parts += [heard(music, [kind]) for kind in own]
        return _tuned(learner, np.concatenate(parts, axis=1), problem, fold)

    return voice


def features_row(name: str, learner: str, kinds: Sequence[str], says: Says, what: str) -> Row[Music]:
    """Return the row of a tuned learner."""
    taught = MUSIC_LEARNERS[learner]
    return row(name, f"{taught.what}, on {what}", learned(learner, kinds), says, tuned=BY_SIX, grid=taught.grid)


def committee(members: Mapping[str, Voice]) -> Voice:
    """Return a voice that says the mean of its members' answers; rows that have a member's name share its work."""

    def voice(problem: Problem[Music], fold: Fold) -> Spoken:
        spoken = {name: _remembered(name, member, problem, fold) for name, member in members.items()}
        values = np.mean([values for values, _ in spoken.values()], axis=0)
        return np.asarray(values), {name: chosen for name, (_, chosen) in spoken.items() if chosen}

    return voice


def _remembered(name: str, voice: Voice, problem: Problem[Music], fold: Fold) -> Spoken:
    answered = problem.data.answered
    if (name, fold.name) not in answered:
        answered[name, fold.name] = voice(problem, fold)
    return answered[name, fold.name]


def _tuned(learner: str, matrix: Floats, problem: Problem[Music], fold: Fold) -> Spoken:
    answers, chosen = [], {}
    for axis, name in enumerate(AXES):
        found = searched(
            MUSIC_LEARNERS[learner],
            matrix[fold.train],
            problem.data.felt[fold.train, axis],
            problem.group[fold.train],
            seed=fold.seed,
        )
        answers.append(np.asarray(found.model.predict(matrix[fold.test])))
        chosen[name] = {**found.setting, "validation": found.validation}
    return np.stack(answers, axis=1), chosen


def _heard_notes(music: Music, sound: Floats, fold: Fold, kinds: Sequence[str]) -> Floats:
    """Return the score's statistics as they are heard, `(n, 15)`."""
    sounds = [sound[fold.train], *(heard(other, kinds) for other in music.others)]
    scores = [music.kinds["notes"][fold.train], *(other.kinds["notes"] for other in music.others)]
    known = np.isfinite(np.concatenate(scores)).all(axis=1)
    model = make_pipeline(StandardScaler(), Ridge(_NOTES_PENALTY))
    model.fit(np.concatenate(sounds)[known], np.concatenate(scores)[known])
    return np.asarray(model.predict(sound))


def _opinion(other: Music, sound: Floats, kinds: Sequence[str]) -> Floats:
    """Return valence and arousal as another set teaches them, `(n, 2)`."""
    model = make_pipeline(StandardScaler(), Ridge(_LENT_PENALTY)).fit(heard(other, kinds), other.felt)
    return np.asarray(model.predict(sound))

"""`hku956-induced`: what a song makes somebody feel, from the body, from what others felt, from earlier songs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.data.hku956 import RATES_HZ, Listening, load
from cloud_trainer.data.tables import read_table
from cloud_trainer.tables.frame import Answer, Claim, Column, Floats, Fold, Ints, Peer, Problem, Row, Table
from cloud_trainer.tables.learners import without_group
from cloud_trainer.tables.mixed import Mixed, linear, nearness, same, standardised, tuned
from models.physiology.features import features_of_windows
from models.physiology.schema import PHYSIOLOGY

__all__ = ["HKU956_INDUCED"]

_SET: Final = "hku956"
_QUANTITY: Final = {"BVP": "ppg", "EDA": "eda", "HR": "hr", "TEMP": "temp"}
_TRAITS: Final = (
    "Extroversion_score",
    "Agreeableness_score",
    "Conscientiousness_score",
    "Emotional_Stability_score",
    "Openness_score",
)
_HEART: Final = ("heart_rate", "heart_rate_slope")
_KNOWN_SHARE: Final = 0.2
"""A feature that is known more rarely than this is left out."""


@dataclass(frozen=True)
class _Data:
    """Rows person by person, in the order of the session.

    Attributes:
        order: place in the session.
        song: its number.
        body: features of the song's last minute and their change within it, and from the own earlier songs.
        heart: columns of the body that are of the heart rate.
        traits: Big Five, NaN where not asked.
    """

    order: Ints
    song: Ints
    body: Floats
    heart: Ints
    traits: Floats


_P = Problem[_Data]


def _load(data: Path, exam: Path | None, seed: int) -> _P:
    sessions = [(person, rows, data, False) for person, rows in load(data).items()]
    if exam is not None:
        new = load(exam)
        sessions = [session for session in sessions if session[0] not in new]
        sessions += [(person, rows, exam, True) for person, rows in new.items()]
    traits = {folder: _traits(folder) for folder in {session[2] for session in sessions}}
    rows = [listening for _, listenings, _, _ in sessions for listening in listenings]
    people = np.array([listening.person for listening in rows])
    unknown = np.full(len(_TRAITS), np.nan)
    examined = np.concatenate([np.full(len(session[1]), session[3]) for session in sessions])
    body = np.concatenate([_session(listenings) for _, listenings, _, _ in sessions])
    known = np.isfinite(body[~examined]).mean(axis=0) >= _KNOWN_SHARE
    return Problem(
        truth=np.stack([listening.felt for listening in rows]).astype(np.float64),
        group=people,
        data=_Data(
            np.array([listening.order for listening in rows], np.int64),
            np.array([listening.song for listening in rows], np.int64),
            body[:, known],
            np.flatnonzero(np.tile([feature.name in _HEART for feature in PHYSIOLOGY], 3)[known]),
            np.stack(
                [traits[folder].get(person, unknown) for person, listenings, folder, _ in sessions for _ in listenings]
            ),
        ),
        folds=_folds(people, examined, seed),
    )


def _folds(people: npt.NDArray[np.str_], examined: npt.NDArray[np.bool_], seed: int) -> list[Fold]:
    if examined.any():
        return [Fold(name="exam", train=np.flatnonzero(~examined), test=np.flatnonzero(examined), seed=seed)]
    return [
        Fold(name=f"without-{person}", train=train, test=test, seed=seed + number)
        for number, (person, train, test) in enumerate(without_group(people))
    ]


def _traits(folder: Path) -> dict[str, Floats]:
    path = folder / _SET / "personality.csv"
    if not path.is_file():
        return {}
    table = read_table(path, {"participant_id": "text", **dict.fromkeys(_TRAITS, "number")})
    values = np.stack([table[name] for name in _TRAITS], axis=1)
    return dict(zip(table["participant_id"].tolist(), values, strict=True))


def _session(listenings: Sequence[Listening]) -> Floats:
    """Return the body's features of each song, `(songs, 3 f)`: at its end, their change in it, from earlier ones."""
    ends, changes = zip(*(_song(listening) for listening in listenings), strict=True)
    end = np.stack(ends)
    unusual = np.full_like(end, np.nan)
    for place in range(1, len(end)):
        past = end[:place]
        known = np.isfinite(past).sum(axis=0)
        usual = np.divide(np.nansum(past, axis=0), known, out=np.full(end.shape[1], np.nan), where=known > 0)
        unusual[place] = end[place] - usual
    return np.concatenate([end, np.stack(changes), unusual], axis=1)


def _song(listening: Listening) -> tuple[Floats, Floats]:
    streams = {}
    for signal, quantity in _QUANTITY.items():
        values = np.asarray(listening.signals[signal], np.float64)
        streams[quantity] = ((np.arange(len(values)) + 1) / RATES_HZ[signal], values)
    end = features_of_windows(streams, listening.seconds)
    third = features_of_windows(streams, listening.seconds / 3)
    return end[: len(PHYSIOLOGY)], end - third


def _mean(problem: _P, fold: Fold) -> Answer:
    return Answer(np.tile(problem.truth[fold.train].mean(axis=0), (len(fold.test), 1)))


def _own(problem: _P, fold: Fold) -> Answer:
    """The plain mean of the own earlier ratings."""
    answers = np.tile(problem.truth[fold.train].mean(axis=0), (len(problem.truth), 1))
    for person in np.unique(problem.group[fold.test]):
        rows = np.flatnonzero(problem.group == person)
        for place in range(1, len(rows)):
            answers[rows[place]] = problem.truth[rows[:place]].mean(axis=0)
    return Answer(answers[fold.test])


def _mixed(problem: _P, train: Ints, terms: Sequence[str]) -> Mixed:
    """Return the rows with some of the terms; weights in variances of the rating beside a noise of 1."""
    data = problem.data
    apart = np.abs(data.order[:, None] - data.order[None, :]).astype(np.float64)
    alike = same(problem.group)
    body = np.clip(standardised(data.body, train), -3, 3)
    made: dict[str, Callable[[], Floats]] = {
        "others": lambda: same(data.song),
        "own": lambda: alike * (0.15 + 0.1 * np.exp(-apart / 3)),
        "body": lambda: 0.1 * linear(body) + 0.05 * nearness(body / np.sqrt(body.shape[1]), 1.0),
        "heart": lambda: 0.1 * linear(body[:, data.heart]),
        "personality": lambda: 0.05 * linear(standardised(data.traits, train)),
    }
    return Mixed(truth=problem.truth, group=problem.group, terms={name: made[name]() for name in terms}, noise=1.0)


_ONE: Final = (0.1, 0.3, 0.6, 1.0, 2.0, 4.0)
_OTHERS: Final = (0.7, 1.5)
_ADDED: Final = (0.03, 0.3, 1.0)
_SAYS: Final = {
    "others": "the song's rating by other people",
    "own": "the own earlier ratings",
    "body": "the body",
    "heart": "the heart rate, its slope, and both from earlier songs",
    "personality": "the Big Five",
}


def _settings(terms: Sequence[str]) -> tuple[dict[str, float], ...]:
    """Return six factors of a single term; two of what others felt with three of the last term, where it is added."""
    if len(terms) == 1:
        return tuple({terms[0]: factor} for factor in _ONE)
    added = tuple({"others": others, terms[-1]: factor} for others in _OTHERS for factor in _ADDED)
    return added if terms[-1] != "others" else tuple({"others": factor} for factor in (0.3, *_OTHERS, 1.0, 2.0, 4.0))


def _row(title: str, *terms: str, baseline: bool = False) -> Row[_Data]:
    """A mixed model; of each the same number of settings is tried."""
    settings = _settings(terms)

    def answer(problem: _P, fold: Fold) -> Answer:
        def make(train: Ints) -> Mixed:
            return _mixed(problem, train, terms)

        return Answer(*tuned(make, settings, fold.train, fold.test, seed=fold.seed))

    return Row(
        name=title,
        what=f"Gaussian process with effects of {', '.join(_SAYS[term] for term in terms)}",
        answer=answer,
        tuned="six settings on three folds of training people, by RMSE",
        grid={"factors": list(settings)},
        baseline=baseline,
    )


_EXPLAINED: Final = ("valence R²", "arousal R²")
_README: Final = "documentation of the data"
HKU956_INDUCED: Final = Table(
    name="hku956-induced",
    title="What a song makes one feel (HKU956)",
    question="Does the body on the wrist add to what other listeners felt at the same song, and to what the person "
    "said of earlier songs?",
    protocol="Leave one person out; what that person rated earlier in the session is known where a row says so. "
    "Interval: people resampled. Ratings in [-1, 1].",
    exam_protocol="Trained and tuned on the data's people, the exam's scored once. Interval: people resampled.",
    group="person",
    sources=(_SET,),
    columns=(
        Column(
            name="valence R²",
            metric="r2",
            output=0,
            peers=(Peer("variance that the person's own mean over all songs explains", 0.12, _README),),
        ),
        Column(name="arousal R²", metric="r2", output=1),
        Column(name="valence RMSE", metric="rmse", output=0),
        Column(name="arousal RMSE", metric="rmse", output=1),
    ),
    rows=(
        Row(name="mean", what="the training people's mean", answer=_mean, baseline=True),
        Row(name="own running mean", what="the mean of the own earlier ratings", answer=_own, baseline=True),
        _row("own earlier", "own", baseline=True),
        _row("others", "others", baseline=True),
        _row("body", "body"),
        _row("others and own", "own", "others", baseline=True),
        _row("others, own, personality", "own", "others", "personality"),
        _row("others, own, heart", "own", "others", "heart"),
        _row("others, own, body", "own", "others", "body"),
        _row("others, own, personality, body", "own", "others", "personality", "body"),
    ),
    reference="others and own",
    ours="others, own, body",
    load=_load,
    modules=("cloud_trainer.tables.hku", "cloud_trainer.tables.mixed"),
    claims=(
        Claim("The body alone tells more than nothing", "body", "mean", _EXPLAINED),
        Claim("The body adds to others and own", "others, own, body", "others and own", _EXPLAINED),
        Claim("The heart rate adds to others and own", "others, own, heart", "others and own", _EXPLAINED),
        Claim("Personality adds to others and own", "others, own, personality", "others and own", _EXPLAINED),
    ),
    notes=(
        "A song heard by no other training person leaves its effect at zero: most songs were heard once or twice.",
        "The body is asked for in six comparisons: an interval that just misses zero is to be read with that.",
    ),
)

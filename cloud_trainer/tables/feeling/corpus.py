"""The rows of the user-emotion tables: moments of people of three data sets at which somebody's feeling is known.

One network answers for all of them, as on the device, so they stand in one table; each set has its own columns:

- HKU956: the end of every song, the rating after it.
- SiTunes, daily life: the mood before music from half an hour on the wrist; the mood after a song that was rated, the
  mood before it being known.
- WESAD: windows of two minutes, stress or not.

Rules: what is examined is never trained on; nothing of a person who is tested is, but where an exam names people who
are known already. The rating by others that stands for what a song expresses is that of the training people alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.data import hku956, wesad
from cloud_trainer.data.hku956 import Listening
from cloud_trainer.data.situnes import Interactions, SiTunes
from cloud_trainer.tables.frame import Floats, Fold, Ints
from cloud_trainer.tables.situnes.recordings import TRACK_FEATURES, Lab, Listenings, Recordings, read
from cloud_trainer.user_emotion import wesad_examples
from cloud_trainer.user_emotion.examples import Examples, concatenate
from cloud_trainer.user_emotion.hku_examples import heard_by_others, hku_examples, session_features
from cloud_trainer.user_emotion.situnes_examples import situnes_examples
from cloud_trainer.user_emotion.wesad_examples import Subject

__all__ = ["AFTER", "BEFORE", "INDUCED", "KINDS", "SETS", "STRESS", "Corpus", "Sides", "folds_of", "read_corpus"]

SETS: Final = ("hku956", "situnes", "wesad-features")
INDUCED, BEFORE, AFTER, STRESS = "hku956", "situnes_before", "situnes_after_reported", "wesad"
KINDS: Final = (INDUCED, BEFORE, AFTER, STRESS)
"""Kinds of rows, as `Examples.kind` calls them."""
_FOLDS: Final = 4
_VALIDATION: Final = 0.15
_FEWEST: Final = 2
_STRESSED: Final = 0.5
"""WESAD's stress is the only condition whose place on the plane has a higher arousal than this."""
_MISSING: Final = 3


@dataclass(frozen=True)
class Sides:
    """What a fold's network is trained on, chosen on, and asked.

    Attributes:
        train, validation: of people apart, every kind of example.
        train_subjects, validation_subjects: of WESAD, of whom histories are drawn.
        rows: examples of all rows of the table, in their order.
    """

    train: Examples
    validation: Examples
    train_subjects: Sequence[Subject]
    validation_subjects: Sequence[Subject]
    rows: Examples


@dataclass(frozen=True)
class Corpus:
    """All three sets.

    Attributes:
        sessions: HKU956's listenings by person.
        features: of each of them, from `session_features`.
        tunes: SiTunes' examples of every kind.
        tune_rows: row of the table of each of them, -1 for one that is not scored.
        tune_examined: whether it is of the exam.
        subjects: WESAD's people.
        person, kind: of each row.
        last: what the person reported last before each row, `(rows, 2)`, NaN where nothing.
        examined: whether a row is of the exam.
    """

    sessions: Mapping[str, Sequence[Listening]]
    features: Mapping[str, Sequence[Floats]]
    tunes: Examples
    tune_rows: Ints
    tune_examined: npt.NDArray[np.bool_]
    subjects: Sequence[Subject]
    person: npt.NDArray[np.str_]
    kind: npt.NDArray[np.str_]
    last: Floats
    examined: npt.NDArray[np.bool_]

    def sides(self, fold: Fold) -> Sides:
        """Return the examples of a fold; the people who validate are drawn from those who train."""
        allowed = np.unique(self.person[fold.train])
        held = _held(allowed, fold.seed)
        trained = np.setdiff1d(allowed, held)
        heard = heard_by_others(self.sessions, [person for person in self.sessions if person in set(trained)])
        induced = concatenate(
            [hku_examples(self.sessions[person], self.features[person], heard[person]) for person in self.sessions]
        )
        every = concatenate([induced, self.tunes])
        free = np.concatenate([np.ones(len(induced), bool), ~self.tune_examined])
        sides = {
            name: every.take(np.isin(every.person, people) & free)
            for name, people in (("train", trained), ("validation", held))
        }
        windows = [wesad_examples.held_out(subject) for subject in self.subjects]
        tunes = self.tunes.take(self.tune_rows >= 0)
        order = np.argsort(self.tune_rows[self.tune_rows >= 0])
        return Sides(
            train=sides["train"],
            validation=sides["validation"],
            train_subjects=[subject for subject in self.subjects if subject.person in set(trained)],
            validation_subjects=[subject for subject in self.subjects if subject.person in set(held)],
            # Of a song's two moments, the end is scored.
            rows=concatenate([induced.take(np.arange(1, len(induced), 2)), tunes.take(order), *windows]),
        )


def read_corpus(data: Path, exam: Path | None) -> tuple[Corpus, Floats]:
    """Read a folder, and an exam beside it; return the corpus and valence, arousal, stress of each row, `(rows, 3)`.

    Raises:
        DataError: a file is missing or damaged, or a cell is not what it should be.
    """
    sessions, examined_people = _sessions(data, exam)
    recordings = read(data, exam)
    daily = recordings.daily
    subjects, examined_subjects = _subjects(data, exam)
    induced = [listening for listenings in sessions.values() for listening in listenings]
    windows = [wesad_examples.held_out(subject) for subject in subjects]
    people = [listening.person for listening in induced]
    tuned = [f"situnes-{user}" for user in daily.user]
    stressed = [str(person) for part in windows for person in part.person]
    tunes, tune_rows, tune_examined = _tunes(recordings, len(induced))
    arousal = np.concatenate([part.label[:, 1] for part in windows])
    felt = np.concatenate(
        [np.stack([one.felt for one in induced]), daily.before, daily.after, np.full((len(stressed), 2), np.nan)]
    )
    stress = np.concatenate([np.full(len(felt) - len(stressed), np.nan), arousal > _STRESSED])
    corpus = Corpus(
        sessions=sessions,
        features={
            person: [session_features(listening) for listening in listenings] for person, listenings in sessions.items()
        },
        tunes=tunes,
        tune_rows=tune_rows,
        tune_examined=tune_examined,
        subjects=subjects,
        person=np.array([*people, *tuned, *tuned, *stressed]),
        kind=np.repeat(KINDS, [len(people), len(tuned), len(tuned), len(stressed)]),
        last=np.concatenate([_last_rating(sessions), *_last_moods(recordings), np.full((len(stressed), 2), np.nan)]),
        examined=np.concatenate(
            [
                np.isin(people, list(examined_people)),
                np.tile(daily.examined, 2),
                np.isin(stressed, list(examined_subjects)),
            ]
        ),
    )
    return corpus, np.concatenate([felt, stress[:, None]], axis=1).astype(np.float64)


def folds_of(corpus: Corpus, seed: int) -> list[Fold]:
    """Return four folds over people, those of each set dealt out evenly; a single one where there is an exam."""
    if corpus.examined.any():
        train, test = np.flatnonzero(~corpus.examined), np.flatnonzero(corpus.examined)
        return [Fold(name="exam", train=train, test=test, seed=seed)]
    generator = np.random.default_rng(seed)
    tested: list[list[str]] = [[] for _ in range(_FOLDS)]
    for people in _by_set(np.unique(corpus.person)):
        for number, person in enumerate(generator.permutation(people)):
            tested[number % _FOLDS].append(str(person))
    return [
        Fold(
            name=f"people-{number + 1}",
            train=np.flatnonzero(~np.isin(corpus.person, people)),
            test=np.flatnonzero(np.isin(corpus.person, people)),
            seed=seed + number,
        )
        for number, people in enumerate(tested)
    ]


def _by_set(people: npt.NDArray[Any]) -> list[list[str]]:
    """Return people of HKU956, SiTunes and WESAD: of each set that has any."""
    names = [str(person) for person in people]
    sets: dict[str, list[str]] = {"situnes-": [], "wesad-": [], "": []}
    for name in names:
        sets[next(prefix for prefix in sets if name.startswith(prefix))].append(name)
    return [members for members in sets.values() if members]


def _held(people: npt.NDArray[Any], seed: int) -> list[str]:
    """Return about a seventh of the people of each set, two at least where there are four."""
    generator = np.random.default_rng([seed, 7])
    held = []
    for members in _by_set(people):
        count = min(max(_FEWEST, round(_VALIDATION * len(members))), len(members) // 2)
        held += [members[place] for place in generator.permutation(len(members))[:count]]
    return held


def _sessions(data: Path, exam: Path | None) -> tuple[dict[str, list[Listening]], set[str]]:
    sessions = hku956.load(data)
    if exam is None:
        return sessions, set()
    new = hku956.load(exam)
    return {person: rows for person, rows in sessions.items() if person not in new} | new, set(new)


def _subjects(data: Path, exam: Path | None) -> tuple[list[Subject], set[str]]:
    subjects = wesad_examples.subjects(wesad.load(data))
    if exam is None:
        return subjects, set()
    new = wesad_examples.subjects(wesad.load(exam))
    names = {subject.person for subject in new}
    return [subject for subject in subjects if subject.person not in names] + new, names


def _tunes(recordings: Recordings, first: int) -> tuple[Examples, Ints, npt.NDArray[np.bool_]]:
    """Return SiTunes' examples, each one's row (moods before, then after, from `first` on), whether it is examined."""
    lab, daily = recordings.lab, recordings.daily
    count = len(daily.user)
    rows, examined = [], []
    for person in np.unique(np.concatenate([lab.user, daily.user])):
        in_lab, own = int((lab.user == person).sum()), np.flatnonzero(daily.user == person)
        # The order of `situnes_examples`: lab, before, after, after with the mood before reported.
        rows += [np.full(in_lab, -1), first + own, np.full(len(own), -1), first + count + own]
        examined += [np.zeros(in_lab, bool), *[daily.examined[own]] * 3]
    examples = situnes_examples(_as_situnes(recordings))
    return examples, np.concatenate(rows).astype(np.int64), np.concatenate(examined)


def _as_situnes(recordings: Recordings) -> SiTunes:
    """Return the recordings as `situnes_examples` takes them; what it does not look at is left unknown."""
    tracks = recordings.tracks
    mood = np.stack([tracks[:, TRACK_FEATURES.index(name)] for name in ("valence", "energy")], axis=1)
    nameless = ("",) * len(tracks)
    return SiTunes(
        title=nameless,
        singer=nameless,
        emotion=(2 * mood - 1).astype(np.float32),
        popularity=tracks[:, TRACK_FEATURES.index("popularity")].astype(np.float32),
        lab=_interactions(recordings.lab, None),
        daily=_interactions(recordings.daily, recordings.daily.wrist),
    )


def _interactions(heard: Lab | Listenings, wrist: Floats | None) -> Interactions:
    count = len(heard.user)
    unknown = np.full((count, 30), np.nan, np.float32)
    rate = intensity = unknown
    if wrist is not None:
        # Zero is how the files write a minute that was not recorded.
        known = wrist[..., 0] != 0
        rate = np.where(known, wrist[..., 0], np.nan).astype(np.float32)
        intensity = np.where(known & (wrist[..., 3] != _MISSING), wrist[..., 1], np.nan).astype(np.float32)
    before = heard.before if isinstance(heard, Listenings) else np.full((count, 2), np.nan)
    return Interactions(
        user=heard.user,
        track=heard.track,
        time=heard.time,
        rating=heard.rating.astype(np.float32),
        before=before.astype(np.float32),
        after=heard.after.astype(np.float32),
        heart_rate=rate,
        intensity=intensity,
        activity=unknown,
        hour=unknown[:, 0],
        rain=unknown[:, 0],
        temperature=unknown[:, 0],
    )


def _last_rating(sessions: Mapping[str, Sequence[Listening]]) -> Floats:
    rows: list[Floats] = []
    for listenings in sessions.values():
        rows += [np.full(2, np.nan), *(listening.felt.astype(np.float64) for listening in listenings[:-1])]
    return np.stack(rows)


def _last_moods(recordings: Recordings) -> tuple[Floats, Floats]:
    """Return what was reported last before the mood before music, and before the one after it."""
    lab, daily = recordings.lab, recordings.daily
    last = np.full((len(daily.user), 2), np.nan)
    for person in np.unique(daily.user):
        own, in_lab = np.flatnonzero(daily.user == person), np.flatnonzero(lab.user == person)
        if len(in_lab):
            last[own[0]] = lab.after[in_lab[-1]]
        last[own[1:]] = daily.after[own[:-1]]
    return last, daily.before

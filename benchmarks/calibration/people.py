"""The people: who is held out in which fold, and what the others teach.

Every person is held out once. Of the others, a fifth decide when training stops and how wide the variances are, and the
rest are trained on: with four folds about the shares of the build that ships. WESAD's people are never scored, so none
of them is held out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from cloud_trainer.data import hku956, situnes, wesad
from cloud_trainer.data.hku956 import Listening
from cloud_trainer.data.situnes import SiTunes
from cloud_trainer.user_emotion import wesad_examples
from cloud_trainer.user_emotion.examples import Examples, concatenate
from cloud_trainer.user_emotion.hku_examples import heard_by_others, hku_examples, session_features
from cloud_trainer.user_emotion.situnes_examples import situnes_examples
from cloud_trainer.user_emotion.wesad_examples import Subject

__all__ = ["KINDS", "Fold", "Kind", "People", "fold_of", "groups", "load"]

Array = npt.NDArray[np.float64]
Kind = Literal["hku956", "situnes_lab", "situnes_before", "situnes_after"]

_VALIDATE: Final = 5
"""One in so many of those who are not held out validates."""

KINDS: Mapping[Kind, tuple[str, str]] = {
    # what is asked: (the trainer's kind of example at that moment, how a table calls it)
    "hku956": ("hku956", "HKU956, after each song"),
    "situnes_lab": ("situnes_lab", "SiTunes, lab, after each track"),
    "situnes_before": ("situnes_before", "SiTunes, daily life, before music"),
    "situnes_after": ("situnes_after_reported", "SiTunes, daily life, after music"),
}


@dataclass(frozen=True)
class People:
    """The data sets, read once.

    Attributes:
        sessions: HKU956's listenings by person.
        features: of each listening, by person.
        tunes: SiTunes.
        tune_examples: the trainer's examples of it.
        subjects: of WESAD.
    """

    sessions: Mapping[str, Sequence[Listening]]
    features: Mapping[str, Sequence[Array]]
    tunes: SiTunes
    tune_examples: Examples
    subjects: Sequence[Subject]

    @property
    def names(self) -> list[str]:
        """Everyone who is held out once, set by set."""
        return [*sorted(self.sessions), *sorted({str(person) for person in self.tune_examples.person})]


@dataclass(frozen=True)
class Fold:
    """One fold's people and what is made of them.

    Attributes:
        number: from 0.
        held_out: who.
        training: examples of the training people.
        validation: of those who decide when to stop.
        subjects: WESAD's training people.
        validation_subjects: WESAD's others.
        judged: the held-out people's examples, which the model alone is asked.
        heard: by person and song of HKU956, as the training people rated it.
    """

    number: int
    held_out: Sequence[str]
    training: Examples
    validation: Examples
    subjects: Sequence[Subject]
    validation_subjects: Sequence[Subject]
    judged: Examples
    heard: Mapping[str, Mapping[int, tuple[float, float]]]

    @property
    def average(self) -> tuple[float, float]:
        """The training people's mean rating in HKU956: a song of which nothing is known."""
        valence, arousal = self.training.label[self.training.kind == "hku956"].mean(axis=0)
        return float(valence), float(arousal)

    def examples_at(self, person: str, kind: Kind, count: int) -> Examples:
        """Return the trainer's examples of a person at the moments of the ratings, one each.

        Args:
            person: held out in this fold.
            kind: which question.
            count: how many ratings there were.

        Raises:
            ValueError: the trainer makes no whole number of examples per rating.
        """
        own = self.judged.take((self.judged.person == person) & (self.judged.kind == KINDS[kind][0]))
        if count == 0 or len(own) % count:
            raise ValueError(f"{len(own)} examples of {person} do not go with {count} ratings of {kind}")
        # Of several examples on the way to a rating, the last one stands at it.
        return own.take(np.arange(count) * (len(own) // count) + len(own) // count - 1)


def load(data: Path) -> People:
    """Read the data sets and compute the features of HKU956.

    Raises:
        DataError: one is missing or damaged.
    """
    sessions, tunes = hku956.load(data), situnes.load(data)
    return People(
        sessions=sessions,
        features={person: [session_features(one) for one in listenings] for person, listenings in sessions.items()},
        tunes=tunes,
        tune_examples=situnes_examples(tunes),
        subjects=wesad_examples.subjects(wesad.load(data)),
    )


def groups(names: Sequence[str], count: int, *, seed: int) -> dict[str, int]:
    """Deal names into `count` groups of nearly equal size."""
    order = np.random.default_rng(seed).permutation(len(names))
    return {sorted(names)[place]: turn % count for turn, place in enumerate(order)}


def fold_of(people: People, number: int, *, folds: int, seed: int) -> Fold:
    """Return one fold.

    Args:
        people: all of them.
        number: of the fold, from 0.
        folds: how many there are, at least 2.
        seed: of the deal.
    """
    tunes = sorted({str(person) for person in people.tune_examples.person})
    group = groups(list(people.sessions), folds, seed=seed) | groups(tunes, folds, seed=seed)
    wesad_people = [subject.person for subject in people.subjects]
    validating: set[str] = set()
    for names in (list(people.sessions), tunes, wesad_people):
        others = [name for name in names if group.get(name) != number]
        validating |= {name for name, turn in groups(others, _VALIDATE, seed=seed).items() if turn == 0}
    teachers = [name for name in people.sessions if group[name] != number and name not in validating]
    heard = heard_by_others(people.sessions, teachers)
    examples = concatenate(
        [
            *(hku_examples(one, people.features[person], heard[person]) for person, one in people.sessions.items()),
            people.tune_examples,
        ]
    )
    held_out = np.array([group[str(person)] == number for person in examples.person])
    judges = np.array([str(person) in validating for person in examples.person])
    return Fold(
        number=number,
        held_out=[person for person in people.names if group[person] == number],
        training=examples.take(~held_out & ~judges),
        validation=examples.take(judges),
        subjects=[one for one in people.subjects if one.person not in validating],
        validation_subjects=[one for one in people.subjects if one.person in validating],
        judged=examples.take(held_out),
        heard=heard,
    )

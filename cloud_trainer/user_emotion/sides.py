"""Who trains, who validates and who tests `user_emotion`: people of three data sets, each on one side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from cloud_trainer.artefact import Scale
from cloud_trainer.data import hku956, situnes, wesad
from cloud_trainer.progress import Progress
from cloud_trainer.user_emotion import wesad_examples
from cloud_trainer.user_emotion.examples import Examples, concatenate, split_people
from cloud_trainer.user_emotion.hku_examples import heard_by_others, hku_examples, session_features
from cloud_trainer.user_emotion.situnes_examples import situnes_examples
from cloud_trainer.user_emotion.wesad_examples import Subject
from models.errors import DataError, Reason

__all__ = ["SETS", "SIDES", "Sides", "read_sides"]

SETS: Final = ("hku956", "situnes", "wesad-features")
SIDES: Final = ("train", "validation", "test")
_TINY_PEOPLE: Final = 6


@dataclass(frozen=True)
class Sides:
    """Training, validation and test persons' examples.

    Attributes:
        examples: by side, of HKU956 and SiTunes.
        subjects: by side, of WESAD.
        rows: of each data set that was read.
    """

    examples: Mapping[str, Examples]
    subjects: Mapping[str, Sequence[Subject]]
    rows: Mapping[str, int]


def read_sides(data: Path, *, scale: Scale, seed: int, progress: Progress, sides: Sequence[str] = SIDES) -> Sides:
    """Read the people of some sides; examples of the others are not even made.

    Args:
        data: root of the data sets.
        scale: of the build.
        seed: of the split.
        progress: where it is shown.
        sides: whom to read.

    Raises:
        DataError: a data set is missing or damaged, or has too few people.
    """
    hku, rows_hku = _hku(data, scale, seed, progress, sides)
    tunes = situnes_examples(situnes.load(data))
    people = wesad_examples.subjects(wesad.load(data))
    if len(people) < len(SIDES):
        raise DataError(
            f"wesad-features holds {len(people)} persons with all conditions; three are needed to hold one out",
            reason=Reason.WRONG_VALUE,
            remedy="Run 'attune-trainer data check' to see whether a file was changed",
        )
    side_of = split_people(np.unique(tunes.person).tolist(), seed=seed)
    tuned = np.array([side_of[str(person)] for person in tunes.person])
    subject_side = split_people([one.person for one in people], seed=seed)
    return Sides(
        examples={name: concatenate([hku[name], tunes.take(tuned == name)]) for name in sides},
        subjects={name: [one for one in people if subject_side[one.person] == name] for name in sides},
        rows={"hku956": rows_hku, "situnes": len(tunes), "wesad-features": sum(_windows(one) for one in people)},
    )


def _windows(subject: Subject) -> int:
    return sum(len(values) for values in subject.rate.values())


def _hku(
    data: Path, scale: Scale, seed: int, progress: Progress, sides: Sequence[str]
) -> tuple[dict[str, Examples], int]:
    sessions = hku956.load(data)
    if scale == "tiny":
        sessions = {person: sessions[person][:4] for person in sorted(sessions)[:_TINY_PEOPLE]}
    side_of = split_people(list(sessions), seed=seed)
    heard = heard_by_others(sessions, [person for person, side in side_of.items() if side == "train"])
    wanted = [person for person in sessions if side_of[person] in sides]
    parts: dict[str, list[Examples]] = {name: [] for name in sides}
    with progress.task("features of HKU956", len(wanted)) as advance:
        for person in wanted:
            features = [session_features(listening) for listening in sessions[person]]
            parts[side_of[person]].append(hku_examples(sessions[person], features, heard[person]))
            advance(person)
    return {name: concatenate(made) for name, made in parts.items()}, sum(map(len, sessions.values()))

"""What is asked of one fold's held-out people, kept on disk so that a run cut off goes on.

Five forecasts of each rating, and one that only few know:

- `constant`: mean and covariance of the training people's ratings of the same kind.
- `prior`: the personal prior, fed with the person's earlier reports.
- `model`: the model alone, on the trainer's own examples, earlier reports included.
- `asked`: the model alone, as the station asked it at that moment; nowhere without a body.
- `silent`: the station's state, no report told.
- `filter`: the station's state, every earlier report told.
"""

from __future__ import annotations

import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agent.affect.station import UserEmotionModel
from benchmarks.calibration.learning import answers
from benchmarks.calibration.people import KINDS, Fold, People
from benchmarks.calibration.recordings import recording_of
from benchmarks.calibration.replay import Played, join, relax, replay

__all__ = ["AFTER_S", "FORECASTS", "TOLD", "Found", "Plan", "merge", "read", "study", "validating", "write"]

Array = npt.NDArray[np.float64]

FORECASTS: Final[Mapping[str, str]] = {
    "constant": "constant of the training people",
    "prior": "personal prior alone",
    "model": "model alone, the trainer's examples",
    "asked": "model alone, as the station asks it",
    "silent": "filter without reports",
    "filter": "filter with reports",
}
TOLD: Final[Mapping[str, Sequence[int]]] = {"daily": (0, 3, 5, 10), "whole": (0, 20)}
"""How many of a person's first reports are told in the study of what reports are worth: of daily life alone, and of the
whole, where for all but one person the lab comes first."""
AFTER_S: Final = (0, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 21600)
"""Moments after the wearables came off."""


@dataclass(frozen=True)
class Plan:
    """How much is replayed.

    Attributes:
        minutes: of the wristband before each track of SiTunes.
        told_minutes: likewise in the study of what reports are worth, whose replays are many.
        told: numbers of reports in it, as `TOLD`.
    """

    minutes: int = 5
    told_minutes: int = 3
    told: Mapping[str, Sequence[int]] = field(default_factory=lambda: TOLD)


@dataclass(frozen=True)
class Found:
    """What was found of n ratings.

    Attributes:
        filter: every earlier report told.
        silent: none told; the same ratings.
        means: of the other forecasts, [n, 2] by name.
        covariances: likewise, [n, 2, 2]; NaN where a forecast was not made.
        told: by scope of `TOLD`, the replays of SiTunes with so many reports told, the same ratings in each.
        relaxed: per person of HKU956 what `relax` returns, [people, moments, 5].
        cost_s: per fold the seconds of training and of replaying, [folds, 2].
    """

    filter: Played
    silent: Played
    means: Mapping[str, Array]
    covariances: Mapping[str, Array]
    told: Mapping[str, Mapping[int, Played]]
    relaxed: Array
    cost_s: Array

    def forecast(self, name: str) -> tuple[Array, Array]:
        """Return mean and covariance of a forecast in `FORECASTS`."""
        if name in {"filter", "silent"}:
            played: Played = getattr(self, name)
            return played.mean, played.covariance
        return self.means[name], self.covariances[name]


def validating(fold: Fold, people: People) -> Fold:
    """Return the fold with those who decide when training stops in the place of those who are held out."""
    names = {str(person) for person in fold.validation.person}
    return replace(fold, held_out=[person for person in people.names if person in names], judged=fold.validation)


def study(fold: Fold, people: People, model: UserEmotionModel, plan: Plan, *, training_s: float) -> Found:
    """Replay all held-out people of a fold, whose model took `training_s` to train."""
    started = time.monotonic()
    recordings = [recording_of(fold, people, person, minutes=plan.minutes) for person in fold.held_out]
    told = join([replay(recording, model) for recording in recordings])
    silent = join([replay(recording, model, told=0) for recording in recordings])
    kept = told.timed
    constant, alone = _constant(fold, told), _alone(fold, told, model)
    relaxed = [relax(one, model, AFTER_S) for one in recordings if one.person in people.sessions]
    means = {"constant": constant[0], "prior": told.prior_mean, "model": alone[0], "asked": told.answer_mean}
    covariances = {
        "constant": constant[1],
        "prior": told.prior_covariance,
        "model": _diagonal(alone[1]),
        "asked": _diagonal(told.answer_variance),
    }
    return Found(
        filter=told.take(kept),
        silent=silent.take(kept),
        means={name: values[kept] for name, values in means.items()},
        covariances={name: values[kept] for name, values in covariances.items()},
        told={scope: _counted(fold, people, model, plan, scope) for scope in plan.told},
        relaxed=np.stack(relaxed),
        cost_s=np.array([[training_s, time.monotonic() - started]]),
    )


def _counted(fold: Fold, people: People, model: UserEmotionModel, plan: Plan, scope: str) -> dict[int, Played]:
    tunes = [person for person in fold.held_out if person not in people.sessions]
    lab = scope == "whole"
    recordings = [recording_of(fold, people, person, minutes=plan.told_minutes, lab=lab) for person in tunes]
    played = {count: join([replay(one, model, told=count) for one in recordings]) for count in plan.told[scope]}
    return {count: part.take(part.timed) for count, part in played.items()}


def _constant(fold: Fold, played: Played) -> tuple[Array, Array]:
    mean, covariance = np.empty((len(played), 2)), np.empty((len(played), 2, 2))
    for kind, (trained, _) in KINDS.items():
        rows = played.kind == kind
        label = fold.training.label[fold.training.kind == trained]
        mean[rows], covariance[rows] = label.mean(axis=0), np.cov(label.T)
    return mean, covariance


def _alone(fold: Fold, played: Played, model: UserEmotionModel) -> tuple[Array, Array]:
    mean, variance = np.full((len(played), 2), np.nan), np.full((len(played), 2), np.nan)
    for person in np.unique(played.person):
        for kind in KINDS:
            rows = np.flatnonzero((played.person == person) & (played.kind == kind))
            if len(rows):
                examples = fold.examples_at(str(person), kind, len(rows))
                if not np.allclose(examples.label, played.truth[rows]):
                    raise ValueError(f"the trainer's examples of {person}, {kind}, are in another order")
                mean[rows], variance[rows] = answers(model, examples)
    return mean, variance


def _diagonal(variance: Array) -> Array:
    return variance[:, :, np.newaxis] * np.eye(2)


def merge(parts: Sequence[Found]) -> Found:
    """Return the rows of all folds."""
    return Found(
        filter=join([part.filter for part in parts]),
        silent=join([part.silent for part in parts]),
        means={name: np.concatenate([part.means[name] for part in parts]) for name in parts[0].means},
        covariances={name: np.concatenate([part.covariances[name] for part in parts]) for name in parts[0].covariances},
        told={
            scope: {count: join([part.told[scope][count] for part in parts]) for count in counts}
            for scope, counts in parts[0].told.items()
        },
        relaxed=np.concatenate([part.relaxed for part in parts]),
        cost_s=np.concatenate([part.cost_s for part in parts]),
    )


def write(path: Path, found: Found) -> None:
    """Store a fold's findings, whole or not at all."""
    flat = {"relaxed": found.relaxed, "cost_s": found.cost_s}
    for name, played in {"filter": found.filter, "silent": found.silent}.items():
        flat |= _flat(played, name)
    for scope, counted in found.told.items():
        for count, played in counted.items():
            flat |= _flat(played, f"told/{scope}/{count}")
    flat |= {f"mean/{name}": values for name, values in found.means.items()}
    flat |= {f"covariance/{name}": values for name, values in found.covariances.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as stream:
        np.savez(stream, **flat)
    partial.replace(path)


def read(path: Path) -> Found | None:
    """Return what `write` stored; None where there is nothing, or nothing whole."""
    try:
        with path.open("rb") as stream, np.load(stream) as archive:
            flat = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    told: dict[str, dict[int, Played]] = {}
    for scope, count in sorted(
        {(name.split("/")[1], int(name.split("/")[2])) for name in flat if name.startswith("told/")}
    ):
        told.setdefault(scope, {})[count] = _played(flat, f"told/{scope}/{count}")
    return Found(
        filter=_played(flat, "filter"),
        silent=_played(flat, "silent"),
        means=_under(flat, "mean/"),
        covariances=_under(flat, "covariance/"),
        told=told,
        relaxed=flat["relaxed"],
        cost_s=flat["cost_s"],
    )


def _flat(played: Played, name: str) -> dict[str, npt.NDArray[Any]]:
    return {f"{name}/{field.name}": getattr(played, field.name) for field in fields(Played)}


def _played(flat: Mapping[str, npt.NDArray[Any]], name: str) -> Played:
    return Played(**{field.name: flat[f"{name}/{field.name}"] for field in fields(Played)})


def _under(flat: Mapping[str, npt.NDArray[Any]], prefix: str) -> dict[str, npt.NDArray[Any]]:
    return {name.removeprefix(prefix): values for name, values in flat.items() if name.startswith(prefix)}

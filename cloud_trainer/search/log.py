"""What a search did, trial by trial: the journal that it goes on from, and what is committed beside the winners."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from cloud_trainer.search.space import Setting
from cloud_trainer.tables.results import write_whole
from models.errors import DataError, Reason

__all__ = [
    "FORMAT",
    "Confirmation",
    "Journal",
    "RivalLog",
    "SearchLog",
    "Trial",
    "best",
    "read_journal",
    "read_log",
    "write",
]

FORMAT: Final = 1

State = Literal["complete", "pruned", "failed"]


class Trial(msgspec.Struct, frozen=True):
    """One choice of settings and what came of it.

    Attributes:
        number: from 0.
        settings: by name.
        state: `pruned` where the median of the earlier trials was better at some step, `failed` where the score is NaN.
        score: on validation rows, more is better; the last one told where it was pruned.
        told: the score after each step that was told.
        seconds: that it took.
    """

    number: int
    settings: dict[str, Setting]
    state: State
    score: float | None
    told: list[tuple[int, float]]
    seconds: float


class Journal(msgspec.Struct, frozen=True):
    """A rival's finished trials, in the order in which they were run."""

    configuration: str
    trials: list[Trial]


class Confirmation(msgspec.Struct, frozen=True):
    """Start and winner trained as long as a build trains, judged by the same validation rows.

    Attributes:
        seeds: of initial weights and batches.
        start: score by seed, more is better; `None` where the training diverged.
        winner: likewise.
        configuration: hash of what decided the scores.
        seconds: of all these trainings.
    """

    seeds: list[int]
    start: list[float | None]
    winner: list[float | None]
    configuration: str
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether the winner is better than the start in the mean of the seeds."""
        return _mean(self.winner) > _mean(self.start)


def _mean(scores: list[float | None]) -> float:
    return sum(-math.inf if score is None else score for score in scores) / len(scores)


class RivalLog(msgspec.Struct, frozen=True):
    """A rival with its space and all its trials.

    Attributes:
        name: of the rival.
        what: it is.
        ranges: of each setting.
        start: settings that were tried first.
        configuration: hash of what decided the scores.
        trials: in their order.
        winner: number of the best trial.
        brief: whether a trial is shorter than a build's training.
        confirmed: what came of start and winner at full length; `None` where that was not looked at.
    """

    name: str
    what: str
    ranges: dict[str, dict[str, Any]]
    start: dict[str, Setting]
    configuration: str
    trials: list[Trial]
    winner: int
    brief: bool = False
    confirmed: Confirmation | None = None

    @property
    def settled(self) -> Trial:
        """The trial that is frozen: the winner, unless brief trials leave that open or whole ones refute it."""
        holds = not self.brief if self.confirmed is None else self.confirmed.holds
        return self.trials[self.winner if holds else 0]


class SearchLog(msgspec.Struct, frozen=True):
    """A model's search.

    Attributes:
        format: of the JSON.
        model: that was searched.
        budget: trials a rival, the same for all.
        seed: of trials and sampler.
        scale: `full` or `tiny`.
        method: sampler and pruner, in words.
        data: fingerprint of each data set.
        libraries: versions.
        rivals: in the order in which they were searched.
    """

    format: int
    model: str
    budget: int
    seed: int
    scale: str
    method: str
    data: dict[str, str]
    libraries: dict[str, str]
    rivals: list[RivalLog]


def best(trials: list[Trial]) -> Trial:
    """Return the complete trial with the highest score; the earliest of several.

    Raises:
        DataError: no trial was completed.
    """
    complete = [trial for trial in trials if trial.state == "complete" and trial.score is not None]
    if not complete:
        raise DataError(
            f"none of {len(trials)} trials gave a score",
            reason=Reason.FAILED,
            remedy="Look at the settings in the journal; narrow the ranges",
        )
    return max(complete, key=lambda trial: (trial.score or 0.0, -trial.number))


def read_journal(path: Path, configuration: str) -> Journal:
    """Return the journal of a configuration; an empty one where there is none, or none that can be read."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Journal)
    except (OSError, msgspec.DecodeError):
        return Journal(configuration, [])
    return found if found.configuration == configuration else Journal(configuration, [])


def read_log(path: Path) -> SearchLog:
    """Read the log of a search.

    Raises:
        DataError: the file is no such log.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=SearchLog)
    except (OSError, msgspec.DecodeError) as error:
        raise DataError(
            f"{path} is no log of a search: {error}",
            reason=Reason.CORRUPT,
            remedy="Restore it, or run 'attune-trainer search' again",
        ) from error


def write(path: Path, content: msgspec.Struct) -> None:
    """Write journal, log or winners, whole or not at all.

    Raises:
        StorageError: the disk refuses.
    """
    write_whole(path, msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n")

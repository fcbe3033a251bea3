"""What a search needs to know of a rival: its settings with their ranges, and how a choice of them is scored.

A module of a model offers its rivals as a tuple of `Space`s, and `cloud_trainer.search.registry` names that tuple:

    RIVALS = (
        Space(
            name="ridge",
            what="openSMILE descriptors, ridge regression",
            ranges={"alpha": Number(1e-3, 1e3, log=True)},
            start={"alpha": 1.0},
            sources=("deam-features",),
            modules=("cloud_trainer.music_emotion.search",),
            prepare=_prepare,
        ),
    )

    def _prepare(context: SearchContext) -> Objective:
        features, truth, folds = load(context.data)          # once a search, not once a trial

        def objective(settings: Settings, report: Report) -> float:
            for step, fold in enumerate(folds):
                scores.append(...)
                report(step, mean(scores))                    # ends the trial where it is worse than the median
            return mean(scores)                               # validation alone; more is better

        return objective

Rules:

- A score is of validation rows. Test rows are not even loaded by `prepare`.
- `start` is tried first: the search never ends below what stands in the code.
- A trial's seed is the search's: two trials differ in their settings alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from cloud_trainer.artefact import Artefact, BuildContext, Scale
from cloud_trainer.progress import Progress
from models.errors import Reason, SettingsError

__all__ = [
    "Choice",
    "Number",
    "Objective",
    "Pruned",
    "Range",
    "Report",
    "SearchContext",
    "Setting",
    "Settings",
    "Space",
    "Whole",
    "checked",
]

Setting: TypeAlias = bool | int | float | str
Settings: TypeAlias = Mapping[str, Any]
"""`Setting`s by name; `Any`, so that a rival may hand them to its learner as keyword arguments."""


class Pruned(Exception):  # noqa: N818 - it ends a trial and is no error
    """A trial is worse than the median of the earlier ones; the search catches it."""


class Report(Protocol):
    """Where a trial tells how it is doing."""

    def __call__(self, step: int, score: float) -> None:
        """Tell the validation score after a step (an epoch, a fold), counted from 0; what is no number is not heard.

        Raises:
            Pruned: the score is below the median of the earlier trials at that step; let it pass.
        """


Objective: TypeAlias = Callable[[Settings, Report], float]
"""Trains with the settings and returns the validation score; more is better, NaN is a failed trial."""


@dataclass(frozen=True)
class Number:
    """A real number from `low` to `high`, both included; drawn evenly in its logarithm where `log`."""

    low: float
    high: float
    log: bool = False

    def refusal(self, value: object) -> str:
        """Return what is wrong with a value; nothing where it is inside."""
        real = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if real and self.low <= value <= self.high:  # type: ignore[operator]  # `real` has made it a number
            return ""
        return f"must be a number from {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Whole:
    """A whole number from `low` to `high`, both included, in steps; drawn evenly in its logarithm where `log`."""

    low: int
    high: int
    step: int = 1
    log: bool = False

    def refusal(self, value: object) -> str:
        """Return what is wrong with a value; nothing where it is inside."""
        if isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high:
            return ""
        return f"must be a whole number from {self.low} to {self.high}"


@dataclass(frozen=True)
class Choice:
    """One of some values."""

    values: tuple[Setting, ...]

    def refusal(self, value: object) -> str:
        """Return what is wrong with a value; nothing where it is one of them."""
        if any(type(value) is type(one) and value == one for one in self.values):
            return ""
        return f"must be one of {', '.join(map(str, self.values))}"


Range: TypeAlias = Number | Whole | Choice


@dataclass(frozen=True, kw_only=True)
class SearchContext:
    """What a rival may look at.

    Attributes:
        data: root of the data sets.
        work: the rival's own folder for caches; it survives an interrupted search.
        shared: the model's folder for caches that its rivals and the build share (rendered sound).
        scale: `full`, or `tiny` for a handful of rows.
        seed: of every random number.
        threads: that a trial may use.
        progress: where progress is shown.
        artefacts: of the stages that the rival needs, by artefact name.
        whole: whether a brief space trains as long as the build does.
        training_seed: of initial weights and batches alone, so that who validates stays the same; `seed` where `None`.
    """

    data: Path
    work: Path
    shared: Path
    scale: Scale
    seed: int
    threads: int
    progress: Progress
    artefacts: Mapping[str, Artefact] = field(default_factory=dict)
    whole: bool = False
    training_seed: int | None = None

    @property
    def drawn_by(self) -> int:
        """The seed of initial weights and batches."""
        return self.seed if self.training_seed is None else self.training_seed

    def as_build(self) -> BuildContext:
        """Return what a stage would be given in this place."""
        return BuildContext(
            data=self.data,
            work=self.work,
            scale=self.scale,
            seed=self.seed,
            progress=self.progress,
            artefacts=self.artefacts,
            threads=self.threads,
            shared=self.shared,
        )


@dataclass(frozen=True, kw_only=True)
class Space:
    """A rival: what can be chosen, and how a choice is scored.

    Attributes:
        name: unique among a model's rivals; a file name. The one that is named like the model is what `train` and
            `build` make, and its winner is their setting.
        what: what it is, in a sentence.
        ranges: of each setting.
        start: settings that are tried first.
        sources: data sets that it reads.
        modules: whose source decides the score.
        prepare: loads what trials share and returns the objective.
        needs: stages of the build whose artefacts it is given.
        brief: whether a trial is shorter than what the build does, so that its winner has to be confirmed.
    """

    name: str
    what: str
    ranges: Mapping[str, Range]
    start: Settings
    sources: tuple[str, ...]
    modules: tuple[str, ...]
    prepare: Callable[[SearchContext], Objective]
    needs: tuple[str, ...] = ()
    brief: bool = False

    def __post_init__(self) -> None:
        """Refuse a start outside of the ranges.

        Raises:
            SettingsError: a setting of it is unknown, missing or out of its range.
        """
        checked(self.start, self.ranges, where=f"the start of {self.name}")


def checked(settings: Settings, ranges: Mapping[str, Range], *, where: str) -> Settings:
    """Return settings that are all known, all there and inside their ranges.

    Args:
        settings: by name.
        ranges: by name.
        where: names their place in an error.

    Raises:
        SettingsError: UNKNOWN_KEY, MISSING or WRONG_VALUE; the message names the setting and what may stand there.
    """
    for name in sorted(settings.keys() | ranges.keys()):
        if name not in ranges:
            known = ", ".join(ranges)
            raise SettingsError(
                f"{where}: {name} is not known; known are {known}", reason=Reason.UNKNOWN_KEY, remedy="Remove it"
            )
        if name not in settings:
            raise SettingsError(f"{where}: {name} is missing", reason=Reason.MISSING, remedy="Add it")
        if refusal := ranges[name].refusal(settings[name]):
            raise SettingsError(
                f"{where}: {name} {refusal}, found {settings[name]!r}",
                reason=Reason.WRONG_VALUE,
                remedy="Choose a value inside the range",
            )
    return settings

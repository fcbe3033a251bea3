"""Confirming what a search found: its start and its winner, trained as long as a build trains, by several seeds.

Rules:

- The same validation rows judge both; a seed decides initial weights and batches, not who validates.
- The winner is frozen if its mean is the higher one; otherwise the start stays.
- Every training is written down when it is done; an interrupted confirmation repeats the one that it was in.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from cloud_trainer.search.log import Confirmation, RivalLog, SearchLog, write
from cloud_trainer.search.running import configuration_of
from cloud_trainer.search.space import Objective, SearchContext, Settings, Space, checked
from cloud_trainer.tables.provenance import configuration_hash
from models.errors import DataError, Reason

__all__ = ["confirm"]


class _Training(msgspec.Struct, frozen=True):
    """One training: which trial's settings, by which seed, what came of it (`None` where it diverged)."""

    trial: int
    seed: int
    score: float | None
    seconds: float


class _Journal(msgspec.Struct, frozen=True):
    """The trainings that are done."""

    trainings: list[_Training]


def confirm(log: SearchLog, spaces: Sequence[Space], *, seeds: int, context: SearchContext) -> SearchLog:
    """Return the log with the winners of some rivals confirmed or refuted; a start that won needs neither.

    Args:
        log: of the search.
        spaces: rivals to look at.
        seeds: trainings of each choice; they are drawn by the search's seed and the numbers after it.
        context: what rivals may look at; `work` is the folder of the whole search.

    Raises:
        DataError: a rival was not searched.
        SettingsError: its winner lies outside of the ranges of today.
        StorageError: the disk refuses.
    """
    found = {rival.name: rival for rival in log.rivals}
    if missing := [space.name for space in spaces if space.name not in found]:
        raise DataError(
            f"{log.model}: {', '.join(missing)} was not searched",
            reason=Reason.MISSING,
            remedy=f"Run 'attune-trainer search {log.model}' first",
        )
    for space in spaces:
        rival = found[space.name]
        if rival.winner == 0:
            context.progress.note(f"{space.name}: the start won, there is nothing to confirm")
        else:
            confirmed = _confirmed(rival, space, seeds, context)
            found[space.name] = msgspec.structs.replace(rival, confirmed=confirmed)
    return msgspec.structs.replace(log, rivals=list(found.values()))


def _confirmed(rival: RivalLog, space: Space, seeds: int, context: SearchContext) -> Confirmation:
    where = f"the log of {space.name}"
    choices = {
        number: checked(rival.trials[number].settings, space.ranges, where=where) for number in (0, rival.winner)
    }
    context = replace(context, work=context.work / space.name, whole=True)
    configuration = configuration_hash({"search": configuration_of(context, space), "choices": list(choices.values())})
    path = context.work / f"confirmed-{configuration}.json"
    done = _read(path)
    drawn = [context.seed + number for number in range(seeds)]
    with context.progress.task(f"confirm {space.name}", seeds * len(choices)) as advance:
        for seed in drawn:
            objective = None
            for number, settings in choices.items():
                if (number, seed) not in done:
                    objective = objective or space.prepare(replace(context, training_seed=seed))
                    done[number, seed] = _training(objective, settings, number, seed)
                    write(path, _Journal(list(done.values())))
                advance(_told(done[number, seed]))
    return Confirmation(
        seeds=drawn,
        start=[done[0, seed].score for seed in drawn],
        winner=[done[rival.winner, seed].score for seed in drawn],
        configuration=configuration,
        seconds=sum(done[number, seed].seconds for number in choices for seed in drawn),
    )


def _training(objective: Objective, settings: Settings, number: int, seed: int) -> _Training:
    start = time.perf_counter()
    score = float(objective(settings, _never_pruned))
    return _Training(number, seed, score if math.isfinite(score) else None, time.perf_counter() - start)


def _never_pruned(step: int, score: float) -> None:
    del step, score


def _told(training: _Training) -> str:
    score = "diverged" if training.score is None else f"{training.score:.4f}"
    return f"trial {training.trial}, seed {training.seed}: {score}, {training.seconds:.1f} s"


def _read(path: Path) -> dict[tuple[int, int], _Training]:
    """Return the trainings that are done, by trial and seed; none where the journal is missing or damaged."""
    try:
        journal = msgspec.json.decode(path.read_bytes(), type=_Journal)
    except (OSError, msgspec.DecodeError):
        return {}
    return {(training.trial, training.seed): training for training in journal.trainings}

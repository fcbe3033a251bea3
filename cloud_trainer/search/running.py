"""Running a search: every rival gets the same number of trials, drawn by TPE, ended early by the median of the others.

Rules:

- The first trial is the rival's `start`; the winner is never worse on validation than what stands in the code.
- A trial is written to the journal when it is done. An interrupted search repeats the trial that it was in and comes to
  the same end: the sampler of trial n is seeded by n, not by what was drawn before it.
- The budget is no part of a search's identity: a larger one goes on from the trials of a smaller one.

Sampler: Bergstra et al. 2011, Algorithms for Hyper-Parameter Optimization, NeurIPS; pruner: the median stopping rule of
Golovin et al. 2017, Google Vizier, KDD.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final

import msgspec

from cloud_trainer import store
from cloud_trainer.data.sources import fingerprint
from cloud_trainer.search.frozen import FORMAT as FROZEN_FORMAT
from cloud_trainer.search.frozen import Frozen, Winner
from cloud_trainer.search.log import FORMAT, Journal, RivalLog, SearchLog, Trial, best, read_journal, write
from cloud_trainer.search.space import (
    Choice,
    Number,
    Objective,
    Pruned,
    Range,
    SearchContext,
    Space,
    Whole,
    checked,
)
from cloud_trainer.tables.provenance import configuration_hash, source_hash

if TYPE_CHECKING:
    import optuna

__all__ = ["METHOD", "SearchRun", "configuration_of", "merged", "search", "winners"]

METHOD: Final = "TPE after 6 drawn trials; median pruning after 4 trials, from the third step of a trial on"
_DRAWN_TRIALS: Final = 6
_TRIALS_BEFORE_PRUNING: Final = 4
_STEPS_BEFORE_PRUNING: Final = 2


@dataclass(frozen=True, kw_only=True)
class SearchRun:
    """How a search runs.

    Attributes:
        model: that is searched.
        budget: trials a rival.
        context: what rivals may look at; `work` is the folder of the whole search.
    """

    model: str
    budget: int
    context: SearchContext


def search(run: SearchRun, spaces: Sequence[Space]) -> SearchLog:
    """Search every rival with the same budget.

    Raises:
        DataError: a data set is missing, or no trial of a rival gave a score.
        StorageError: the disk refuses.
    """
    logs = [_rival(run, space) for space in spaces]
    sources = sorted({source for space in spaces for source in space.sources})
    return SearchLog(
        format=FORMAT,
        model=run.model,
        budget=run.budget,
        seed=run.context.seed,
        scale=run.context.scale,
        method=METHOD,
        data={name: fingerprint(run.context.data, name) for name in sources},
        libraries=_libraries(),
        rivals=logs,
    )


def winners(log: SearchLog) -> Frozen:
    """Return what `cloud_trainer/frozen/MODEL.json` holds after a search."""
    rivals = {rival.name: _winner(rival) for rival in log.rivals}
    return Frozen(format=FROZEN_FORMAT, model=log.model, rivals=rivals)


def _rival(run: SearchRun, space: Space) -> RivalLog:
    context = replace(run.context, work=run.context.work / space.name)
    configuration = configuration_of(context, space)
    path = context.work / f"trials-{configuration}.json"
    journal = read_journal(path, configuration)
    with context.progress.task(f"search {space.name}", run.budget) as advance:
        for trial in journal.trials[: run.budget]:
            advance(f"trial {trial.number}: taken from the journal")
        if len(journal.trials) < run.budget:
            objective = space.prepare(context)
            while len(journal.trials) < run.budget:
                trial = _trial(space, objective, journal, seed=context.seed)
                journal = Journal(configuration, [*journal.trials, trial])
                write(path, journal)
                advance(_told(trial))
    trials = journal.trials[: run.budget]
    return RivalLog(
        name=space.name,
        what=space.what,
        ranges={name: {"kind": type(one).__name__.lower(), **asdict(one)} for name, one in space.ranges.items()},
        start=dict(space.start),
        configuration=configuration,
        trials=trials,
        winner=best(trials).number,
        brief=space.brief,
    )


def _trial(space: Space, objective: Objective, journal: Journal, *, seed: int) -> Trial:
    import optuna

    number = len(journal.trials)
    study = _study(space, journal, seed=seed)
    if number == 0:
        study.enqueue_trial(dict(space.start))
    asked = study.ask({name: _distribution(one) for name, one in space.ranges.items()})
    settings = checked(asked.params, space.ranges, where=f"trial {number} of {space.name}")
    told: list[tuple[int, float]] = []

    def report(step: int, score: float) -> None:
        if math.isfinite(score):
            told.append((step, float(score)))
            asked.report(float(score), step)
            if asked.should_prune():
                raise Pruned

    start = time.perf_counter()
    try:
        score: float | None = float(objective(settings, report))
        state = "complete" if score is not None and math.isfinite(score) else "failed"
    except (Pruned, optuna.TrialPruned):
        score, state = told[-1][1], "pruned"
    return Trial(
        number=number,
        settings=dict(settings),
        state=state,  # type: ignore[arg-type]  # one of the three
        score=None if state == "failed" else score,
        told=told,
        seconds=time.perf_counter() - start,
    )


def _study(space: Space, journal: Journal, *, seed: int) -> optuna.Study:
    """Return a study in memory that knows the trials of the journal."""
    import optuna
    from optuna.trial import TrialState

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=seed * 100_003 + len(journal.trials), n_startup_trials=_DRAWN_TRIALS),
        pruner=optuna.pruners.MedianPruner(
            n_startup_trials=_TRIALS_BEFORE_PRUNING, n_warmup_steps=_STEPS_BEFORE_PRUNING
        ),
    )
    states = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
    distributions = {name: _distribution(one) for name, one in space.ranges.items()}
    for trial in journal.trials:
        study.add_trial(
            optuna.create_trial(
                state=states[trial.state],
                value=trial.score,
                params=dict(trial.settings),
                distributions=distributions,
                intermediate_values=dict(trial.told),
            )
        )
    return study


def _distribution(one: Range) -> optuna.distributions.BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    match one:
        case Number(low, high, log):
            return FloatDistribution(low, high, log=log)
        case Whole(low, high, step, log):
            return IntDistribution(low, high, step=step, log=log)
        case Choice(values):
            return CategoricalDistribution(values)


def _told(trial: Trial) -> str:
    score = "" if trial.score is None else f" {trial.score:.4f}"
    return f"trial {trial.number}: {trial.state}{score}, {trial.seconds:.1f} s"


def _winner(rival: RivalLog) -> Winner:
    chosen = rival.settled
    first = rival.trials[0]
    return Winner(
        settings=dict(chosen.settings),
        score=float(chosen.score or 0.0),
        start_score=first.score if first.state == "complete" else None,
        trials=len(rival.trials),
        seconds=sum(trial.seconds for trial in rival.trials),
        configuration=rival.configuration,
    )


def configuration_of(context: SearchContext, space: Space) -> str:
    """Return the hash of what decides a rival's scores."""
    decides: dict[str, Any] = {
        "method": METHOD,
        "ranges": {name: (type(one).__name__, asdict(one)) for name, one in space.ranges.items()},
        "start": dict(space.start),
        "code": source_hash(space.modules),
        "data": {name: fingerprint(context.data, name) for name in space.sources},
        "libraries": _libraries(),
        "scale": context.scale,
        "seed": context.seed,
    }
    return configuration_hash(decides)


def _libraries() -> dict[str, str]:
    return {**store.libraries(), "optuna": metadata.version("optuna")}


def merged(old: SearchLog | None, new: SearchLog) -> SearchLog:
    """Return a log with the rivals kept that were not searched this time, and what was confirmed of an equal winner."""
    if old is None:
        return new
    before = {rival.name: rival for rival in old.rivals}
    searched = [_still_confirmed(before.pop(rival.name, None), rival) for rival in new.rivals]
    return msgspec.structs.replace(new, rivals=[*before.values(), *searched], data={**old.data, **new.data})


def _still_confirmed(old: RivalLog | None, new: RivalLog) -> RivalLog:
    """Return a rival's new log with the old confirmation, where start and winner are those that it compared."""
    if old is None or old.configuration != new.configuration or old.trials[old.winner] != new.trials[new.winner]:
        return new
    return msgspec.structs.replace(new, confirmed=old.confirmed)

"""Computing a table: fold by fold, each stored when it is done, so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # publishes no types

from cloud_trainer.progress import Progress
from cloud_trainer.tables.frame import Fold, Problem, Row, Table
from cloud_trainer.tables.metrics import METRICS
from cloud_trainer.tables.processes import Tell, run_apart
from cloud_trainer.tables.provenance import configuration_hash, known_data, library_versions, source_hash
from cloud_trainer.tables.results import (
    FORMAT,
    ClaimResult,
    ColumnResult,
    PeerResult,
    RowResult,
    TableResult,
    file_of,
    read,
    write_whole,
)
from cloud_trainer.tables.scoring import DRAWS, Scores, figure, figures_of, gather, interval_of_difference
from models.errors import DataError, Reason

__all__ = ["evaluate"]

_FRAME: Final = (
    "cloud_trainer.tables.frame",
    "cloud_trainer.tables.metrics",
    "cloud_trainer.tables.scoring",
    "cloud_trainer.tables.learners",
)
"""Modules that decide every table."""

_THREADS: Final = 1
"""Of linear algebra and trees: the last digits of a sum depend on how many share it, and a network that is trained on
them on its second. The matrices are small besides, and threads that wait for each other cost more than they save."""


class _Done(Struct, frozen=True):
    """One fold of one row, as it is stored."""

    values: list[list[float]]
    chosen: dict[str, Any]
    seconds: float


def evaluate(
    table: Table[Any],
    *,
    data: Path,
    exam: Path | None,
    seed: int,
    work: Path,
    results: Path,
    progress: Progress,
    jobs: int = 1,
) -> TableResult:
    """Compute a table and store its result; what was computed before with the same configuration is taken as it is.

    Args:
        table: what to compute.
        data: root of the data sets that everything is trained and tuned on.
        exam: root of those that are scored; `None` for the table's own held-out rows.
        seed: of everything random.
        work: folder for finished folds.
        results: folder for the result.
        progress: where to show how far it is.
        jobs: processes that share the folds; with 1, this one computes.

    Raises:
        DataError: a data set is missing, empty, changed or malformed.
        StorageError: the disk refuses.
        AttuneError: a process was killed.
    """
    known = known_data(data, (*table.sources, *table.aids))
    examined = None if exam is None else known_data(exam, table.sources)
    fingerprints = dict(known.fingerprints)
    unchecked = list(known.unchecked)
    if examined is not None:
        fingerprints |= {f"exam/{name}": digest for name, digest in examined.fingerprints.items()}
        unchecked += [f"exam/{name}" for name in examined.unchecked]
    libraries = library_versions(table.modules)
    configuration = configuration_hash(
        {
            "format": FORMAT,
            "table": table.name,
            "columns": [asdict(column) for column in table.columns],
            "claims": [asdict(claim) for claim in table.claims],
            "texts": [table.title, table.question, table.protocol, table.exam_protocol, *table.notes],
            "rows": [(row.name, row.what, row.tuned, dict(row.grid)) for row in table.rows],
            "code": source_hash((*_FRAME, *table.modules)),
            "data": fingerprints,
            "libraries": libraries,
            "seed": seed,
            "draws": DRAWS,
        }
    )
    path = file_of(results, table.name, exam=exam is not None)
    if (stored := _stored(path, configuration)) is not None:
        progress.note(f"{table.name}: nothing has changed since {path}")
        return stored
    with threadpool_limits(_THREADS):
        problem = table.load(data, exam, seed)
        _refuse_empty(table, problem, exam)
        if table.prepare is not None:
            problem = table.prepare(problem, data, exam, work, progress)
        done = _answers(table, problem, work / "tables" / table.name / configuration, jobs, progress)
        result = _result(table, problem, done, seed=seed, exam=exam is not None)
    result = msgspec.structs.replace(
        result, configuration=configuration, data=fingerprints, unchecked=unchecked, libraries=libraries
    )
    write_whole(path, msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
    return result


def _refuse_empty(table: Table[Any], problem: Problem[Any], exam: Path | None) -> None:
    for fold in problem.folds:
        if len(fold.train) and len(fold.test):
            continue
        raise DataError(
            f"{table.name}, {fold.name}: {len(fold.train)} rows to train on, {len(fold.test)} to score",
            reason=Reason.EMPTY,
            remedy="Give more data" if exam is None else "What is examined is not trained on: give --data other rows",
        )


def _stored(path: Path, configuration: str) -> TableResult | None:
    try:
        result = read(path)
    except DataError:
        return None
    return result if result.configuration == configuration else None


def _answers(
    table: Table[Any], problem: Problem[Any], folder: Path, jobs: int, progress: Progress
) -> dict[str, list[_Done]]:
    """Return what every row answers, by fold; a process takes whole folds, since rows keep of them what others need."""
    with progress.task(table.name, len(table.rows) * len(problem.folds)) as advance:
        if jobs > 1:
            dealt = [problem.folds[first::jobs] for first in range(min(jobs, len(problem.folds)))]
            run_apart([partial(_compute, table, problem, folder, folds) for folds in dealt], advance)
        else:
            _compute(table, problem, folder, problem.folds, advance)
    return {row.name: [_fold(row, problem, fold, folder) for fold in problem.folds] for row in table.rows}


def _compute(table: Table[Any], problem: Problem[Any], folder: Path, folds: Sequence[Fold], tell: Tell) -> None:
    """Let every row answer some folds; the answers lie on the disk."""
    for row in table.rows:
        for fold in folds:
            _fold(row, problem, fold, folder)
            tell(f"{row.name}, {fold.name}")


def _fold(row: Row[Any], problem: Problem[Any], fold: Fold, folder: Path) -> _Done:
    """Return what a row answers on a fold, computed unless it lies on the disk."""
    path = folder / _file_name(row.name) / f"{fold.name}.json"
    if path.is_file():
        try:
            return msgspec.json.decode(path.read_bytes(), type=_Done)
        except msgspec.DecodeError:  # a damaged checkpoint is computed again
            path.unlink()
    start = time.perf_counter()
    answer = row.answer(problem, fold)
    wanted = (len(fold.test), problem.truth.shape[1])
    if answer.values.shape != wanted:
        raise ValueError(f"{row.name} answers {answer.values.shape}, not {wanted}")
    done = _Done(answer.values.tolist(), _plain(dict(answer.chosen)), time.perf_counter() - start)
    write_whole(path, msgspec.json.encode(done))
    return done


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a search chose
    """Return NumPy's numbers as Python's, so that they can be stored."""
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value.item() if isinstance(value, np.generic) else value


def _file_name(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _result(
    table: Table[Any], problem: Problem[Any], done: dict[str, list[_Done]], *, seed: int, exam: bool
) -> TableResult:
    answered = {
        name: gather(problem.folds, [np.asarray(fold.values, np.float64) for fold in folds])
        for name, folds in done.items()
    }
    scores = figures_of(problem, answered, table.columns, seed=seed)
    tested = np.unique(np.concatenate([fold.test for fold in problem.folds]))
    return TableResult(
        format=FORMAT,
        table=table.name,
        title=table.title,
        question=table.question,
        protocol=table.exam_protocol if exam else table.protocol,
        group=table.group,
        groups=len(np.unique(problem.group[tested].astype(str))),
        exam=exam,
        seed=seed,
        draws=DRAWS,
        configuration="",
        data={},
        unchecked=[],
        libraries={},
        columns=[
            ColumnResult(
                name=column.name,
                metric=METRICS[column.metric].name,
                unit=column.unit,
                more_is_better=METRICS[column.metric].more_is_better,
                target=column.target,
                peers=[PeerResult(peer.name, peer.value, peer.source) for peer in column.peers],
                rows_scored=int(np.isfinite(problem.truth[tested, column.output]).sum()),
            )
            for column in table.columns
        ],
        rows=[_row(table, row, done[row.name], problem.folds, scores) for row in table.rows],
        reference=table.reference,
        ours=table.ours,
        claims=[
            ClaimResult(
                claim.text,
                claim.row,
                claim.against,
                {
                    column.name: interval_of_difference(
                        scores[claim.row][column.name], scores[claim.against][column.name]
                    )
                    for column in table.columns
                    if not claim.columns or column.name in claim.columns
                },
            )
            for claim in table.claims
        ],
        notes=list(table.notes),
    )


def _row(
    table: Table[Any],
    row: Row[Any],
    done: Sequence[_Done],
    folds: Sequence[Fold],
    scores: dict[str, dict[str, Scores]],
) -> RowResult:
    reference = scores[table.reference]
    return RowResult(
        name=row.name,
        what=row.what,
        tuned=row.tuned,
        grid={name: list(values) for name, values in row.grid.items()},
        baseline=row.baseline,
        figures={
            name: figure(found, None if row.name == table.reference else reference[name])
            for name, found in scores[row.name].items()
        },
        seconds=sum(fold.seconds for fold in done),
        chosen={fold.name: made.chosen for fold, made in zip(folds, done, strict=True) if made.chosen},
    )

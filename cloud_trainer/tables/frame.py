"""What a table is: a question, a protocol, rivals that all get the same rows, and the figures that they are held to.

Rules:

- A rival sees the truth of the training rows alone. What it tunes, it tunes on folds inside the training rows.
- Every rival answers for the same test rows, so that any two can be compared in pairs.
- A test row is answered once: a rival has no way to see its figure and try again.
- Features are causal: what a row knows of a person was known before the row's moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from cloud_trainer.progress import Progress

__all__ = ["Answer", "Claim", "Column", "Floats", "Fold", "Ints", "Peer", "Problem", "Row", "Table"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
D = TypeVar("D")


@dataclass(frozen=True)
class Peer:
    """A figure that others published, or that was measured before, for the same column.

    Attributes:
        name: what reached it.
        value: the figure, in the column's unit.
        source: where it stands; and in what its protocol differs, where it does.
    """

    name: str
    value: float
    source: str


@dataclass(frozen=True, kw_only=True)
class Column:
    """One figure of every row.

    Attributes:
        name: heading.
        metric: name in `cloud_trainer.tables.metrics.METRICS`.
        output: which column of truth and answer it is computed of.
        unit: of the figure; "" for a pure number.
        target: what is to be reached, `None` where the column only informs.
        peers: published figures.
    """

    name: str
    metric: str
    output: int
    unit: str = ""
    target: float | None = None
    peers: tuple[Peer, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Fold:
    """One training with its test rows.

    Attributes:
        name: unique within the table; a file name.
        train, test: indices of rows.
        repeat: figures are computed within a repeat and averaged over repeats; a row is tested once in each.
        seed: of everything random in it.
    """

    name: str
    train: Ints
    test: Ints
    seed: int
    repeat: int = 0


@dataclass(frozen=True, kw_only=True)
class Problem(Generic[D]):
    """The rows of a table.

    Attributes:
        truth: what is to be answered, `(rows, outputs)`; classes as numbers from 0; NaN where a row is not scored in an
            output.
        group: the person or song of each row, `(rows,)`: what is resampled as a whole.
        data: whatever the table's rivals look at.
        folds: in order.
    """

    truth: Floats
    group: npt.NDArray[Any]
    data: D
    folds: Sequence[Fold]


@dataclass(frozen=True)
class Answer:
    """What a rival says.

    Attributes:
        values: `(test rows, outputs)`.
        chosen: what its search settled on, with the validation score; empty where nothing was tuned.
    """

    values: Floats
    chosen: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Row(Generic[D]):
    """A rival, or a baseline.

    Attributes:
        name: as the table shows it.
        what: what it is and what it looks at, in a sentence.
        answer: trains on a fold and answers its test rows.
        tuned: how its hyper-parameters were found; "" where it has none.
        grid: what was searched.
        baseline: whether it stands there to be beaten.
    """

    name: str
    what: str
    answer: Callable[[Problem[D], Fold], Answer]
    tuned: str = ""
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    baseline: bool = False


@dataclass(frozen=True)
class Claim:
    """A comparison of two rows that the table's question turns on, stated with its interval whatever it shows.

    Attributes:
        text: what it would mean that `row` is better than `against`.
        row, against: names of rows.
        columns: in which it is asked; all where empty.
    """

    text: str
    row: str
    against: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Table(Generic[D]):
    """A table before it is computed.

    Attributes:
        name: on the command line.
        title: heading.
        question: what it answers.
        protocol: how rows are split, which seeds, what is resampled.
        exam_protocol: likewise where a second folder of data is scored.
        group: what a group is, in a word: person, song.
        sources: data sets that it reads, the exam's too where there is one.
        columns: figures.
        rows: rivals; names are unique.
        reference: the row that the others are compared with in pairs: the strongest known peer, run again.
        ours: the row that targets are held against; named before anything was scored.
        load: reads the data, and the exam's where there is one: `(data, exam, seed) -> problem`.
        modules: whose source decides the result.
        claims: comparisons that are spelled out.
        notes: what a reader must know to judge the figures.
        aids: further data sets that are read from the data alone, never scored: instruments, what is trained on before.
        prepare: adds to a loaded problem what is costly to compute and kept between runs; takes the data, the exam's
            where there is one, the work folder and where progress is shown.
    """

    name: str
    title: str
    question: str
    protocol: str
    exam_protocol: str
    group: str
    sources: tuple[str, ...]
    columns: tuple[Column, ...]
    rows: tuple[Row[D], ...]
    reference: str
    ours: str
    load: Callable[[Path, Path | None, int], Problem[D]]
    modules: tuple[str, ...]
    claims: tuple[Claim, ...] = ()
    notes: tuple[str, ...] = ()
    aids: tuple[str, ...] = ()
    prepare: Callable[[Problem[D], Path, Path | None, Path, Progress], Problem[D]] | None = None

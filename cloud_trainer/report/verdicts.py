"""What a stored result says of its targets and peers, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cloud_trainer.tables.results import ColumnResult, Interval, TableResult

__all__ = ["Verdict", "against", "verdicts"]

Outcome = Literal["met", "missed"]
Compared = Literal["better than", "equal to", "worse than"]


@dataclass(frozen=True)
class Verdict:
    """How our row stands in a column with a target.

    Attributes:
        column: its name.
        outcome: whether the point value reaches the target.
        inside: whether the target lies inside the interval: then another sample might have said otherwise.
        compared: how our row stands to the reference row, by the paired interval; `None` where it is that row.
    """

    column: str
    outcome: Outcome
    inside: bool
    compared: Compared | None


def against(difference: Interval, *, more_is_better: bool) -> Compared:
    """Tell how a row stands to the one that it was compared with; what the interval does not part is equal."""
    if difference.low is None or difference.high is None or difference.low <= 0 <= difference.high:
        return "equal to"
    return "better than" if (difference.low > 0) == more_is_better else "worse than"


def verdicts(result: TableResult) -> list[Verdict]:
    """Return one verdict per column with a target."""
    ours = next(row for row in result.rows if row.name == result.ours)
    found = []
    for column in result.columns:
        figure = ours.figures[column.name]
        if column.target is None or figure.value.value is None:
            continue
        compared = (
            None if figure.difference is None else against(figure.difference, more_is_better=column.more_is_better)
        )
        found.append(
            Verdict(
                column.name,
                _outcome(figure.value.value, column.target, column),
                _holds(figure.value, column.target),
                compared,
            )
        )
    return found


def _outcome(value: float, target: float, column: ColumnResult) -> Outcome:
    return "met" if (value >= target if column.more_is_better else value <= target) else "missed"


def _holds(interval: Interval, value: float) -> bool:
    return interval.low is not None and interval.high is not None and interval.low <= value <= interval.high

"""How sure a figure is: resampling whole users or persons, because rows of one person are not independent."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Interval", "bootstrap", "mean_interval"]


class Interval(NamedTuple):
    """A figure with the interval that holds it with the stated confidence."""

    value: float
    low: float
    high: float


def bootstrap(
    groups: npt.ArrayLike,
    statistic: Callable[[npt.NDArray[np.int64]], float],
    *,
    seed: int,
    draws: int = 1000,
    level: float = 0.95,
) -> Interval:
    """Resample groups with replacement and return the percentile interval of a statistic of their rows.

    Args:
        groups: the group of each row, shape `(n,)`; all rows of a drawn group enter together.
        statistic: takes indices of rows (with repeats), returns the figure.
        seed: of the draws.
        draws: number of resamples.
        level: confidence.
    """
    labels = np.asarray(groups)
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.r_[True, labels[order][1:] != labels[order][:-1]])
    members = np.split(order, starts[1:])
    generator = np.random.default_rng(seed)
    values = np.empty(draws)
    for draw in range(draws):
        chosen = generator.integers(0, len(members), len(members))
        values[draw] = statistic(np.concatenate([members[group] for group in chosen]))
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(statistic(np.arange(len(labels)))), float(low), float(high))


def mean_interval(values: npt.ArrayLike, *, seed: int, draws: int = 1000, level: float = 0.95) -> Interval:
    """Return the mean of one value per user with its bootstrap interval; quick, since no rows are gathered."""
    array = np.asarray(values, np.float64)
    chosen = np.random.default_rng(seed).integers(0, len(array), (draws, len(array)))
    low, high = np.quantile(array[chosen].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(array.mean()), float(low), float(high))

"""What a person's own earlier reports say of the mood now.

Two ways. The shrunk mean: the mean of earlier reports, pulled to the population by what one report is worth (empirical
Bayes; Efron & Morris 1975). The process: moods before music, after it and in the lab as one Gaussian process per person
(Rasmussen & Williams 2006, chapter 2), with a level of the person, a slow wave that forgets in hours, and noise of each
report; its answer is linear in the reports, so its weights are computed once and the population's means enter later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.tables.frame import Floats, Ints
from cloud_trainer.tables.situnes.recordings import Recordings

__all__ = ["FEW", "Setting", "Weighted", "earlier_rows", "process", "settings", "shrinkage", "shrunk_mean"]

FEW: Final = 5
"""Reports that a listener is asked for at most before the estimate is to be of use."""
_BEFORE, _AFTER, _LAB = 0, 1, 2
_HOUR_S: Final = 3600.0
_LISTENING_S: Final = 300.0
_PERSON: Final = 0.15
"""Share of a report's variance that is the person's level."""
_BEFORE_AND_AFTER: Final = 0.95
"""Correlation of a person's levels before music and after it."""
_AFTER_NOISE: Final = 0.6
"""Variance of a report after music over that of one before: those after vary less from time to time."""


@dataclass(frozen=True)
class Setting:
    """What is tried of the process.

    Attributes:
        wave: share of a report's variance that fades with the hours; what it and the person's level leave is noise.
        hours: time constant of the wave.
        lab: correlation of a person's level in the lab with that of daily life.
    """

    wave: float
    hours: float
    lab: float


@dataclass(frozen=True)
class Weighted:
    """What the process makes of the reports before each listening.

    Attributes:
        of_reports: weighted sum of the reports, `(n, 2)`.
        of_means: summed weights of each kind of report, `(n, 3)`.
        reports: how many there were, `(n,)`.
    """

    of_reports: Floats
    of_means: Floats
    reports: Ints

    def expected(self, recordings: Recordings, rows: Ints) -> Floats:
        """Return valence and arousal before every listening, `(n, 2)`, with the means of the people of some rows."""
        daily, lab = recordings.daily, recordings.lab
        in_lab = np.isin(lab.user, daily.user[rows])
        at_lab = lab.after[in_lab].mean(axis=0) if in_lab.any() else np.zeros(2)
        means = np.stack([daily.before[rows].mean(axis=0), daily.after[rows].mean(axis=0), at_lab])
        return np.asarray(means[_BEFORE] + self.of_reports - self.of_means @ means)


def settings() -> Iterable[Setting]:
    """Yield what is tried, twelve settings."""
    for wave in (0.1, 0.2, 0.3):
        for hours in (2.0, 6.0):
            for lab in (0.0, 0.5):
                yield Setting(wave, hours, lab)


def earlier_rows(user: npt.NDArray[np.int64]) -> list[Ints]:
    """Return, for each listening in time order, the rows of the same person's earlier ones."""
    seen: dict[int, list[int]] = {}
    earlier = []
    for row, person in enumerate(user):
        past = seen.setdefault(int(person), [])
        earlier.append(np.array(past, np.int64))
        past.append(row)
    return earlier


def shrinkage(user: Ints, values: Floats) -> Floats:
    """Return the number of reports that the population is worth, `(2,)`: the variance within people over that between.

    The variance between people is the one-way analysis of variance's estimate, never below a fiftieth of that within.
    """
    people, group = np.unique(user, return_inverse=True)
    counts = np.bincount(group)
    means = np.stack([np.bincount(group, values[:, axis]) / counts for axis in range(2)], axis=1)
    within = ((values - means[group]) ** 2).sum(axis=0) / max(1, len(values) - len(people))
    between = (counts[:, None] * (means - values.mean(axis=0)) ** 2).sum(axis=0) / max(1, len(people) - 1)
    typical = (len(values) - (counts**2).sum() / len(values)) / max(1, len(people) - 1)
    return np.asarray(within / np.maximum((between - within) / typical, within / 50))


def shrunk_mean(values: Floats, earlier: list[Ints], worth: Floats, prior: Floats, few: int | None = None) -> Floats:
    """Return the shrunk mean of the earlier values of each row, `(n, 2)`; of the last `few` where it is given."""
    rows = [past if few is None else past[-few:] for past in earlier]
    return np.stack([(values[past].sum(axis=0) + worth * prior) / (len(past) + worth) for past in rows])


def process(recordings: Recordings, setting: Setting, *, few: bool) -> Weighted:
    """Return the weights of every listening's earlier reports.

    Args:
        recordings: what was reported.
        setting: of the process.
        few: whether to remember at most `FEW` reports: the last after music and the last four before it; else all of
            daily life and the lab.
    """
    daily = recordings.daily
    count = len(daily.user)
    of_reports, of_means, used = np.zeros((count, 2)), np.zeros((count, 3)), np.zeros(count, np.int64)
    for person in np.unique(daily.user):
        rows, times, kinds, values = _reports(recordings, int(person))
        covariance = _covariance(times, kinds, setting)
        noise = (1 - _PERSON - setting.wave) * np.where(kinds == _AFTER, _AFTER_NOISE, 1.0)
        first = len(times) - 2 * len(rows)
        for place, row in enumerate(rows):
            past = _few(first, place) if few else np.arange(first + 2 * place)
            if len(past) == 0:
                continue
            own = covariance[np.ix_(past, past)] + np.diag(noise[past])
            weights = np.linalg.solve(own, covariance[first + 2 * place, past])
            of_reports[row] = weights @ values[past]
            of_means[row] = np.bincount(kinds[past], weights, minlength=3)
            used[row] = len(past)
    return Weighted(of_reports, of_means, used)


def _few(first: int, place: int) -> Ints:
    """Return the places of the last report after music and the last four before it."""
    before = first + 2 * np.arange(max(0, place - FEW + 1), place)
    return np.sort(np.append(before, first + 2 * place - 1)) if place else np.empty(0, np.int64)


def _reports(recordings: Recordings, person: int) -> tuple[Ints, Floats, Ints, Floats]:
    """Return a person's listenings and the reports in order: of the lab, then before and after each listening."""
    daily, lab = recordings.daily, recordings.lab
    rows, in_lab = np.flatnonzero(daily.user == person), np.flatnonzero(lab.user == person)
    # What was reported in the lab counts from the first listening on: the lab came first.
    if len(rows):
        in_lab = in_lab[lab.time[in_lab] < daily.time[rows[0]]]
    times = np.stack([daily.time[rows], daily.time[rows] + _LISTENING_S], axis=1).reshape(-1)
    values = np.stack([daily.before[rows], daily.after[rows]], axis=1).reshape(-1, 2)
    kinds = np.tile([_BEFORE, _AFTER], len(rows))
    return (
        rows,
        np.concatenate([lab.time[in_lab], times]),
        np.concatenate([np.full(len(in_lab), _LAB), kinds]).astype(np.int64),
        np.concatenate([lab.after[in_lab], values]),
    )


def _covariance(times: Floats, kinds: Ints, setting: Setting) -> Floats:
    apart = np.abs(times[:, None] - times[None, :]) / _HOUR_S
    daily = (kinds[:, None] != _LAB) & (kinds[None, :] != _LAB)
    wave = np.where(daily, np.exp(-apart / setting.hours), 0.0)
    alike = np.full((3, 3), setting.lab)
    alike[:_LAB, :_LAB] = _BEFORE_AND_AFTER
    np.fill_diagonal(alike, 1.0)
    return np.asarray(_PERSON * alike[np.ix_(kinds, kinds)] + setting.wave * wave)

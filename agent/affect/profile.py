"""What is kept of a listener between sessions: baselines and the running mean of their own reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from agent.affect.baseline import Baseline, Level
from agent.affect.filter import Prior
from models.errors import Reason, StorageError

__all__ = ["Profile"]

_FORMAT: Final = 1
# HKU956 (24 listeners, 790 self-reports while music played, divided by 10): mean and standard deviation of valence and
# arousal; a listener's own mean explains an eighth of the variance (research data README, "hku956").
_POPULATION_MEAN: Final = (0.17, 0.11)
_POPULATION_SD: Final = (0.44, 0.44)
_BETWEEN: Final = 0.12
_HALF_KNOWN: Final = (1.0 - _BETWEEN) / _BETWEEN
"""Reports after which a listener's own mean and the population's count the same: the ratio of the variances within and
between people (7.3)."""
_SPREAD_KNOWN: Final = 20.0
"""Reports as which the population's variance within a person counts. People differ in how much they swing: with their
own spread learned, the log-likelihood of the next report of somebody held out rises by .05 to .1 on HKU956 and SiTunes
(`python -m benchmarks.calibration` holds the protocol)."""


class _Reports(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Reports as far as they are kept: their number, mean, and mean square distance from it."""

    count: Annotated[int, Meta(ge=0, le=10**9)] = 0
    valence: Annotated[float, Meta(ge=-1.0, le=1.0)] = 0.0
    arousal: Annotated[float, Meta(ge=-1.0, le=1.0)] = 0.0
    spread: tuple[Annotated[float, Meta(ge=0.0, le=1.0)], Annotated[float, Meta(ge=0.0, le=1.0)]] | None = None


class _Saved(msgspec.Struct, forbid_unknown_fields=True):
    format: int
    baseline: dict[str, Level]
    reports: _Reports


class Profile:
    """A listener as far as the player knows them.

    Attributes:
        baseline: what is normal for their body.
    """

    def __init__(self) -> None:
        self.baseline = Baseline()
        self._reports = _Reports()

    @property
    def report_count(self) -> int:
        """How often the listener told how they feel."""
        return self._reports.count

    @property
    def usual(self) -> tuple[float, float] | None:
        """Mean of the listener's own reports; None before the first."""
        return (self._reports.valence, self._reports.arousal) if self._reports.count else None

    def report(self, valence: float, arousal: float) -> None:
        """Take in a report, both in [-1, 1]."""
        old = self._reports
        count = old.count + 1
        said, mean = np.array((valence, arousal)), np.array((old.valence, old.arousal))
        # Welford's recurrence, Knuth, The Art of Computer Programming 2, 4.2.2.
        after = mean + (said - mean) / count
        squares = self._variance() * old.count + (said - mean) * (said - after)
        spread = np.clip(squares / count, 0.0, 1.0)
        self._reports = _Reports(count, float(after[0]), float(after[1]), (float(spread[0]), float(spread[1])))

    def _variance(self) -> NDArray[np.float64]:
        """Mean square distance of the reports from their mean, [2]; what one expects where it was not kept."""
        if self._reports.spread is None:
            return np.square(_POPULATION_SD) * (1.0 - _BETWEEN) * (self._reports.count > 0)
        return np.array(self._reports.spread)

    def prior(self) -> Prior:
        """What to expect of the listener without evidence of the day.

        The own mean is shrunk towards the population's as far as its reports are few, and so is the variance within the
        person; what stays uncertain about the mean adds to it.
        """
        own = self._reports.count / (self._reports.count + _HALF_KNOWN)
        population = np.array(_POPULATION_MEAN)
        mean = population + own * (np.array(self.usual or _POPULATION_MEAN) - population)
        everybody = np.square(_POPULATION_SD)
        count = self._reports.count
        squares = _SPREAD_KNOWN * everybody * (1.0 - _BETWEEN) + count * self._variance()
        within = squares / (_SPREAD_KNOWN + max(0, count - 1))
        return Prior(mean, np.diag(within + everybody * _BETWEEN * (1.0 - own)))

    def to_dict(self) -> dict[str, Any]:
        """The profile as JSON-ready data."""
        saved = _Saved(_FORMAT, dict(self.baseline.levels), self._reports)
        data: dict[str, Any] = msgspec.to_builtins(saved)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Profile:
        """The profile that `to_dict` wrote.

        Raises:
            StorageError: the data are none: CORRUPT, or INCOMPATIBLE where another version wrote them.
        """
        remedy = "A new profile is begun; the first minutes calibrate it"
        try:
            saved = msgspec.convert(data, _Saved)
        except msgspec.ValidationError as error:
            raise StorageError(
                f"the stored profile of the listener is damaged: {error}", reason=Reason.CORRUPT, remedy=remedy
            ) from error
        if saved.format != _FORMAT:
            raise StorageError(
                f"the stored profile has format {saved.format}, this program reads {_FORMAT}",
                reason=Reason.INCOMPATIBLE,
                remedy=remedy,
            )
        profile = cls()
        profile.baseline = Baseline(saved.baseline)
        profile._reports = saved.reports
        return profile

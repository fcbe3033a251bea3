"""What is kept of a listener between sessions: baselines and the running mean of their own reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
import numpy as np
from msgspec import Meta

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


class _Reports(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    count: Annotated[int, Meta(ge=0, le=10**9)] = 0
    valence: Annotated[float, Meta(ge=-1.0, le=1.0)] = 0.0
    arousal: Annotated[float, Meta(ge=-1.0, le=1.0)] = 0.0


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
        self._reports = _Reports(
            count, old.valence + (valence - old.valence) / count, old.arousal + (arousal - old.arousal) / count
        )

    def prior(self) -> Prior:
        """What to expect of the listener without evidence of the day.

        The own mean is shrunk towards the population's as far as its reports are few; what stays uncertain about it
        adds to the variance within the person.
        """
        own = self._reports.count / (self._reports.count + _HALF_KNOWN)
        population = np.array(_POPULATION_MEAN)
        mean = population + own * (np.array(self.usual or _POPULATION_MEAN) - population)
        variance = np.square(_POPULATION_SD) * ((1.0 - _BETWEEN) + _BETWEEN * (1.0 - own))
        return Prior(mean, np.diag(variance))

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

"""What is kept of a listener between sessions: baselines, and how they usually say that they feel.

Rules, which the tests hold:

- Reports of one sitting are of one kind of moment: twenty songs rated in a laboratory tell little about the person's
  days. Kish's design effect (1965, Survey Sampling, 5.4): n of them count as n / (1 + (n - 1) ρ).
- How much the listener swings is learned within few reports and forgotten within days: it is a matter of the situation
  as much as of the person.
- What is not known of the listener is what is known of people.
"""

from __future__ import annotations

import math
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

_FORMAT: Final = 2
_POPULATION_MEAN: Final = (0.17, 0.11)
"""Mean of HKU956's 790 self-reports while music played (24 listeners), divided by 10."""
_POPULATION_SD: Final = (0.35, 0.41)
"""Root mean square of the standard deviations of four questions: HKU956's (.44, .44), and SiTunes' after a track in the
laboratory (.19, .42), before one in daily life (.37, .41) and after it (.33, .36)."""
_BETWEEN: Final = 0.12
_HALF_KNOWN: Final = (1.0 - _BETWEEN) / _BETWEEN
"""Reports after which a listener's own mean and the population's count the same: the ratio of the variances within and
between people (7.3). A listener's own mean explains an eighth of the variance of HKU956."""
_SITTING_S: Final = 3600.0
"""What is said within this time of the last report belongs to the same sitting."""
_ALIKE: Final = 0.8
"""ρ, correlation of the moments of one sitting as to what is usual for the person. At 0 twenty reports of SiTunes'
laboratory spoil the forecasts of the days after, where valence is .2 higher; from .3 on hardly."""
_SPREAD_KNOWN: Final = 4.0
"""Reports as which the population's variance within a person counts."""
_SPREAD_FORGOTTEN_S: Final = 21600.0
"""Time constant of forgetting what is known of it: a night. The same people's valence swings by .19 in SiTunes'
laboratory and by .35 in the days after. A day is a little better on the way (.004 nats), but twenty reports of the
laboratory then cost more in the days after."""

_Axis = Annotated[float, Meta(ge=-1.0, le=1.0)]
_Variance = Annotated[float, Meta(ge=0.0, le=1.0)]
_Weight = Annotated[float, Meta(ge=0.0, le=1e9)]


class _Mean(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mean of reports and the number as which they count."""

    weight: _Weight = 0.0
    valence: _Axis = 0.0
    arousal: _Axis = 0.0

    def with_(self, weight: float, valence: float, arousal: float) -> _Mean:
        total = self.weight + weight
        share = weight / total if total > 0.0 else 0.0
        return _Mean(total, *np.clip((1 - share) * self.pair + share * np.array((valence, arousal)), -1, 1).tolist())

    @property
    def pair(self) -> NDArray[np.float64]:
        return np.array((self.valence, self.arousal))


class _Reports(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Reports as far as they are kept.

    Attributes:
        count: how many there were.
        valence: mean of all of them; `arousal` likewise.
        spread: mean square distance from that mean, newer ones weighing more.
        spread_count: as how many reports the spread counts, when the last one came.
        earlier: the sittings before this one.
        sitting: the one under way.
        t: of the last report, seconds since the epoch.
    """

    count: Annotated[int, Meta(ge=0, le=10**9)] = 0
    valence: _Axis = 0.0
    arousal: _Axis = 0.0
    spread: tuple[_Variance, _Variance] | None = None
    spread_count: _Weight = 0.0
    earlier: _Mean = _Mean()
    sitting: _Mean = _Mean()
    t: Annotated[float, Meta(ge=0.0, le=1e12)] | None = None

    @property
    def of_all_sittings(self) -> _Mean:
        """The usual: every sitting as what it counts."""
        said = self.sitting.weight
        return self.earlier.with_(said / (1.0 + max(0.0, said - 1.0) * _ALIKE), *self.sitting.pair)

    def since(self, now: float) -> float:
        """Seconds since the last report, infinite before the first."""
        return math.inf if self.t is None else max(0.0, now - self.t)


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

    def report(self, valence: float, arousal: float, now: float) -> None:
        """Take in a report, both in [-1, 1], at `now` seconds since the epoch."""
        old, said = self._reports, np.array((valence, arousal))
        count = old.count + 1
        # Welford's recurrence, Knuth, The Art of Computer Programming 2, 4.2.2.
        before = np.array((old.valence, old.arousal))
        after = before + (said - before) / count
        known = self._spread_count(now)
        squares = known * self._spread() + (said - before) * (said - after)
        spread = np.clip(squares / (known + 1.0), 0.0, 1.0).tolist()
        again = old.since(now) < _SITTING_S
        self._reports = _Reports(
            count,
            float(after[0]),
            float(after[1]),
            (spread[0], spread[1]),
            known + 1.0,
            old.earlier if again else old.of_all_sittings,
            (old.sitting if again else _Mean()).with_(1.0, valence, arousal),
            now,
        )

    def _spread(self) -> NDArray[np.float64]:
        """Mean square distance of the reports from their mean, [2]."""
        return np.array(self._reports.spread or (0.0, 0.0))

    def _spread_count(self, now: float | None) -> float:
        """As how many reports it counts."""
        passed = 0.0 if now is None else self._reports.since(now)
        return self._reports.spread_count * math.exp(-passed / _SPREAD_FORGOTTEN_S)

    def prior(self, now: float | None = None) -> Prior:
        """What to expect of the listener without evidence of the day.

        The own mean is shrunk towards the population's as far as its reports are few, and so is the variance within the
        person; what stays uncertain about the mean adds to it.

        Args:
            now: seconds since the epoch; the time of the last report when None.
        """
        usual = self._reports.of_all_sittings
        own = usual.weight / (usual.weight + _HALF_KNOWN)
        population, everybody = np.array(_POPULATION_MEAN), np.square(_POPULATION_SD)
        known = self._spread_count(now)
        squares = _SPREAD_KNOWN * everybody * (1.0 - _BETWEEN) + known * self._spread()
        within = squares / (_SPREAD_KNOWN + max(0.0, known - 1.0))
        mean = population + own * (usual.pair - population)
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
        if saved.format not in {1, _FORMAT}:
            raise StorageError(
                f"the stored profile has format {saved.format}, this program reads {_FORMAT}",
                reason=Reason.INCOMPATIBLE,
                remedy=remedy,
            )
        profile = cls()
        profile.baseline = Baseline(saved.baseline)
        profile._reports = saved.reports if saved.format == _FORMAT else _without_sittings(saved.reports)
        return profile


def _without_sittings(old: _Reports) -> _Reports:
    """Reports of format 1, which told neither times nor sittings."""
    return msgspec.structs.replace(old, earlier=_Mean(float(old.count), old.valence, old.arousal))

"""SiTunes as examples: the mood before music from the wrist, the mood after music from what was heard and liked.

Steps are minutes. Heart rate comes as the difference to the person's own offset, so a person's median stands for the
own level; the wristband's intensity of movement (0 to about 250) is put on the scale of `motion` by a line through rest
and running. What was heard is Spotify's valence and energy of the track; how it was received follows from the rating:
4 and 5 is a like, 1 and 2 a dislike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.data.situnes import Interactions, SiTunes
from cloud_trainer.user_emotion.examples import SIZE, Examples, concatenate, history
from models.physiology.baseline import POPULATION_CENTRES
from models.physiology.schema import INDEX, PHYSIOLOGY
from models.physiology.steps import step

__all__ = ["situnes_examples"]

Array = npt.NDArray[np.float64]

_MINUTE_S: Final = 60.0
_LABEL_SD: Final = 0.05
_LIKED, _DISLIKED = 4, 2
_REST_MS2, _RUNNING_MS2, _RUNNING_INTENSITY = 0.02, 3.0, 150.0
"""Standard deviation of the acceleration's magnitude at rest and when running, and the intensity at which one runs."""


def situnes_examples(data: SiTunes) -> Examples:
    """Return the examples of all persons: kinds `situnes_before`, `situnes_after` and `situnes_lab`."""
    people = np.unique(np.concatenate([data.lab.user, data.daily.user]))
    return concatenate([part for person in people for part in _person(data, int(person)) if len(part)])


def _person(data: SiTunes, person: int) -> list[Examples]:
    reports: list[Array] = []
    lab = _lab(data, np.flatnonzero(data.lab.user == person), reports, f"situnes-{person}")
    daily = _daily(data, np.flatnonzero(data.daily.user == person), reports, f"situnes-{person}")
    return [lab, *daily]


def _lab(data: SiTunes, rows: npt.NDArray[np.int64], reports: list[Array], person: str) -> Examples:
    """One session of some twenty tracks: each is a step, the moods reported after the tracks before are the history."""
    past: list[Array] = []
    made: list[tuple[Array, Array, Array]] = []
    for row in rows:
        felt = data.lab.after[row].astype(np.float64)
        current = _heard_step(data, data.lab, row, reports)
        made.append((history([*past, current]), felt, _usual(reports)))
        reported = current.copy()
        reported[INDEX["reported_valence"]], reported[INDEX["reported_arousal"]] = felt
        past.append(reported)
        reports.append(felt)
    nothing = np.full(SIZE, np.nan), np.zeros(SIZE)
    return _examples(made, [nothing] * len(made), person=person, kind="situnes_lab")


def _daily(
    data: SiTunes, rows: npt.NDArray[np.int64], reports: list[Array], person: str
) -> tuple[Examples, Examples, Examples]:
    parts: dict[str, list[tuple[Array, Array, Array]]] = {"before": [], "after": [], "after_reported": []}
    # The offset of the heart rate is the person's own; its median over earlier listenings is what a device would know.
    rates: list[Array] = []
    levels: list[tuple[Array, Array]] = []
    for row in rows:
        rate = data.daily.heart_rate[row].astype(np.float64)
        levels.append(_levels(rates))
        before, after = data.daily.before[row].astype(np.float64), data.daily.after[row].astype(np.float64)
        minutes = [_minute(data.daily, row, minute, reports) for minute in range(rate.shape[0])]
        parts["before"].append((history(minutes), before, _usual(reports)))
        music = _heard_step(data, data.daily, row, reports)
        parts["after"].append((history([*minutes, music]), after, _usual(reports)))
        reported = minutes[-1].copy()
        reported[INDEX["reported_valence"]], reported[INDEX["reported_arousal"]] = before
        reports.append(before)
        music = _heard_step(data, data.daily, row, reports)
        parts["after_reported"].append((history([*minutes[:-1], reported, music]), after, _usual(reports)))
        reports.append(after)
        rates.append(rate[np.isfinite(rate)])
    made = [_examples(part, levels, person=person, kind=f"situnes_{kind}") for kind, part in parts.items()]
    return made[0], made[1], made[2]


def _minute(daily: Interactions, row: int, minute: int, reports: Sequence[Array]) -> Array:
    physiology = np.full(len(PHYSIOLOGY), np.nan)
    rate, intensity = daily.heart_rate[row, minute], daily.intensity[row, minute]
    physiology[INDEX["heart_rate"]] = POPULATION_CENTRES[INDEX["heart_rate"]] + rate
    if minute:
        physiology[INDEX["heart_rate_slope"]] = rate - daily.heart_rate[row, minute - 1]
    share = np.clip(intensity / _RUNNING_INTENSITY, 0, 1.5)
    physiology[INDEX["motion"]] = np.log(_REST_MS2) + share * np.log(_RUNNING_MS2 / _REST_MS2)
    usual = _usual(reports)
    return step(
        physiology,
        usual=(float(usual[0]), float(usual[1])) if reports else None,
        reports=len(reports),
        step_s=_MINUTE_S,
    )


def _heard_step(data: SiTunes, interactions: Interactions, row: int, reports: Sequence[Array]) -> Array:
    rating = interactions.rating[row]
    emotion = data.emotion[interactions.track[row]]
    usual = _usual(reports)
    return step(
        heard=(float(emotion[0]), float(emotion[1])),
        heard_share=1.0,
        liked=float(rating >= _LIKED) - float(rating <= _DISLIKED),
        usual=(float(usual[0]), float(usual[1])) if reports else None,
        reports=len(reports),
        step_s=_MINUTE_S,
    )


def _usual(reports: Sequence[Array]) -> Array:
    return np.mean(reports, axis=0) if reports else np.full(2, np.nan)


def _levels(rates: Sequence[Array]) -> tuple[Array, Array]:
    """Return own levels and the seconds that they are of, from the heart rates before earlier listenings."""
    level, seconds = np.full(SIZE, np.nan), np.zeros(SIZE)
    seen = np.concatenate(rates) if rates else np.empty(0)
    if len(seen):
        level[INDEX["heart_rate"]] = POPULATION_CENTRES[INDEX["heart_rate"]] + np.median(seen)
        seconds[INDEX["heart_rate"]] = _MINUTE_S * len(seen)
    return level, seconds


def _examples(
    rows: Sequence[tuple[Array, Array, Array]], levels: Sequence[tuple[Array, Array]], *, person: str, kind: str
) -> Examples:
    """Return examples of (history, label, usual)."""
    raw, labels, usuals = ([row[column] for row in rows] for column in range(3))
    count = len(raw)
    return Examples(
        raw=np.stack(raw) if raw else np.empty((0, *history([]).shape)),
        level=np.reshape([level for level, _ in levels[:count]], (count, SIZE)),
        seconds=np.reshape([seconds for _, seconds in levels[:count]], (count, SIZE)),
        label=np.reshape(labels, (count, 2)),
        label_sd=np.full((count, 2), _LABEL_SD),
        usual=np.reshape(usuals, (count, 2)),
        person=np.full(count, person),
        kind=np.full(count, kind),
    )

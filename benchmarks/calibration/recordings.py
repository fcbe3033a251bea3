"""What held-out people did, as events in time: the body, the music, a like, a rating.

HKU956. Features every five seconds of a song, by the trainer's own `session_features`; the rating when the song ends;
then a pause of `PAUSE_S` in which nothing is recorded. A song is heard as the training persons rated it; one that none
of them rated, as the average song: a device has an estimate of every track. Two such songs in a row are a hair apart,
as any two tracks are.

SiTunes. The wristband told one number a minute. A device with such a wristband evaluates every five seconds all the
same, so each minute's numbers stand from the end of their minute until the next one's, and the last one's for another
minute: nobody knows a minute before it is over. The model looks back on two and a half minutes; those before move the
filter and the heart's baseline. Numbers, music and likes are those of the trainer's examples. A track is heard from its
time on, and rated before the next one begins, or after `_HEARD_S`. Times between are the real ones, days included. A
few listenings of daily life have the time of the one before: nobody can say when they were, so they are left out.

What was asked right after a track is told as a word on the music, what was asked before any as one on the mood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from agent.affect.steps import Reception
from agent.sensing.quality import NOWHERE, signal_quality
from benchmarks.calibration.people import Fold, Kind, People
from cloud_trainer.data.hku956 import RATES_HZ, Listening
from cloud_trainer.data.situnes import Interactions, SiTunes
from cloud_trainer.user_emotion.examples import Examples
from models.physiology.pulse import analyse
from models.physiology.schema import INDEX, PHYSIOLOGY, STEP_S
from models.physiology.windows import window

__all__ = [
    "PAUSE_S",
    "Body",
    "Event",
    "Heard",
    "Rated",
    "Received",
    "Recording",
    "hku_recording",
    "qualities",
    "recording_of",
    "situnes_recording",
]

Array = npt.NDArray[np.float64]

PAUSE_S: Final = 10.0
"""Between two songs of HKU956, whose times are not given: about what a rating takes (in SiTunes' lab it is 12 s)."""
_HEARD_S: Final = 180.0
"""Most of a track of SiTunes that was heard: half were heard for longer (191 s) in daily life, and 103 s in the lab."""
_SHORTEST_S: Final = 60.0
"""The shortest listening of SiTunes' daily life; two that begin closer to each other are one too many."""
_ANSWER_S: Final = 10.0
"""From a track's end to the next one's begin, at least: the time of a rating."""
_MINUTE_S: Final = 60.0
_QUANTITY: Final[Mapping[str, str]] = {"BVP": "ppg", "EDA": "eda", "HR": "hr", "TEMP": "temp"}
_START: Final = 1_600_000_000.0
_HAIR: Final = 1e-6


@dataclass(frozen=True)
class Body:
    """What the wearables say at a moment.

    Attributes:
        t: seconds since the epoch.
        values: in the order of `PHYSIOLOGY`, NaN where unknown.
        quality: of each quantity's stream, [0, 1].
    """

    t: float
    values: Array
    quality: Mapping[str, float]


@dataclass(frozen=True)
class Heard:
    """Music of this emotion plays from now on; None is silence."""

    t: float
    emotion: tuple[float, float] | None


@dataclass(frozen=True)
class Received:
    """A track was liked or not."""

    t: float
    how: Reception


@dataclass(frozen=True)
class Rated:
    """How the person felt at a moment, in their own word.

    Attributes:
        t: seconds since the epoch.
        felt: valence and arousal, [-1, 1].
        kind: which question of which data set.
        timed: whether the data tell when; what they do not is neither told nor judged.
    """

    t: float
    felt: tuple[float, float]
    kind: Kind
    timed: bool = True

    @property
    def of(self) -> Literal["mood", "music"]:
        """What the person was asked about."""
        return "mood" if self.kind == "situnes_before" else "music"


Event = Body | Heard | Received | Rated


@dataclass(frozen=True)
class Recording:
    """All events of one person, in time order."""

    person: str
    events: tuple[Event, ...]


def recording_of(fold: Fold, people: People, person: str, *, minutes: int = 30, lab: bool = True) -> Recording:
    """Return what a person did whom the fold holds out; of SiTunes see `situnes_recording`."""
    if person in people.sessions:
        return hku_recording(people.sessions[person], people.features[person], fold.heard[person], fold.average)
    number = int(person.removeprefix("situnes-"))
    return situnes_recording(people.tunes, people.tune_examples, number, minutes=minutes, lab=lab)


def qualities(listening: Listening, moment: float) -> dict[str, float]:
    """Return the quality of each stream `moment` seconds into a song, as `agent.sensing` judges it."""
    found = {}
    for signal, quantity in _QUANTITY.items():
        values = np.asarray(listening.signals[signal], np.float64)
        times, values = window((np.arange(len(values)) + 1) / RATES_HZ[signal], values, at=moment, seconds=60.0)
        around = NOWHERE._replace(beats=analyse(times, values).quality) if quantity == "ppg" else NOWHERE
        found[quantity] = min(1.0, signal_quality(quantity, times, values, around))
    return found


def hku_recording(
    listenings: Sequence[Listening],
    features: Sequence[Array],
    heard: Mapping[int, tuple[float, float]],
    average: tuple[float, float],
) -> Recording:
    """Return one person's session.

    Args:
        listenings: in order.
        features: of each, from the trainer's `session_features`.
        heard: by song, as the training persons rated it.
        average: of a song that none of them rated.
    """
    events: list[Event] = []
    now = _START
    for order, (listening, rows) in enumerate(zip(listenings, features, strict=True)):
        events.append(Heard(now, heard.get(listening.song, (average[0] + order * _HAIR, average[1]))))
        for number, values in enumerate(rows, 1):
            moment = min(number * STEP_S, listening.seconds)
            events.append(Body(now + moment, values, qualities(listening, moment)))
        now += listening.seconds
        events += [Rated(now, _pair(listening.felt), "hku956"), Heard(now, None)]
        now += PAUSE_S
    return Recording(listenings[0].person, tuple(events))


def situnes_recording(
    data: SiTunes, examples: Examples, person: int, *, minutes: int = 30, lab: bool = True
) -> Recording:
    """Return one person's lab session and daily life.

    Args:
        data: the set.
        examples: the trainer's, from which body, music and likes are taken.
        person: SiTunes' number.
        minutes: of the wristband before each track that are played, at most 30.
        lab: whether the lab session is played.
    """
    own = examples.take(examples.person == f"situnes-{person}")
    sessions = [
        _lab_events(data.lab, np.flatnonzero(data.lab.user == person), own) if lab else [],
        _daily_events(data.daily, np.flatnonzero(data.daily.user == person), own, minutes),
    ]
    # One person's daily life came before the lab; none was in both at once.
    events = [event for session in sorted((s for s in sessions if s), key=lambda s: s[0].t) for event in session]
    return Recording(f"situnes-{person}", tuple(events))


def _lab_events(lab: Interactions, rows: npt.NDArray[np.int64], own: Examples) -> list[Event]:
    events: list[Event] = []
    steps = own.raw[own.kind == "situnes_lab", -1]
    for order, row in enumerate(rows):
        end = _end(lab, rows, order, least_s=_ANSWER_S)
        events += _listening(float(lab.time[row]), end, steps[order])
        events += [Rated(end, _pair(lab.after[row]), "situnes_lab"), Heard(end, None)]
    return events


def _daily_events(daily: Interactions, rows: npt.NDArray[np.int64], own: Examples, minutes: int) -> list[Event]:
    events: list[Event] = []
    before = own.raw[own.kind == "situnes_before"]
    music = own.raw[own.kind == "situnes_after", -1]
    ended = started = -np.inf
    for order, row in enumerate(rows):
        start, end = float(daily.time[row]), _end(daily, rows, order, least_s=_SHORTEST_S)
        if start - started < _SHORTEST_S:
            felt = (_pair(daily.before[row]), _pair(daily.after[row]))
            events.append(Rated(ended, felt[0], "situnes_before", timed=False))
            events.append(Rated(ended, felt[1], "situnes_after", timed=False))
            continue
        started = start
        count = daily.heart_rate.shape[1]
        recorded = before[order, -count:, : len(PHYSIOLOGY)][count - min(minutes, count) :]
        body = [event for event in _minutes(recorded, start) if ended < event.t <= end]
        rated = [Rated(start, _pair(daily.before[row]), "situnes_before"), *_listening(start, end, music[order])]
        rated += [Rated(end, _pair(daily.after[row]), "situnes_after"), Heard(end, None)]
        # A stable sort: at the moment of a rating, the body is read before the person is asked.
        events += sorted([*body, *rated], key=lambda event: event.t)
        ended = end
    return events


def _minutes(recorded: Array, until: float) -> list[Body]:
    """Return the body every five seconds, from minutes of which the last one ends at `until`."""
    events = []
    for back, values in enumerate(recorded[::-1]):
        if not np.isfinite(values).any():
            continue
        quality = {"hr": float(np.isfinite(values[INDEX["heart_rate"]]))}
        known = until - back * _MINUTE_S
        events += [Body(known + second, values, quality) for second in np.arange(0.0, _MINUTE_S, STEP_S)]
    return sorted(events, key=lambda event: event.t)


def _end(interactions: Interactions, rows: npt.NDArray[np.int64], order: int, *, least_s: float) -> float:
    """Return when a track was rated; what begins less than `least_s` after it is not listened for."""
    start = float(interactions.time[rows[order]])
    later = interactions.time[rows[order + 1 :]]
    following = float(np.min(later[later - start >= least_s], initial=np.inf))
    return min(following - _ANSWER_S, start + _HEARD_S)


def _listening(start: float, end: float, step: Array) -> list[Event]:
    """Return a track, and how it was received: that shows while it plays."""
    valence, arousal, liked = (float(step[INDEX[name]]) for name in ("heard_valence", "heard_arousal", "liked"))
    events: list[Event] = [Heard(start, (valence, arousal) if np.isfinite(valence + arousal) else None)]
    if liked:
        events.append(Received(end, "like" if liked > 0 else "dislike"))
    return events


def _pair(values: npt.NDArray[np.floating[Any]]) -> tuple[float, float]:
    return float(values[0]), float(values[1])

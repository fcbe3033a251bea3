"""From a week of listening to a table of counts. Pure.

Rules:

- A track counts by the quarter of the plane that its emotion lies in, the listener by that of the state when the track
  ended; a state that is no surer than chance about its quarter is `unknown`.
- Of a day at most `EVENTS_A_DAY` events count, drawn at random: so one day changes the table by so much and no more,
  which is what the noise is measured by.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["EVENTS_A_DAY", "FELT", "MUSIC", "OUTCOMES", "Event", "bounds", "quarter", "tabulate", "week_of"]

MUSIC: Final = ("excited", "tense", "sad", "calm")
"""The quarters of the plane, counted from positive valence and positive arousal against the clock."""
FELT: Final = ("unknown", *MUSIC)
OUTCOMES: Final = ("completed", "skipped", "liked", "disliked")
EVENTS_A_DAY: Final = 12
"""A day's listening of an hour; a day of more says little more, and would cost everybody more noise."""


class Event(NamedTuple):
    """Something that the listener did with a track.

    Attributes:
        t: seconds since the epoch.
        felt: index into `FELT`.
        music: index into `MUSIC`.
        outcome: index into `OUTCOMES`.
    """

    t: float
    felt: int
    music: int
    outcome: int


def quarter(valence: float, arousal: float) -> int:
    """Index into `MUSIC` of a point of the plane; the axes belong to the positive side."""
    if arousal >= 0.0:
        return 0 if valence >= 0.0 else 1
    return 2 if valence < 0.0 else 3


def week_of(t: float) -> str:
    """The ISO 8601 week, in UTC."""
    year, week, _ = datetime.fromtimestamp(t, UTC).isocalendar()
    return f"{year}-W{week:02}"


def bounds(week: str) -> tuple[float, float]:
    """First second of a week and of the next one, since the epoch.

    Raises:
        ValueError: it is no ISO 8601 week.
    """
    monday = datetime.strptime(f"{week}-1", "%G-W%V-%u").replace(tzinfo=UTC)
    return monday.timestamp(), (monday + timedelta(days=7)).timestamp()


def tabulate(events: Sequence[Event], random: Random) -> NDArray[np.int64]:
    """Count the events of a week, of each day at most `EVENTS_A_DAY`.

    Args:
        events: in any order.
        random: draws which events of a long day count.

    Returns:
        int64 [len(FELT), len(MUSIC), len(OUTCOMES)].
    """
    days: dict[int, list[Event]] = {}
    for event in events:
        days.setdefault(math.floor(event.t / 86_400.0), []).append(event)
    counts = np.zeros((len(FELT), len(MUSIC), len(OUTCOMES)), np.int64)
    for of_day in days.values():
        for event in random.sample(of_day, min(len(of_day), EVENTS_A_DAY)):
            counts[event.felt, event.music, event.outcome] += 1
    return counts

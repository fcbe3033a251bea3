"""A week's report: made once from the database, kept until it was sent.

Rules:

- A report is noised once and then kept as it is: the same week noised twice would tell twice as much.
- Nothing is counted from before the consent, and only whole weeks.
- What was sent stays on the disk (`sent/`), so the listener can read every word that left.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Final

import msgspec

from agent.feedback.aggregate import EVENTS_A_DAY, FELT, MUSIC, OUTCOMES, Event, bounds, quarter, tabulate, week_of
from agent.feedback.consent import Consent
from agent.feedback.noise import noised
from agent.storage.records import AffectRow, Feedback, Play
from models.wire.messages import FeedbackReport

__all__ = ["FORMAT", "Shelf", "due_weeks", "events_of", "make_report"]

FORMAT: Final = 1
_STALE_S: Final = 120.0
"""An affect state older than this says nothing of how the listener felt."""
_UNSURE_SD: Final = 0.45
"""A state whose error is larger than half of the plane's quarter does not tell which quarter it is."""
_SENSITIVITY: Final = EVENTS_A_DAY
"""A day that is left out takes at most so many events out of the table, one each."""


def due_weeks(consent: Consent, known: frozenset[str], *, now: float) -> list[str]:
    """The whole weeks since the consent that have no report yet, oldest first; of the last eight."""
    weeks = {week_of(now - 7 * 86_400.0 * back) for back in range(1, 9)}
    return sorted(week for week in weeks - known if bounds(week)[0] >= consent.given_t and bounds(week)[1] <= now)


def events_of(
    week: str,
    *,
    plays: Sequence[Play],
    judged: Sequence[Feedback],
    states: Sequence[AffectRow],
    emotions: Mapping[str, tuple[float, float]],
) -> list[Event]:
    """What the listener did in a week with tracks whose emotion is known.

    Args:
        week: ISO 8601.
        plays: in any order, of any time.
        judged: likewise.
        states: oldest first.
        emotions: valence and arousal by track.
    """
    begin, end = bounds(week)
    times = [state.t for state in states]
    did: list[tuple[float, str, str]] = [
        *((play.ended_t, play.track_id, play.outcome) for play in plays if play.outcome in OUTCOMES),
        *((said.t, said.track_id, said.kind) for said in judged),
    ]
    return [
        Event(t, _felt(t, times, states), quarter(*emotions[track]), OUTCOMES.index(outcome))
        for t, track, outcome in did
        if begin <= t < end and track in emotions
    ]


def make_report(week: str, events: Sequence[Event], consent: Consent, *, bundle: str, random: Random) -> FeedbackReport:
    """Count, clip and noise.

    Args:
        week: ISO 8601.
        events: of that week.
        consent: whose epsilon holds.
        bundle: version of the one in use.
        random: `random.SystemRandom()`.
    """
    epsilon = Fraction(consent.epsilon)
    counts = noised(tabulate(events, random), epsilon=epsilon, sensitivity=_SENSITIVITY, random=random)
    return FeedbackReport(
        format=FORMAT,
        week=week,
        bundle=bundle,
        felt=FELT,
        music=MUSIC,
        outcome=OUTCOMES,
        counts=counts.tolist(),
        epsilon=float(epsilon),
        events_a_day=EVENTS_A_DAY,
    )


class Shelf:
    """The reports on the disk.

    Args:
        folder: `[storage] folder`/feedback.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._sent = folder, folder / "sent"

    @property
    def known(self) -> frozenset[str]:
        """Weeks that have a report, sent or not."""
        return frozenset(path.stem for folder in (self._folder, self._sent) for path in folder.glob("????-W??.json"))

    def waiting(self) -> list[tuple[str, bytes]]:
        """Week and content of the reports that were not sent, oldest first."""
        return [(path.stem, path.read_bytes()) for path in sorted(self._folder.glob("????-W??.json"))]

    def put(self, report: FeedbackReport) -> None:
        """Keep a report until it is sent.

        Raises:
            OSError: the disk refuses.
        """
        beside = self._folder / f".{report.week}.new"
        beside.write_bytes(msgspec.json.encode(report))
        beside.replace(self._folder / f"{report.week}.json")

    def mark_sent(self, week: str) -> None:
        """The broker has taken it.

        Raises:
            OSError: the disk refuses.
        """
        self._sent.mkdir(exist_ok=True)
        (self._folder / f"{week}.json").replace(self._sent / f"{week}.json")


def _felt(t: float, times: Sequence[float], states: Sequence[AffectRow]) -> int:
    place = bisect.bisect_right(times, t) - 1
    if place < 0 or t - times[place] > _STALE_S:
        return 0
    state = states[place]
    if max(state.sd_valence, state.sd_arousal) > _UNSURE_SD or state.quality <= 0.0:
        return 0
    return 1 + quarter(state.valence, state.arousal)

"""What the listener does about the music, by habit and over the wire: skips, likes, says how they feel."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np

from firmware_sim.listener.affect import Affect
from models.wire.messages import Now

__all__ = ["Action", "Behaviour", "Habits"]

# How much a mismatch of feeling and music spoils it, in units of taste (whose deviation is 1). With it a track drawn at
# random is disliked about half of the time, as half of all tracks started are skipped before their end (Lamere 2014,
# "The Skip", Music Machinery).
_MISMATCH = 1.2
_DISLIKED, _LOVED = -0.95, 1.0
# A decision falls 5 to 30 s into a track: a third of all tracks are skipped within 30 s (Lamere 2014).
_EARLIEST_S, _LATEST_S = 5.0, 30.0
# The affect grid has nine steps a side (Russell, Weiss & Mendelsohn 1989, J. Pers. Soc. Psychol. 57:493).
_GRID_STEP = 0.25
# Deviation of a report from what is felt, before it snaps to the grid. Repeated single-item reports agree at about .8.
_REPORT_ERROR = 0.15


@dataclass(frozen=True, slots=True)
class Habits:
    """What a listener is in the habit of doing.

    Attributes:
        reacts: skips what they dislike and likes what they love.
        reports_every_s: seconds between reports of feeling; 0 is never.
    """

    reacts: bool = False
    reports_every_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Action:
    """A command that the listener gives: the verb and the payload of `D/command/{verb}`."""

    verb: str
    payload: bytes


class Behaviour:
    """Decides what the listener does, from what plays and what is felt.

    Args:
        habits: what they do at all.
        intended: the emotion that a track was composed for, by title and artist.
        seed: of taste and error.
    """

    def __init__(self, habits: Habits, intended: Mapping[tuple[str, str], Affect], seed: int) -> None:
        self._habits = habits
        self._intended = intended
        self._seed = seed
        self._generator = np.random.default_rng([seed, 0x626568])
        self._track: tuple[str, str, str] | None = None
        self._decides_at_s: float | None = None
        self._reported_at_s = 0.0

    def emotion_of(self, now: Now) -> Affect | None:
        """The intended emotion of what plays; None in silence and for tracks that nobody annotated."""
        if now.status != "playing" or now.track is None:
            return None
        return self._intended.get((now.track.title, now.track.artist))

    def see(self, now: Now, t_s: float) -> None:
        """Notice what plays, `t_s` seconds after the start."""
        if now.status != "playing" or now.track is None:
            self._track, self._decides_at_s = None, None
            return
        track = (now.track.id, now.track.title, now.track.artist)
        if track != self._track:
            self._track = track
            self._decides_at_s = t_s + float(self._generator.uniform(_EARLIEST_S, _LATEST_S))

    def act(self, felt: Affect, t_s: float) -> list[Action]:
        """What the listener does now; usually nothing."""
        actions = []
        every_s = self._habits.reports_every_s
        if every_s > 0 and t_s - self._reported_at_s >= every_s:
            self._reported_at_s = t_s
            actions.append(Action("feeling", msgspec.json.encode(self._report(felt)._asdict())))
        if self._decides_at_s is not None and t_s >= self._decides_at_s:
            self._decides_at_s = None
            if self._habits.reacts and self._track is not None:
                actions.extend(self._decide(self._track, felt))
        return actions

    def appraisal(self, title: str, artist: str, felt: Affect) -> float:
        """How a track is liked now: taste (deviation 1 over tracks) less what the mismatch with feeling spoils."""
        taste = np.random.default_rng([self._seed, zlib.crc32(f"{title}\n{artist}".encode())]).standard_normal()
        intended = self._intended.get((title, artist))
        return float(taste) - (_MISMATCH * felt.distance(intended) if intended is not None else 0.0)

    def _decide(self, track: tuple[str, str, str], felt: Affect) -> list[Action]:
        identity, title, artist = track
        appraisal = self.appraisal(title, artist, felt)
        if appraisal < _DISLIKED:
            return [Action("next", b"")]
        if appraisal > _LOVED:
            return [Action("like", msgspec.json.encode({"track": identity}))]
        return []

    def _report(self, felt: Affect) -> Affect:
        said = np.asarray(felt) + _REPORT_ERROR * self._generator.standard_normal(2)
        snapped = np.clip(np.round(said / _GRID_STEP) * _GRID_STEP, -1, 1)
        return Affect(float(snapped[0]), float(snapped[1]))

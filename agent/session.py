"""The closed loop of one listener: what the wearables say and the listener does becomes a state, a queue, a taste.

The session does no I/O and knows no clock: time is an argument, so a whole evening can be replayed in a test. The
daemon around it reads the broker, stores, publishes and plays.

Rules:

- `accept` and `observe` belong to the event loop; everything else is called by one task at a time, in any thread.
  `take_next` alone may come from the player's thread at any time: a lock keeps it and another catalogue apart.
- The track that plays, and those already handed to the player (`prepared`), are never in the queue.
- What the listener did is handed in after it was stored.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from agent.affect.station import AffectState, AffectStation, UserEmotionModel
from agent.playback.messages import TrackToPlay
from agent.ranking.ranker import Ranking
from agent.ranking.reasons import SIGNALS, reason
from agent.ranking.target import ListenerGoal, Target, target_of
from agent.ranking.taste import Play, Taste, taste_of
from agent.ranking.weights import certainty, fusion_weights
from agent.repertoire import Repertoire
from agent.sensing.station import Intake, Sensing
from models.physiology.motion import Activity, Movement
from models.situation import situation_vector
from models.wire import messages

__all__ = ["Evaluation", "Observation", "Session"]

_PUBLISHED: Final = 10
"""The wire carries the first ten tracks."""
_CHANGE_S: Final = 60.0
"""A state is changing when it moved within the last minute."""
_CHANGE_FULL: Final = 0.5
"""By so much, in the plane's units, to count as changing fully: half of the way from even to extreme."""
_ACTIVITY: Final = {Activity.STILL: 0.0, Activity.HAND: 0.0, Activity.WALKING: 0.5, Activity.RUNNING: 1.0}
"""On the scale of the situation. A hand that works moves as much as one that walks, and says nothing of a walk."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What the streams said at one moment.

    Attributes:
        now: seconds since the epoch.
        values: float32 [len(PHYSIOLOGY)], see `Sensing.features`.
        present: bool, likewise.
        sources: the wearable behind each quantity.
        movement: what the listener does; None without an accelerometer.
    """

    now: float
    values: NDArray[np.float32]
    present: NDArray[np.bool_]
    sources: dict[str, messages.Source]
    movement: Movement | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one evaluation found, as it goes over the wire; the queue is None while there is no track to rank."""

    affect: messages.Affect
    queue: messages.Queue | None


class Session:
    """One listener in front of one library.

    Args:
        sensing: the streams.
        affect: the estimator.
        repertoire: the catalogue as the bundle sees it.
        plays: what the listener did before, oldest first; rows of `repertoire`.
        now: seconds since the epoch.
    """

    def __init__(
        self, *, sensing: Sensing, affect: AffectStation, repertoire: Repertoire, plays: list[Play], now: float
    ) -> None:
        self.sensing, self.affect, self.repertoire = sensing, affect, repertoire
        self.goal = ListenerGoal()
        self.playing: int | None = None
        self.prepared: tuple[int, ...] = ()
        self._plays = plays
        self._means: deque[tuple[float, NDArray[np.float64]]] = deque(maxlen=256)
        self._upcoming: tuple[int, ...] = ()
        self._handing_over = threading.Lock()
        self._reasons: dict[int, str] = {}
        self._state: AffectState | None = None
        self._learn(now)

    def accept(self, topic: str, payload: bytes, *, now: float) -> Intake:
        """Take a sensor pack; see `Sensing.accept`."""
        return self.sensing.accept(topic, payload, now=now)

    def observe(self, *, now: float) -> Observation:
        """Read the streams: quick, and in the same thread as `accept`."""
        values, present = self.sensing.features(now)
        return Observation(now, values, present, self.sensing.sources(now), self.sensing.movement(now))

    def evaluate(self, seen: Observation, kind: messages.CauseKind, *, since: float) -> Evaluation:
        """Feature → state → ranking. Touches nothing that `accept` and `observe` do, so it may run in a thread.

        Args:
            seen: the streams at the moment of the evaluation.
            kind: what asked for it.
            since: when that came, seconds since the epoch.
        """
        state = self.affect.evaluate((seen.values, seen.present), seen.sources, seen.now)
        self._state = state
        self._means.append((seen.now, state.own_mean))
        affect = state.message(self.repertoire.bundle_version)
        if not len(self.repertoire.tracks):
            return Evaluation(affect, None)
        return Evaluation(affect, self._rank(state, seen.movement, messages.Cause(kind, since, 0.0), seen.now))

    def feel(self, valence: float, arousal: float, *, now: float, of: Literal["mood", "music"] = "mood") -> None:
        """The listener said how they feel, or what the music does to them."""
        self.affect.feel(valence, arousal, now, of=of)

    def aim(
        self, mode: Literal["match", "lead", "hold"], target: tuple[float, float] | None, seconds: float, *, now: float
    ) -> None:
        """The listener set a goal; see `ListenerGoal`."""
        mean = self._state.mean if self._state else self.affect.profile.prior(now).mean
        here = (float(mean[0]), float(mean[1]))
        if mode == "hold" and target is None:
            held = self.repertoire.tracks.emotion[self.playing] if self.playing is not None else mean
            target = (float(held[0]), float(held[1]))
        self.goal = ListenerGoal(mode, here, target or here, now, seconds)

    def judge(self, row: int, outcome: Literal["liked", "disliked"], *, now: float) -> None:
        """The listener liked or disliked a track."""
        self._plays.append(Play(row, now, outcome))
        self.affect.receive("like" if outcome == "liked" else "dislike", now)
        self._learn(now)

    def started(self, row: int, *, now: float) -> None:
        """A track began to sound."""
        self.playing = row
        valence, arousal = self.repertoire.tracks.emotion[row]
        self.affect.hear(float(valence), float(arousal), now)

    def ended(self, row: int, outcome: Literal["completed", "skipped"], *, now: float) -> None:
        """A track stopped sounding for good."""
        self._plays.append(Play(row, now, outcome))
        self.affect.receive("skip" if outcome == "skipped" else "complete", now)
        self.affect.silence(now)
        if self.playing == row:
            self.playing = None
        self._learn(now)

    def paused(self, *, now: float) -> None:
        """The music was halted."""
        self.affect.silence(now)

    def resumed(self, *, now: float) -> None:
        """The music goes on."""
        if self.playing is not None:
            valence, arousal = self.repertoire.tracks.emotion[self.playing]
            self.affect.hear(float(valence), float(arousal), now)

    def take_next(self) -> TrackToPlay | None:
        """The track to play next: the head of the queue; it leaves the queue with that."""
        with self._handing_over:
            barred = (self.playing, *self.prepared)
            row = next((row for row in self._upcoming if row not in barred), self.playing)
            if row is None:
                return None
            self.prepared = (*self.prepared, row)
            return self.repertoire.track(row)

    def why(self, row: int) -> str:
        """Why a track was ranked where it was, when it last was; empty when it never was."""
        return self._reasons.get(row, "")

    def replace(self, repertoire: Repertoire, plays: list[Play], *, taste: Taste | None = None, now: float) -> None:
        """Go on with another catalogue.

        Args:
            repertoire: built beside the one in use.
            plays: with the rows of the new one, oldest first; what was heard while it was built is added here.
            taste: of these plays, where it is known already; a long history takes tens of milliseconds.
            now: seconds since the epoch.
        """
        old = self.repertoire

        def moved(row: int | None) -> int | None:
            return repertoire.catalogue.row_of.get(old.catalogue.ids[row]) if row is not None else None

        loaded_to = plays[-1].t if plays else -math.inf
        since = [(moved(play.row), play) for play in self._plays if play.t > loaded_to]
        self._plays = plays + [replace(play, row=row) for row, play in since if row is not None]
        with self._handing_over:
            self.repertoire = repertoire
            self.playing = moved(self.playing)
            self.prepared = tuple(new for row in self.prepared if (new := moved(row)) is not None)
            # Until the new ranker has spoken, the old order holds.
            self._upcoming = tuple(new for row in self._upcoming if (new := moved(row)) is not None)
        self._reasons = {new: why for row, why in self._reasons.items() if (new := moved(row)) is not None}
        if taste is None or since:
            self._learn(now)
        else:
            self.taste = taste

    def adopt(
        self,
        repertoire: Repertoire,
        plays: list[Play],
        model: UserEmotionModel,
        *,
        taste: Taste | None = None,
        now: float,
    ) -> None:
        """Go on with another bundle: its ranker, its catalogue and its `user_emotion`, all at once.

        What is believed of the listener stays, and the track that plays goes on as it was heard by the old one.
        Everything that costs time was done when `repertoire` was built, so ranking pauses for no longer than one
        evaluation takes.
        """
        self.affect.use(model)
        self.replace(repertoire, plays, taste=taste, now=now)

    def _learn(self, now: float) -> None:
        repertoire = self.repertoire
        self.taste = taste_of(self._plays, repertoire.tracks, repertoire.slices, repertoire.sequence, now=now)

    def _rank(self, state: AffectState, movement: Movement | None, cause: messages.Cause, now: float) -> messages.Queue:
        prior = self.affect.profile.prior(now)
        scale = self.repertoire.tracks.scale
        target = target_of(self.goal, state.own_mean, state.own_covariance, prior=prior, scale=scale, now=now)
        weights = fusion_weights(
            sure=certainty(target.covariance, prior.covariance),
            change=self._change(now),
            evidence=self.taste.evidence,
            context_known=bool(self.taste.context.any()),
        )
        local = time.localtime(now)
        ranking = self.repertoire.ranker.rank(
            target=target,
            weights=weights,
            taste=self.taste,
            situation=situation_vector(
                hour=local.tm_hour + local.tm_min / 60, weekday=local.tm_wday, activity=_activity(movement)
            ),
            now=now,
            exclude=[row for row in {self.playing, *self.prepared} if row is not None],
        )
        self._upcoming = tuple(ranking.rows.tolist())
        return self._queue_message(ranking, target, cause, now)

    def _change(self, now: float) -> float:
        """How far the state moved within the last minute, in [0, 1]."""
        while self._means and self._means[0][0] < now - _CHANGE_S:
            self._means.popleft()
        moved = float(np.hypot(*(self._means[-1][1] - self._means[0][1])))
        return min(1.0, moved / _CHANGE_FULL)

    def _queue_message(self, ranking: Ranking, target: Target, cause: messages.Cause, now: float) -> messages.Queue:
        catalogue, emotion = self.repertoire.catalogue, self.repertoire.tracks.emotion
        away = np.linalg.norm(self.repertoire.tracks.relative[ranking.rows] - target.relative, axis=1)
        goal = self.goal.wire()
        tracks = []
        for place, row in enumerate(ranking.rows[:_PUBLISHED].tolist()):
            why = reason(
                emotion=emotion[row],
                away=float(away[place]),
                goal=goal,
                parts=ranking.parts[place],
                weights=ranking.weights,
            )
            self._reasons[row] = why
            tracks.append(
                messages.QueueTrack(
                    id=catalogue.ids[row],
                    title=catalogue.title[row],
                    artist=catalogue.artist[row],
                    score=_rounded(ranking.scores[place]),
                    valence=_rounded(emotion[row, 0]),
                    arousal=_rounded(emotion[row, 1]),
                    parts=_parts(ranking.parts[place]),
                    why=why,
                    penalties={name: _rounded(value) for name, value in ranking.penalties[place].items()},
                )
            )
        return messages.Queue(t=now, goal=goal, weights=_parts(ranking.weights), tracks=tracks, cause=cause)


def _rounded(value: float) -> float:
    """Four digits: finer than any of these numbers is known, and short on the wire."""
    return round(float(value), 4)


def _parts(values: NDArray[np.float64]) -> messages.Parts:
    return messages.Parts(**dict(zip(SIGNALS, map(_rounded, values), strict=True)))


def _activity(movement: Movement | None) -> float | None:
    return _ACTIVITY[movement.activity] if movement is not None and movement.activity is not None else None

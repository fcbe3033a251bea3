"""Plays a recording through the real `AffectStation`, and notes what it believed at each rating before it was told.

Rules, which a test holds:

- The clock is the recording's own.
- A rating is told, if at all, after the forecast of it was noted; nothing of it is known before.
- The forecast is the state that the device would publish at that moment.
- A device evaluates every five seconds, body or none. Where nothing is known for longer, the last of these evaluations
  stands for all of them: without a body they only let time pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agent.affect.station import AffectStation, UserEmotionModel
from benchmarks.calibration.recordings import Body, Event, Heard, Rated, Received, Recording
from models.physiology.schema import PHYSIOLOGY, STEP_S
from models.wire.messages import Source

__all__ = ["Played", "Watched", "join", "relax", "replay"]

Array = npt.NDArray[np.float64]
_NOTHING: Final = np.full(len(PHYSIOLOGY), np.nan, np.float32)


@dataclass(frozen=True)
class Played:
    """What was believed at each of n ratings.

    Attributes:
        person: who, str [n].
        kind: which question, str [n].
        timed: whether the data tell when it was; what they do not is listed, but was neither told nor is to be judged.
        number: how many ratings of the person came before, int64 [n].
        told: how many earlier reports the station knew, int64 [n].
        age_s: since the newest of them, infinite before the first, [n].
        truth: valence and arousal as rated, [n, 2].
        mean: of the state, [n, 2].
        covariance: of the state, [n, 2, 2].
        prior_mean: of the personal prior with the same earlier reports, [n, 2].
        prior_covariance: likewise, [n, 2, 2].
        answer_mean: of the model where it was asked at that moment, else NaN, [n, 2].
        answer_variance: likewise, [n, 2].
    """

    person: npt.NDArray[np.str_]
    kind: npt.NDArray[np.str_]
    timed: npt.NDArray[np.bool_]
    number: npt.NDArray[np.int64]
    told: npt.NDArray[np.int64]
    age_s: Array
    truth: Array
    mean: Array
    covariance: Array
    prior_mean: Array
    prior_covariance: Array
    answer_mean: Array
    answer_variance: Array

    def __len__(self) -> int:
        return len(self.person)

    def take(self, rows: npt.NDArray[Any]) -> Played:
        """Return some of the rows."""
        return Played(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def join(parts: Sequence[Played]) -> Played:
    """Return the rows of all parts."""
    return Played(**{field.name: np.concatenate([getattr(p, field.name) for p in parts]) for field in fields(Played)})


class Watched:
    """A model that remembers the first answer of an evaluation, which is to all that is known; see `AffectStation`."""

    def __init__(self, model: UserEmotionModel) -> None:
        self._model = model
        self.answer: tuple[Array, Array] | None = None

    def run(self, **inputs: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[np.float32]]:
        """Run the model."""
        answer = self._model.run(**inputs)
        if self.answer is None:
            variance = np.exp(answer["log_variance"].reshape(2).astype(np.float64))
            self.answer = answer["mean"].reshape(2).astype(np.float64), variance
        return answer

    def forget(self) -> None:
        """Have given no answer."""
        self.answer = None


def replay(recording: Recording, model: UserEmotionModel | None, *, told: int | None = None) -> Played:
    """Play one person's recording.

    Args:
        recording: in time order.
        model: `user_emotion`; None for a device without one.
        told: how many of the first ratings the station is told, each after its forecast; None for all.
    """
    playing = _Playing(recording, model, told)
    for event in recording.events:
        playing.take(event)
    return playing.played()


def relax(recording: Recording, model: UserEmotionModel | None, after_s: Sequence[float]) -> Array:
    """Play a recording, tell all ratings, then take the wearables off.

    Args:
        recording: that ends with a rating and silence.
        model: `user_emotion`.
        after_s: seconds after the last rating, ascending.

    Returns:
        Per moment the standard deviations of valence and arousal, those of the personal prior, and how far the mean is
        from the prior's, as a share of how far it was at the rating: [len(after_s), 5].
    """
    playing = _Playing(recording, model, None)
    for event in recording.events:
        playing.take(event)
    return playing.relaxed(after_s)


class _Playing:
    def __init__(self, recording: Recording, model: UserEmotionModel | None, told: int | None) -> None:
        self._person = recording.person
        self._model = Watched(model) if model is not None else None
        self._station = AffectStation(self._model, now=recording.events[0].t)
        self._most = told
        self._number, self._told, self._told_at = 0, 0, -np.inf
        self._body: Body | None = None
        self._evaluated_at = recording.events[0].t
        self._rows: list[dict[str, Any]] = []

    def take(self, event: Event) -> None:
        """Let the station know of an event, as the session of the agent does."""
        if isinstance(event, Heard):
            if event.emotion is None:
                self._station.silence(event.t)
            else:
                self._station.hear(*event.emotion, event.t)
        elif isinstance(event, Received):
            self._station.receive(event.how, event.t)
        elif isinstance(event, Body):
            if event.t - STEP_S > self._evaluated_at:
                self._evaluate(event.t - STEP_S)
            self._body = event
            self._evaluate(event.t)
        else:
            self._rate(event)

    def _evaluate(self, now: float) -> tuple[Array, Array]:
        self._evaluated_at = now
        body = self._body if self._body is not None and now - self._body.t < STEP_S else None
        if self._model is not None:
            self._model.forget()
        values = body.values.astype(np.float32) if body else _NOTHING
        sources = {name: Source("wristband", quality, 0.0) for name, quality in body.quality.items()} if body else {}
        state = self._station.evaluate((values, np.isfinite(values)), sources, now)
        return state.mean, state.covariance

    def _rate(self, event: Rated) -> None:
        mean, covariance = self._evaluate(event.t)
        prior = self._station.profile.prior(event.t)
        answer = self._model.answer if self._model is not None else None
        unknown = np.full(2, np.nan)
        self._rows.append(
            {
                "person": self._person,
                "kind": event.kind,
                "timed": event.timed,
                "number": self._number,
                "told": self._told,
                "age_s": event.t - self._told_at,
                "truth": event.felt,
                "mean": mean,
                "covariance": covariance,
                "prior_mean": prior.mean,
                "prior_covariance": prior.covariance,
                "answer_mean": answer[0] if answer else unknown,
                "answer_variance": answer[1] if answer else unknown,
            }
        )
        self._number += event.timed
        if event.timed and (self._most is None or self._told < self._most):
            self._station.feel(*event.felt, event.t, of=event.of)
            self._told, self._told_at = self._told + 1, event.t

    def relaxed(self, after_s: Sequence[float]) -> Array:
        """Let time pass without a body from the last rating on; see `relax`."""
        last = self._station.evaluate((_NOTHING, np.isfinite(_NOTHING)), {}, self._told_at)
        rows = []
        for seconds in after_s:
            state = self._station.evaluate((_NOTHING, np.isfinite(_NOTHING)), {}, self._told_at + seconds)
            prior = self._station.profile.prior(self._told_at + seconds)
            apart = np.linalg.norm(last.mean - prior.mean)
            rows.append(
                (*state.sd, *np.sqrt(np.diag(prior.covariance)), np.linalg.norm(state.mean - prior.mean) / apart)
            )
        return np.array(rows)

    def played(self) -> Played:
        """What was noted."""
        return Played(**{field.name: np.array([row[field.name] for row in self._rows]) for field in fields(Played)})

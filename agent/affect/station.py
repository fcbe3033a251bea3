"""The station `affect`: features, music and the listener's word in, affect state out. No I/O, no clock of its own.

Rules:

- What is believed comes from the listener's own words, the tracks and time alone. The model's answer is no measurement
  but an estimate: it holds what one would expect anyway, and looks back over two and a half minutes, so that two
  answers in a row say nearly the same. It is pooled with the belief into what is published and never becomes part of
  the belief; however often it comes, the state is never surer than the surer of the two.
- The answer weighs as much as it is sure, times a share that people who taught it nothing could use.
- A sensor never makes the state jump: what it draws the state by grows no faster than a felt emotion does.
- The listener's own word overrules at once: what the body drew the state by begins anew.
- What is felt is the state apart from the music that plays; what the music does, the difference that it makes to the
  model's answer, is added on top, and makes nobody surer. Only the former is there when the next track begins, and a
  queue that followed the latter would follow itself.
- Poor signals count less: the weight of an answer is the streams' quality.
- Without a single feature of the body nothing is observed: the state relaxes to the personal prior. Motion alone is no
  evidence of a feeling.
- What is normal is learned from good streams alone.
- A model that fails or answers nonsense is counted; the player goes on with the prior.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from agent.affect import filter as state_filter
from agent.affect.profile import Profile
from agent.affect.steps import Reception, StepHistory
from models.errors import AttuneError
from models.physiology.schema import INDEX, STEPS
from models.physiology.steps import history
from models.physiology.windows import Floats
from models.wire.messages import Affect, Source

__all__ = ["AffectState", "AffectStation", "UserEmotionModel"]

SEEN_SHARE: Final = 0.3
"""Share of the model in the pool at full quality. See docs/decisions/0013-the-body-is-a-second-opinion.md."""
TRACKING_S: Final = 10.0
"""Time constant with which the state follows the pool. The model's own windows smooth enough; this only keeps the noise
of single windows from reordering the queue."""
FADING_S: Final = 60.0
"""Time constant with which the body's part ends when it says nothing any more."""
FASTEST_PER_S: Final = 0.05
"""How far a sensor may move the state in a second: from one side of the plane to the other in 40 s, faster than any
felt emotion follows music and slow enough that no artefact shows."""
_LONGEST_STRIDE_S: Final = 5.0
"""However long nobody looked, one observation moves the state no further than it may in a step."""
LEARN_FROM: Final = 0.5
"""Quality from which streams may say what is normal for the listener: a wristband on a table has a heart rate, too."""
_OF_THE_BODY: Final = frozenset({"hr", "rr", "ecg", "ppg", "eda", "temp"})
"""Quantities that are evidence of a feeling. Motion explains what they say, and is none by itself."""
_SET_BACK_S: Final = 5.0
"""Less is the jitter of threads; more is a clock that was set: waiting for it to catch up would freeze the state."""
_WORD_SD: Final = 0.12
"""Error of a self-report: half the spacing of the nine-point scale that such scales are validated on."""
_HEARD: Final = [INDEX["heard_valence"], INDEX["heard_arousal"]]
_HIGHEST_LOG_VARIANCE: Final = 2.0
_LOWEST_LOG_VARIANCE: Final = -6.0


class _Answer(NamedTuple):
    """What the model says: mean and variance of valence and arousal, [2] each, and attention, [STEPS]."""

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    attention: NDArray[np.float32]


class UserEmotionModel(Protocol):
    """The model `user_emotion`, as `models.interpreter.Interpreter` runs it."""

    def run(self, **inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Run on `steps` and `mask` [1, 32, F]; `mean` and `log_variance` [1, 2], `attention` [1, 32]."""
        ...


@dataclass(frozen=True, slots=True)
class AffectState:
    """How the listener feels, as far as is known.

    Attributes:
        t: seconds since the epoch.
        mean: float64 [2], valence and arousal in [-1, 1], as felt now.
        covariance: float64 [2, 2].
        own_mean: float64 [2], what of it is not the doing of the music that plays: what the next track has to fit.
        own_covariance: float64 [2, 2].
        quality: of the streams behind it, [0, 1]; 0 without any.
        calibrated: whether the listener's own baseline is known.
        attention: float32 [32], weights of the steps, newest last; zeros where the model was not asked.
        sources: which wearable stands behind each quantity.
        word_age_s: since the listener last said how they feel; None where they never did.
    """

    t: float
    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    own_mean: NDArray[np.float64]
    own_covariance: NDArray[np.float64]
    quality: float
    calibrated: bool
    attention: NDArray[np.float32]
    sources: Mapping[str, Source]
    word_age_s: float | None = None

    @property
    def sd(self) -> tuple[float, float]:
        """Standard deviations of valence and arousal."""
        return math.sqrt(self.covariance[0, 0]), math.sqrt(self.covariance[1, 1])

    @property
    def rho(self) -> float:
        """Correlation of the two errors, [-1, 1]."""
        return float(np.clip(self.covariance[0, 1] / math.prod(self.sd), -1.0, 1.0))

    def message(self, model: str) -> Affect:
        """The state as `D/affect` carries it; `model` is the bundle's version."""
        valence, arousal = (round(float(value), 4) for value in self.mean)
        sd = self.sd
        return Affect(
            t=self.t,
            valence=valence,
            arousal=arousal,
            sd=(round(sd[0], 4), round(sd[1], 4)),
            rho=round(self.rho, 4),
            quality=round(self.quality, 3),
            calibrated=self.calibrated,
            model=model,
            sources=dict(self.sources),
            word_age_s=None if self.word_age_s is None else round(self.word_age_s, 1),
        )


class AffectStation:
    """Follows one listener.

    Args:
        model: `user_emotion`; None leaves the prior and the listener's word.
        profile: what earlier sessions learned; a new one when None.
        now: seconds since the epoch.

    Attributes:
        profile: to be stored now and then.
        faults: how often the model failed or answered what is no state.
    """

    def __init__(self, model: UserEmotionModel | None, profile: Profile | None = None, *, now: float) -> None:
        self.profile = profile if profile is not None else Profile()
        self.faults = 0
        self._model = model
        self._steps = StepHistory(now)
        self._steps.usually(self.profile.usual, self.profile.report_count)
        self._belief = state_filter.start(self.profile.prior(now), now)
        self._observed_at = now
        self._heard: tuple[float, float] | None = None
        self._told_at: float | None = None
        self._drawn, self._steadied = np.zeros(2), np.ones(2)
        self._moved = np.zeros(2)
        self._attention = np.zeros(STEPS, dtype=np.float32)

    def use(self, model: UserEmotionModel) -> None:
        """Go on with another model; what is believed stays."""
        self._model = model

    def hear(self, valence: float, arousal: float, now: float) -> None:
        """Music of this emotion plays from now on; music of another one is another track."""
        heard = (valence, arousal)
        self._learn(self._steps.hear(heard, now))
        if self._heard not in {None, heard}:
            prior = self.profile.prior(now)
            self._belief = state_filter.renew(state_filter.predict(self._belief, prior, now), prior)
        self._heard = heard

    def silence(self, now: float) -> None:
        """No music plays from now on."""
        self._learn(self._steps.hear(None, now))

    def receive(self, kind: Reception, now: float) -> None:
        """A track was liked, disliked, skipped, or played to its end."""
        self._learn(self._steps.receive(kind, now))

    def feel(self, valence: float, arousal: float, now: float, *, of: Literal["mood", "music"] = "mood") -> None:
        """The listener says how they feel, both in [-1, 1]: the strongest evidence there is.

        Args:
            valence: as reported.
            arousal: as reported.
            now: seconds since the epoch.
            of: what the word is of: how the listener is, or what the music that plays does to them.
        """
        feeling = np.clip((valence, arousal), -1.0, 1.0)
        self._told_at = now
        pair = float(feeling[0]), float(feeling[1])
        self._learn(self._steps.report(pair, self.profile.usual, self.profile.report_count, now))
        self.profile.report(*pair, now)
        prior = self.profile.prior(now)
        belief = state_filter.predict(self._belief, prior, now)
        word = np.eye(2) * _WORD_SD**2
        self._belief = state_filter.listen(belief, prior, feeling, word, passing=state_filter.PASSING[of])
        self._drawn, self._steadied = np.zeros(2), np.ones(2)

    def evaluate(
        self,
        features: tuple[NDArray[np.float32], NDArray[np.bool_]],
        sources: Mapping[str, Source],
        now: float,
    ) -> AffectState:
        """Estimate the state.

        Args:
            features: values and presence from `Sensing.features`.
            sources: from `Sensing.sources`.
            now: seconds since the epoch.
        """
        values, present = features
        behind = [source.quality for quantity, source in sources.items() if quantity in _OF_THE_BODY]
        quality = sum(behind) / len(behind) if behind and present.any() else 0.0
        worn = quality >= LEARN_FROM
        if now < self._observed_at - _SET_BACK_S:
            self._turn_back(now)
        self._learn(self._steps.feel(np.where(present, values, np.nan), now, worn=worn))
        self._belief = state_filter.predict(self._belief, self.profile.prior(now), now)
        self._attention = np.zeros(STEPS, dtype=np.float32)
        answers = self._ask() if self._model is not None and quality > 0.0 else None
        passed = min(now - self._observed_at, _LONGEST_STRIDE_S)
        if passed > 0.0:
            self._observe(answers, quality, passed)
        self._observed_at = max(self._observed_at, now)
        return self._state(quality, sources, now)

    def _state(self, quality: float, sources: Mapping[str, Source], now: float) -> AffectState:
        own = np.clip(self._belief.mean + self._drawn, -1.0, 1.0)
        own_covariance = self._steadied[:, np.newaxis] * self._belief.covariance * self._steadied
        return AffectState(
            t=now,
            mean=np.clip(own + self._moved, -1.0, 1.0),
            covariance=own_covariance,
            own_mean=own,
            own_covariance=own_covariance,
            quality=quality,
            calibrated=self.profile.baseline.calibrated,
            attention=self._attention,
            sources=sources,
            word_age_s=None if self._told_at is None else max(0.0, now - self._told_at),
        )

    def _turn_back(self, now: float) -> None:
        """The device's clock was set back: what is believed and heard goes on from here."""
        self._belief = self._belief._replace(t=now)
        self._steps.turn_back(now)
        self._observed_at = now

    def _learn(self, finished: list[Floats]) -> None:
        for physiology in finished:
            self.profile.baseline.learn(physiology)
        if finished:
            self._steps.usually(self.profile.usual, self.profile.report_count)

    def _observe(self, answers: tuple[_Answer, _Answer] | None, quality: float, passed: float) -> None:
        """Follow the model's answers for `passed` seconds: with the music that plays, and as if none did."""
        if answers is None:
            self._fade(passed)
            return
        felt, own = answers
        followed = -math.expm1(-passed / TRACKING_S)
        share = SEEN_SHARE * quality
        mean, covariance = state_filter.pool(self._belief, own.mean, np.diag(own.variance), share)
        step = followed * (mean - self._belief.mean - self._drawn)
        taken = min(1.0, FASTEST_PER_S * passed / max(math.hypot(*step), 1e-12))
        self._drawn += taken * step
        # An answer less sure than the belief moves the state, but makes nobody less sure: the prior is the bound.
        steadier = np.sqrt(np.minimum(1.0, np.diag(covariance) / np.diag(self._belief.covariance)))
        self._steadied += taken * followed * (steadier - self._steadied)
        self._moved += followed * (felt.mean - own.mean - self._moved)

    def _fade(self, passed: float) -> None:
        """Let what the body and the music did to the state end: nothing of the body is known any more."""
        body, music = -math.expm1(-passed / FADING_S), -math.expm1(-passed / TRACKING_S)
        self._drawn -= body * self._drawn
        self._steadied += body * (1.0 - self._steadied)
        self._moved -= music * self._moved

    def _ask(self) -> tuple[_Answer, _Answer] | None:
        """The model's answers with the music that plays and as if none did; None where it fails."""
        raw = self._steps.raw()
        raw[:, self.profile.baseline.unknown()] = np.nan
        steps, mask = history(raw, self.profile.baseline.own())
        felt = self._run(steps, mask)
        if felt is None:
            return None
        self._attention = felt.attention
        if not mask[:, _HEARD].any():
            return felt, felt
        quiet = mask.copy()
        quiet[:, _HEARD] = 0.0
        own = self._run(steps * quiet, quiet)
        return (felt, own) if own is not None else None

    def _run(self, steps: NDArray[np.float32], mask: NDArray[np.float32]) -> _Answer | None:
        try:
            answer = self._model.run(steps=steps[np.newaxis], mask=mask[np.newaxis]) if self._model else {}
            mean = np.asarray(answer["mean"], dtype=np.float64).reshape(2)
            log_variance = np.asarray(answer["log_variance"], dtype=np.float64).reshape(2)
            attention = np.asarray(answer["attention"], dtype=np.float32).reshape(STEPS)
        except (AttuneError, KeyError, ValueError, RuntimeError):
            # KeyError, ValueError: outputs that are not the contract's. RuntimeError: the TFLite runtime's own.
            self.faults += 1
            return None
        if not (np.isfinite(mean).all() and np.isfinite(log_variance).all() and np.isfinite(attention).all()):
            self.faults += 1
            return None
        variance = np.exp(np.clip(log_variance, _LOWEST_LOG_VARIANCE, _HIGHEST_LOG_VARIANCE))
        return _Answer(np.clip(mean, -1.0, 1.0), variance, attention)

"""A session through `Sensing` and `AffectStation` as fast as it goes, with the clock of the recording.

As a program it tells what became of a session: how sure the state was, which streams were trusted, and what it cost.

    python -m benchmarks.replay FILE [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.affect.profile import Profile
from agent.affect.station import AffectStation, UserEmotionModel
from agent.pace import Pace
from agent.sensing.station import Sensing
from models.bundle.reader import Bundle, default_bundle
from models.physiology.schema import PHYSIOLOGY, STEP_S
from models.wire import topics
from models.wire.messages import Truth, decode
from models.wire.quantities import QUANTITIES
from models.wire.session import Entry, SessionReader

__all__ = ["Replayed", "replay"]

Array = NDArray[np.float64]
Music = Callable[[float], tuple[float, float] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What the stations made of a session; n evaluations.

    Attributes:
        t: float64 [n], moments of the evaluations, seconds since the epoch.
        mean: float64 [n, 2], valence and arousal.
        covariance: float64 [n, 2, 2].
        quality: float64 [n], of the state.
        calibrated: bool [n].
        features: float32 [n, len(PHYSIOLOGY)], NaN where absent.
        trust: by quantity, float64 [n]: quality of the source listened to, 0 where there was none.
        truths: what the wearer reported to feel, as the session has it.
        counters: of `Sensing`.
        profile: the listener's, as learned.
        evaluation_s: float64 [n], processor time of each evaluation, features included.
        intake_s: processor time of taking in all packs.
    """

    t: Array
    mean: Array
    covariance: Array
    quality: Array
    calibrated: NDArray[np.bool_]
    features: NDArray[np.float32]
    trust: dict[str, Array]
    truths: tuple[Truth, ...]
    counters: Counter[str]
    profile: Profile
    evaluation_s: Array
    intake_s: float

    @property
    def sd(self) -> Array:
        """Standard deviations of valence and arousal, float64 [n, 2]."""
        return np.sqrt(np.diagonal(self.covariance, axis1=1, axis2=2))


class _Run:
    """The stations, and what is noted of them."""

    def __init__(self, now: float, model: UserEmotionModel | None, profile: Profile | None, music: Music) -> None:
        self.affect = AffectStation(model, profile, now=now)
        self.sensing: Sensing | None = None
        self.rows: list[tuple[float, Array, Array, float, bool, NDArray[np.float32], dict[str, float], float]] = []
        self.truths: list[Truth] = []
        self.intake_s = 0.0
        self.moment = now
        self._music = music
        self._plays: tuple[float, float] | None = None

    def take(self, entry: Entry) -> bool:
        """Take a message in; returns whether a feature may have moved."""
        if entry.topic.endswith("/truth"):
            self.truths.append(decode(entry.payload, Truth))
            return False
        if "/sense/" not in entry.topic:
            return False
        if self.sensing is None:
            self.sensing = Sensing(topics.parse_sense(entry.topic).listener)
        begun = time.process_time()
        intake = self.sensing.accept(entry.topic, entry.payload, now=entry.t)
        self.intake_s += time.process_time() - begun
        return intake.moved

    def evaluate(self, now: float) -> None:
        """Let the state follow, as the agent would."""
        self.moment = now
        if self.sensing is None:
            return
        heard = self._music(now)
        if heard != self._plays:
            self._plays = heard
            if heard is None:
                self.affect.silence(now)
            else:
                self.affect.hear(*heard, now)
        begun = time.process_time()
        values, present = self.sensing.features(now)
        sources = self.sensing.sources(now)
        state = self.affect.evaluate((values, present), sources, now)
        took = time.process_time() - begun
        trust = {quantity: source.quality for quantity, source in sources.items()}
        self.rows.append((now, state.mean, state.covariance, state.quality, state.calibrated, values, trust, took))

    def result(self) -> Replayed:
        """Sum up."""
        t, mean, covariance, quality, calibrated, features, trust, took = (
            zip(*self.rows, strict=True) if self.rows else ((),) * 8
        )
        count = len(self.rows)
        return Replayed(
            t=np.array(t, dtype=np.float64),
            mean=np.array(mean, dtype=np.float64).reshape(count, 2),
            covariance=np.array(covariance, dtype=np.float64).reshape(count, 2, 2),
            quality=np.array(quality, dtype=np.float64),
            calibrated=np.array(calibrated, dtype=np.bool_),
            features=np.array(features, dtype=np.float32).reshape(count, len(PHYSIOLOGY)),
            trust={name: np.array([each.get(name, 0.0) for each in trust]) for name in QUANTITIES},
            truths=tuple(self.truths),
            counters=self.sensing.counters if self.sensing else Counter(),
            profile=self.affect.profile,
            evaluation_s=np.array(took, dtype=np.float64),
            intake_s=self.intake_s,
        )


def replay(
    entries: Iterable[Entry],
    *,
    model: UserEmotionModel | None,
    profile: Profile | None = None,
    evaluate_every_s: float = 1.0,
    music: Music = lambda _now: None,
) -> Replayed:
    """Run a session through the stations, paced as the agent paces itself.

    Args:
        entries: of one listener, in the order of arrival.
        model: `user_emotion`; None leaves the prior.
        profile: what earlier sessions learned of the listener; a new one when None.
        evaluate_every_s: shortest time between two evaluations.
        music: emotion of what plays at a moment (seconds since the epoch); None is silence.
    """
    run: _Run | None = None
    pace = Pace(every_s=evaluate_every_s, idle_s=STEP_S, now=0.0)
    for entry in entries:
        if run is None:
            run = _Run(entry.t, model, profile, music)
            pace = Pace(every_s=evaluate_every_s, idle_s=STEP_S, now=entry.t)
        _until(entry.t, run, pace)
        if run.take(entry):
            pace.ask("sample", entry.t)
    return (run or _Run(0.0, model, profile, music)).result()


def _until(now: float, run: _Run, pace: Pace) -> None:
    """Make the evaluations that were due before `now`, each at its own moment."""
    while (due := run.moment + pace.wait_s(run.moment)) < now:
        pace.take(due)
        run.evaluate(due)


def _summary(result: Replayed) -> dict[str, object]:
    hours = float(np.ptp(result.t)) / 3600.0 if len(result.t) else 0.0
    tenth, median, last = (np.percentile(result.mean, q, axis=0).round(3).tolist() for q in (10, 50, 90))
    return {
        "hours": round(hours, 2),
        "evaluations": len(result.t),
        "valence and arousal, 10/50/90 %": [tenth, median, last],
        "sd, mean": result.sd.mean(axis=0).round(3).tolist(),
        "at the edge (|x| > 0.9)": float((np.abs(result.mean) > 0.9).any(axis=1).mean().round(4)),
        "quality, mean": round(float(result.quality.mean()), 3),
        "trust by quantity": {n: round(float(q.mean()), 3) for n, q in result.trust.items() if q.any()},
        "known features": {
            feature.name: round(float(share), 3)
            for feature, share in zip(PHYSIOLOGY, np.isfinite(result.features).mean(axis=0), strict=True)
        },
        "counters": dict(sorted(result.counters.items())),
        "evaluation ms, p50/p99": [round(1e3 * float(x), 2) for x in np.percentile(result.evaluation_s, (50, 99))],
        "share of one core, in real time": round(
            (result.intake_s + float(result.evaluation_s.sum())) / max(1.0, 3600.0 * hours), 4
        ),
    }


def main() -> int:
    """Replay a file and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="a session")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    model = Bundle.open(default_bundle()).model("user_emotion")
    with SessionReader(arguments.file) as session:
        summary = {"source": session.header.source, **_summary(replay(session, model=model))}
    if arguments.json:
        print(json.dumps(summary))
        return 0
    for name, value in summary.items():
        print(f"{name}: {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

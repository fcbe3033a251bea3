"""The last steps of a session: what the body said, what was heard and how it was received, every five seconds."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from models.physiology.schema import FEATURES, STEP_S, STEPS
from models.physiology.steps import step
from models.physiology.windows import Floats

__all__ = ["Reception", "StepHistory"]

Reception = Literal["like", "dislike", "skip", "complete"]
_NAN: Final = float("nan")
_Pair = tuple[float, float]


class _OpenStep:
    """The step that is under way."""

    def __init__(self, start: float) -> None:
        self.start = start
        self.played_s = 0.0
        self.emotion = np.zeros(2)
        self.physiology: Floats | None = None
        self.worn = True
        self.liked = 0.0
        self.skipped = 0.0
        self.completed = 0.0
        self.reported: _Pair | None = None

    def play(self, emotion: _Pair, seconds: float) -> None:
        self.played_s += seconds
        self.emotion += seconds * np.array(emotion)


class StepHistory:
    """A ring of the newest `STEPS` steps, of which the last is under way.

    Args:
        now: seconds since the epoch; the first step begins.
    """

    def __init__(self, now: float) -> None:
        self._finished = np.empty((STEPS - 1, len(FEATURES)))
        self._count = 0
        self._open = _OpenStep(now)
        self._until = now
        self._playing: _Pair | None = None
        self._usual: _Pair | None = None
        self._reports = 0

    def hear(self, emotion: _Pair | None, now: float) -> list[Floats]:
        """Music of this emotion plays from now on; None is silence. Returns the physiology of the finished steps."""
        finished = self.advance(now)
        self._playing = emotion
        return finished

    def receive(self, kind: Reception, now: float) -> list[Floats]:
        """Note how a track was received. Returns the physiology of the finished steps."""
        finished = self.advance(now)
        if kind in {"like", "dislike"}:
            self._open.liked = 1.0 if kind == "like" else -1.0
        elif kind == "skip":
            self._open.skipped = 1.0
        else:
            self._open.completed = 1.0
        return finished

    def report(self, feeling: _Pair, usual: _Pair | None, count: int, now: float) -> list[Floats]:
        """Note the listener's own word, and what it was usually before. Returns the finished steps' physiology."""
        finished = self.advance(now)
        self._open.reported = feeling
        self.usually(usual, count)
        return finished

    def usually(self, usual: _Pair | None, count: int) -> None:
        """Set the mean and number of the listener's earlier reports."""
        self._usual, self._reports = usual, count

    def feel(self, physiology: Floats, now: float, *, worn: bool = True) -> list[Floats]:
        """Set what the body says now. Returns the physiology of the finished steps.

        Args:
            physiology: [len(PHYSIOLOGY)], NaN where unknown.
            now: seconds since the epoch.
            worn: whether the streams behind it are good enough to learn from; once they are not, the step is none to
                learn from.
        """
        finished = self.advance(now)
        self._open.physiology = physiology
        self._open.worn &= worn
        return finished

    def advance(self, now: float) -> list[Floats]:
        """Let time pass; steps that end are finished. Returns their physiology, as far as one can learn from it."""
        if now - self._open.start >= STEP_S * STEPS:
            # Nothing of the history is left to look at. What plays went on, but nobody looked.
            self._count = 0
            self._open = _OpenStep(now)
            self._until = now
        finished: list[Floats] = []
        while now - self._open.start >= STEP_S:
            end = self._open.start + STEP_S
            self._play_until(end)
            self._finish(finished)
            self._open = _OpenStep(end)
        self._play_until(now)
        return finished

    def turn_back(self, now: float) -> None:
        """Go on at an earlier time: the clock was set back."""
        self._open.start += now - self._until
        self._until = now

    def _play_until(self, time: float) -> None:
        if self._playing is not None and time > self._until:
            self._open.play(self._playing, time - self._until)
        self._until = max(self._until, time)

    def _finish(self, finished: list[Floats]) -> None:
        if self._open.physiology is not None and self._open.worn:
            finished.append(self._open.physiology)
        if self._count == len(self._finished):
            self._finished[:-1] = self._finished[1:]
            self._count -= 1
        self._finished[self._count] = self._raw(STEP_S)
        self._count += 1

    def _raw(self, length_s: float) -> NDArray[np.float64]:
        """The step under way, as if it had ended after `length_s`."""
        current = self._open
        played = current.played_s
        heard = tuple((current.emotion / played).tolist()) if played > 0.0 else self._playing
        share = min(1.0, played / length_s) if length_s > 0.0 else float(self._playing is not None)
        return step(
            current.physiology,
            heard=heard,
            heard_share=share,
            liked=current.liked if heard is not None or current.liked else _NAN,
            skipped=current.skipped,
            completed=current.completed,
            reported=current.reported,
            usual=self._usual,
            reports=self._reports,
        )

    def raw(self) -> NDArray[np.float64]:
        """All steps, oldest first, the one under way last: float64 [n, F], NaN where unknown."""
        now_open = self._raw(self._until - self._open.start)
        return np.vstack((self._finished[: self._count], now_open))

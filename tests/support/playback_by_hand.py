"""A player without sound card or sleep: a clock turned by hand, tracks that live in memory, an engine to drive."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.playback import Player, TrackToPlay
from agent.playback.engine import Engine
from models.errors import AudioError, Reason

__all__ = ["RATE", "MakePlayer", "MakeRig", "ManualClock", "Rig", "Shelf", "Sine"]

RATE = 8000

Sound = NDArray[np.float32]
Sine = Callable[..., Sound]
MakePlayer = Callable[..., Player]
MakeRig = Callable[..., "Rig"]


class ManualClock:
    """Time passes when every thread that could do something in it waits: the same course of events in each run."""

    def __init__(self) -> None:
        self._now = 0.0
        self._changed = threading.Condition()
        self._wakers = []

    def now(self):
        return self._now

    def waker(self):
        waker = ManualWaker(self)
        with self._changed:
            self._wakers.append(waker)
        return waker

    def settle(self):
        """Wait until all threads wait."""
        with self._changed:
            assert self._changed.wait_for(self._all_wait, timeout=20.0), "a thread does not come to rest"

    def advance(self, seconds: float):
        target = self._now + seconds
        while True:
            self.settle()
            with self._changed:
                due = min((waker.until for waker in self._wakers), default=target)
                self._now = max(self._now, min(due, target))
                for waker in self._wakers:
                    if waker.until is not None and waker.until <= self._now:
                        waker.until = None
                self._changed.notify_all()
                if self._now >= target and self._all_wait():
                    return

    def _all_wait(self):
        return all(waker.until is not None and not waker.woken for waker in self._wakers)


class ManualWaker:
    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.until = None
        self.woken = False

    def wake(self):
        with self._clock._changed:
            self.woken = True
            self._clock._changed.notify_all()

    def wait(self, until: float):
        changed = self._clock._changed
        with changed:
            self.until = until
            changed.notify_all()
            changed.wait_for(lambda: self.woken or self.until is None)
            self.woken = False
            self.until = None

    def close(self):
        with self._clock._changed:
            if self in self._clock._wakers:
                self._clock._wakers.remove(self)
            self._clock._changed.notify_all()


class MemoryReader:
    """A decoded file; `broken_at` is the frame at which it turns out to be damaged."""

    def __init__(self, samples: Sound, rate: int, broken_at: int | None = None) -> None:
        self.samples = samples.reshape(len(samples), -1)
        self.sample_rate = rate
        self.channels = self.samples.shape[1]
        self.position = 0
        self.broken_at = broken_at
        self.closed = False

    def seek(self, seconds: float):
        self.position = round(seconds * self.sample_rate)

    def read(self, frames: int):
        if self.broken_at is not None and self.position >= self.broken_at:
            raise AudioError("damaged", reason=Reason.CORRUPT)
        end = self.position + frames if self.broken_at is None else min(self.position + frames, self.broken_at)
        block = self.samples[self.position : end].astype(np.float32)
        self.position += len(block)
        return block

    def close(self):
        self.closed = True


@dataclass
class Shelf:
    """Tracks by name."""

    sounds: dict = field(default_factory=dict)
    readers: list = field(default_factory=list)
    opened: list = field(default_factory=list)

    def put(self, name: str, samples: Sound, rate: int = RATE, broken_at: int | None = None):
        self.sounds[name] = (np.asarray(samples, dtype=np.float32), rate, broken_at)
        return TrackToPlay(name, Path(name), len(samples) / rate)

    def missing(self, name: str):
        return TrackToPlay(name, Path(name))

    def open_audio(self, path: Path):
        self.opened.append(path.name)
        if path.name not in self.sounds:
            raise AudioError(f"{path} is missing", reason=Reason.MISSING)
        reader = MemoryReader(*self.sounds[path.name])
        self.readers.append(reader)
        return reader


@dataclass
class Rig:
    """An engine without threads: `hear` is the output."""

    engine: Engine
    queue: list
    events: list
    now: float = 0.0

    def work(self):
        while self.engine.step(self.now):
            pass

    def hear(self, seconds: float, block: int = 400, rate: int = RATE):
        """Take so much sound in blocks, letting the engine work before each; returns what belongs to the music."""
        heard = []
        out = np.empty((block, 2), dtype=np.float32)
        for _ in range(round(seconds * rate / block)):
            self.work()
            count = self.engine.renderer.render(out)
            assert not out[count:].any()
            heard.append(out[:count].copy())
            self.now += block / rate
        self.work()
        return np.concatenate([out[:0], *heard])

    def names(self, *kinds: str):
        return [
            (type(event).__name__, event.track.id) if hasattr(event, "track") else (type(event).__name__,)
            for event in self.events
            if not kinds or type(event).__name__ in kinds
        ]

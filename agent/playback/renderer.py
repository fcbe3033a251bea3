"""What the output's thread runs: sound from the ring, volume, short fades; never waits, never decodes.

Rules:

- `render` fills every buffer that it is given, whatever happens elsewhere.
- No click: pausing, resuming, seeking, skipping and changing the volume are ramps of at most 10 ms. A track that begins
  or follows another one is not faded: its samples come out as they are (volume 100 %: bit for bit).
- Fields are written by one thread alone: `paused`, `volume`, `ready`, `ended` and `jump` by the player, the rest here.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.playback.ring import Ring

__all__ = ["Jump", "Mark", "Renderer"]

_RAMP_S = 0.010  # long enough to be no click at 50 Hz, too short to be heard as a fade


@dataclass(frozen=True, slots=True)
class Jump:
    """Go to `frame` of the ring, leaving out what is before it; `fade_in` where the sound there starts amid a track."""

    frame: int
    fade_in: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the output's time and the ring's part: frames were left out (a jump), or silence came in (an underrun).

    Attributes:
        read: frame of the ring at which it happened.
        resumed: frame of the ring at which it went on.
        silence: frames of silence that the output got.
    """

    read: int
    resumed: int
    silence: int


class Renderer:
    """Turns the ring into what is heard.

    Args:
        sample_rate: Hz.
        ahead_s: length of the ring in seconds.

    Attributes:
        ring: filled by the player.
        paused: whether silence is wanted; while it is, nothing is taken from the ring.
        volume: gain, 0 to 1.
        ready: whether so much has been written after a start or a jump that playing may begin.
        ended: whether what is in the ring is all there will be.
        jump: the newest jump; done when `ring.read` has reached its frame.
        marks: for the player to take away.
        underruns: how often the ring was empty when it should not have been.
    """

    def __init__(self, sample_rate: int, *, ahead_s: float) -> None:
        self.ring = Ring(round(sample_rate * ahead_s))
        self.paused = True
        self.volume = 1.0
        self.ready = False
        self.ended = True
        self.jump = Jump(0, fade_in=False)
        self.marks: deque[Mark] = deque()
        self.underruns = 0
        ramp = max(1, round(sample_rate * _RAMP_S))
        self._slope = 1.0 / ramp
        self._steps = np.arange(1, ramp + 1, dtype=np.float32)[:, np.newaxis]
        self._scratch = np.empty((ramp, 1), dtype=np.float32)
        self._gain: float | None = None  # None: begin with the volume, whatever it is by then
        self._flowing = False  # whether the last frame that went out was music
        self._starving = False

    def render(self, out: NDArray[np.float32]) -> int:
        """Fill `out` (float32[n, 2]); returns how many frames, from its beginning, belong to the music's time.

        These are music, or silence where music should have been (an underrun). What follows them is silence because
        nothing is wanted: paused, stopped, or not yet begun.
        """
        filled = 0
        while filled < len(out):
            jump = self.jump
            jumping = jump.frame > self.ring.read
            available = (jump.frame if jumping else self.ring.written) - self.ring.read
            if jumping or self.paused:
                if self._gain == 0.0 or not self._flowing or not available:
                    self._flowing = False
                    if not jumping:
                        break
                    self._skip(jump)
                    continue
                filled += self._pass(out[filled : filled + available], 0.0)
            elif available and (self._flowing or self.ready):
                filled += self._pass(out[filled : filled + available], self.volume)
            else:
                break
        out[filled:] = 0.0
        if filled < len(out) and not self.paused:
            return self._starve(filled, len(out))
        return filled

    def _skip(self, jump: Jump) -> None:
        self.marks.append(Mark(self.ring.read, jump.frame, 0))
        self._gain = 0.0 if jump.fade_in else None
        self.ring.skip_to(jump.frame)

    def _starve(self, filled: int, wanted: int) -> int:
        """There is too little in the ring: rightly so (the end, a beginning), or because the decoder is late."""
        if not self._flowing or self.ended or not self.ready:
            self._flowing = False
            return filled
        if not self._starving:
            self._starving = True
            self.underruns += 1
        self.marks.append(Mark(self.ring.read, self.ring.read, wanted - filled))
        return wanted

    def _pass(self, out: NDArray[np.float32], target: float) -> int:
        """Move frames from the ring into `out` until it is full or the gain has arrived at `target`."""
        gain = target if self._gain is None else self._gain
        if gain == target:
            self.ring.read_into(out)
            if gain != 1.0:
                np.multiply(out, np.float32(gain), out=out)
        else:
            count = min(len(out), math.ceil(abs(target - gain) / self._slope))
            out = out[:count]
            self.ring.read_into(out)
            slope = math.copysign(self._slope, target - gain)
            ramp = np.multiply(self._steps[:count], np.float32(slope), out=self._scratch[:count])
            np.add(ramp, np.float32(gain), out=ramp)
            np.multiply(out, ramp, out=out)
            gain += slope * count
            if (gain >= target) == (slope > 0):
                gain = target
        self._gain = gain
        self._flowing = True
        self._starving = False
        return len(out)

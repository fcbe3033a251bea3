"""An electrocardiogram around given beats: five waves per beat, of which the T wave follows the heart's pace.

Each wave is a Gaussian at a fixed distance from its R peak, as in the dynamical model of McSharry et al. 2003 (IEEE
Trans. Biomed. Eng. 50:289) once its limit cycle is unrolled into time (Clifford et al. 2005, Proc. SPIE 5841:34). The R
peaks are the body's beats exactly, so that a detector can be scored against them.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware_sim.physiology.body import BLOCK_S, Block

__all__ = ["ECG_HZ", "Electrocardiogram"]

ECG_HZ: Final = 130
"""Samples a second; the Polar H10's rate."""

# Height (millivolts), distance from the R peak (seconds at 60 beats a minute), width (standard deviation, seconds), and
# whether the distance shrinks with the root of the interval as QT does (Bazett 1920, Heart 7:353). Heights of a chest
# strap's lead, durations of an adult at rest: P 0.1 s, QRS 0.09 s, T 0.2 s, PR 0.16 s, QT 0.40 s (Surawicz & Knilans
# 2020, Chou's Electrocardiography, ch. 1).
_WAVES: Final = (
    (0.12, -0.16, 0.022, False),
    (-0.10, -0.028, 0.009, False),
    (1.10, 0.0, 0.011, False),
    (-0.22, 0.030, 0.010, False),
    (0.28, 0.28, 0.050, True),
)
# The P wave begins this long before the R peak: samples are held back until their beat is known.
_LAG_S = 0.25
# The last T wave is over this long after its beat.
_MEMORY_S = 1.0
# Millivolts: amplifier and muscle noise at rest, what 1 m/s² of movement adds, and the wander of the baseline with the
# breath (Friesen et al. 1990, IEEE Trans. Biomed. Eng. 37:85, name all three).
_NOISE, _MOTION, _WANDER = 0.01, 0.12, 0.05


class Electrocardiogram:
    """Yields the electrocardiogram, block after block, a quarter of a second late.

    Args:
        noise: multiplies every disturbance; 0 is a perfect lead.
        generator: where its randomness comes from.
    """

    def __init__(self, noise: float, generator: np.random.Generator) -> None:
        self._noise = noise
        self._generator = generator
        # Time, root of the interval before: one row per beat.
        self._beats: NDArray[np.float64] = np.empty((0, 2))
        self._next = 1
        self._breath = 0.0

    def next(self, block: Block) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The samples that are complete at the end of a block.

        Returns:
            Times [n], true seconds since the start, and values [n], millivolts.
        """
        self._remember(block)
        last = math.floor((block.end_s - _LAG_S) * ECG_HZ + 1e-9)
        times = np.arange(self._next, last + 1) / ECG_HZ
        self._next = max(self._next, last + 1)
        values = np.zeros(len(times))
        since = times[:, None] - self._beats[None, :, 0]
        for height, delay_s, width_s, follows in _WAVES:
            z = (since - delay_s * (self._beats[:, 1] if follows else 1.0)) / width_s
            values += height * np.exp(-0.5 * z * z).sum(axis=1)
        return times, values + self._disturbance(block, len(times))

    def _remember(self, block: Block) -> None:
        if len(block.beats_s):
            usual_s = 60 / block.heart_rate_bpm
            before = self._beats[-1, 0] if len(self._beats) else block.beats_s[0] - usual_s
            intervals = np.clip(np.diff(block.beats_s, prepend=before), 0.3, 2.0)
            self._beats = np.concatenate((self._beats, np.column_stack((block.beats_s, np.sqrt(intervals)))))
        self._beats = self._beats[self._beats[:, 0] > block.start_s - _LAG_S - _MEMORY_S]

    def _disturbance(self, block: Block, count: int) -> NDArray[np.float64]:
        phases = self._breath + 2 * math.pi * block.breath_hz * np.arange(1, count + 1) / ECG_HZ
        self._breath = (self._breath + 2 * math.pi * block.breath_hz * BLOCK_S) % (2 * math.pi)
        shaken = _NOISE + _MOTION * min(1.0, block.motion)
        disturbance = _WANDER * np.sin(phases) + shaken * self._generator.standard_normal(count)
        return np.asarray(self._noise * disturbance, dtype=np.float64)

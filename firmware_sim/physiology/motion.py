"""Movement of a wrist: gravity in a changing posture, and bursts of movement."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_sim.listener.affect import Affect
from firmware_sim.physiology.person import Person

__all__ = ["GRAVITY", "Motion"]

GRAVITY = 9.80665
"""Standard gravity, m/s² (CGPM 1901)."""

# A seated listener shifts the arm every couple of minutes; the turn takes about a second. Assumed.
_POSTURES_PER_MINUTE, _TURN_S = 0.4, 0.6
# Aroused people fidget more; ln of the rate per unit of arousal. Assumed small: movement tells activity before feeling.
_FIDGET_GAIN = 0.4
# Bursts: median length and amplitude with the spread of their logarithms, and their frequencies. Voluntary movement of
# the arm has its power below 3 Hz (Mann et al. 1989, cited for daily activities by Bouten et al. 1997, IEEE Trans.
# Biomed. Eng. 44:136).
_LENGTH_S, _LENGTH_SPREAD = 2.0, 0.5
_AMPLITUDE, _AMPLITUDE_SPREAD = 1.2, 0.6
_LOWEST_HZ, _HIGHEST_HZ = 0.7, 3.0
# Pulse and breath shake even a hand at rest by a few mg.
_TREMOR = 0.02


@dataclass(slots=True)
class _Burst:
    """One movement: when it began (seconds before the block's start are negative), and how it goes."""

    start_s: float
    length_s: float
    frequency_hz: float
    phase: float
    amplitude: NDArray[np.float64]

    def envelope(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        share = np.clip((times_s - self.start_s) / self.length_s, 0, 1)
        return np.asarray(np.sin(math.pi * share) ** 2, dtype=np.float64)

    def at(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        wave = np.sin(2 * math.pi * self.frequency_hz * (times_s - self.start_s) + self.phase)
        return np.asarray(self.envelope(times_s)[:, None] * wave[:, None] * self.amplitude, dtype=np.float64)


class Motion:
    """Yields the acceleration of the wrist, block after block.

    Args:
        person: whose wrist.
        generator: where its randomness comes from.
    """

    def __init__(self, person: Person, generator: np.random.Generator) -> None:
        self._person = person
        self._generator = generator
        self._posture = self._direction()
        self._gravity: NDArray[np.float64] = self._posture.copy()
        self._bursts: list[_Burst] = []
        self.intensity = 0.0
        """Amplitude of the present movement without gravity, m/s²; what disturbs other sensors."""

    def _direction(self) -> NDArray[np.float64]:
        vector = self._generator.standard_normal(3)
        return np.asarray(GRAVITY * vector / np.linalg.norm(vector), dtype=np.float64)

    def next(self, affect: Affect, block_s: float, count: int) -> NDArray[np.float64]:
        """Acceleration at the ends of `count` equal parts of the next block: [count, 3], m/s²."""
        if self._generator.random() < _POSTURES_PER_MINUTE / 60 * block_s:
            self._posture = self._direction()
        rate = self._person.restlessness * math.exp(_FIDGET_GAIN * affect.arousal) / 60
        for _ in range(int(self._generator.poisson(rate * block_s))):
            self._bursts.append(self._burst(float(self._generator.uniform(0, block_s))))
        times = np.arange(1, count + 1) * (block_s / count)
        left = np.exp(-times / _TURN_S)[:, None]
        gravity = self._posture + (self._gravity - self._posture) * left
        self._gravity = np.asarray(gravity[-1], dtype=np.float64)
        # The hand turns, it is not weightless on the way.
        length = np.maximum(np.linalg.norm(gravity, axis=1, keepdims=True), 1e-6)
        acceleration = gravity * (GRAVITY / length) + _TREMOR * self._generator.standard_normal((count, 3))
        self.intensity = 0.0
        for burst in self._bursts:
            acceleration += burst.at(times)
            self.intensity += float(np.linalg.norm(burst.amplitude) * burst.envelope(times).mean())
            burst.start_s -= block_s
        self._bursts = [burst for burst in self._bursts if burst.start_s + burst.length_s > 0]
        return np.asarray(acceleration, dtype=np.float64)

    def _burst(self, start_s: float) -> _Burst:
        normal = self._generator.standard_normal(5)
        size = _AMPLITUDE * math.exp(_AMPLITUDE_SPREAD * normal[0])
        direction = normal[2:5] / np.linalg.norm(normal[2:5])
        return _Burst(
            start_s=start_s,
            length_s=_LENGTH_S * math.exp(_LENGTH_SPREAD * normal[1]),
            frequency_hz=float(self._generator.uniform(_LOWEST_HZ, _HIGHEST_HZ)),
            phase=float(self._generator.uniform(0, 2 * math.pi)),
            amplitude=size * direction,
        )

"""The whole body, advanced in blocks of a quarter of a second.

Rules:

- Blocks are the only step there is, so what a seed produces never depends on how it is asked for.
- Every organ has a generator of its own, spawned from the seed: one that draws more does not change the others.
- Feeling comes in from outside, once per block; the body never feeds back into it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware_sim.listener.affect import Affect
from firmware_sim.physiology.breath import Breath
from firmware_sim.physiology.heart import Heart
from firmware_sim.physiology.motion import Motion
from firmware_sim.physiology.person import Person
from firmware_sim.physiology.pulse import Pulse
from firmware_sim.physiology.skin import SkinConductance, SkinTemperature

__all__ = ["ACCELERATION_HZ", "BLOCK_S", "PULSE_HZ", "Block", "Body"]

BLOCK_S: Final = 0.25
"""Length of a block, seconds: one sample of skin conductance."""
PULSE_HZ: Final = 64
"""Samples of the pulse a second; the E4's rate."""
ACCELERATION_HZ: Final = 32
"""Samples of the acceleration a second; the E4's rate."""


@dataclass(frozen=True, slots=True)
class Block:
    """What happened in a body in one block. Samples stand at the ends of equal parts of it.

    Attributes:
        start_s: seconds since the body began.
        affect: what was felt.
        beats_s: float64 [k], times of the heart beats, seconds since the body began.
        heart_rate_bpm: the heart rate without beat-to-beat variation.
        breath_hz: breaths a second.
        pulse: float64 [16], arbitrary units.
        conductance_us: skin conductance at the end, microsiemens.
        temperature_c: skin temperature at the end, degrees Celsius.
        acceleration: float64 [8, 3], m/s², gravity included.
        motion: amplitude of movement without gravity, m/s².
    """

    start_s: float
    affect: Affect
    beats_s: NDArray[np.float64]
    heart_rate_bpm: float
    breath_hz: float
    pulse: NDArray[np.float64]
    conductance_us: float
    temperature_c: float
    acceleration: NDArray[np.float64]
    motion: float

    @property
    def end_s(self) -> float:
        """Seconds since the body began, at the block's end."""
        return self.start_s + BLOCK_S


class Body:
    """A body that lives block by block.

    Args:
        person: whose body.
        seed: of everything random in it.
    """

    def __init__(self, person: Person, seed: int) -> None:
        self.person = person
        generators = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(5)]
        self._breath = Breath(person, generators[0])
        self._heart = Heart(person, generators[1])
        self._conductance = SkinConductance(person, generators[2])
        self._temperature = SkinTemperature(person, generators[3])
        self._motion = Motion(person, generators[4])
        self._pulse = Pulse(person)
        self._blocks = 0

    def next(self, affect: Affect) -> Block:
        """Live one block in which `affect` is felt."""
        start_s = self._blocks * BLOCK_S
        self._blocks += 1
        phase = self._breath.next(affect, BLOCK_S, int(PULSE_HZ * BLOCK_S))
        beats = self._heart.next(affect, phase, self._breath.rate_hz, BLOCK_S)
        return Block(
            start_s=start_s,
            affect=affect,
            beats_s=start_s + beats,
            heart_rate_bpm=self._heart.rate_bpm,
            breath_hz=self._breath.rate_hz,
            pulse=self._pulse.next(affect, beats, phase, BLOCK_S),
            conductance_us=self._conductance.next(affect, BLOCK_S),
            temperature_c=self._temperature.next(affect, BLOCK_S),
            acceleration=self._motion.next(affect, BLOCK_S, int(ACCELERATION_HZ * BLOCK_S)),
            motion=self._motion.intensity,
        )

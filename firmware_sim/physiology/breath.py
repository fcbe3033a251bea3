"""Breathing: a phase that advances at a wandering rate, faster when aroused."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from firmware_sim.listener.affect import Affect
from firmware_sim.physiology.dynamics import Lag, OrnsteinUhlenbeck
from firmware_sim.physiology.person import Person

__all__ = ["Breath"]

# Breaths a minute per unit of arousal: arousing music and pictures quicken breathing by two to four a minute between
# calm and excited (Gomez & Danuser 2007, Emotion 7:377; Homma & Masaoka 2008, Exp. Physiol. 93:1011).
_AROUSAL_GAIN = 2.5
# Breathing follows within a breath or two.
_RESPONSE_S = 5.0
# Breath-to-breath variation at rest is about a tenth to a fifth of the period, correlated over neighbouring breaths
# (Tobin et al. 1988, J. Appl. Physiol. 65:309).
_WANDER, _WANDER_S = 0.10, 8.0
# Nobody at rest breathes outside of this, breaths a minute.
_SLOWEST, _FASTEST = 7.0, 28.0


class Breath:
    """Yields the breathing phase, block after block.

    Args:
        person: whose breath.
        generator: where its randomness comes from.
    """

    def __init__(self, person: Person, generator: np.random.Generator) -> None:
        self._person = person
        self._arousal = Lag(_RESPONSE_S)
        self._wander = OrnsteinUhlenbeck(_WANDER_S, _WANDER, generator)
        self._phase = float(generator.uniform(0, 2 * math.pi))
        self.rate_hz = person.breaths_per_minute / 60

    def next(self, affect: Affect, block_s: float, count: int) -> NDArray[np.float64]:
        """Phases (radians) at the ends of `count` equal parts of the next block; 0 is the start of a breath in."""
        arousal = self._arousal.towards(affect.arousal * self._person.reactivity, block_s)
        rate = (self._person.breaths_per_minute + _AROUSAL_GAIN * arousal) * math.exp(self._wander.step(block_s))
        self.rate_hz = min(_FASTEST, max(_SLOWEST, rate)) / 60
        steps = np.arange(1, count + 1) * (block_s / count)
        phases = self._phase + 2 * math.pi * self.rate_hz * steps
        self._phase = float(phases[-1] % (2 * math.pi))
        return phases

"""The skin: electrodermal activity and temperature at the wrist."""

from __future__ import annotations

import math

import numpy as np

from firmware_sim.listener.affect import Affect
from firmware_sim.physiology.dynamics import Lag, OrnsteinUhlenbeck
from firmware_sim.physiology.person import Person

__all__ = ["SkinConductance", "SkinTemperature"]

# Time constants of a response's recovery and rise, seconds: the Bateman function of cvxEDA (Greco et al. 2016, IEEE
# Trans. Biomed. Eng. 63:797).
_RECOVERY_S, _RISE_S = 2.0, 0.7
# Height of the Bateman function at its top, by which a response is scaled to the amplitude that it should have.
_TOP_S = math.log(_RECOVERY_S / _RISE_S) * _RECOVERY_S * _RISE_S / (_RECOVERY_S - _RISE_S)
_TOP = math.exp(-_TOP_S / _RECOVERY_S) - math.exp(-_TOP_S / _RISE_S)
# ln of the rate of responses per unit of arousal: 1 to 3 a minute at rest, above 20 in high arousal (Boucsein 2012,
# Electrodermal Activity, 2nd ed., section 3.2.2). An extreme of everyday feeling is a third of the laboratory's.
_RATE_GAIN = 1.1
# Amplitude of a response as a share of the tonic level: 0.1-1 uS where the level is 2-20 uS (Dawson et al. 2007,
# table 7.1), logarithmic.
_RESPONSE_SHARE, _RESPONSE_SPREAD = 0.08, 0.6
# ln of the tonic level per unit of arousal, and how slowly it follows: half a minute (Boucsein 2012, section 3.1.1).
_TONIC_GAIN, _TONIC_S = 0.30, 30.0
# The level also drifts for reasons of its own (sweat, humidity): a tenth over minutes, and smoothly.
_DRIFT, _DRIFT_S, _DRIFT_SMOOTH_S = 0.10, 240.0, 20.0
# The sweat that a response needs comes one to three seconds after its cause (Dawson et al. 2007).
_LATENCY_S = 1.5

# Degrees per unit of arousal: acute stress cools distal skin by some tenths of a degree within minutes (Vinkers et al.
# 2013, Stress 16:520; at the finger Kistler et al. 1998, Int. J. Psychophysiol. 29:35); pleasant calm warms it a little
# (Rimm-Kaufman & Kagan 1996, Motiv. Emot. 20:63).
_COOLING, _WARMTH, _TEMPERATURE_S = -0.35, 0.15, 120.0
_TEMPERATURE_DRIFT, _TEMPERATURE_DRIFT_S = 0.10, 400.0


class SkinConductance:
    """Yields skin conductance, block after block.

    Args:
        person: whose skin.
        generator: where its randomness comes from.
    """

    def __init__(self, person: Person, generator: np.random.Generator) -> None:
        self._person = person
        self._generator = generator
        self._arousal = Lag(_LATENCY_S)
        self._tonic = Lag(_TONIC_S)
        self._wander = OrnsteinUhlenbeck(_DRIFT_S, _DRIFT, generator)
        self._drift = Lag(_DRIFT_SMOOTH_S, self._wander.value)
        self._recovering = 0.0
        self._rising = 0.0
        self.responses = 0
        """Responses since the start."""

    @property
    def level_us(self) -> float:
        """The tonic level, microsiemens."""
        return self._person.conductance_us * math.exp(self._tonic.value + self._drift.value)

    def next(self, affect: Affect, block_s: float) -> float:
        """Skin conductance at the end of the next block, microsiemens."""
        felt = affect.arousal * self._person.reactivity
        self._tonic.towards(_TONIC_GAIN * felt, block_s)
        self._drift.towards(self._wander.step(block_s), block_s)
        rate = self._person.responses_per_minute * math.exp(_RATE_GAIN * self._arousal.towards(felt, block_s)) / 60
        self._recovering *= math.exp(-block_s / _RECOVERY_S)
        self._rising *= math.exp(-block_s / _RISE_S)
        for _ in range(int(self._generator.poisson(rate * block_s))):
            since_s = float(self._generator.uniform(0, block_s))
            spread = math.exp(_RESPONSE_SPREAD * float(self._generator.standard_normal()))
            amplitude = _RESPONSE_SHARE * self.level_us * spread / _TOP
            self._recovering += amplitude * math.exp(-since_s / _RECOVERY_S)
            self._rising += amplitude * math.exp(-since_s / _RISE_S)
            self.responses += 1
        return self.level_us + self._recovering - self._rising


class SkinTemperature:
    """Yields skin temperature, block after block.

    Args:
        person: whose skin.
        generator: where its randomness comes from.
    """

    def __init__(self, person: Person, generator: np.random.Generator) -> None:
        self._person = person
        self._felt = Lag(_TEMPERATURE_S)
        self._drift = OrnsteinUhlenbeck(_TEMPERATURE_DRIFT_S, _TEMPERATURE_DRIFT, generator)

    def next(self, affect: Affect, block_s: float) -> float:
        """Skin temperature at the end of the next block, degrees Celsius."""
        target = self._person.reactivity * (_COOLING * affect.arousal + _WARMTH * affect.valence)
        return self._person.temperature_c + self._felt.towards(target, block_s) + self._drift.step(block_s)

"""The beat generator: integral pulse frequency modulation of a heart rate that follows feeling.

A beat falls whenever the integral of the instantaneous rate m(t) = HR(t)/60 · (1 + ρ(t)) passes the next whole number
(integral pulse frequency modulation: Bayly 1968, IEEE Trans. Biomed. Eng. 15:257; Mateo & Laguna 2000, ibid. 47:985).
HR(t) is what feeling makes of the resting rate. ρ(t) is the relative modulation by respiratory sinus arrhythmia, by the
Mayer wave near 0.1 Hz and by slow 1/f noise.

The amplitude of the sinus arrhythmia is solved from the person's RMSSD, so that the generator meets it by construction:
a sinusoid of amplitude A (seconds) and frequency f sampled at every beat of interval R contributes 2 A² sin²(π f R) to
RMSSD², and a first-order process of variance σ² and time constant τ contributes 2 σ² (1 − e^(−R/τ)).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from firmware_sim.listener.affect import Affect
from firmware_sim.physiology.dynamics import Lag, OrnsteinUhlenbeck, SlowNoise
from firmware_sim.physiology.person import Person

__all__ = ["Heart"]

# Beats a minute for arousal +1. Basic emotions in the laboratory raise the heart rate by 3 to 8 (Ekman, Levenson &
# Friesen 1983, Science 221:1208: anger and fear 8, joy 3), a social stress test by 15 to 25 (WESAD, stress minus
# baseline: 23.5 in 12 people, speech included); an extreme of everyday feeling lies between.
_AROUSED_BPM = 12.0
# For arousal -1 there is less room: relaxation lowers a resting heart by about five beats.
_CALM_BPM = 6.0
# Unpleasant high arousal drives the heart harder than pleasant (Cacioppo et al. 2000, Handbook of Emotions, 2nd ed.,
# ch. 11: small differences, negative above positive): beats a minute per unit of valence at full arousal.
_VALENCE_BPM = 2.0
# Part of the heart's answer that the vagus gives. Vagal effects come within one or two seconds, sympathetic ones within
# five to twenty (Berntson et al. 1997, Psychophysiology 34:623).
_VAGAL_SHARE, _VAGAL_S, _SYMPATHETIC_S = 0.4, 2.0, 10.0
# ln RMSSD per unit of arousal. Acute stress depresses RMSSD and high-frequency power (meta-analysis of Castaldo et al.
# 2015, Biomed. Signal Process. Control 18:370); a third at arousal +1 is our reading of its size.
_WITHDRAWAL = -0.40
# ln RMSSD per unit of valence: vagal tone is slightly higher in pleasant states (Kreibig 2010, Biol. Psychol. 84:394).
_VALENCE_TONE = 0.05
# Amplitude of the Mayer wave as a share of RMSSD: 519 ms² of low-frequency power (Nunan et al. 2010) is a sinusoid of
# 32 ms where RMSSD is 42 ms. Its frequency wanders slightly around 0.1 Hz (Julien 2006, Cardiovasc. Res. 70:12).
_MAYER_SHARE, _MAYER_HZ, _MAYER_WANDER, _MAYER_WANDER_S = 0.75, 0.095, 0.08, 20.0
# Time constants of the 1/f part, octaves from 5 s (faster is breathing) to 160 s (slower is the day).
_SLOW_S = (5.0, 10.0, 20.0, 40.0, 80.0, 160.0)
# The modulation may not stop or double the heart.
_LARGEST_MODULATION = 0.35
# Limits of a seated heart, beats a minute.
_SLOWEST, _FASTEST = 42.0, 170.0


class Heart:
    """Yields the times of beats, block after block.

    Args:
        person: whose heart.
        generator: where its randomness comes from.
    """

    def __init__(self, person: Person, generator: np.random.Generator) -> None:
        self._person = person
        self._slow = SlowNoise(_SLOW_S, person.slow_s, generator)
        self._mayer_wander = OrnsteinUhlenbeck(_MAYER_WANDER_S, _MAYER_WANDER, generator)
        self._mayer_phase = float(generator.uniform(0, 2 * math.pi))
        self._integral = float(generator.uniform(0, 1))
        self._vagal = Lag(_VAGAL_S)
        self._sympathetic = Lag(_SYMPATHETIC_S)
        self._tone = Lag(_VAGAL_S)
        self._rate = person.heart_rate_bpm
        self._slow_value = self._slow.value

    @property
    def rate_bpm(self) -> float:
        """The underlying heart rate without beat-to-beat variation, beats a minute."""
        return self._rate

    @property
    def rmssd_s(self) -> float:
        """The RMSSD that the heart aims at now, seconds."""
        return self._person.rmssd_s * math.exp(self._tone.value)

    def _respond(self, affect: Affect, block_s: float) -> None:
        valence, arousal = affect
        shift = _AROUSED_BPM * max(arousal, 0) + _CALM_BPM * min(arousal, 0)
        shift = self._person.reactivity * (shift - _VALENCE_BPM * valence * (1 + arousal) / 2)
        vagal = self._vagal.towards(_VAGAL_SHARE * shift, block_s)
        sympathetic = self._sympathetic.towards((1 - _VAGAL_SHARE) * shift, block_s)
        self._rate = min(_FASTEST, max(_SLOWEST, self._person.heart_rate_bpm + vagal + sympathetic))
        self._tone.towards(self._person.reactivity * (_WITHDRAWAL * arousal + _VALENCE_TONE * valence), block_s)

    def _sinus_amplitude_s(self, interval_s: float, breath_hz: float) -> float:
        """Amplitude of the sinus arrhythmia (seconds) that makes RMSSD what the person's is now."""
        mayer_s = _MAYER_SHARE * self.rmssd_s
        taus = np.array(_SLOW_S)
        slow = 2 * self._person.slow_s**2 / len(taus) * float(np.sum(-np.expm1(-interval_s / taus)))
        mayer = 2 * mayer_s**2 * math.sin(math.pi * _MAYER_HZ * interval_s) ** 2
        # A tenth stays for the breath even where slow variation alone would fill the budget.
        left = max(self.rmssd_s**2 - slow - mayer, 0.1 * self.rmssd_s**2)
        return math.sqrt(left / 2) / max(math.sin(math.pi * min(breath_hz * interval_s, 0.5)), 0.2)

    def next(
        self, affect: Affect, breath_phase: NDArray[np.float64], breath_hz: float, block_s: float
    ) -> NDArray[np.float64]:
        """Beats of the next block.

        Args:
            affect: what is felt in the block.
            breath_phase: [n] radians at the ends of n equal parts of the block.
            breath_hz: breaths a second now.
            block_s: length of the block, seconds.

        Returns:
            Times of the beats, seconds after the block's start, ascending.
        """
        before, slow_before = self._rate, self._slow_value
        self._respond(affect, block_s)
        count = len(breath_phase)
        share = np.arange(1, count + 1) / count
        rate_hz = (before + (self._rate - before) * share) / 60
        interval_s = 60 / self._rate
        self._slow_value = self._slow.step(block_s)
        slow = slow_before + (self._slow_value - slow_before) * share
        mayer_hz = _MAYER_HZ * math.exp(self._mayer_wander.step(block_s))
        mayer_phase = self._mayer_phase + 2 * math.pi * mayer_hz * block_s * share
        self._mayer_phase = float(mayer_phase[-1] % (2 * math.pi))
        # Breathing in quickens the heart.
        seconds = slow + _MAYER_SHARE * self.rmssd_s * np.sin(mayer_phase)
        seconds += self._sinus_amplitude_s(interval_s, breath_hz) * np.sin(breath_phase)
        modulation = np.clip(seconds / interval_s, -_LARGEST_MODULATION, _LARGEST_MODULATION)
        return self._crossings(rate_hz * (1 + modulation) * (block_s / count), block_s)

    def _crossings(self, steps: NDArray[np.float64], block_s: float) -> NDArray[np.float64]:
        """Where the running integral passes whole numbers; linear within a step, exact to microseconds at 64 Hz."""
        integral = np.concatenate(([self._integral], self._integral + np.cumsum(steps)))
        whole = np.arange(math.floor(integral[0]) + 1, math.floor(integral[-1]) + 1)
        times = np.interp(whole, integral, np.linspace(0, block_s, len(integral)))
        self._integral = float(integral[-1] % 1.0)
        return times

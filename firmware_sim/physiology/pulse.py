"""The optical pulse (photoplethysmogram): two Gaussians per beat, smaller when vessels narrow."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from firmware_sim.listener.affect import Affect
from firmware_sim.physiology.dynamics import Lag
from firmware_sim.physiology.person import Person

__all__ = ["Pulse"]

# From the R peak to the foot of the pulse at the wrist, seconds (Allen 2007, Physiol. Meas. 28:R1: 0.15 to 0.25).
_TRANSIT_S = 0.18
# Two waves make a pulse: the forward one and its reflection (Allen 2007). Each is (share of the amplitude, delay of its
# top after the foot, width), for a heart at 60; delays shrink with the square root of the interval, like systole does
# (Bazett 1920). Crest time near 0.2 s (Elgendi 2012, Curr. Cardiol. Rev. 8:14), reflection 0.25 s later at a third of
# the height.
_WAVES = ((1.0, 0.20, 0.075), (0.35, 0.45, 0.12))
# ln amplitude per unit of arousal: sympathetic constriction of the skin's vessels; effort and startle cut the pulse by
# a quarter to a half (Iani, Gopher & Lavie 2004, Psychophysiology 41:789).
_CONSTRICTION, _CONSTRICTION_S = -0.35, 6.0
# Amplitude and baseline follow breathing (Charlton et al. 2018, IEEE Rev. Biomed. Eng. 11:2).
_BREATH_AMPLITUDE, _BREATH_BASELINE = 0.06, 0.08
# A pulse is over three seconds after its beat whatever the rate.
_MEMORY_S = 3.0


class Pulse:
    """Yields the pulse signal, block after block.

    Args:
        person: whose pulse.
    """

    def __init__(self, person: Person) -> None:
        self._person = person
        self._tone = Lag(_CONSTRICTION_S)
        # Time since the block's start, interval before, amplitude: one row per beat.
        self._beats: NDArray[np.float64] = np.empty((0, 3))
        self._last_beat_s: float | None = None

    @property
    def amplitude(self) -> float:
        """Present height of a pulse, arbitrary units."""
        return self._person.pulse_amplitude * math.exp(self._tone.value)

    def next(
        self, affect: Affect, beats_s: NDArray[np.float64], breath_phase: NDArray[np.float64], block_s: float
    ) -> NDArray[np.float64]:
        """The pulse signal at the ends of equal parts of the next block.

        Args:
            affect: what is felt in the block.
            beats_s: the block's beats, seconds after its start.
            breath_phase: [n] radians at the instants that are asked for.
            block_s: length of the block, seconds.

        Returns:
            [n] arbitrary units, foot near 0.
        """
        self._tone.towards(_CONSTRICTION * self._person.reactivity * affect.arousal, block_s)
        if len(beats_s):
            self._remember(beats_s)
        count = len(breath_phase)
        times = np.arange(1, count + 1) * (block_s / count)
        signal: NDArray[np.float64] = np.zeros(count)
        if len(self._beats):
            since = times[:, None] - self._beats[None, :, 0] - _TRANSIT_S
            shrink = np.sqrt(self._beats[:, 1])
            for share, delay_s, width_s in _WAVES:
                z = (since - delay_s * shrink) / (width_s * shrink)
                signal += share * (np.exp(-0.5 * z * z) * self._beats[:, 2]).sum(axis=1)
        breathing = np.sin(breath_phase)
        signal = signal * (1 - _BREATH_AMPLITUDE * breathing) + _BREATH_BASELINE * self.amplitude * breathing
        self._forget(block_s)
        return np.asarray(signal, dtype=np.float64)

    def _remember(self, beats_s: NDArray[np.float64]) -> None:
        usual_s = 60 / self._person.heart_rate_bpm
        before = self._last_beat_s if self._last_beat_s is not None else float(beats_s[0]) - usual_s
        intervals = np.clip(np.diff(beats_s, prepend=before), 0.3, 2.0)
        rows = np.column_stack((beats_s, intervals, np.full(len(beats_s), self.amplitude)))
        self._beats = np.concatenate((self._beats, rows))
        self._last_beat_s = float(beats_s[-1])

    def _forget(self, block_s: float) -> None:
        self._beats[:, 0] -= block_s
        self._beats = self._beats[self._beats[:, 0] > -_MEMORY_S]
        if self._last_beat_s is not None:
            self._last_beat_s -= block_s

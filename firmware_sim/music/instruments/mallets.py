"""Struck bars: the vibraphone, whose resonators keep the first and the fourth partial (Fletcher & Rossing 1998)."""

from __future__ import annotations

import numpy as np

from firmware_sim.music.instruments.tone import Audio, Instrument, Modes, faded, frequency_hz, levelled, ring

__all__ = ["VIBRAPHONE"]

# The motor that turns the resonators' discs: its tremolo makes the sound sing.
_MOTOR_HZ = 4.6


def _vibraphone(pitch: int) -> Audio:
    base = frequency_hz(pitch)
    ratios = np.array([1.0, 1.0, 1.0, 4.0, 10.1])
    # A sinusoidal tremolo is a pair of side bands, so it costs two more modes.
    offsets = np.array([0.0, _MOTOR_HZ, -_MOTOR_HZ, 0.0, 0.0])
    modes = Modes(
        hz=base * ratios + offsets,
        decay=np.array([0.9, 0.9, 0.9, 3.0, 14.0]) * 2 ** ((pitch - 69) / 24),
        amplitude=np.array([[1.0, 0.13, 0.13, 0.05, 0.01], [1.0, 0.13, 0.13, 0.22, 0.09]]),
        phase=np.zeros(5),
    )
    return faded(levelled(ring(modes, 3.5)), 0.002, 0.4)


VIBRAPHONE = Instrument(_vibraphone, release_s=0.5, gain=0.8, spread=0.15, lowest=53, highest=96)

"""Held sounds: string ensemble, pad, organ, flute, and the synthesiser's lead, pluck and bass.

Ensembles are many voices a few cents apart: their partials beat against each other, which is what makes a section sound
like one. They use the modal engine without decay. Solo voices carry a vibrato that sets in late.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firmware_sim.music.instruments.tone import (
    SAMPLE_RATE,
    Audio,
    Instrument,
    Modes,
    faded,
    frequency_hz,
    levelled,
    noise,
    ring,
    seeded,
)

__all__ = ["FLUTE", "ORGAN", "STRINGS", "SYNTH_BASS", "SYNTH_LEAD", "SYNTH_PLUCK", "WARM_PAD"]

# Longest held note in seconds: a bar of the slowest tempo with room for its slowing at the end.
_HELD_S = 8.0


def _ensemble(
    name: str, pitch: int, partials: NDArray[np.float64], *, cents: float, corners_hz: tuple[float, float]
) -> Audio:
    """Voices of one section: every partial several times, out of tune by chance.

    Args:
        name: of the instrument, for its chance.
        pitch: MIDI.
        partials: amplitude of partial 1, 2, ...
        cents: standard deviation of the voices' tuning.
        corners_hz: where the soft and the hard layer start to fall.
    """
    rng = seeded(name, pitch)
    base = frequency_hz(pitch)
    number = np.arange(1, len(partials) + 1)
    voices = 4
    detune = 2 ** (rng.normal(0, cents, (voices, 1)) / 1200)
    hz = (base * number * detune).ravel()
    amplitude = np.tile(partials, voices)
    modes = Modes(
        hz=hz,
        decay=np.zeros(len(hz)),
        amplitude=np.array([amplitude * np.exp(-hz / corner) for corner in corners_hz]),
        phase=rng.uniform(0, 2 * np.pi, len(hz)),
    )
    return levelled(ring(modes, _HELD_S), rms=0.1, window_s=2.0)


def _strings(pitch: int) -> Audio:
    number = np.arange(1, max(6, min(28, int(9000 / frequency_hz(pitch)))) + 1)
    body = 10 ** (seeded("string body", 0).normal(0, 2, 64)[: len(number)] / 20)
    return _ensemble("strings", pitch, body / number, cents=5.0, corners_hz=(1300, 6000))


def _pad(pitch: int) -> Audio:
    number = np.arange(1, 13)
    return _ensemble("pad", pitch, 1 / number**1.5, cents=7.0, corners_hz=(500, 3000))


def _organ(pitch: int) -> Audio:
    drawbars = np.array([1.0, 0.8, 0.35, 0.45, 0.0, 0.2, 0.0, 0.15])
    return _ensemble("organ", pitch, drawbars, cents=1.5, corners_hz=(1500, 6000))


def _flute(pitch: int) -> Audio:
    rng = seeded("flute", pitch)
    time = np.arange(round(_HELD_S / 2 * SAMPLE_RATE)) / SAMPLE_RATE
    depth = 0.004 * np.clip((time - 0.25) / 0.4, 0, 1)  # vibrato sets in once the tone stands
    turns = frequency_hz(pitch) * np.cumsum(1 + depth * np.sin(2 * np.pi * 5.2 * time)) / SAMPLE_RATE
    breath = noise(rng, _HELD_S / 2, 800, 6000)
    layers = []
    for weights, air in (((1.0, 0.12, 0.06), 0.012), ((1.0, 0.4, 0.25, 0.12, 0.06), 0.02)):
        tone = sum(
            weight * np.sin((2 * np.pi * (turns * (index + 1) % 1)).astype(np.float32))
            for index, weight in enumerate(weights)
        )
        layers.append(tone + air * breath)
    return levelled(np.stack(layers).astype(np.float32), rms=0.1, window_s=1.0)


def _saws(name: str, pitch: int, *, cents: float, corners_hz: tuple[float, float], highest_hz: float) -> Audio:
    number = np.arange(1, max(4, min(40, int(highest_hz / frequency_hz(pitch)))) + 1)
    return _ensemble(name, pitch, 1 / number, cents=cents, corners_hz=corners_hz)


def _lead(pitch: int) -> Audio:
    return _saws("lead", pitch, cents=4.0, corners_hz=(900, 7000), highest_hz=11_000)


def _pluck(pitch: int) -> Audio:
    """A sawtooth through a filter that closes: every partial decays, the high ones first."""
    base = frequency_hz(pitch)
    number = np.arange(1, max(4, min(40, int(10_000 / base))) + 1)
    voices = 2 ** (np.array([[-4.0], [3.0]]) / 1200)
    hz = (base * number * voices).ravel()
    modes = Modes(
        hz=hz,
        decay=2.2 + hz / 420,
        amplitude=np.array([np.tile(1 / number, 2) * np.exp(-hz / corner) for corner in (1100, 8000)]),
        phase=np.zeros(len(hz)),
    )
    return faded(levelled(ring(modes, 1.8), window_s=0.3), 0.002, 0.3)


def _bass(pitch: int) -> Audio:
    number = np.arange(1, 17)
    return _ensemble("synth bass", pitch, 1 / number**1.1, cents=1.0, corners_hz=(160, 900))


STRINGS = Instrument(_strings, held=True, release_s=0.35, gain=1.0, spread=0.25, lowest=36, highest=96)
WARM_PAD = Instrument(_pad, held=True, release_s=0.6, gain=1.0, spread=0.2, lowest=36, highest=90)
ORGAN = Instrument(_organ, held=True, release_s=0.08, gain=0.9, lowest=36, highest=90)
FLUTE = Instrument(_flute, held=True, release_s=0.15, gain=1.0, lowest=60, highest=96)
SYNTH_LEAD = Instrument(_lead, held=True, release_s=0.12, gain=0.9, lowest=40, highest=92)
SYNTH_PLUCK = Instrument(_pluck, release_s=0.15, gain=0.9, spread=0.15, lowest=33, highest=96)
SYNTH_BASS = Instrument(_bass, held=True, release_s=0.08, gain=1.2, lowest=26, highest=60)

"""Grand and electric piano.

The grand is a modal model: stiff strings (partials stretched by inharmonicity after Rigaud, David & Daudet 2013, "A
parametric model and estimation techniques for the inharmonicity and tuning of the piano"), two or three strings a note
slightly out of tune, which gives the double decay that Weinreich (1977, "Coupled piano strings") explained, a hammer
that is softer the softer the blow, and the knock of the action on the soundboard. The electric piano is two-operator
frequency modulation (Chowning 1973): a tine that brightens with the blow, over a fundamental.
"""

from __future__ import annotations

import numpy as np

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

__all__ = ["ELECTRIC_PIANO", "PIANO"]

# Where the hammer strikes, as a share of the string: partials with a node there stay silent.
_STRIKE = 0.118


def _grand(pitch: int) -> Audio:
    rng = seeded("piano", pitch)
    base = frequency_hz(pitch)
    stiffness = np.exp(0.0926 * pitch - 13.64) + np.exp(-0.0847 * pitch - 5.82)
    number = np.arange(1, min(44, int(14_000 / base)) + 1)
    hz = base * number * np.sqrt((1 + stiffness * number**2) / (1 + stiffness))
    strike = np.abs(np.sin(np.pi * number * _STRIKE)) + 0.03
    radiated = 1 / np.sqrt(1 + (80 / hz) ** 4)  # a soundboard is too small to radiate the lowest fundamentals
    colour = strike * radiated * 10 ** (rng.normal(0, 1.5, len(number)) / 20)
    layers = []
    for corner_hz, slope in ((380 + 1.1 * base, 1.15), (1150 + 1.8 * base, 0.75)):
        layers.append(colour * number**-slope * np.exp(-((hz / corner_hz) ** 0.9)))
    prompt = 2.4 * 2 ** ((pitch - 60) / 20) + 3.0e-7 * hz**2
    late = 0.2 * prompt
    share = 0.28 * 10 ** (rng.normal(0, 2, len(number)) / 20)
    cents = rng.normal(0, 0.7, len(number))
    modes = Modes(
        hz=np.concatenate([hz, hz * 2 ** (cents / 1200)]),
        decay=np.concatenate([prompt, late]),
        amplitude=np.array([np.concatenate([layer * (1 - share), layer * share]) for layer in layers]),
        phase=np.zeros(2 * len(number)),
    )
    seconds = float(np.clip(5.5 * 2 ** (-(pitch - 48) / 22), 1.2, 5.5))
    tone = levelled(ring(modes, seconds))
    return faded(tone + _knock(pitch, tone.shape[1]), 0.0015, 0.3)


def _knock(pitch: int, samples: int) -> Audio:
    """The action's thump on the soundboard, duller and weaker for the soft layer."""
    rng = seeded("piano knock", pitch)
    thump = noise(rng, 0.12, 50, 400) * np.exp(-np.arange(round(0.12 * SAMPLE_RATE)) / (0.018 * SAMPLE_RATE))
    click = noise(rng, 0.12, 900, 3500) * np.exp(-np.arange(round(0.12 * SAMPLE_RATE)) / (0.006 * SAMPLE_RATE))
    knock = np.zeros((2, samples), np.float32)
    knock[0, : len(thump)] = 0.025 * thump
    knock[1, : len(thump)] = 0.05 * thump + 0.015 * click
    return knock


def _electric(pitch: int) -> Audio:
    seconds = float(np.clip(4.5 * 2 ** (-(pitch - 48) / 24), 1.2, 4.5))
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    turns = frequency_hz(pitch) * time
    phase = (2 * np.pi * (turns % 1)).astype(np.float32)
    tine = (2 * np.pi * (turns * 14 % 1)).astype(np.float32)
    body = np.exp(-time * 0.8 * 2 ** ((pitch - 60) / 24)).astype(np.float32)
    flash = np.exp(-time * 3.5).astype(np.float32)
    ping = np.exp(-time * 14).astype(np.float32) if frequency_hz(pitch) * 14 < 12_000 else np.zeros_like(body)
    layers = [
        np.sin(phase + index * flash * np.sin(phase)) * body + bell * np.sin(tine) * ping
        for index, bell in ((0.35, 0.01), (1.5, 0.06))
    ]
    return faded(levelled(np.stack(layers).astype(np.float32)), 0.002, 0.3)


PIANO = Instrument(_grand, release_s=0.16, gain=1.0, spread=0.12)
ELECTRIC_PIANO = Instrument(_electric, release_s=0.2, gain=0.8, spread=0.1, lowest=28, highest=100)

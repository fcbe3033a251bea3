"""The engine under the instruments: sums of decaying sinusoids, noise, layers.

A struck or plucked body rings in modes: decaying sinusoids. Such a sum is a geometric sequence per mode, so it splits
into
an outer product: the sample number is row times block plus column, and all modes at once become one matrix product.
That turns a hundred modes over five seconds from a hundred million sine evaluations into a few milliseconds of BLAS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "SAMPLE_RATE",
    "Audio",
    "Instrument",
    "Modes",
    "faded",
    "frequency_hz",
    "levelled",
    "noise",
    "ring",
    "seeded",
]

SAMPLE_RATE = 44_100
_BLOCK = 512
# Partials above this are left out: inaudible, and none may come near half the sample rate.
_HIGHEST_HZ = 16_000.0

Audio = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Instrument:
    """How a player's notes sound.

    Attributes:
        build: MIDI pitch (or drum key) -> `float32[2, n]`, the tone played softly and hard.
        held: whether a player sustains the tone (bowed, blown, electronic) or it dies away by itself.
        release_s: how long it takes to fall silent after its end.
        gain: linear level against the other instruments at the same velocity.
        spread: pan per octave above middle C, as on a keyboard seen from the player.
        lowest, highest: playable range; notes outside move by octaves.
    """

    build: Callable[[int], Audio]
    held: bool = False
    release_s: float = 0.12
    gain: float = 1.0
    spread: float = 0.0
    lowest: int = 21
    highest: int = 108


@dataclass(frozen=True, slots=True)
class Modes:
    """Decaying sinusoids, one entry each.

    Attributes:
        hz: frequencies.
        decay: decay rates in 1/s (amplitude falls as exp(-decay t)); 0 holds.
        amplitude: `float64[layers, modes]`.
        phase: radians; 0 starts at the zero crossing, so that no click begins the tone.
    """

    hz: NDArray[np.float64]
    decay: NDArray[np.float64]
    amplitude: NDArray[np.float64]
    phase: NDArray[np.float64]


def frequency_hz(pitch: float) -> float:
    """Equal temperament, A4 (69) = 440 Hz."""
    return float(440.0 * 2 ** ((pitch - 69) / 12))


def seeded(name: str, pitch: int) -> np.random.Generator:
    """Chance that belongs to one tone of one instrument: a piano has the same strings each time."""
    return np.random.default_rng([*name.encode(), pitch])


def ring(modes: Modes, seconds: float) -> Audio:
    """The sum of all modes: `float32[layers, n]`."""
    samples = round(seconds * SAMPLE_RATE)
    rows = -(-samples // _BLOCK)
    audible = modes.hz < _HIGHEST_HZ
    rate = (2j * np.pi * modes.hz[audible] - modes.decay[audible]) / SAMPLE_RATE
    across = np.exp(rate[:, None] * np.arange(_BLOCK))
    columns = np.concatenate([across.imag, across.real]).astype(np.float32)
    down = np.exp(rate * _BLOCK * np.arange(rows)[:, None] + 1j * modes.phase[audible])
    layers = []
    for amplitude in modes.amplitude[:, audible]:
        weighted = down * amplitude
        both = np.concatenate([weighted.real, weighted.imag], axis=1).astype(np.float32)
        layers.append((both @ columns).reshape(-1)[:samples])
    return np.stack(layers)


def faded(tone: Audio, attack_s: float, release_s: float) -> Audio:
    """The tone with raised-cosine ends, so that neither clicks; changes it in place."""
    for length_s, end in ((attack_s, slice(None)), (release_s, slice(None, None, -1))):
        samples = min(tone.shape[-1], max(1, round(length_s * SAMPLE_RATE)))
        slope = (0.5 - 0.5 * np.cos(np.pi * np.arange(samples) / samples)).astype(np.float32)
        tone[..., end][..., :samples] *= slope
    return tone


def levelled(tone: Audio, rms: float = 0.12, window_s: float = 0.4) -> Audio:
    """Each layer at the same RMS over its first part, so that velocity alone decides the level."""
    head = tone[..., : round(window_s * SAMPLE_RATE)]
    level = np.sqrt(np.mean(np.square(head, dtype=np.float64), axis=-1, keepdims=True))
    even: Audio = (tone * (rms / np.maximum(level, 1e-9))).astype(np.float32)
    return even


def noise(rng: np.random.Generator, seconds: float, low_hz: float, high_hz: float) -> Audio:
    """Noise between two frequencies with soft edges, unit RMS: `float32[n]`."""
    samples = round(seconds * SAMPLE_RATE)
    spectrum = np.fft.rfft(rng.normal(size=samples))
    hz = np.fft.rfftfreq(samples, 1 / SAMPLE_RATE)
    spectrum *= 1 / np.sqrt((1 + (low_hz / np.maximum(hz, 1)) ** 6) * (1 + (hz / high_hz) ** 6))
    band = np.fft.irfft(spectrum, samples)
    unit: Audio = (band / np.sqrt(np.mean(band**2))).astype(np.float32)
    return unit

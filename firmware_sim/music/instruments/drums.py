"""Drums: an acoustic kit and a drum machine, one-shots built from modes and noise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from firmware_sim.music.instruments.tone import SAMPLE_RATE, Audio, Instrument, Modes, faded, noise, ring, seeded
from firmware_sim.music.rhythm import DRUM_KEYS

__all__ = ["KIT", "MACHINE"]

_NAMES = {key: name for name, key in DRUM_KEYS.items()}


def _decaying(samples: int, seconds: float) -> Audio:
    slope: Audio = np.exp(-np.arange(samples) / (seconds * SAMPLE_RATE)).astype(np.float32)
    return slope


def _sweep(high_hz: float, low_hz: float, fall_s: float, ring_s: float) -> Audio:
    """A skin: a sine that falls quickly to its pitch and dies away."""
    time = np.arange(round(4 * ring_s * SAMPLE_RATE)) / SAMPLE_RATE
    hz = low_hz + (high_hz - low_hz) * np.exp(-time / fall_s)
    skin: Audio = (np.sin(2 * np.pi * np.cumsum(hz) / SAMPLE_RATE) * np.exp(-time / ring_s)).astype(np.float32)
    return skin


def _hiss(name: str, band_hz: tuple[float, float], ring_s: float) -> Audio:
    burst = noise(seeded(name, 0), 5 * ring_s, *band_hz)
    return burst * _decaying(len(burst), ring_s)


def _mix(*sounds: Audio) -> Audio:
    mixed = np.zeros(max(len(sound) for sound in sounds), np.float32)
    for sound in sounds:
        mixed[: len(sound)] += sound
    return mixed


def _timpani() -> Audio:
    base = 73.0
    modes = Modes(
        hz=base * np.array([1.0, 1.5, 1.98, 2.44, 2.91]),
        decay=np.array([1.4, 1.8, 2.4, 3.2, 4.0]),
        amplitude=np.array([[1.0, 0.5, 0.3, 0.15, 0.08]]) * 0.4,
        phase=np.zeros(5),
    )
    return _mix(ring(modes, 2.0)[0], 0.05 * _hiss("timpani", (80, 700), 0.03))


def _cymbal(name: str, ring_s: float, level: float, band_hz: tuple[float, float]) -> Audio:
    """A plate's modes, so dense that none stands out, over a hiss."""
    rng = seeded(name, 1)
    hz = np.exp(rng.uniform(np.log(band_hz[0]), np.log(band_hz[1]), 400))
    modes = Modes(
        hz=hz,
        decay=(1 / ring_s) * (0.6 + hz / 9000),
        amplitude=rng.uniform(0.003, 0.012, (1, 400)),
        phase=rng.uniform(0, 2 * np.pi, 400),
    )
    return level * _mix(ring(modes, 4 * ring_s)[0], 0.12 * _hiss(name, (4000, 13000), ring_s * 0.6))


_ACOUSTIC: dict[str, Callable[[], Audio]] = {
    "kick": lambda: _mix(0.75 * _sweep(150, 52, 0.02, 0.11), 0.05 * _hiss("beater", (1500, 4000), 0.006)),
    "snare": lambda: _mix(0.3 * _sweep(260, 190, 0.02, 0.06), 0.24 * _hiss("snare", (1200, 12000), 0.1)),
    "clap": lambda: 0.2 * _hiss("clap", (900, 5000), 0.06),
    "closed hat": lambda: 0.15 * _hiss("hat", (5500, 15000), 0.045),
    "open hat": lambda: 0.12 * _hiss("open hat", (5000, 15000), 0.2),
    "low tom": lambda: 0.55 * _sweep(150, 98, 0.05, 0.16),
    "crash": lambda: _cymbal("crash", 1.1, 0.9, (900, 13000)),
    "ride": lambda: _cymbal("ride", 0.5, 0.5, (2500, 13000)),
    "shaker": lambda: 0.13 * _hiss("shaker", (4500, 12000), 0.04),
    "brush": lambda: 0.12 * _hiss("brush", (1500, 7000), 0.09),
    "timpani": _timpani,
}
# What a drum machine has of its own; it borrows the rest from the kit.
_ELECTRONIC: dict[str, Callable[[], Audio]] = {
    "kick": lambda: 0.8 * _sweep(220, 46, 0.03, 0.16),
    "snare": lambda: _mix(0.25 * _sweep(330, 180, 0.02, 0.07), 0.26 * _hiss("machine snare", (1800, 12000), 0.1)),
    "clap": lambda: 0.25 * _hiss("machine clap", (1000, 9000), 0.12),
    "closed hat": lambda: 0.13 * _hiss("machine hat", (7000, 15000), 0.035),
    "open hat": lambda: 0.12 * _hiss("machine open hat", (6500, 15000), 0.16),
}


def _layers(hit: Audio) -> Audio:
    """A soft stroke is duller and starts more gently: the same sound, smoothed."""
    smooth = np.convolve(hit, np.full(5, 0.2, np.float32), mode="same")
    soft = 0.5 * hit + 0.5 * smooth
    return faded(np.stack([soft, hit]).astype(np.float32), 0.0008, 0.05)


def _kit(key: int) -> Audio:
    return _layers(_ACOUSTIC[_NAMES[key]]())


def _machine(key: int) -> Audio:
    return _layers((_ACOUSTIC | _ELECTRONIC)[_NAMES[key]]())


KIT = Instrument(_kit, release_s=1.5, gain=1.0, lowest=0, highest=127)
MACHINE = Instrument(_machine, release_s=1.5, gain=1.0, lowest=0, highest=127)

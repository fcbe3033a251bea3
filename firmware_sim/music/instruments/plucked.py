"""Plucked strings: guitars and basses.

Acoustic strings ring in modes whose levels follow where they are plucked, coloured by the resonances of the body. The
electric ones are Karplus & Strong's loop (1983, "Digital synthesis of plucked-string and drum timbres") with the
extensions of Jaffe & Smith (1983): a delay line that averages what comes round, tuned by a fraction of a sample.
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

__all__ = ["ELECTRIC_BASS", "ELECTRIC_GUITAR", "NYLON_GUITAR", "OVERDRIVEN_GUITAR", "STEEL_GUITAR", "UPRIGHT_BASS"]


def _body(hz: NDArray[np.float64], resonances: tuple[float, ...]) -> NDArray[np.float64]:
    """Gain of a wooden body: a few broad resonances over a floor."""
    gains = [1 / np.sqrt(1 + ((hz / peak - peak / hz) * 3.5) ** 2) for peak in resonances]
    gain: NDArray[np.float64] = 0.45 + np.sum(gains, axis=0)
    return gain


def _acoustic(
    name: str, pitch: int, *, pluck: float, corners_hz: tuple[float, float], damping: float, body: tuple[float, ...]
) -> Audio:
    rng = seeded(name, pitch)
    base = frequency_hz(pitch)
    number = np.arange(1, min(36, int(12_000 / base)) + 1)
    hz = base * number * np.sqrt(1 + 4e-5 * number**2)
    shape = (np.abs(np.sin(np.pi * number * pluck)) + 0.02) / number * _body(hz, body)
    shape = shape * 10 ** (rng.normal(0, 1.5, len(number)) / 20)
    layers = np.array([shape * np.exp(-hz / corner) for corner in corners_hz])
    decay = damping * 2 ** ((pitch - 55) / 24) * (0.8 + 0.2 * number) + 2e-7 * hz**2
    # The two planes in which a string swings decay apart and are slightly out of tune.
    planes = Modes(
        hz=np.concatenate([hz, hz * 2 ** (rng.normal(0, 0.8, len(number)) / 1200)]),
        decay=np.concatenate([decay, 0.55 * decay]),
        amplitude=np.concatenate([0.72 * layers, 0.28 * layers], axis=1),
        phase=np.zeros(2 * len(number)),
    )
    tone = levelled(ring(planes, float(np.clip(4.0 * 2 ** (-(pitch - 52) / 24), 1.5, 4.0))))
    scrape = noise(rng, 0.05, 400, 4000) * np.exp(-np.arange(round(0.05 * SAMPLE_RATE)) / (0.008 * SAMPLE_RATE))
    tone[0, : len(scrape)] += 0.012 * scrape
    tone[1, : len(scrape)] += 0.03 * scrape
    return faded(tone, 0.001, 0.3)


def _nylon(pitch: int) -> Audio:
    return _acoustic("nylon", pitch, pluck=0.22, corners_hz=(900, 3800), damping=0.9, body=(98.0, 205.0, 410.0))


def _steel(pitch: int) -> Audio:
    return _acoustic("steel", pitch, pluck=0.14, corners_hz=(1700, 7500), damping=0.65, body=(110.0, 220.0, 560.0))


def _upright(pitch: int) -> Audio:
    return _acoustic("upright", pitch, pluck=0.3, corners_hz=(350, 1100), damping=1.3, body=(62.0, 105.0, 210.0))


def _loop(name: str, pitch: int, *, brightness: float, damping: float, seconds: float) -> Audio:
    """Karplus-Strong, one period at a time: the loop looks one period back, so a period is one vector step."""
    rng = seeded(name, pitch)
    base = frequency_hz(pitch)
    delay = SAMPLE_RATE / base - 0.5  # the averaging itself delays by half a sample
    period = int(delay)
    fraction = delay - period
    burst = noise(rng, (period + 2) / SAMPLE_RATE, 40, 400 + 8000 * brightness).astype(np.float64)[: period + 2]
    burst -= burst.mean()
    periods = int(seconds * base) + 1
    loss = float(np.exp(-damping / base))
    line = np.zeros((periods + 1) * period + 2)
    line[: period + 2] = burst
    for start in range(period + 2, len(line) - period, period):
        back = line[start - period - 2 : start]
        interpolated = (1 - fraction) * back[1:] + fraction * back[:-1]
        line[start : start + period] = loss * 0.5 * (interpolated[1:] + interpolated[:-1])
    return line[: round(seconds * SAMPLE_RATE)].astype(np.float32)


def _electric(pitch: int) -> Audio:
    seconds = float(np.clip(4.0 * 2 ** (-(pitch - 52) / 30), 1.5, 4.0))
    layers = [_loop("electric guitar", pitch, brightness=bright, damping=0.5, seconds=seconds) for bright in (0.1, 0.9)]
    return faded(levelled(np.stack(layers)), 0.002, 0.3)


def _overdriven(pitch: int) -> Audio:
    """A string into an amplifier at its limit: compressed, sustained, saturated (single notes; chords take `drive`)."""
    clean = _electric(pitch)
    envelope = np.exp(0.5 * np.arange(clean.shape[1]) / SAMPLE_RATE).astype(np.float32)
    layers = np.stack([np.tanh(gain * clean[1] * envelope / 0.12) for gain in (1.5, 6.0)])
    layers -= layers.mean(axis=1, keepdims=True)
    return faded(levelled(layers.astype(np.float32)), 0.003, 0.3)


def _bass(pitch: int) -> Audio:
    layers = [_loop("electric bass", pitch, brightness=bright, damping=0.7, seconds=3.0) for bright in (0.02, 0.22)]
    return faded(levelled(np.stack(layers)), 0.003, 0.3)


NYLON_GUITAR = Instrument(_nylon, release_s=0.14, gain=0.95, spread=0.05, lowest=40, highest=84)
STEEL_GUITAR = Instrument(_steel, release_s=0.12, gain=0.8, spread=0.05, lowest=38, highest=84)
UPRIGHT_BASS = Instrument(_upright, release_s=0.08, gain=1.25, lowest=28, highest=60)
ELECTRIC_GUITAR = Instrument(_electric, release_s=0.08, gain=0.8, spread=0.04, lowest=38, highest=86)
OVERDRIVEN_GUITAR = Instrument(_overdriven, release_s=0.1, gain=0.7, lowest=40, highest=88)
ELECTRIC_BASS = Instrument(_bass, release_s=0.06, gain=1.1, lowest=26, highest=60)

"""What a sensor makes of a body: noise, steps of its converter, and what movement does to it."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware_sim.physiology.body import BLOCK_S, Block
from firmware_sim.settings import Kind

__all__ = ["KINDS", "Samples", "Sensor"]

KINDS: Final[dict[Kind, tuple[str, ...]]] = {
    "band": ("hr", "rr", "ppg", "eda", "temp", "acc", "batt"),
    "strap": ("hr", "rr", "batt"),
}
"""What each kind of wearable measures."""

# Deviation of a beat's time, seconds. An optical pulse has no sharp edge: some milliseconds (Schäfer & Vagedes 2013,
# Int. J. Cardiol. 166:15); a chest strap sees the R peak to a millisecond.
_BEAT_JITTER_S: Final[dict[Kind, float]] = {"band": 0.003, "strap": 0.0007}
# RR intervals of the Bluetooth heart rate profile come in 1/1024 s (Heart Rate Service 1.0, section 3.1.1.2).
_RR_STEP_S = 1 / 1024
# Chance that movement of 1 m/s² hides a beat. Wristbands lose beats in movement (HKU956: half of the intervals).
_BEATS_HIDDEN: Final[dict[Kind, float]] = {"band": 0.6, "strap": 0.02}
# A missed beat leaves a gap, or, when the band does not notice, one interval of twice the length.
_DOUBLE_INTERVALS = 0.2
# The displayed heart rate is a mean over some seconds: the E4's over ten, a strap's over five.
_AVERAGED_S: Final[dict[Kind, float]] = {"band": 10.0, "strap": 5.0}
# Optical noise, as a share of the pulse, and what 1 m/s² of movement adds. Artefacts follow the movement's rhythm.
_PULSE_NOISE, _PULSE_MOTION = 0.02, 0.6
# Microsiemens: the E4 resolves 0.0009; pressure on the electrodes shifts the level while the hand moves.
_CONDUCTANCE_NOISE, _CONDUCTANCE_STEP, _CONDUCTANCE_MOTION = 0.002, 0.0009, 0.03
# Degrees: the E4 resolves 0.02.
_TEMPERATURE_NOISE, _TEMPERATURE_STEP = 0.01, 0.02
# m/s²: a 12-bit accelerometer of ±8 g has steps of 0.038 and as much noise.
_ACCELERATION_NOISE, _ACCELERATION_STEP = 0.03, 0.0383
# Hours that a charge lasts.
_CHARGE_H = 30.0
_MICRO = 1e-6


@dataclass(frozen=True, slots=True)
class Samples:
    """Readings of one quantity: times [n] in true seconds since the start, values [n] or [n, 3] in the wire's unit."""

    times_s: NDArray[np.float64]
    values: NDArray[np.float64]


class Sensor:
    """Reads a body through the sensors of one wearable.

    Args:
        kind: what is worn.
        noise: multiplies every error; 0 is a perfect sensor.
        generator: where its errors come from.
    """

    def __init__(self, kind: Kind, noise: float, generator: np.random.Generator) -> None:
        self._kind = kind
        self._noise = noise
        self._generator = generator
        self._charge = float(generator.uniform(60, 100))
        self._last_beat_s: float | None = None
        self._hidden = 0
        self._recent: deque[tuple[float, float]] = deque()
        self._pulse_size = 1.0
        self._blocks = 0

    def read(self, block: Block) -> dict[str, Samples]:
        """Readings of a block, by quantity; a quantity without one is left out."""
        self._blocks += 1
        readings = {"rr": self._intervals(block)}
        # Once a second: heart rate, temperature; once a minute, from the first second on, the battery.
        if self._blocks % round(1 / BLOCK_S) == 0:
            readings["hr"] = self._heart_rate(block)
            readings["temp"] = self._temperature(block)
        if self._blocks % round(60 / BLOCK_S) == round(1 / BLOCK_S):
            charge = max(0.0, self._charge - 100 * block.end_s / 3600 / _CHARGE_H)
            readings["batt"] = _samples(block.end_s, round(charge))
        readings |= {"ppg": self._pulse(block), "eda": self._conductance(block), "acc": self._acceleration(block)}
        measured = KINDS[self._kind]
        return {name: samples for name, samples in readings.items() if name in measured and len(samples.times_s)}

    def _normal(self, size: int | tuple[int, ...]) -> NDArray[np.float64]:
        return self._noise * self._generator.standard_normal(size)

    def _intervals(self, block: Block) -> Samples:
        times, intervals = [], []
        hidden = -math.expm1(-self._noise * _BEATS_HIDDEN[self._kind] * block.motion)
        jitter = _BEAT_JITTER_S[self._kind] * self._normal(len(block.beats_s))
        chances = self._generator.random((len(block.beats_s), 2))
        for beat_s, error_s, (hide, double) in zip(block.beats_s, jitter, chances, strict=True):
            if hide < hidden:
                self._hidden += 1
                continue
            seen_s = float(beat_s + error_s)
            whole = self._hidden == 0 or (self._hidden == 1 and double < _DOUBLE_INTERVALS)
            if self._last_beat_s is not None and whole and seen_s > self._last_beat_s:
                interval_s = round((seen_s - self._last_beat_s) / _RR_STEP_S) * _RR_STEP_S
                times.append(seen_s)
                intervals.append(interval_s)
                self._recent.append((seen_s, interval_s))
            self._last_beat_s, self._hidden = seen_s, 0
        return Samples(np.array(times, dtype=np.float64), np.array(intervals, dtype=np.float64))

    def _heart_rate(self, block: Block) -> Samples:
        while self._recent and self._recent[0][0] < block.end_s - _AVERAGED_S[self._kind]:
            self._recent.popleft()
        if not self._recent:
            return Samples(np.empty(0, dtype=np.float64), np.empty(0, dtype=np.float64))
        mean_s = sum(interval for _, interval in self._recent) / len(self._recent)
        return _samples(block.end_s, round(60 / mean_s, 1))

    def _pulse(self, block: Block) -> Samples:
        count = len(block.pulse)
        self._pulse_size = max(0.999 * self._pulse_size, float(np.abs(block.pulse).max()))
        shake = block.acceleration.sum(axis=1) - block.acceleration.sum(axis=1).mean()
        artefact = np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(shake)), shake)
        moved = min(1.0, block.motion) * _PULSE_MOTION * self._noise
        values = block.pulse + self._pulse_size * (_PULSE_NOISE * self._normal(count) + moved * artefact)
        return Samples(_grid(block, count), np.asarray(np.round(values, 2), dtype=np.float64))

    def _conductance(self, block: Block) -> Samples:
        error = _CONDUCTANCE_NOISE + _CONDUCTANCE_MOTION * min(1.0, block.motion)
        value = max(0.0, block.conductance_us + error * float(self._normal(1)[0]))
        return _samples(block.end_s, round(_stepped(value, _CONDUCTANCE_STEP) * _MICRO, 12))

    def _temperature(self, block: Block) -> Samples:
        value = block.temperature_c + _TEMPERATURE_NOISE * float(self._normal(1)[0])
        return _samples(block.end_s, round(_stepped(value, _TEMPERATURE_STEP), 2))

    def _acceleration(self, block: Block) -> Samples:
        values = block.acceleration + _ACCELERATION_NOISE * self._normal(block.acceleration.shape)
        stepped = np.round(np.round(values / _ACCELERATION_STEP) * _ACCELERATION_STEP, 3)
        return Samples(_grid(block, len(values)), np.asarray(stepped, dtype=np.float64))


def _stepped(value: float, step: float) -> float:
    return round(value / step) * step


def _samples(time_s: float, value: float) -> Samples:
    return Samples(np.array([time_s]), np.array([value], dtype=np.float64))


def _grid(block: Block, count: int) -> NDArray[np.float64]:
    return np.asarray(block.start_s + np.arange(1, count + 1) * (BLOCK_S / count), dtype=np.float64)

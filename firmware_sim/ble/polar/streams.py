"""What a Polar sensor measures of a body, cut into frames.

Rules:

- A stream yields frames only while its measurement runs; what was measured before is not sent later.
- A frame carries the time of its last sample by the wearable's own clock. Pulse intervals carry none (the sensor sends
  0), and come together every few seconds (Polar SDK, documentation/PPIData.md).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from firmware_sim.ble.electrocardiogram import Electrocardiogram
from firmware_sim.ble.polar.control import Setting
from firmware_sim.ble.polar.frames import Measurement, compressed, ecg, frame, interval, raw
from firmware_sim.physiology.body import Block
from firmware_sim.physiology.motion import GRAVITY
from firmware_sim.wearable.sensor import Samples

__all__ = ["Acceleration", "Ecg", "Light", "PulseIntervals", "Stream"]

Stamp = Callable[[float], int]
"""The wearable's clock: nanoseconds since 2000 at a true time, seconds since the start."""

# Samples in a frame of the Polar H10: 73 of ECG, 36 of acceleration; the optical sensors fill a frame likewise.
_ECG_SAMPLES, _ACCELERATION_SAMPLES, _LIGHT_SAMPLES = 73, 36, 28
_LARGEST_MICROVOLTS = 2**23 - 1
# Thousandths of gravity: noise of the accelerometer.
_ACCELERATION_NOISE_MG = 3.0
# The light that comes back without a pulse, and how much a pulse of the body's arbitrary units takes away; the three
# photodiodes see different skin, and a little of the room (from the look of recordings of the OH1: 22 bits, a pulse of
# about one per cent).
_LIGHT: Final = np.array([420_000.0, 405_000.0, 433_000.0])
_LIGHT_SHARE, _AMBIENT, _LIGHT_NOISE = 60.0, -2_000.0, 25.0
_LIGHT_BITS, _ACCELERATION_BITS = 24, 16
# Seconds that pulse intervals are gathered.
_INTERVALS_EVERY_S = 5.0
# Milliseconds of error that the sensor admits at rest, and for each m/s² of movement; it gives an interval up above.
_ERROR_MS, _ERROR_MOTION_MS, _BLOCKED_FROM = 5.0, 60.0, 0.5


class Stream(Protocol):
    """One kind of measurement."""

    def frames(
        self, block: Block, readings: Mapping[str, Samples], chosen: Mapping[Setting, int] | None, stamp: Stamp
    ) -> list[bytes]:
        """Frames that are full at the end of a block.

        Args:
            block: what happened in the body.
            readings: what the wearable's sensors made of it, by quantity.
            chosen: the settings of the running measurement; None while it does not run.
            stamp: the wearable's clock.
        """
        ...


class _Framer:
    """Gathers samples until a frame is full."""

    def __init__(self, size: int, channels: int) -> None:
        self._size = size
        self._times: NDArray[np.float64] = np.empty(0)
        self._values: NDArray[np.float64] = np.empty((0, channels))

    def clear(self) -> None:
        self._times, self._values = self._times[:0], self._values[:0]

    def add(self, times: NDArray[np.float64], values: NDArray[np.float64]) -> Iterator[tuple[float, NDArray[np.int64]]]:
        """Take samples [n], [n, channels]; yield time of the last sample and whole numbers of every full frame."""
        self._times = np.concatenate((self._times, times))
        self._values = np.concatenate((self._values, values))
        while len(self._times) >= self._size:
            yield float(self._times[self._size - 1]), np.rint(self._values[: self._size]).astype(np.int64)
            self._times, self._values = self._times[self._size :], self._values[self._size :]


class _Resampler:
    """Another rate for evenly sampled values, linear between the samples."""

    def __init__(self) -> None:
        self._times: NDArray[np.float64] = np.empty(0)
        self._values: NDArray[np.float64] = np.empty(0)

    def add(
        self, times: NDArray[np.float64], values: NDArray[np.float64], rate_hz: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Take samples [n], [n, channels]; return those on the grid of `rate_hz` since the last of before."""
        known_t = np.concatenate((self._times, times))
        known = np.concatenate((self._values, values)) if len(self._values) else values
        self._times, self._values = times[-1:], values[-1:]
        first, last = math.floor(known_t[0] * rate_hz + 1e-9) + 1, math.floor(known_t[-1] * rate_hz + 1e-9)
        grid = np.arange(first, last + 1) / rate_hz
        columns = [np.interp(grid, known_t, column) for column in known.T]
        return grid, np.stack(columns, axis=1)


class Ecg:
    """The electrocardiogram, in microvolts."""

    def __init__(self, electrocardiogram: Electrocardiogram) -> None:
        self._source = electrocardiogram
        self._framer = _Framer(_ECG_SAMPLES, 1)

    def frames(
        self, block: Block, _readings: Mapping[str, Samples], chosen: Mapping[Setting, int] | None, stamp: Stamp
    ) -> list[bytes]:
        """See `Stream.frames`."""
        times, millivolts = self._source.next(block)
        if chosen is None:
            self._framer.clear()
            return []
        microvolts = np.clip(millivolts * 1000, -_LARGEST_MICROVOLTS, _LARGEST_MICROVOLTS)
        full = self._framer.add(times, microvolts[:, None])
        return [frame(Measurement.ECG, stamp(last), 0, ecg(samples[:, 0])) for last, samples in full]


class Acceleration:
    """The acceleration in thousandths of gravity; compressed as the optical sensors send it, or raw as the H10."""

    def __init__(self, noise: float, generator: np.random.Generator, *, compress: bool) -> None:
        self._noise = noise
        self._generator = generator
        self._compress = compress
        self._framer = _Framer(_ACCELERATION_SAMPLES, 3)
        self._resampler = _Resampler()

    def frames(
        self, block: Block, _readings: Mapping[str, Samples], chosen: Mapping[Setting, int] | None, stamp: Stamp
    ) -> list[bytes]:
        """See `Stream.frames`."""
        if chosen is None:
            self._framer.clear()
            self._resampler = _Resampler()
            return []
        count = len(block.acceleration)
        own = block.start_s + np.arange(1, count + 1) * ((block.end_s - block.start_s) / count)
        times, values = self._resampler.add(own, block.acceleration / GRAVITY * 1000, chosen[Setting.RATE_HZ])
        values = values + self._noise * _ACCELERATION_NOISE_MG * self._generator.standard_normal(values.shape)
        largest = chosen[Setting.RANGE_G] * 1000
        full = self._framer.add(times, np.clip(values, -largest, largest))
        if self._compress:
            return [
                frame(Measurement.ACCELERATION, stamp(last), 1, compressed(each, _ACCELERATION_BITS), compressed=True)
                for last, each in full
            ]
        return [frame(Measurement.ACCELERATION, stamp(last), 1, raw(each, 2)) for last, each in full]


class Light:
    """The light that three photodiodes see, and a fourth of the room: it falls when blood fills the skin."""

    def __init__(self, noise: float, generator: np.random.Generator) -> None:
        self._noise = noise
        self._generator = generator
        self._framer = _Framer(_LIGHT_SAMPLES, 4)
        self._resampler = _Resampler()

    def frames(
        self, _block: Block, readings: Mapping[str, Samples], chosen: Mapping[Setting, int] | None, stamp: Stamp
    ) -> list[bytes]:
        """See `Stream.frames`."""
        if chosen is None:
            self._framer.clear()
            self._resampler = _Resampler()
            return []
        pulse = readings["ppg"]
        times, values = self._resampler.add(pulse.times_s, pulse.values[:, None], chosen[Setting.RATE_HZ])
        noise = self._noise * _LIGHT_NOISE * self._generator.standard_normal((len(times), 4))
        light = np.hstack((_LIGHT - _LIGHT_SHARE * values, np.full((len(times), 1), _AMBIENT))) + noise
        return [
            frame(Measurement.PPG, stamp(last), 0, compressed(each, _LIGHT_BITS), compressed=True)
            for last, each in self._framer.add(times, light)
        ]


class PulseIntervals:
    """Pulse-to-pulse intervals, gathered for some seconds; movement spoils them, and the sensor says so."""

    def __init__(self) -> None:
        self._content = b""
        self._sent_s = 0.0

    def frames(
        self, block: Block, readings: Mapping[str, Samples], chosen: Mapping[Setting, int] | None, _stamp: Stamp
    ) -> list[bytes]:
        """See `Stream.frames`."""
        if chosen is None:
            self._content, self._sent_s = b"", block.end_s
            return []
        intervals = readings["rr"].values if "rr" in readings else ()
        for seconds in intervals:
            bpm, error_ms = min(round(60 / seconds), 255), round(_ERROR_MS + _ERROR_MOTION_MS * block.motion)
            milliseconds = min(round(seconds * 1000), 0xFFFF)
            blocked = block.motion > _BLOCKED_FROM
            self._content += interval(bpm, milliseconds, min(error_ms, 0xFFFF), blocked=blocked, contact=True)
        if not self._content or block.end_s - self._sent_s < _INTERVALS_EVERY_S:
            return []
        content, self._content, self._sent_s = self._content, b"", block.end_s
        return [frame(Measurement.PPI, 0, 0, content)]

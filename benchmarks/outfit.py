"""Sixteen streams of one simulated body: a chest strap, an armband, a wristband and an oximeter, second by second.

What they measure comes from the simulator's physiology, resampled to the rates of widely used wearables; packs leave
once a second, as bands do to let the radio sleep. No noise is added and no pack is lost: who measures the cost or the
count of samples does not want to wonder where one went.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware_sim.ble.electrocardiogram import Electrocardiogram
from firmware_sim.listener.affect import Affect
from firmware_sim.physiology.body import ACCELERATION_HZ, BLOCK_S, PULSE_HZ, Body
from firmware_sim.physiology.person import Person
from models.wire import senml, topics
from models.wire.quantities import QUANTITIES

__all__ = ["WORN", "Outfit", "Sent"]

Array = NDArray[np.float64]

WORN: Final[dict[str, dict[str, float]]] = {
    "strap": {"ecg": 130.0, "acc": 52.0, "hr": 1.0, "rr": 0.0, "batt": 1 / 60},
    "armband": {"ppg": 135.0, "acc": 52.0, "hr": 1.0, "batt": 1 / 60},
    "wristband": {"ppg": 64.0, "acc": 32.0, "eda": 4.0, "temp": 4.0, "hr": 1.0, "batt": 1 / 60},
    "oximeter": {"spo2": 1.0},
}
"""Rates in Hz by wearable and quantity, those of a Polar H10, a Polar Verity Sense and an Empatica E4. RR intervals
come with the beats."""
_BLOCKS: Final = round(1.0 / BLOCK_S)
_WRAP: Final = 2**16
"""Wearables count in 16 bits: a day of packs runs over."""
_AROUSAL_S: Final = 1800.0
_MARGIN_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Sent:
    """One pack on its way.

    Attributes:
        topic: where it goes.
        payload: SenML in CBOR.
        samples: how many it holds.
        quantity: which.
    """

    topic: str
    payload: bytes
    samples: int
    quantity: str


class _Series:
    """The last seconds of what the body did, to be read at any rate."""

    def __init__(self, channels: int = 1) -> None:
        self._times = np.empty(0)
        self._values = np.empty((0, channels))

    def add(self, times: Array, values: Array) -> None:
        keep = self._times > times[-1] - _MARGIN_S - 1.0
        self._times = np.concatenate((self._times[keep], times))
        self._values = np.concatenate((self._values[keep], values.reshape(len(times), -1)))

    def at(self, times: Array) -> Array:
        columns = [np.interp(times, self._times, column) for column in self._values.T]
        return np.column_stack(columns) if len(columns) > 1 else columns[0]


class Outfit:
    """Lives and measures.

    Args:
        seed: of the body.
        listener: who wears it all.
    """

    def __init__(self, seed: int = 0, listener: str = "me") -> None:
        self._body = Body(Person.average(), seed)
        self._heart = Electrocardiogram(0.3, np.random.default_rng(seed))
        self._listener = listener
        self._series = {"ecg": _Series(), "ppg": _Series(), "acc": _Series(3), "eda": _Series(), "temp": _Series()}
        self._beats: list[float] = []
        self._rate = 70.0
        self._second = 0
        self._count: dict[tuple[str, str], int] = {}

    def second(self, start: float) -> list[Sent]:
        """The packs of one more second, whose samples lie in the second before `start`, seconds since the epoch."""
        beats = self._live()
        self._second += 1
        sent = []
        for wearable, rates in WORN.items():
            for quantity, rate in rates.items():
                times, values = self._read(quantity, rate, beats)
                if len(times):
                    sent.append(self._pack(wearable, quantity, times - self._second + start, values))
        return sent

    def seconds(self, start: float, count: int) -> Iterator[tuple[float, list[Sent]]]:
        """So many seconds, with the moment at which their packs come."""
        for second in range(1, count + 1):
            yield start + second, self.second(start + second)

    def _live(self) -> Array:
        """A second of life; returns the pairs of beat and interval in it, [k, 2]."""
        found = []
        for _ in range(_BLOCKS):
            affect = Affect(0.3 * np.sin(self._second / 700.0), 0.6 * np.sin(2 * np.pi * self._second / _AROUSAL_S))
            block = self._body.next(affect)
            times, volts = self._heart.next(block)
            if len(times):
                self._series["ecg"].add(times, 1e-3 * volts)
            count = len(block.pulse)
            self._series["ppg"].add(block.start_s + np.arange(1, count + 1) / PULSE_HZ, block.pulse)
            count = len(block.acceleration)
            self._series["acc"].add(block.start_s + np.arange(1, count + 1) / ACCELERATION_HZ, block.acceleration)
            self._series["eda"].add(np.array([block.end_s]), np.array([1e-6 * block.conductance_us]))
            self._series["temp"].add(np.array([block.end_s]), np.array([block.temperature_c]))
            for beat in block.beats_s.tolist():
                if self._beats:
                    found.append((beat, beat - self._beats[-1]))
                    self._rate += 0.2 * (60.0 / (beat - self._beats[-1]) - self._rate)
                self._beats = [beat]
        return np.array(found).reshape(-1, 2)

    def _read(self, quantity: str, rate: float, beats: Array) -> tuple[Array, Array]:
        """What a sensor of this rate read in the second that just passed: times of the body, values."""
        if quantity == "rr":
            return beats[:, 0], np.round(beats[:, 1] * 1024.0) / 1024.0
        if rate < 1.0:
            due = (self._second - 1) % round(1.0 / rate) == 0
            return (np.array([self._second - 0.01]), np.array([80.0])) if due else (np.empty(0), np.empty(0))
        # The heart's waves are known a quarter of a second late.
        first, last = (int(np.ceil((self._second - late) * rate)) for late in (1.3, 0.3))
        times = np.arange(max(first, 1), last) / rate
        if quantity == "hr":
            return times, np.full(len(times), round(self._rate, 1))
        if quantity == "spo2":
            return times, np.full(len(times), 97.0)
        return times, self._series[quantity].at(times)

    def _pack(self, wearable: str, quantity: str, times: Array, values: Array) -> Sent:
        number = self._count.get((wearable, quantity), 0)
        self._count[wearable, quantity] = number + 1
        spec = QUANTITIES[quantity]
        payload = senml.encode(quantity, times, np.clip(values, spec.low, spec.high), sequence=number % _WRAP)
        return Sent(topics.sense(self._listener, wearable, quantity), payload, len(times), quantity)

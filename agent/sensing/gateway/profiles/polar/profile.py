"""Polar Measurement Data as a profile: asks for what the sensor offers, and turns its frames into readings.

Rules:

- What is asked for, the waveforms only where they are wanted: ECG at 130 Hz, PPG at 55 Hz, acceleration near 50 Hz
  within 8 g, pulse intervals; of what a sensor offers the nearest. A refusal is counted by its status and costs that
  measurement alone. A measurement that runs already, because a process before this one was killed, is stopped and
  started anew.
- PPG frames hold the light that comes back, which falls when blood fills the skin. `ppg` is what was absorbed: ambient
  light minus the mean of the photodiodes, so that a pulse points upwards as with every other wearable.
- A pulse interval is invalid where the sensor moved or lost contact (Polar SDK, documentation/PPIData.md): counted
  `moved` and `no_contact`, and the run of beats begins anew, so that the gap stays a gap.
- A frame that came twice is counted `repeated`.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final, NamedTuple

import numpy as np

from agent.sensing.gateway.profiles.polar.control import (
    ALREADY_RUNNING,
    SUCCESS,
    Answer,
    Measurement,
    Setting,
    ask_settings,
    choose,
    factor,
    parse_answer,
    parse_features,
    parse_settings,
    start,
    status_name,
    stop,
)
from agent.sensing.gateway.profiles.polar.frames import Frame, parse_frame, pulse_intervals, samples
from agent.sensing.gateway.profiles.polar.times import FrameTimes
from agent.sensing.gateway.profiles.profile import Count, Dialogue, Profile, Readings, readings
from models.errors import WireError
from models.physiology.beats.timing import BeatClock

__all__ = ["CONTROL", "DATA", "Polar"]

CONTROL: Final = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"
DATA: Final = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"


_PACKETS: Final = 16
"""So many packets may make up an answer; none of Polar's needs more than three."""


class _Wish(NamedTuple):
    """What is wanted of a measurement, and the quantity that it becomes."""

    quantity: str
    rate_hz: float
    settings: dict[Setting, int]


_WISHES: Final = {
    Measurement.ECG: _Wish("ecg", 130.0, {Setting.RATE: 130}),
    Measurement.PPG: _Wish("ppg", 55.0, {Setting.RATE: 55}),
    # Walking and running lie below 5 Hz; 50 Hz is the least that most sensors offer, 8 g more than an arm reaches.
    Measurement.ACCELERATION: _Wish("acc", 50.0, {Setting.RATE: 50, Setting.RANGE: 8}),
    Measurement.PULSE_INTERVALS: _Wish("rr", 1.0, {}),
}


class Polar(Profile):
    """Yields `ecg`, `ppg`, `acc` and `rr`; counts `moved`, `no_contact`, `repeated`, and refusals by their status.

    Attributes:
        running: the measurements that were started.
    """

    name = "polar"
    service = "fb005c80-02e7-f387-1cad-8acd2d8df0c8"
    notifies = (DATA,)
    control = CONTROL
    # Pulse intervals need 25 s until the first of them comes (Polar SDK, documentation/products/PolarVeritySense.md).
    silent_s = 60.0

    def __init__(self, count: Count, *, waveforms: bool = True) -> None:
        super().__init__(count, waveforms=waveforms)
        self.running: set[Measurement] = set()
        self._factors: dict[Measurement, float] = {}
        self._times = {each: FrameTimes(wish.rate_hz) for each, wish in _WISHES.items()}
        self._beats = BeatClock()

    def begin(self) -> None:
        """See `Profile.begin`."""
        self.running.clear()
        self._factors.clear()
        self._times = {each: FrameTimes(wish.rate_hz) for each, wish in _WISHES.items()}
        self._beats.lost()

    def dialogue(self, features: bytes) -> Dialogue:
        """See `Profile.dialogue`."""
        offered = parse_features(features)
        if not self._waveforms:
            offered &= {Measurement.PULSE_INTERVALS}
        for measurement in sorted(offered):
            yield from self._start(measurement, _WISHES[measurement])

    def _start(self, measurement: Measurement, wish: _Wish) -> Dialogue:
        chosen: dict[Setting, int] = {}
        if measurement is not Measurement.PULSE_INTERVALS:  # these have no settings
            told = yield from self._ask(ask_settings(measurement))
            if told is None:
                return
            chosen = choose(parse_settings(told.settings), wish.settings)
        begin = start(measurement, chosen)
        answer = yield from self._ask(begin, accepts=ALREADY_RUNNING)
        if answer is not None and answer.status == ALREADY_RUNNING:
            yield from self._ask(stop(measurement))
            answer = yield from self._ask(begin)
        if answer is None:
            return
        self.running.add(measurement)
        self._factors[measurement] = factor(parse_settings(answer.settings))
        self._times[measurement] = FrameTimes(float(chosen.get(Setting.RATE, 0)) or wish.rate_hz)

    def _ask(self, request: bytes, *, accepts: int = SUCCESS) -> Generator[bytes, bytes | None, Answer | None]:
        """Put one request and gather its answer; None, and counted, where it is refused, cut or missing."""
        opcode, measurement = request[0], request[1]
        payload = yield request
        try:
            for _ in range(_PACKETS):
                if payload is None:
                    self._count("unanswered")
                    return None
                answer = parse_answer(payload)
                if (answer.opcode, answer.measurement) == (opcode, measurement):
                    break
                payload = yield b""  # the late answer to a request before
            else:
                self._count("unanswered")
                return None
        except WireError as error:
            self._count(str(error.reason))
            return None
        if answer.status not in {SUCCESS, accepts}:
            self._count(status_name(answer.status))
            return None
        settings, more = answer.settings, answer.more
        for _ in range(_PACKETS):
            if not more:
                break
            payload = yield b""
            if not payload:
                self._count("unanswered")
                return None
            more, settings = bool(payload[0]), settings + payload[1:]
        return Answer(answer.opcode, answer.measurement, answer.status, settings, more=False)

    def take(self, characteristic: str, payload: bytes, arrived: float) -> list[Readings]:
        """See `Profile.take`."""
        del characteristic
        frame = parse_frame(payload)
        if frame.measurement is Measurement.PULSE_INTERVALS:
            return self._intervals(frame, arrived)
        if self._times[frame.measurement].is_repeat(frame.sensor_s):
            self._count("repeated")
            return []
        values = samples(frame, factor=self._factors.get(frame.measurement, 1.0))
        times = self._times[frame.measurement].place(len(values), frame.sensor_s, arrived)
        if frame.measurement is Measurement.ECG:
            values = values[:, 0]
        elif frame.measurement is Measurement.PPG:
            values = values[:, 3] - values[:, :3].mean(axis=1)
        return readings(_WISHES[frame.measurement].quantity, times, values)

    def _intervals(self, frame: Frame, arrived: float) -> list[Readings]:
        ticks: list[float] = []
        for found in pulse_intervals(frame):
            invalid = "moved" if found.moved else "no_contact" if found.lost_contact else ""
            if invalid:
                self._count(invalid)
            ticks.append(0.0 if invalid else found.interval_s)
        return readings("rr", *self._beats.packet(arrived, np.array(ticks)))

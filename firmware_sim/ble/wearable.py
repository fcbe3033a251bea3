"""A Bluetooth wearable without its radio: blocks of a body go in, notices come out.

Rules:

- Its sensors are those of `attune-sim stream`: the same body through the same errors, so that both can be compared.
- Everything random comes from the seed and the wearable's name.
- What the wearable knows of time is its own clock, which may lie; when a notice leaves is decided outside.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from typing import Final

import numpy as np

from firmware_sim.ble.electrocardiogram import Electrocardiogram
from firmware_sim.ble.faults import Liar, parse_faults
from firmware_sim.ble.gatt import Notice, Service
from firmware_sim.ble.polar.control import DATA, ControlPoint, Setting
from firmware_sim.ble.polar.frames import Measurement, since_2000
from firmware_sim.ble.polar.streams import Acceleration, Ecg, Light, PulseIntervals, Stream
from firmware_sim.ble.saturation import Saturation
from firmware_sim.ble.standard import (
    BATTERY_LEVEL,
    HEART_RATE,
    OXIMETER,
    THERMOMETER,
    battery_service,
    heart_rate,
    heart_rate_service,
    information_service,
    oximeter,
    oximeter_service,
    thermometer,
    thermometer_service,
)
from firmware_sim.physiology.body import BLOCK_S, Block
from firmware_sim.settings import BleKind, BleWearableSection, Kind
from firmware_sim.wearable.clock import Clock
from firmware_sim.wearable.radio import Radio
from firmware_sim.wearable.sensor import Samples, Sensor

__all__ = ["BleWearable"]

_BLOCKS_PER_S = round(1 / BLOCK_S)
# The specification advises to send the energy with one measurement in ten (Heart Rate Service 1.0, 3.1.1.3).
_ENERGY_EVERY = 10
# Kilojoules an hour at rest: 1 kcal an hour for each of 70 kg.
_ENERGY_KJ_PER_H = 290.0
_FUTURE_S = 3600.0
_FILL = 255
# By the names that real ones advertise, so that a gateway can be tried with what it looks for.
_NAMES: Final[Mapping[BleKind, tuple[str, str, str]]] = {
    "strap": ("Attune", "Virtual strap", "HR"),
    "polar": ("Polar Electro Oy", "H10", "Polar H10"),
    "sense": ("Polar Electro Oy", "INW4J", "Polar Sense"),
    "oximeter": ("Attune", "Virtual oximeter", "Oximeter"),
    "thermometer": ("Attune", "Virtual thermometer", "Thermometer"),
}
_OFFERS: Final[Mapping[BleKind, Mapping[Measurement, Mapping[Setting, tuple[int, ...]]]]] = {
    "polar": {
        Measurement.ECG: {Setting.RATE_HZ: (130,), Setting.RESOLUTION_BITS: (14,)},
        Measurement.ACCELERATION: {
            Setting.RATE_HZ: (25, 50, 100, 200),
            Setting.RESOLUTION_BITS: (16,),
            Setting.RANGE_G: (2, 4, 8),
        },
    },
    "sense": {
        Measurement.PPG: {Setting.RATE_HZ: (55, 135), Setting.RESOLUTION_BITS: (22,), Setting.CHANNELS: (4,)},
        Measurement.ACCELERATION: {
            Setting.RATE_HZ: (52,),
            Setting.RESOLUTION_BITS: (16,),
            Setting.RANGE_G: (8,),
            Setting.CHANNELS: (3,),
        },
        Measurement.PPI: {},
    },
}
_SENSORS: Final[Mapping[BleKind, Kind]] = {
    "strap": "strap",
    "polar": "strap",
    "sense": "band",
    "oximeter": "band",
    "thermometer": "band",
}


class BleWearable:
    """What a wearable offers and sends over Bluetooth, block after block.

    Args:
        settings: its kind, errors and faults.
        seed: of its errors; two wearables of one listener differ although the seed is the same.
        started_at: when it was started, seconds since the epoch.

    Raises:
        SettingsError: a fault is unknown.
    """

    def __init__(self, settings: BleWearableSection, *, seed: int, started_at: float) -> None:
        own = [seed, *settings.name.encode()]
        generators = [np.random.default_rng(each) for each in np.random.SeedSequence(own).spawn(7)]
        self.name = settings.name
        self._kind = settings.kind
        self._started_at = started_at
        self._sensor = Sensor(_SENSORS[settings.kind], settings.noise, generators[0])
        self._radio = Radio(settings.gaps_per_hour, settings.gap_s, generators[1])
        self._liar = Liar(parse_faults(settings.faults), generators[2])
        self._clock = Clock(settings.clock_offset_s, settings.clock_ppm)
        self._charge = [100]
        self._intervals: deque[float] = deque(maxlen=16)
        self._shown: tuple[int, tuple[float, ...]] = (0, ())
        self._measurements = 0
        self._saturation = Saturation(settings.noise, generators[3])
        self._control = ControlPoint(_OFFERS.get(settings.kind, {}))
        self._streams = _streams(settings, generators[4:])
        self.packs: Counter[str] = Counter()
        """Notices made, by what they carry."""
        self.samples: Counter[str] = Counter()
        """The same: a notice is what is counted."""
        self.gaps = 0
        """How often it went out of reach."""
        self._reachable = True

    @property
    def advertised_name(self) -> str:
        """The name that it advertises."""
        return f"{_NAMES[self._kind][2]} {self.serial}"

    @property
    def serial(self) -> str:
        """Its serial number, eight hexadecimal digits that its name decides."""
        return f"{sum(byte << 4 * place for place, byte in enumerate(self.name.encode())) & 0xFFFFFFFF:08X}"

    @property
    def faults(self) -> dict[str, int]:
        """How often each fault came."""
        return dict(self._liar.told)

    @property
    def services(self) -> tuple[Service, ...]:
        """What it offers."""
        maker, model, _ = _NAMES[self._kind]
        services = {
            "strap": (heart_rate_service,),
            "polar": (heart_rate_service, self._control.service),
            "sense": (heart_rate_service, self._control.service),
            "oximeter": (oximeter_service,),
            "thermometer": (thermometer_service,),
        }[self._kind]
        common = (battery_service(self._charge), information_service(maker, model, self.serial))
        return (*(make() for make in services), *common)

    @property
    def reachable(self) -> bool:
        """Whether it is within reach after the last block."""
        return self._reachable

    def disconnected(self) -> None:
        """Its central is gone: measurements that it had started end."""
        self._control.stop_all()

    def live(self, block: Block) -> list[Notice]:
        """Live one block; return what is sent at its end, faults included."""
        readings = self._sensor.read(block)
        notices = self._notices(block, readings)
        up = self._radio.is_up(block.end_s, BLOCK_S) and not self._liar.is_away(block.end_s)
        self.gaps += self._reachable and not up
        self._reachable = up
        if not up:
            return []
        return [spoilt for notice in notices for spoilt in self._liar.spoil(notice, block.end_s)]

    def _notices(self, block: Block, readings: Mapping[str, Samples]) -> list[Notice]:
        notices = []
        if "rr" in readings:
            self._intervals.extend(float(value) for value in readings["rr"].values)
        if "batt" in readings:
            self._charge[-1] = int(readings["batt"].values[-1])
            notices.append(self._notice("batt", BATTERY_LEVEL, bytes([self._charge[-1]])))
        # Once a second, as these profiles have it.
        if round(block.end_s * _BLOCKS_PER_S) % _BLOCKS_PER_S == 0:
            notices += self._standard(block, readings)
        for kind, stream in self._streams.items():
            frames = stream.frames(block, readings, self._control.running.get(kind), self._stamp)
            notices += [self._notice(kind.name.lower(), DATA, frame) for frame in frames]
        return notices

    def _notice(self, carries: str, uuid: str, payload: bytes) -> Notice:
        self.packs[carries] += 1
        self.samples[carries] += 1
        return Notice(uuid, payload)

    def _standard(self, block: Block, readings: Mapping[str, Samples]) -> list[Notice]:
        rate = float(readings["hr"].values[-1]) if "hr" in readings else 0.0
        if self._kind == "thermometer":
            celsius = float(readings["temp"].values[-1])
            return [self._notice("temp", THERMOMETER, thermometer(celsius, at=self._shown_time(block.end_s)))]
        saturation = self._saturation.next(block.motion, 1.0)
        if self._kind == "oximeter":
            return [self._notice("spo2", OXIMETER, oximeter(saturation, self._lied(round(rate), block.end_s)))]
        return [self._notice("hr", HEART_RATE, self._heart_rate(rate, block.end_s))]

    def _heart_rate(self, rate: float, t_s: float) -> bytes:
        # The optical sensor tells no intervals in this profile, only as its own measurement.
        intervals = () if self._kind == "sense" else tuple(self._intervals)
        self._intervals.clear()
        if not self._liar.tells("frozen", t_s):
            self._shown = (round(rate), intervals)
        self._measurements += 1
        energy = round(_ENERGY_KJ_PER_H * t_s / 3600) if self._measurements % _ENERGY_EVERY == 0 else None
        beats, intervals = self._shown
        lied = self._lied(beats, t_s)
        return heart_rate(lied, intervals if lied else (), contact=bool(lied), energy_kj=energy)

    def _lied(self, beats_per_minute: int, t_s: float) -> int:
        if self._liar.tells("zero", t_s):
            return 0
        return _FILL if self._liar.tells("fill", t_s) else beats_per_minute

    def _shown_time(self, t_s: float) -> float:
        """What its clock shows, seconds since the epoch."""
        if self._liar.tells("1970", t_s):
            return t_s
        shown = float(self._clock.read(np.array([t_s]), self._started_at)[0])
        return shown + _FUTURE_S if self._liar.tells("future", t_s) else shown

    def _stamp(self, t_s: float) -> int:
        return since_2000(self._shown_time(t_s))


def _streams(settings: BleWearableSection, generators: list[np.random.Generator]) -> dict[Measurement, Stream]:
    if settings.kind == "polar":
        return {
            Measurement.ECG: Ecg(Electrocardiogram(settings.noise, generators[0])),
            Measurement.ACCELERATION: Acceleration(settings.noise, generators[1], compress=False),
        }
    if settings.kind == "sense":
        return {
            Measurement.PPG: Light(settings.noise, generators[0]),
            Measurement.ACCELERATION: Acceleration(settings.noise, generators[1], compress=True),
            Measurement.PPI: PulseIntervals(),
        }
    return {}

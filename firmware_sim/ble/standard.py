"""Payloads of the Bluetooth SIG's health profiles, written by the specification.

Floating-point types are those of IEEE 11073-20601, as the Personal Health Devices Transcoding white paper (Bluetooth
SIG, version 1.6, section 2.2) lays them out: FLOAT is an 8-bit exponent of ten over a 24-bit mantissa, SFLOAT a 4-bit
exponent over a 12-bit mantissa, both little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, datetime

from firmware_sim.ble.gatt import Characteristic, Service, assigned

__all__ = [
    "BATTERY_LEVEL",
    "HEART_RATE",
    "OXIMETER",
    "THERMOMETER",
    "battery_service",
    "float32",
    "heart_rate",
    "heart_rate_service",
    "information_service",
    "oximeter",
    "oximeter_service",
    "sfloat",
    "thermometer",
    "thermometer_service",
]

HEART_RATE = assigned(0x2A37)
"""Heart Rate Measurement (Heart Rate Service 1.0, 3.1)."""
BATTERY_LEVEL = assigned(0x2A19)
"""Battery Level (Battery Service 1.1, 3.1)."""
THERMOMETER = assigned(0x2A1C)
"""Temperature Measurement (Health Thermometer Service 1.0, 3.1)."""
OXIMETER = assigned(0x2A5F)
"""PLX Continuous Measurement (Pulse Oximeter Service 1.0, 3.2)."""

_CHEST, _BODY = 1, 2
# What a packet of the smallest MTU has room for: 20 bytes less flags and an 8-bit heart rate.
_MOST_INTERVALS = 9


def heart_rate(
    beats_per_minute: int, intervals_s: Sequence[float] = (), *, contact: bool = True, energy_kj: int | None = None
) -> bytes:
    """A Heart Rate Measurement.

    Args:
        beats_per_minute: 0 to 65535; above 255 the 16-bit form is used.
        intervals_s: RR intervals since the last measurement, seconds, oldest first; the newest nine are sent.
        contact: whether the sensor feels skin (that it can feel is always said).
        energy_kj: energy expended since the last reset, which moves the intervals two bytes back.
    """
    wide = beats_per_minute > 0xFF
    flags = wide | (contact << 1) | 1 << 2 | (energy_kj is not None) << 3 | bool(intervals_s) << 4
    payload = struct.pack("<BH" if wide else "<BB", flags, beats_per_minute)
    if energy_kj is not None:
        payload += struct.pack("<H", min(energy_kj, 0xFFFF))
    ticks = [min(round(interval * 1024), 0xFFFF) for interval in intervals_s[-_MOST_INTERVALS:]]
    return payload + struct.pack(f"<{len(ticks)}H", *ticks)


def heart_rate_service() -> Service:
    """Heart Rate: the measurement, and a sensor on the chest."""
    location = Characteristic(assigned(0x2A38), read=lambda: bytes([_CHEST]))
    measurement = Characteristic(HEART_RATE, notifies=True)
    return Service(assigned(0x180D), (measurement, location), advertised=True)


def battery_service(level: Sequence[int]) -> Service:
    """Battery: the level in per cent, which is the last of `level` whenever it is read."""
    return Service(assigned(0x180F), (Characteristic(BATTERY_LEVEL, read=lambda: bytes([level[-1]]), notifies=True),))


def information_service(maker: str, model: str, serial: str) -> Service:
    """Device Information: maker, model, serial number and revisions."""
    texts = {0x2A29: maker, 0x2A24: model, 0x2A25: serial, 0x2A27: "1.0", 0x2A26: "1.0.0", 0x2A28: "1.0.0"}
    return Service(assigned(0x180A), tuple(_text(number, text) for number, text in texts.items()))


def _text(number: int, text: str) -> Characteristic:
    return Characteristic(assigned(number), read=text.encode)


def thermometer(celsius: float, *, at: float | None = None) -> bytes:
    """A Temperature Measurement on the body, in degrees Celsius.

    Args:
        celsius: a hundredth is kept.
        at: the wearable's clock, seconds since the epoch; the timestamp is left out where it is None.
    """
    payload = bytes([(at is not None) << 1 | 1 << 2]) + float32(celsius, -2)
    if at is not None:
        day = datetime.fromtimestamp(at, UTC)
        payload += struct.pack("<HBBBBB", day.year, day.month, day.day, day.hour, day.minute, day.second)
    return payload + bytes([_BODY])


def thermometer_service() -> Service:
    """Health Thermometer: the measurement (indicated), its site, and its interval of a second."""
    return Service(
        assigned(0x1809),
        (
            Characteristic(THERMOMETER, indicates=True),
            Characteristic(assigned(0x2A1D), read=lambda: bytes([_BODY])),
            Characteristic(assigned(0x2A21), read=lambda: struct.pack("<H", 1)),
        ),
        advertised=True,
    )


def oximeter(saturation_percent: float, pulse_bpm: float, *, amplitude_percent: float | None = None) -> bytes:
    """A PLX Continuous Measurement.

    Args:
        saturation_percent: a tenth is kept.
        pulse_bpm: a tenth is kept.
        amplitude_percent: the pulse amplitude index, where the sensor tells one.
    """
    payload = bytes([(amplitude_percent is not None) << 4]) + sfloat(saturation_percent, -1) + sfloat(pulse_bpm, -1)
    return payload + (sfloat(amplitude_percent, -1) if amplitude_percent is not None else b"")


def oximeter_service() -> Service:
    """Pulse Oximeter: the continuous measurement, and features that name none beyond it."""
    features = Characteristic(assigned(0x2A60), read=lambda: bytes(2))
    return Service(assigned(0x1822), (Characteristic(OXIMETER, notifies=True), features), advertised=True)


def float32(value: float, exponent: int) -> bytes:
    """A FLOAT of IEEE 11073: `value` in units of 10 to the `exponent`."""
    return struct.pack("<I", (round(value * 10**-exponent) & 0xFFFFFF) | (exponent & 0xFF) << 24)


def sfloat(value: float, exponent: int) -> bytes:
    """A SFLOAT of IEEE 11073: `value` in units of 10 to the `exponent`."""
    return struct.pack("<H", (round(value * 10**-exponent) & 0xFFF) | (exponent & 0xF) << 12)

"""The control point of Polar's measurement data service: what is offered, what runs, and how requests are answered.

A request is an operation (1 byte), a measurement (1 byte) and settings; an answer is 0xF0, the operation, the
measurement, a status, whether more follows, and settings. A setting is its kind (1 byte), how many values, the values
(Polar Measurement Data Specification, section "Control point").
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from firmware_sim.ble.gatt import Characteristic, Notice, Service
from firmware_sim.ble.polar.frames import HEADER_BYTES, Measurement

__all__ = ["CONTROL_POINT", "DATA", "ControlPoint", "Setting", "Status"]

_SERVICE = "fb005c80-02e7-f387-1cad-8acd2d8df0c8"
CONTROL_POINT: Final = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"
"""The control point's characteristic."""
DATA: Final = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"
"""The frames' characteristic."""

_FEATURES, _ANSWER = 0x0F, 0xF0
_GET, _START, _STOP = 1, 2, 3
# Opcode and handle of a notification come out of the MTU; below, a frame of 73 samples of ECG does not fit.
_NOTIFICATION_HEADER = 3
_LARGEST_CONTENT = 219


class Status(IntEnum):
    """How a request was answered."""

    SUCCESS = 0
    INVALID_OPERATION = 1
    INVALID_MEASUREMENT = 2
    NOT_SUPPORTED = 3
    INVALID_LENGTH = 4
    INVALID_PARAMETER = 5
    ALREADY_IN_STATE = 6
    INVALID_RESOLUTION = 7
    INVALID_RATE = 8
    INVALID_RANGE = 9
    INVALID_MTU = 10
    INVALID_CHANNELS = 11


class Setting(IntEnum):
    """Kinds of settings."""

    RATE_HZ = 0
    RESOLUTION_BITS = 1
    RANGE_G = 2
    CHANNELS = 4
    FACTOR = 5


_BYTES: Final = {Setting.RATE_HZ: 2, Setting.RESOLUTION_BITS: 2, Setting.RANGE_G: 2, Setting.CHANNELS: 1}
_REFUSED: Final = {
    Setting.RATE_HZ: Status.INVALID_RATE,
    Setting.RESOLUTION_BITS: Status.INVALID_RESOLUTION,
    Setting.RANGE_G: Status.INVALID_RANGE,
    Setting.CHANNELS: Status.INVALID_CHANNELS,
}
Offer = Mapping[Setting, tuple[int, ...]]


class _RefusedError(Exception):
    """A request that is answered with a status other than success."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.name)
        self.status = status


class ControlPoint:
    """Answers requests and knows what runs.

    Args:
        offers: which values each setting of each measurement may take.
    """

    def __init__(self, offers: Mapping[Measurement, Offer]) -> None:
        self._offers = offers
        self.running: dict[Measurement, dict[Setting, int]] = {}
        """What runs, with the settings that were chosen."""

    def service(self) -> Service:
        """The service: control point and data."""
        control = Characteristic(CONTROL_POINT, read=self._features, written=self._written, indicates=True)
        return Service(_SERVICE, (control, Characteristic(DATA, notifies=True)))

    def stop_all(self) -> None:
        """Stop every measurement, as a wearable does whose central is gone."""
        self.running.clear()

    def _features(self) -> bytes:
        bits = sum(1 << kind for kind in self._offers)
        return bytes([_FEATURES, bits]) + bytes(15)

    def _written(self, request: bytes, mtu: int) -> list[Notice]:
        return [Notice(CONTROL_POINT, self.answer(request, mtu))]

    def answer(self, request: bytes, mtu: int) -> bytes:
        """The answer to a request over a connection of this MTU."""
        operation, measurement = (*request[:2], 0, 0)[:2]
        try:
            settings = self._obey(request, mtu)
        except _RefusedError as refused:
            return bytes([_ANSWER, operation, measurement, refused.status])
        return bytes([_ANSWER, operation, measurement, Status.SUCCESS, 0]) + settings

    def _obey(self, request: bytes, mtu: int) -> bytes:
        if len(request) < 2:
            raise _RefusedError(Status.INVALID_LENGTH)
        operation, number = request[0], request[1] & 0x3F
        if operation not in {_GET, _START, _STOP}:
            raise _RefusedError(Status.INVALID_OPERATION)
        if number not in {int(kind) for kind in Measurement}:
            raise _RefusedError(Status.INVALID_MEASUREMENT)
        kind = Measurement(number)
        if kind not in self._offers:
            raise _RefusedError(Status.NOT_SUPPORTED)
        if operation == _GET:
            return b"".join(_written(setting, values) for setting, values in self._offers[kind].items())
        if (operation == _START) == (kind in self.running):
            raise _RefusedError(Status.ALREADY_IN_STATE)
        if operation == _STOP:
            del self.running[kind]
            return b""
        if mtu < HEADER_BYTES + _LARGEST_CONTENT + _NOTIFICATION_HEADER:
            raise _RefusedError(Status.INVALID_MTU)
        self.running[kind] = self._chosen(kind, request[2:])
        # The factor of compressed samples: 1, they are whole numbers.
        return bytes([Setting.FACTOR, 1]) + struct.pack("<f", 1.0) if kind is not Measurement.PPI else b""

    def _chosen(self, kind: Measurement, content: bytes) -> dict[Setting, int]:
        chosen: dict[Setting, int] = {}
        while content:
            setting = Setting(content[0]) if content[0] in _BYTES else None
            if setting is None:
                raise _RefusedError(Status.INVALID_PARAMETER)
            end = 2 + _BYTES[setting]
            if len(content) < end or content[1] != 1:
                raise _RefusedError(Status.INVALID_LENGTH)
            chosen[setting] = int.from_bytes(content[2:end], "little")
            content = content[end:]
        for setting, values in self._offers[kind].items():
            if chosen.setdefault(setting, values[0]) not in values:
                raise _RefusedError(_REFUSED[setting])
        return chosen


def _written(setting: Setting, values: tuple[int, ...]) -> bytes:
    return bytes([setting, len(values)]) + b"".join(value.to_bytes(_BYTES[setting], "little") for value in values)

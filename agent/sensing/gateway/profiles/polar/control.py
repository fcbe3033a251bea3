"""The control point of Polar Measurement Data: what can be measured, with which settings, start and stop.

Read, the control point tells the features: 0x0F and a field of bits, one for each measurement. Written, it takes a
request `[opcode, measurement, settings…]`; the answer is indicated: `[0xF0, opcode, measurement, status, more,
settings…]`, and while `more` is not 0, further packets `[more, settings…]` carry on. A setting is `[kind, count,
values…]`, each value little-endian and as wide as its kind says. (Polar SDK, PMD specification, "control point".)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from agent.sensing.gateway.profiles.fields import Fields
from models.errors import Reason

__all__ = [
    "ALREADY_RUNNING",
    "SUCCESS",
    "Answer",
    "Measurement",
    "Setting",
    "ask_settings",
    "choose",
    "factor",
    "parse_answer",
    "parse_features",
    "parse_settings",
    "start",
    "status_name",
    "stop",
]

_FEATURES, _ANSWER = 0x0F, 0xF0
_ASK_SETTINGS, _START, _STOP = 0x01, 0x02, 0x03
SUCCESS: Final = 0
ALREADY_RUNNING: Final = 6
_STATUS: Final = {
    0: "success",
    1: "invalid_opcode",
    2: "invalid_measurement",
    3: "not_supported",
    4: "invalid_length",
    5: "invalid_parameter",
    6: "already_running",
    7: "invalid_resolution",
    8: "invalid_sample_rate",
    9: "invalid_range",
    10: "invalid_mtu",
    11: "invalid_channels",
    12: "invalid_state",
    13: "in_charger",
    14: "disk_full",
}


class Measurement(IntEnum):
    """What can be measured, as far as Attune has a use for it."""

    ECG = 0
    PPG = 1
    ACCELERATION = 2
    PULSE_INTERVALS = 3


class Setting(IntEnum):
    """Kinds of settings. Rate in hertz, resolution in bits, range in the measurement's unit, factor a float32."""

    RATE = 0
    RESOLUTION = 1
    RANGE = 2
    RANGE_MILLI = 3
    CHANNELS = 4
    FACTOR = 5


_WIDTH: Final = {
    Setting.RATE: 2,
    Setting.RESOLUTION: 2,
    Setting.RANGE: 2,
    Setting.RANGE_MILLI: 4,
    Setting.CHANNELS: 1,
    Setting.FACTOR: 4,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the control point answered.

    Attributes:
        opcode: of the request.
        measurement: its number, of whatever Polar measures.
        status: 0 is success.
        settings: bytes of the settings.
        more: whether further packets carry on.
    """

    opcode: int
    measurement: int
    status: int
    settings: bytes
    more: bool


def status_name(status: int) -> str:
    """Name of an answer's status, as it is counted."""
    return _STATUS.get(status, "unknown_status")


def parse_features(payload: bytes) -> frozenset[Measurement]:
    """What the wearable measures.

    Raises:
        WireError: MALFORMED, OVERSIZED, or UNSUPPORTED where it is no table of features.
    """
    fields = Fields(payload, "Polar's table of features")
    if fields.unsigned(1) != _FEATURES:
        raise fields.malformed("does not begin with 0x0f", Reason.UNSUPPORTED)
    bits = fields.unsigned(1)
    return frozenset(each for each in Measurement if bits >> each & 1)


def parse_answer(payload: bytes) -> Answer:
    """Read the first packet of an answer.

    Raises:
        WireError: MALFORMED, OVERSIZED, or UNSUPPORTED where it is no answer.
    """
    fields = Fields(payload, "Polar's answer")
    if fields.unsigned(1) != _ANSWER:
        raise fields.malformed("does not begin with 0xf0", Reason.UNSUPPORTED)
    opcode, measurement, status = fields.unsigned(1), fields.unsigned(1), fields.unsigned(1)
    # A refusal may end here.
    more = bool(fields.unsigned(1)) if len(fields) else False
    return Answer(opcode, measurement, status, fields.rest(), more)


def parse_settings(payload: bytes) -> dict[Setting, tuple[int, ...]]:
    """What each setting may be; a kind that is not known ends the list, because its width is not known either.

    Args:
        payload: `Answer.settings`, whole.

    Raises:
        WireError: MALFORMED; a value is cut.
    """
    found: dict[Setting, tuple[int, ...]] = {}
    if not payload:
        return found
    # An answer may span several packets, each of which is bounded: only the whole is longer than an attribute.
    at = 0
    while at + 2 <= len(payload) and payload[at] in _WIDTH:
        kind, count = Setting(payload[at]), payload[at + 1]
        fields = Fields(payload[at : at + 2 + count * _WIDTH[kind]], "Polar's list of settings")
        fields.take(2)
        found[kind] = tuple(fields.unsigned(_WIDTH[kind]) for _ in range(count))
        at += 2 + count * _WIDTH[kind]
    return found


def factor(settings: Mapping[Setting, tuple[int, ...]]) -> float:
    """What compressed samples are multiplied with, from the answer to a start; 1 where it is not told."""
    told = settings.get(Setting.FACTOR, ())
    value = float(np.array(told[:1], dtype="<u4").view("<f4")[0]) if told else 1.0
    return value if np.isfinite(value) and value > 0.0 else 1.0


def choose(offered: Mapping[Setting, tuple[int, ...]], wanted: Mapping[Setting, int]) -> dict[Setting, int]:
    """Of every offered setting the value nearest to the wanted one; the largest where none is wanted.

    The factor is the wearable's to tell, never asked for.
    """
    chosen: dict[Setting, int] = {}
    for kind, values in offered.items():
        if values and kind is not Setting.FACTOR:
            aim = wanted.get(kind)
            chosen[kind] = max(values) if aim is None else min(values, key=lambda value: abs(value - aim))
    return chosen


def ask_settings(measurement: Measurement) -> bytes:
    """Request: which settings does a measurement offer?"""
    return bytes((_ASK_SETTINGS, measurement))


def start(measurement: Measurement, settings: Mapping[Setting, int]) -> bytes:
    """Request: start measuring."""
    parts = [bytes((kind, 1)) + value.to_bytes(_WIDTH[kind], "little") for kind, value in settings.items()]
    return bytes((_START, measurement)) + b"".join(parts)


def stop(measurement: Measurement) -> bytes:
    """Request: stop measuring."""
    return bytes((_STOP, measurement))

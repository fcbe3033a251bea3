"""Frames of Polar's measurement data (PMD), written as the Polar BLE SDK reads them.

A frame is: type of the measurement (1 byte), time of its last sample (8 bytes, nanoseconds since 2000 by the wearable's
clock), frame type (1 byte, the top bit says that it is compressed), samples; all little-endian (Polar Measurement Data
Specification, section "Data stream", at github.com/polarofficial/polar-ble-sdk/technical_documentation).
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["HEADER_BYTES", "Measurement", "compressed", "ecg", "frame", "interval", "raw", "since_2000"]

HEADER_BYTES: Final = 10
"""Bytes before the samples."""
_COMPRESSED = 0x80
# 2000-01-01T00:00:00Z in seconds since 1970.
_YEAR_2000 = 946_684_800
# A block of differences counts its samples in one byte.
_MOST_DIFFERENCES = 255

Integers = NDArray[np.int64]


class Measurement(IntEnum):
    """Types of measurement."""

    ECG = 0
    PPG = 1
    ACCELERATION = 2
    PPI = 3


def since_2000(seconds: float) -> int:
    """Nanoseconds since 2000 of a time in seconds since 1970; what lies before 2000 counts from 1970 instead.

    A wearable whose clock was never set counts from an arbitrary moment; an unsigned number cannot tell of an earlier
    one.
    """
    since = seconds - _YEAR_2000
    return int((since if since >= 0 else max(seconds, 0.0)) * 1e9)


def frame(kind: Measurement, time_ns: int, frame_type: int, content: bytes, *, compressed: bool = False) -> bytes:
    """A whole frame."""
    return struct.pack("<BQB", kind, time_ns, frame_type | _COMPRESSED * compressed) + content


def raw(samples: Integers, width: int) -> bytes:
    """Samples [n] or [n, channels] as they are, each a signed number of `width` bytes."""
    flat = samples.reshape(-1).astype("<i8")
    return flat.view(np.uint8).reshape(-1, 8)[:, :width].tobytes()


def ecg(microvolts: Integers) -> bytes:
    """Content of an ECG frame of type 0: microvolts [n] in three bytes each."""
    return raw(microvolts, 3)


def interval(bpm: int, milliseconds: int, error_ms: int, *, blocked: bool, contact: bool) -> bytes:
    """One beat of a PPI frame of type 0.

    Args:
        bpm: heart rate, 0 to 255.
        milliseconds: the pulse-to-pulse interval.
        error_ms: how wrong the interval may be; above 30 it is no good.
        blocked: whether movement made the interval worthless.
        contact: whether there is skin (that it can feel is always said).
    """
    return struct.pack("<BHHB", bpm, milliseconds, error_ms, blocked | contact << 1 | 1 << 2)


def compressed(samples: Integers, bits: int) -> bytes:
    """Samples [n, channels] as a reference and blocks of differences.

    The first sample stands whole, each channel in as many bytes as `bits` need. A block is: bits of a difference (1
    byte), samples in it (1 byte), and the differences to the sample before, channel by channel, packed from the lowest
    bit up.
    """
    content = raw(samples[:1], -(-bits // 8))
    differences = np.diff(samples, axis=0)
    for start in range(0, len(differences), _MOST_DIFFERENCES):
        block = differences[start : start + _MOST_DIFFERENCES]
        width = max(int(np.abs(block).max()).bit_length() + 1, 1)
        content += bytes([width, len(block)]) + _packed(block.reshape(-1), width)
    return content


def _packed(numbers: Integers, width: int) -> bytes:
    """Signed numbers of `width` bits each, packed from the lowest bit of the first byte up."""
    bits = (numbers[:, None] >> np.arange(width)) & 1
    return np.packbits(bits.reshape(-1).astype(np.uint8), bitorder="little").tobytes()

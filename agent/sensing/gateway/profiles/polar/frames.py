"""Frames of Polar Measurement Data: what was measured, when, and the samples, delta-compressed or not.

A frame is `[measurement, time (8 bytes), kind, samples…]` (Polar SDK, PMD specification, "data"). The time is that of
the last sample, nanoseconds since 2000 on the wearable's own clock. Bit 7 of `kind` says that the samples are
compressed: first a reference sample, whole bytes for each channel, signed; then blocks `[bits, count, deltas…]`, where
`count` samples follow as differences of `bits` bits for each channel, signed, lowest bit first, without gaps between
them; a block ends on a whole byte.

Which channels a frame has, and in which unit, is decided by measurement and kind:

| measurement | kind | channels | unit |
| --- | --- | --- | --- |
| ECG | 0 | 1 of 24 bits | microvolt |
| PPG | 0 | 4 of 24 bits: three photodiodes, ambient light | arbitrary |
| acceleration | 0, 1, 2 | 3 of 8, 16, 24 bits | thousandths of standard gravity |
| acceleration, compressed | 0 | 3 of 16 bits, times factor | standard gravity |
| acceleration, compressed | 1 | 3 of 16 bits, times factor | thousandths of standard gravity |
| pulse intervals | 0 | 6 bytes, see `PulseInterval` | |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.sensing.gateway.profiles.fields import Fields
from agent.sensing.gateway.profiles.polar.control import Measurement
from models.errors import Reason, WireError

__all__ = ["EPOCH_S", "Frame", "PulseInterval", "parse_frame", "pulse_intervals", "samples"]

EPOCH_S: Final = 946_684_800.0
"""2000-01-01T00:00:00Z in seconds since 1970."""
_COMPRESSED: Final = 0x80
_WIDEST_DELTA: Final = 32
_STANDARD_GRAVITY: Final = 9.80665
_MICRO, _MILLI = 1e-6, 1e-3


class _Layout(NamedTuple):
    """Channels and bytes of a sample, and what one step means in the wire's unit."""

    channels: int
    width: int
    step: float


_LAYOUTS: Final = {
    (Measurement.ECG, 0, False): _Layout(1, 3, _MICRO),
    (Measurement.PPG, 0, False): _Layout(4, 3, 1.0),
    (Measurement.PPG, 0, True): _Layout(4, 3, 1.0),
    (Measurement.ACCELERATION, 0, False): _Layout(3, 1, _MILLI * _STANDARD_GRAVITY),
    (Measurement.ACCELERATION, 1, False): _Layout(3, 2, _MILLI * _STANDARD_GRAVITY),
    (Measurement.ACCELERATION, 2, False): _Layout(3, 3, _MILLI * _STANDARD_GRAVITY),
    (Measurement.ACCELERATION, 0, True): _Layout(3, 2, _STANDARD_GRAVITY),
    (Measurement.ACCELERATION, 1, True): _Layout(3, 2, _MILLI * _STANDARD_GRAVITY),
}
_INTERVAL_BYTES: Final = 6
_KNOWN: Final = frozenset(int(each) for each in Measurement)


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame before its samples are read.

    Attributes:
        measurement: what was measured.
        sensor_s: time of the last sample on the wearable's clock, seconds since 1970; that clock is often never set.
            0 where the wearable gives no time, as for pulse intervals.
        kind: decides channels and unit, together with the measurement.
        compressed: whether the samples are differences.
        content: the samples.
    """

    measurement: Measurement
    sensor_s: float
    kind: int
    compressed: bool
    content: bytes


class PulseInterval(NamedTuple):
    """One interval between two pulses.

    Attributes:
        rate_bpm: the wearable's heart rate.
        interval_s: seconds.
        error_s: the wearable's own estimate of its error.
        moved: whether it moved, so that the interval is invalid ("blocker").
        lost_contact: whether it says that it can tell contact, and that there is none.
    """

    rate_bpm: int
    interval_s: float
    error_s: float
    moved: bool
    lost_contact: bool


def parse_frame(payload: bytes) -> Frame:
    """Read the head of a frame.

    Raises:
        WireError: MALFORMED, OVERSIZED, or UNSUPPORTED for a measurement that was never asked for.
    """
    fields = Fields(payload, "a Polar frame")
    number = fields.unsigned(1) & 0x3F  # the two highest bits tell recordings from live measurements
    nanoseconds = fields.unsigned(8)
    kind = fields.unsigned(1)
    if number not in _KNOWN:
        raise fields.malformed(f"holds the unknown measurement {number}", Reason.UNSUPPORTED)
    return Frame(
        measurement=Measurement(number),
        sensor_s=nanoseconds * 1e-9 + EPOCH_S if nanoseconds else 0.0,
        kind=kind & ~_COMPRESSED,
        compressed=bool(kind & _COMPRESSED),
        content=fields.rest(),
    )


def samples(frame: Frame, *, factor: float = 1.0) -> NDArray[np.float64]:
    """The samples of an ECG, PPG or acceleration frame.

    Args:
        frame: as parsed.
        factor: what compressed samples are multiplied with, from the answer to the start of the measurement.

    Returns:
        float64 [n, channels]: volts, arbitrary units, or m/s².

    Raises:
        WireError: UNSUPPORTED for a kind of frame that is not in the table above, MALFORMED for one that is cut.
    """
    layout = _LAYOUTS.get((frame.measurement, frame.kind, frame.compressed))
    if layout is None:
        raise WireError(
            f"a Polar frame of {frame.measurement.name.lower()} is of the unknown kind {frame.kind}",
            reason=Reason.UNSUPPORTED,
            remedy="Tell the project which sensor sends it",
        )
    if frame.compressed:
        return _decompressed(frame.content, layout) * (layout.step * factor)
    size = layout.channels * layout.width
    if not frame.content or len(frame.content) % size:
        raise _cut(f"{len(frame.content)} bytes are no whole number of samples")
    return _integers(frame.content, layout.width).reshape(-1, layout.channels) * layout.step


def pulse_intervals(frame: Frame) -> list[PulseInterval]:
    """The intervals of a frame, oldest first.

    Raises:
        WireError: UNSUPPORTED or MALFORMED, as `samples`.
    """
    if frame.kind or frame.compressed:
        raise WireError(
            f"a Polar frame of pulse intervals is of the unknown kind {frame.kind}",
            reason=Reason.UNSUPPORTED,
            remedy="Tell the project which sensor sends it",
        )
    if not frame.content or len(frame.content) % _INTERVAL_BYTES:
        raise _cut(f"{len(frame.content)} bytes are no whole number of intervals")
    rows = np.frombuffer(frame.content, dtype=[("rate", "u1"), ("ms", "<u2"), ("error", "<u2"), ("flags", "u1")])
    return [
        PulseInterval(
            rate_bpm=rate,
            interval_s=milliseconds * _MILLI,
            error_s=error * _MILLI,
            moved=bool(flags & 0x01),
            lost_contact=bool(flags & 0x04) and not flags & 0x02,
        )
        for rate, milliseconds, error, flags in rows.tolist()
    ]


def _cut(why: str) -> WireError:
    return WireError(
        f"a Polar frame is cut: {why}",
        reason=Reason.MALFORMED,
        remedy="A single damaged packet does no harm; move the wearable closer if they are many",
    )


def _integers(content: bytes, width: int) -> NDArray[np.int64]:
    """Signed little-endian integers of `width` bytes."""
    octets = np.frombuffer(content, dtype=np.uint8).reshape(-1, width).astype(np.int64)
    values: NDArray[np.int64] = octets @ (1 << 8 * np.arange(width, dtype=np.int64))
    return values - ((values >> (8 * width - 1)) << 8 * width)


def _decompressed(content: bytes, layout: _Layout) -> NDArray[np.float64]:
    at = layout.channels * layout.width
    if len(content) < at:
        raise _cut("the reference sample is not whole")
    parts = [_integers(content[:at], layout.width).reshape(1, -1)]
    while at < len(content):
        if at + 2 > len(content):
            raise _cut("a block has no length")
        bits, count = content[at], content[at + 1]
        size = -(-bits * count * layout.channels // 8)
        at += 2
        if not 0 < bits <= _WIDEST_DELTA or at + size > len(content):
            raise _cut(f"a block of {count} differences of {bits} bits does not fit")
        parts.append(_deltas(content[at : at + size], bits, count, layout.channels))
        at += size
    return np.cumsum(np.concatenate(parts), axis=0, dtype=np.float64)


def _deltas(block: bytes, bits: int, count: int, channels: int) -> NDArray[np.int64]:
    stream = np.unpackbits(np.frombuffer(block, dtype=np.uint8), bitorder="little")[: bits * count * channels]
    values: NDArray[np.int64] = stream.reshape(-1, bits).astype(np.int64) @ (1 << np.arange(bits, dtype=np.int64))
    return (values - ((values >> (bits - 1)) << bits)).reshape(count, channels)

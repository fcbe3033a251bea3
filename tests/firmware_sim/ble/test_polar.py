from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from firmware_sim.ble.polar.control import CONTROL_POINT, ControlPoint, Setting, Status
from firmware_sim.ble.polar.frames import (
    Integers,
    Measurement,
    compressed,
    ecg,
    frame,
    interval,
    raw,
    since_2000,
)

ECG_OFFER = {Setting.RATE_HZ: (130,), Setting.RESOLUTION_BITS: (14,)}
START_ECG = bytes.fromhex("02000001820001010e00")
"""As the Polar SDK writes it: 130 Hz, 14 bits."""
WIDE, NARROW = 232, 185


def decompress(content: bytes, channels: int, bits: int) -> Iterator[list[int]]:
    """The specification's way, a bit at a time."""
    width = -(-bits // 8)
    sample = [int.from_bytes(content[i * width : (i + 1) * width], "little", signed=True) for i in range(channels)]
    yield list(sample)
    at = channels * width
    while at < len(content):
        size, count = content[at], content[at + 1]
        length = -(-size * count * channels // 8)
        number = int.from_bytes(content[at + 2 : at + 2 + length], "little")
        for _ in range(count):
            for channel in range(channels):
                value = number & ((1 << size) - 1)
                sample[channel] += value - ((value >> (size - 1)) << size)
                number >>= size
            yield list(sample)
        at += 2 + length


@given(arrays(np.int64, st.tuples(st.integers(1, 300), st.just(4)), elements=st.integers(-(2**22), 2**22)))
def test_what_is_compressed_comes_out_as_it_was(samples: Integers):
    assert list(decompress(compressed(samples, 24), 4, 24)) == samples.tolist()


def test_samples_that_do_not_change_compress_to_a_bit_each():
    assert len(compressed(np.full((81, 1), 7), 24)) == 3 + 2 + 10


@given(st.lists(st.integers(-(2**23), 2**23 - 1), min_size=1, max_size=73))
def test_microvolts_take_three_signed_bytes(values: list[int]):
    content = ecg(np.array(values))
    assert [int.from_bytes(content[i : i + 3], "little", signed=True) for i in range(0, len(content), 3)] == values


def test_acceleration_takes_two_signed_bytes_an_axis():
    assert raw(np.array([[-1, 2, 1000]]), 2) == struct.pack("<hhh", -1, 2, 1000)


def test_a_frame_tells_what_it_holds_and_when_its_last_sample_was_taken():
    made = frame(Measurement.ACCELERATION, 5, 1, b"\x01", compressed=True)
    assert made == b"\x02" + struct.pack("<Q", 5) + b"\x81\x01"


def test_an_interval_tells_its_error_and_whether_it_is_to_be_trusted():
    assert interval(60, 1000, 8, blocked=True, contact=False) == struct.pack("<BHHB", 60, 1000, 8, 0b101)


def test_a_clock_that_was_never_set_counts_from_its_own_beginning():
    assert since_2000(946_684_801.5) == 1_500_000_000
    assert since_2000(12.0) == 12_000_000_000
    assert since_2000(-3.0) == 0


def test_features_name_what_is_measured():
    read = ControlPoint({Measurement.ECG: {}, Measurement.ACCELERATION: {}}).service().characteristics[0].read
    assert read is not None
    assert read()[:2] == bytes([0x0F, 0b101])


def test_settings_are_listed():
    answer = ControlPoint({Measurement.ECG: ECG_OFFER}).answer(bytes([1, 0]), WIDE)
    assert answer == bytes.fromhex("f001000000" + "00018200" + "01010e00")


def test_a_measurement_starts_stops_and_starts_again():
    point = ControlPoint({Measurement.ECG: ECG_OFFER})
    for _ in range(2):
        assert point.answer(START_ECG, WIDE)[:4] == bytes([0xF0, 2, 0, Status.SUCCESS])
        assert point.running == {Measurement.ECG: {Setting.RATE_HZ: 130, Setting.RESOLUTION_BITS: 14}}
        assert point.answer(bytes([3, 0]), WIDE)[3] == Status.SUCCESS
        assert not point.running


def test_a_central_that_is_gone_leaves_nothing_running():
    point = ControlPoint({Measurement.ECG: ECG_OFFER})
    point.answer(START_ECG, WIDE)
    point.stop_all()
    assert not point.running


@pytest.mark.parametrize(
    ("request_hex", "mtu", "status"),
    [
        ("", WIDE, Status.INVALID_LENGTH),
        ("02", WIDE, Status.INVALID_LENGTH),
        ("0900", WIDE, Status.INVALID_OPERATION),
        ("0230", WIDE, Status.INVALID_MEASUREMENT),
        ("0202", WIDE, Status.NOT_SUPPORTED),
        ("0300", WIDE, Status.ALREADY_IN_STATE),
        ("02000001c800", WIDE, Status.INVALID_RATE),
        ("020001010f00", WIDE, Status.INVALID_RESOLUTION),
        ("0200000182", WIDE, Status.INVALID_LENGTH),
        ("0200000282008200", WIDE, Status.INVALID_LENGTH),
        ("02007f0100", WIDE, Status.INVALID_PARAMETER),
        (START_ECG.hex(), NARROW, Status.INVALID_MTU),
    ],
)
def test_a_wrong_request_is_refused_for_its_reason_and_starts_nothing(request_hex: str, mtu: int, status: Status):
    point = ControlPoint({Measurement.ECG: ECG_OFFER})
    assert point.answer(bytes.fromhex(request_hex), mtu)[3] == status
    assert not point.running


@given(st.binary(max_size=40), st.integers(23, 517))
def test_whatever_is_written_is_answered(request: bytes, mtu: int):
    point = ControlPoint({Measurement.ECG: ECG_OFFER, Measurement.PPI: {}})
    written = point.service().characteristics[0].written
    assert written is not None
    (notice,) = written(request, mtu)
    assert notice.uuid == CONTROL_POINT
    assert notice.payload[0] == 0xF0
    assert notice.payload[3] in set(Status)

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.ble.standard import (
    battery_service,
    float32,
    heart_rate,
    information_service,
    oximeter,
    sfloat,
    thermometer,
)


def test_a_heart_rate_without_anything_beside_it_is_two_bytes():
    assert heart_rate(72) == bytes([0b0110, 72])


def test_a_heart_rate_of_a_sensor_that_lies_on_the_table_says_that_it_feels_no_skin():
    assert heart_rate(0, contact=False) == bytes([0b0100, 0])


def test_a_heart_rate_above_255_takes_two_bytes():
    assert heart_rate(300) == bytes([0b0111]) + struct.pack("<H", 300)


def test_intervals_are_in_1024ths_of_a_second_oldest_first():
    assert heart_rate(60, [1.0, 0.5]) == bytes([0b10110, 60]) + struct.pack("<HH", 1024, 512)


def test_energy_stands_before_the_intervals():
    assert heart_rate(60, [1.0], energy_kj=7) == bytes([0b11110, 60]) + struct.pack("<HH", 7, 1024)


@given(st.lists(st.floats(0.2, 3.0), max_size=40), st.booleans())
def test_a_heart_rate_fits_into_the_smallest_packet(intervals: list[float], energy: bool):
    assert len(heart_rate(80, intervals, energy_kj=5 if energy else None)) <= 23 - 3 + 2 * energy


def test_a_temperature_is_in_hundredths_with_the_wearables_date():
    payload = thermometer(36.6, at=951_782_400.0)
    assert payload == bytes([0b110]) + struct.pack("<i", 3660 | -2 << 24) + struct.pack("<H", 2000) + bytes(
        [2, 29, 0, 0, 0, 2]
    )
    assert len(thermometer(36.6)) == len(payload) - 7


def test_a_saturation_is_in_tenths():
    assert oximeter(97.5, 61.0) == bytes([0]) + struct.pack("<HH", 975 | 0xF000, 610 | 0xF000)


def test_a_pulse_amplitude_is_announced():
    assert oximeter(97.5, 61.0, amplitude_percent=1.5) == bytes([16]) + struct.pack(
        "<HHH", 975 | 0xF000, 610 | 0xF000, 15 | 0xF000
    )


@given(st.integers(-2048, 2047), st.integers(-8, 7))
def test_a_short_float_holds_mantissa_and_exponent(mantissa: int, exponent: int):
    bits = struct.unpack("<H", sfloat(mantissa * 10.0**exponent, exponent))[0]
    assert (bits & 0xFFF) - (bits >> 11 & 1) * 0x1000 == mantissa
    assert (bits >> 12) - (bits >> 15) * 0x10 == exponent


@given(st.integers(-(2**23), 2**23 - 1), st.integers(-12, 12))
def test_a_float_holds_mantissa_and_exponent(mantissa: int, exponent: int):
    bits = struct.unpack("<i", float32(mantissa * 10.0**exponent, exponent))[0]
    assert bits >> 24 == exponent
    assert (bits & 0xFFFFFF) - (bits >> 23 & 1) * 2**24 == pytest.approx(mantissa, abs=1)


def test_the_battery_is_read_as_it_is_now():
    level = [80]
    read = battery_service(level).characteristics[0].read
    assert read is not None
    assert read() == b"\x50"
    level[-1] = 79
    assert read() == b"\x4f"


def test_device_information_tells_each_text_as_its_own():
    texts = [each.read() for each in information_service("Maker", "Model", "7").characteristics if each.read]
    assert texts[:3] == [b"Maker", b"Model", b"7"]
    assert len(texts) == 6

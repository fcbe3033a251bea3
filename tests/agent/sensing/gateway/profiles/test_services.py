"""Battery, device information, thermometer and oximeter."""

from __future__ import annotations

from collections import Counter

import pytest

from agent.sensing.gateway.profiles import (
    Battery,
    DeviceInformation,
    Oximeter,
    Profile,
    Readings,
    Thermometer,
    battery,
    oximeter,
    thermometer,
)
from agent.sensing.gateway.profiles.device_information import FIRMWARE, MANUFACTURER, MODEL
from agent.sensing.gateway.profiles.fields import Fields
from models.errors import Reason, WireError


def taken(kind: type[Profile], payload: str) -> tuple[dict[str, float], Counter[str]]:
    counts: Counter[str] = Counter()
    profile = kind(lambda name: counts.update((name,)))
    readings: list[Readings] = profile.take(profile.notifies[0], bytes.fromhex(payload), 1.8e9)
    return {each.quantity: float(each.values[0]) for each in readings}, counts


@pytest.mark.parametrize(
    ("raw", "value"),
    [("72 f1", 37.0), ("64 00", 100.0), ("01 10", 10.0), ("ff 0f", -1.0), ("ff 07", None), ("00 08", None)],
)
def test_short_floats_have_a_decimal_exponent_and_special_mantissas(raw: str, value: float | None) -> None:
    found = Fields(bytes.fromhex(raw), "it").short_float()

    assert found != found if value is None else found == value  # noqa: PLR0124 - NaN alone differs from itself


def test_short_floats_know_both_infinities() -> None:
    assert Fields(bytes.fromhex("fe 07"), "it").short_float() == float("inf")
    assert Fields(bytes.fromhex("02 08"), "it").short_float() == float("-inf")


@pytest.mark.parametrize(("payload", "level"), [("00", 0), ("57", 87), ("64", 100), ("64 00", 100)])
def test_a_battery_level_is_a_percentage(payload: str, level: int) -> None:
    assert battery.parse(bytes.fromhex(payload)) == level


def test_a_battery_level_above_a_hundred_is_refused() -> None:
    with pytest.raises(WireError) as error:
        battery.parse(b"\x65")
    assert error.value.reason is Reason.WRONG_VALUE


def test_a_battery_yields_its_level() -> None:
    assert taken(Battery, "57") == ({"batt": 87.0}, {})


def test_texts_of_the_device_lose_what_cannot_be_shown() -> None:
    device = DeviceInformation(lambda _name: None)
    device.take(MANUFACTURER, b"Polar Electro Oy\0\0", 0.0)
    device.take(MODEL, b"H10\n", 0.0)
    device.take(FIRMWARE, b"\xff\xfe", 0.0)

    assert device.found == {"manufacturer": "Polar Electro Oy", "model": "H10", "firmware": "��"}


@pytest.mark.parametrize(
    ("payload", "celsius"),
    [
        ("00 6e 01 00 ff", 36.6),
        ("01 da 03 00 ff", 37.0),  # 98.6 degrees Fahrenheit
        ("02 6e 01 00 ff ea 07 0b 16 07 00 00", 36.6),
        ("04 4a 01 00 ff 04", 33.0),
        ("06 4a 01 00 ff ea 07 0b 16 07 00 00 01", 33.0),
    ],
)
def test_a_temperature_is_read_in_either_scale_with_or_without_a_stamp(payload: str, celsius: float) -> None:
    assert thermometer.parse(bytes.fromhex(payload)).celsius == pytest.approx(celsius)
    assert taken(Thermometer, payload)[0]["temp"] == pytest.approx(celsius)


@pytest.mark.parametrize("place", [3, 5, 6, 7, 9])
def test_a_temperature_from_inside_the_body_is_no_skin_temperature(place: int) -> None:
    assert taken(Thermometer, f"04 6e 01 00 ff {place:02x}") == ({}, {"core_temperature": 1})


def test_a_temperature_that_is_no_number_is_left_out() -> None:
    assert taken(Thermometer, "00 ff ff 7f 00") == ({}, {"fill_value": 1})


@pytest.mark.parametrize(
    ("payload", "status", "sensor", "amplitude"),
    [
        ("00 61 00 48 00", 0, 0, None),
        ("01 61 00 48 00 60 00 50 00", 0, 0, None),
        ("03 61 00 48 00 60 00 50 00 62 00 46 00", 0, 0, None),
        ("04 61 00 48 00 20 01", 0x120, 0, None),
        ("0c 61 00 48 00 20 01 20 00 01", 0x120, 0x10020, None),
        ("1f 61 00 48 00 60 00 50 00 62 00 46 00 20 01 20 00 00 0f e0", 0x120, 0x20, 0.15),
    ],
)
def test_an_oximeter_packs_what_its_flags_say(payload: str, status: int, sensor: int, amplitude: float | None) -> None:
    found = oximeter.parse(bytes.fromhex(payload))

    assert (found.saturation, found.rate_bpm) == (97.0, 72.0)
    assert (found.measurement_status, found.sensor_status) == (status, sensor)
    assert amplitude is None or found.amplitude == pytest.approx(amplitude)


def test_an_oximeter_yields_saturation_and_pulse() -> None:
    assert taken(Oximeter, "00 61 00 48 00") == ({"spo2": 97.0, "hr": 72.0}, {})


@pytest.mark.parametrize(
    ("payload", "count"),
    [
        ("04 61 00 48 00 00 80", "invalid"),
        ("04 61 00 48 00 00 20", "invalid"),
        ("04 61 00 48 00 00 04", "invalid"),
        ("08 61 00 48 00 00 20 00", "no_contact"),
        ("08 61 00 48 00 00 80 00", "no_contact"),
    ],
)
def test_an_oximeter_that_distrusts_itself_is_not_trusted(payload: str, count: str) -> None:
    assert taken(Oximeter, payload) == ({}, {count: 1})


def test_an_oximeter_that_has_no_value_yet_yields_none() -> None:
    assert taken(Oximeter, "00 ff 07 ff 07") == ({}, {"fill_value": 2})

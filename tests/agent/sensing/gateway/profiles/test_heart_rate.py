"""Heart Rate Service 1.0."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from agent.sensing.gateway.profiles import HeartRate, Readings
from agent.sensing.gateway.profiles.heart_rate import MEASUREMENT, Contact, parse
from models.errors import Reason, WireError

NOW = 1_800_000_000.0


def taken(*payloads: bytes) -> tuple[list[Readings], Counter[str]]:
    counts: Counter[str] = Counter()
    profile = HeartRate(lambda name: counts.update((name,)))
    found = [
        each for second, payload in enumerate(payloads) for each in profile.take(MEASUREMENT, payload, NOW + second)
    ]
    return found, counts


def values(readings: list[Readings], quantity: str) -> list[float]:
    return [value for each in readings if each.quantity == quantity for value in each.values.tolist()]


@pytest.mark.parametrize(
    ("payload", "rate", "energy", "ticks"),
    [
        ("00 48", 72, None, []),
        ("01 48 00", 72, None, []),
        ("01 2c 01", 300, None, []),
        ("08 48 10 27", 72, 10000, []),
        ("10 48 00 04", 72, None, [1024]),
        ("10 48 00 04 56 03", 72, None, [1024, 854]),
        ("18 48 10 27 00 04", 72, 10000, [1024]),
        ("19 48 00 10 27 00 04 56 03 fa 02", 72, 10000, [1024, 854, 762]),
        ("10 48", 72, None, []),
        ("e0 48", 72, None, []),  # reserved bits are ignored
    ],
)
def test_flags_decide_where_each_field_lies(payload: str, rate: int, energy: int | None, ticks: list[int]) -> None:
    found = parse(bytes.fromhex(payload))

    assert (found.rate_bpm, found.energy_kj, found.ticks.tolist()) == (rate, energy, ticks)


@pytest.mark.parametrize(
    ("flags", "contact"),
    [(0x00, Contact.UNSUPPORTED), (0x02, Contact.UNSUPPORTED), (0x04, Contact.MISSING), (0x06, Contact.GOOD)],
)
def test_contact_needs_both_bits(flags: int, contact: Contact) -> None:
    assert parse(bytes((flags, 72))).contact is contact


@pytest.mark.parametrize("payload", ["", "00", "01 48", "08 48 10", "10 48 00", "10 48 00 04 56", "18 48 10"])
def test_a_packet_that_is_cut_is_refused_as_a_whole(payload: str) -> None:
    with pytest.raises(WireError) as error:
        parse(bytes.fromhex(payload))
    assert error.value.reason is Reason.MALFORMED


@pytest.mark.parametrize("payload", ["00 00", "00 ff", "01 00 00", "01 ff ff", "01 ff 00"])
def test_a_strap_that_feels_no_heart_yields_no_rate(payload: str) -> None:
    readings, counts = taken(bytes.fromhex(payload))

    assert readings == []
    assert counts == {"fill_value": 1}


@pytest.mark.parametrize("rate", [1, 24, 241, 254])
def test_an_implausible_rate_is_left_to_sensing(rate: int) -> None:
    readings, counts = taken(bytes((0, rate)))

    assert values(readings, "hr") == [rate]
    assert not counts


@pytest.mark.parametrize("fill", ["00 00", "ff ff"])
def test_fill_intervals_are_counted_and_leave_a_gap(fill: str) -> None:
    beats = b"\x10\x48" + (1024).to_bytes(2, "little")
    readings, counts = taken(*[beats] * 4, bytes.fromhex("10 48" + fill), *[beats] * 4)

    times = np.concatenate([each.times for each in readings if each.quantity == "rr"])
    assert values(readings, "rr") == pytest.approx([1.0] * len(times))
    assert counts["fill_interval"] == 1
    assert np.all(np.diff(times) > 0.0)
    assert np.max(np.diff(times)) > 1.5


def test_lost_contact_silences_a_strap_that_had_it_before() -> None:
    readings, counts = taken(bytes((0x06, 72)), bytes((0x04, 72)), bytes((0x06, 73)))

    assert values(readings, "hr") == [72.0, 73.0]
    assert counts == {"no_contact": 1}


def test_a_strap_that_never_reports_contact_is_heard_all_the_same() -> None:
    readings, counts = taken(bytes((0x04, 72)), bytes((0x04, 73)))

    assert values(readings, "hr") == [72.0, 73.0]
    assert not counts


def test_padding_is_ignored_and_counted() -> None:
    readings, counts = taken(bytes((0, 72, 0, 0, 0)))

    assert values(readings, "hr") == [72.0]
    assert counts == {"padded": 1}


def test_five_copies_of_a_packet_are_one() -> None:
    counts: Counter[str] = Counter()
    profile = HeartRate(lambda name: counts.update((name,)))
    found: list[Readings] = []
    for second in range(10):
        beats = b"\x10\x48" + (1000 + second % 2).to_bytes(2, "little")
        for copy in range(10):
            payload = beats if copy < 5 else b"\0\x48"
            found += profile.take(MEASUREMENT, payload, NOW + second + 0.02 * copy)

    assert len(values(found, "rr")) == 10
    assert len(values(found, "hr")) == 20
    assert counts == {"repeated": 80}


def test_beats_that_a_strap_kept_while_it_was_away_come_after_those_of_before() -> None:
    profile = HeartRate(lambda _name: None)
    beat = (1024).to_bytes(2, "little")
    found = [each for second in range(10) for each in profile.take(MEASUREMENT, b"\x10\x48" + beat, NOW + second)]
    profile.begin()
    found += profile.take(MEASUREMENT, b"\x10\x48" + 8 * beat, NOW + 12.0)

    times = np.concatenate([each.times for each in found if each.quantity == "rr"])
    assert np.all(np.diff(times) > 0.0)

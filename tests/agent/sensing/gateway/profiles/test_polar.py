"""Polar Measurement Data: frames, control point, times."""

from __future__ import annotations

import struct
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from agent.sensing.gateway.profiles.polar import Polar
from agent.sensing.gateway.profiles.polar.control import (
    Measurement,
    Setting,
    ask_settings,
    choose,
    factor,
    parse_answer,
    parse_features,
    parse_settings,
    start,
    stop,
)
from agent.sensing.gateway.profiles.polar.frames import parse_frame, pulse_intervals, samples
from agent.sensing.gateway.profiles.polar.profile import DATA
from agent.sensing.gateway.profiles.polar.times import FrameTimes
from models.errors import Reason, WireError

NOW = 1_800_000_000.0
STANDARD_GRAVITY = 9.80665


def frame(measurement: int, kind: int, content: bytes, stamp_s: float = 1.0) -> bytes:
    return bytes((measurement,)) + round(stamp_s * 1e9).to_bytes(8, "little") + bytes((kind,)) + content


def compressed(values: NDArray[np.int64], width: int, bits: int) -> bytes:
    """Write samples [n, channels] as a sensor would: a reference, then one block of differences."""
    out = b"".join(int(value).to_bytes(width, "little", signed=True) for value in values[0])
    if len(values) == 1:
        return out
    stream = 0
    for place, delta in enumerate(np.diff(values, axis=0).ravel().tolist()):
        stream |= (delta & ((1 << bits) - 1)) << (place * bits)
    count = values[1:].size
    return out + bytes((bits, len(values) - 1)) + stream.to_bytes(-(-count * bits // 8), "little")


def test_an_electrocardiogram_is_in_volts() -> None:
    content = b"".join(value.to_bytes(3, "little", signed=True) for value in (0, 1000, -1000, -8_388_608))

    found = samples(parse_frame(frame(0, 0, content)))

    assert found[:, 0].tolist() == pytest.approx([0.0, 0.001, -0.001, -8.388608])


@pytest.mark.parametrize(("kind", "width"), [(0, 1), (1, 2), (2, 3)])
def test_acceleration_is_in_metres_per_second_squared(kind: int, width: int) -> None:
    content = b"".join(value.to_bytes(width, "little", signed=True) for value in (0, -100, 100, 1, 2, 3))

    found = samples(parse_frame(frame(2, kind, content)))

    assert found == pytest.approx(np.array([[0, -100, 100], [1, 2, 3]]) * STANDARD_GRAVITY / 1000)


@given(
    st.lists(st.tuples(*[st.integers(-500, 500)] * 3), min_size=1, max_size=40),
    st.integers(11, 16),
)
def test_compressed_acceleration_comes_back_as_it_was(rows: list[tuple[int, int, int]], bits: int) -> None:
    values = np.array(rows, dtype=np.int64)

    found = samples(parse_frame(frame(2, 0x81, compressed(values, 2, bits))), factor=1.0)

    assert found == pytest.approx(values * STANDARD_GRAVITY / 1000)


@given(st.lists(st.tuples(*[st.integers(-(2**20), 2**20)] * 4), min_size=1, max_size=12))
def test_compressed_pulse_waves_come_back_as_they_were(rows: list[tuple[int, int, int, int]]) -> None:
    values = np.array(rows, dtype=np.int64)

    found = samples(parse_frame(frame(1, 0x80, compressed(values, 3, 22))))

    assert found == pytest.approx(values)


def test_blocks_of_differences_follow_each_other() -> None:
    first = compressed(np.array([[10, -5, 0], [12, -6, 3]]), 2, 4)
    second = compressed(np.array([[0, 0, 0], [-1, 1, -1], [-2, 2, -2]]), 2, 3)[6:]

    found = samples(parse_frame(frame(2, 0x80, first + second)), factor=0.001)

    assert found * 1000 / STANDARD_GRAVITY == pytest.approx(
        np.array([[10, -5, 0], [12, -6, 3], [11, -5, 2], [10, -4, 1]])
    )


@pytest.mark.parametrize(
    ("measurement", "kind", "content", "reason"),
    [
        (0, 0, "", Reason.MALFORMED),
        (0, 0, "00 01", Reason.MALFORMED),
        (0, 0x80, "00 01 02", Reason.UNSUPPORTED),
        (0, 9, "00 01 02", Reason.UNSUPPORTED),
        (2, 0x81, "00 00 00 00 00", Reason.MALFORMED),  # no whole reference
        (2, 0x81, "00 00 00 00 00 00 08", Reason.MALFORMED),  # no length
        (2, 0x81, "00 00 00 00 00 00 08 02 01 01 01", Reason.MALFORMED),  # half a block
        (2, 0x81, "00 00 00 00 00 00 00 05", Reason.MALFORMED),  # differences of no bits
        (2, 0x81, "00 00 00 00 00 00 ff 01" + " 00" * 96, Reason.MALFORMED),  # of 255 bits
    ],
)
def test_a_frame_that_is_cut_or_unknown_is_refused(measurement: int, kind: int, content: str, reason: Reason) -> None:
    with pytest.raises(WireError) as error:
        samples(parse_frame(frame(measurement, kind, bytes.fromhex(content))))
    assert error.value.reason is reason


@pytest.mark.parametrize("measurement", [4, 5, 6, 9, 63])
def test_a_measurement_that_was_never_asked_for_is_refused(measurement: int) -> None:
    with pytest.raises(WireError) as error:
        parse_frame(frame(measurement, 0, b"\0"))
    assert error.value.reason is Reason.UNSUPPORTED


def test_pulse_intervals_say_how_far_they_can_be_trusted() -> None:
    content = struct.pack("<BHHB", 62, 968, 8, 0b110) + struct.pack("<BHHB", 0, 970, 300, 0b101)

    good, bad = pulse_intervals(parse_frame(frame(3, 0, content)))

    assert (good.rate_bpm, good.interval_s, good.error_s) == (62, pytest.approx(0.968), pytest.approx(0.008))
    assert (good.moved, good.lost_contact) == (False, False)
    assert (bad.moved, bad.lost_contact) == (True, True)


def test_features_name_what_can_be_measured() -> None:
    assert parse_features(bytes.fromhex("0f 05 00 00")) == {Measurement.ECG, Measurement.ACCELERATION}
    with pytest.raises(WireError):
        parse_features(b"\xf0\x05")


def test_settings_are_read_and_the_nearest_are_chosen() -> None:
    offered = parse_settings(
        bytes.fromhex("00 04 19 00 32 00 64 00 c8 00 01 01 10 00 02 03 02 00 04 00 08 00 04 01 03")
    )

    assert offered[Setting.RATE] == (25, 50, 100, 200)
    assert choose(offered, {Setting.RATE: 52, Setting.RANGE: 8}) == {
        Setting.RATE: 50,
        Setting.RESOLUTION: 16,
        Setting.RANGE: 8,
        Setting.CHANNELS: 3,
    }


def test_an_unknown_setting_ends_the_list_and_a_cut_one_is_refused() -> None:
    assert parse_settings(bytes.fromhex("00 01 82 00 06 01 ff ff")) == {Setting.RATE: (130,)}
    with pytest.raises(WireError):
        parse_settings(bytes.fromhex("00 02 82 00"))


def test_requests_are_what_the_specification_prints() -> None:
    assert ask_settings(Measurement.ECG) == bytes.fromhex("01 00")
    assert start(Measurement.ECG, {Setting.RATE: 130, Setting.RESOLUTION: 14}) == bytes.fromhex(
        "02 00 00 01 82 00 01 01 0e 00"
    )
    assert stop(Measurement.ACCELERATION) == bytes.fromhex("03 02")


@pytest.mark.parametrize(("told", "value"), [("05 01 00 00 00 3f", 0.5), ("", 1.0), ("05 01 00 00 c0 7f", 1.0)])
def test_the_factor_is_a_float_and_one_where_it_makes_no_sense(told: str, value: float) -> None:
    assert factor(parse_settings(bytes.fromhex(told))) == value


def test_a_refusal_may_be_short() -> None:
    assert parse_answer(bytes.fromhex("f0 02 03 0d")).status == 13


class Sensor:
    """Answers a dialogue."""

    def __init__(self, answers: dict[str, list[str]]) -> None:
        self.answers = {bytes.fromhex(request): list(answer) for request, answer in answers.items()}
        self.asked: list[str] = []
        self.counts: Counter[str] = Counter()

    def talk(self, features: str, *, waveforms: bool = True) -> Polar:
        profile = Polar(lambda name: self.counts.update((name,)), waveforms=waveforms)
        dialogue, waiting = profile.dialogue(bytes.fromhex(features)), list[str]()
        request = next(dialogue, None)
        while request is not None:
            if request:
                self.asked.append(request.hex(" "))
                waiting = self.answers.get(request[:2], [])
            try:
                request = dialogue.send(bytes.fromhex(waiting.pop(0)) if waiting else None)
            except StopIteration:
                break
        return profile


ECG = {"01 00": ["f0 01 00 00 00 00 01 82 00 01 01 0e 00"], "02 00": ["f0 02 00 00 00"]}


def test_a_sensor_is_asked_for_what_it_offers() -> None:
    sensor = Sensor(ECG | {"02 03": ["f0 02 03 00 00"]})

    assert sensor.talk("0f 09").running == {Measurement.ECG, Measurement.PULSE_INTERVALS}
    assert sensor.asked == ["01 00", "02 00 00 01 82 00 01 01 0e 00", "02 03"]
    assert not sensor.counts


def test_without_waveforms_only_intervals_are_asked_for() -> None:
    sensor = Sensor(ECG | {"02 03": ["f0 02 03 00 00"]})

    assert sensor.talk("0f 0f", waveforms=False).running == {Measurement.PULSE_INTERVALS}
    assert sensor.asked == ["02 03"]


def test_a_measurement_that_runs_already_is_stopped_and_started_anew() -> None:
    sensor = Sensor(ECG | {"02 00": ["f0 02 00 06 00"], "03 00": ["f0 03 00 00 00"]})

    def restart() -> None:
        sensor.answers[bytes.fromhex("02 00")] = ["f0 02 00 06 00", "f0 02 00 00 00"]

    restart()
    profile = sensor.talk("0f 01")

    assert profile.running == {Measurement.ECG}
    assert [request[:5] for request in sensor.asked] == ["01 00", "02 00", "03 00", "02 00"]


@pytest.mark.parametrize(
    ("answer", "count"),
    [
        ("f0 02 00 0d 00", "in_charger"),
        ("f0 02 00 63 00", "unknown_status"),
        ("f0 02", "malformed"),
        ("ee", "unsupported"),
        ("f0 01 07 00 00", "unanswered"),  # of another request, and nothing after it
    ],
)
def test_a_refused_or_damaged_answer_costs_that_measurement_alone(answer: str, count: str) -> None:
    sensor = Sensor(ECG | {"02 00": [answer], "02 03": ["f0 02 03 00 00"]})

    assert sensor.talk("0f 09").running == {Measurement.PULSE_INTERVALS}
    assert sensor.counts == {count: 1}


def test_an_answer_may_span_packets_and_come_after_a_late_one() -> None:
    sensor = Sensor(ECG | {"01 00": ["f0 03 02 00 00", "f0 01 00 00 01 00 01 82", "01 00 01", "00 01 0e 00"]})

    assert sensor.talk("0f 01").running == {Measurement.ECG}
    assert sensor.asked[1] == "02 00 00 01 82 00 01 01 0e 00"


def test_light_becomes_a_pulse_that_points_upwards() -> None:
    def bytes_of(*values: int) -> bytes:
        return b"".join(value.to_bytes(3, "little", signed=True) for value in values)

    profile = Polar(lambda _name: None)
    (readings,) = profile.take(DATA, frame(1, 0, bytes_of(900, 1000, 1100, 100, 800, 900, 1000, 100)), NOW)

    assert readings.quantity == "ppg"
    assert readings.values.tolist() == [-900.0, -800.0]  # less light came back: more blood


def test_invalid_pulse_intervals_are_counted_and_leave_a_gap() -> None:
    counts: Counter[str] = Counter()
    profile = Polar(lambda name: counts.update((name,)))
    good, moved, bare = (struct.pack("<BHHB", 60, 1000, 5, flags) for flags in (0b110, 0b111, 0b100))
    found = [
        each
        for second, content in enumerate((good, good, good, good, moved, bare, good, good, good, good))
        for each in profile.take(DATA, frame(3, 0, content, 0.0), NOW + second)
    ]

    times = np.concatenate([each.times for each in found])
    assert {each.quantity for each in found} == {"rr"}
    assert counts == {"moved": 1, "no_contact": 1}
    assert np.max(np.diff(times)) > 1.5


def test_a_frame_that_comes_twice_is_taken_once() -> None:
    counts: Counter[str] = Counter()
    profile = Polar(lambda name: counts.update((name,)))
    payload = frame(0, 0, bytes(30))

    assert len(profile.take(DATA, payload, NOW)) == 1
    assert profile.take(DATA, payload, NOW + 0.01) == []
    assert counts == {"repeated": 1}


# -- times -------------------------------------------------------------------------------------------------------------


def test_samples_lie_on_one_even_grid_whatever_the_radio_does() -> None:
    generator = np.random.default_rng(4)
    clock, count, rate = FrameTimes(130.0), 73, 130.0 * (1 + 30e-6)
    ends = 599_616_000.0 + np.arange(1, 400) * count / rate
    delays = generator.exponential(0.04, len(ends))
    arrived = NOW + np.maximum.accumulate(ends - ends[0] + delays)

    placed = np.concatenate([clock.place(count, end, at) for end, at in zip(ends, arrived, strict=True)])

    steps = np.diff(placed)
    assert np.all(steps > 0.0)
    settled = steps[20 * count :]
    assert np.abs(settled * rate - 1.0).max() < 0.02
    assert np.all(placed[count - 1 :: count] <= arrived)


def test_lost_frames_leave_a_gap() -> None:
    clock = FrameTimes(50.0)
    first = clock.place(50, 10.0, NOW)
    second = clock.place(50, 14.0, NOW + 4.0)

    assert second[0] - first[-1] == pytest.approx(3.02)


@pytest.mark.parametrize("lie_s", [-1e6, -3.0, 3.0, 1e6])
def test_a_sensor_whose_clock_jumps_never_leads_away_from_the_host_s(lie_s: float) -> None:
    clock = FrameTimes(50.0)
    clock.place(50, 2e6, NOW)
    times = clock.place(50, 2e6 + 1.0 + lie_s, NOW + 1.0)

    assert NOW - 3.0 < times[0] < times[-1] <= NOW + 1.0


@given(st.lists(st.tuples(st.floats(0.0, 1e10), st.floats(0.0, 10.0), st.integers(1, 80)), max_size=30))
def test_times_stay_near_their_arrival_whatever_a_sensor_says(frames: list[tuple[float, float, int]]) -> None:
    clock, arrived = FrameTimes(130.0), NOW
    for sensor_s, pause, count in frames:
        arrived += pause
        times = clock.place(count, sensor_s, arrived)
        assert len(times) == count
        assert np.all(np.diff(times) > 0.0)
        assert arrived - 2.5 - count / 100.0 < times[0] <= times[-1] <= arrived

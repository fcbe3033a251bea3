"""The intake: what is taken, what is refused and counted, and whose word counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from agent.sensing import Sensing
from agent.sensing.station import MOST_STREAMS
from models.physiology.schema import INDEX, PHYSIOLOGY
from models.wire import senml, topics

NOW = 1.8e9


def topic(quantity: str, wearable: str = "band") -> str:
    return topics.sense("me", wearable, quantity)


def send(
    sensing: Sensing,
    quantity: str,
    times: Sequence[float] | np.ndarray,
    values: ArrayLike,
    *,
    now: float,
    wearable: str = "band",
    sequence: int | None = None,
):
    payload = senml.encode(quantity, times, values, sequence=sequence)
    return sensing.accept(topic(quantity, wearable), payload, now=now)


def wear(sensing: Sensing, start: float, seconds: int, *, wearable: str = "band", rate: float = 72.0) -> None:
    """A wearable that sends heart rate and beats once a second."""
    for second in range(seconds):
        now = start + second
        rng = np.random.default_rng(int(now))
        beat = 60.0 / rate + 0.02 * np.sin(now * 1.3)
        send(sensing, "hr", [now], [rate + 0.2 * rng.standard_normal()], now=now, wearable=wearable)
        send(sensing, "rr", [now], [beat], now=now, wearable=wearable)


@pytest.fixture
def sensing() -> Sensing:
    return Sensing("me")


def test_a_pack_is_taken_and_moves_a_feature(sensing: Sensing):
    intake = send(sensing, "hr", [NOW], [72.0], now=NOW)
    assert (intake.accepted, intake.moved, intake.refusal) == (1, True, None)
    assert intake.wearable == "band"
    assert sensing.counters["samples"] == 1


@pytest.mark.parametrize("quantity", ["batt", "spo2"])
def test_what_is_shown_alone_moves_nothing(sensing: Sensing, quantity: str):
    intake = send(sensing, quantity, [NOW], [97.0], now=NOW)
    assert (intake.accepted, intake.moved) == (1, False)
    assert sensing.sources(NOW) == {}
    assert sensing.streams(NOW)[0].last == pytest.approx(97.0)


def test_an_ecg_crosses_the_wire_in_volts(sensing: Sensing):
    assert send(sensing, "ecg", [NOW], [0.0012], now=NOW).moved
    assert sensing.streams(NOW)[0].last == pytest.approx(0.0012)
    assert sensing.accept(topic("ecg"), b'[{"u":"mV","v":1.2}]', now=NOW).refusal == "wrong_unit"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "malformed"),
        (b"\x80", "malformed"),
        (b"[{", "malformed"),
        (b"\xff\x00", "malformed"),
        (b"[" + b" " * 300_000 + b"]", "oversized"),
        (b'[{"u":"m/s","v":3}]', "wrong_unit"),
        (b'[{"v":"high"}]', "malformed"),
        (b'[{"n":"other","v":3}]', "empty"),
        (b'[{"v":3,"must_":1}]', "unsupported"),
    ],
)
def test_what_is_wrong_with_a_pack_is_named_and_counted(sensing: Sensing, payload: bytes, reason: str):
    intake = sensing.accept(topic("hr"), payload, now=NOW)
    assert (intake.accepted, intake.refusal) == (0, reason)
    assert sensing.counters[reason] == 1
    assert sensing.streams(NOW) == []


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ("attune/1/listener/me/sense/band/mood", "unknown_quantity"),
        ("attune/1/listener/you/sense/band/hr", "foreign"),
        ("attune/1/device/x/health", "malformed"),
    ],
)
def test_a_pack_on_another_topic_is_refused(sensing: Sensing, where: str, reason: str):
    assert sensing.accept(where, senml.encode("hr", [NOW], [72.0]), now=NOW).refusal == reason


def test_a_pack_from_the_future_is_refused_and_counted(sensing: Sensing):
    assert send(sensing, "hr", [NOW + 6.0], [72.0], now=NOW).refusal == "future"
    assert sensing.counters["future"] == 1
    assert sensing.streams(NOW) == []
    assert send(sensing, "hr", [NOW + 4.0], [72.0], now=NOW).accepted == 1


def test_an_old_pack_is_history_that_never_drives_the_state(sensing: Sensing):
    intake = send(sensing, "hr", [NOW - 61.0, NOW - 1e6], [72.0, 72.0], now=NOW)
    assert (intake.accepted, intake.moved, intake.refusal) == (0, False, None)
    assert intake.pack is not None
    assert len(intake.pack.times) == 2
    assert sensing.counters["history"] == 2
    assert not sensing.features(NOW)[1].any()


def test_samples_out_of_order_are_put_where_they_belong(sensing: Sensing):
    send(sensing, "hr", [NOW, NOW + 3.0], [70.0, 73.0], now=NOW + 3.0)
    send(sensing, "hr", [NOW + 2.0, NOW + 1.0], [72.0, 71.0], now=NOW + 3.0)
    assert sensing.counters["out_of_order"] == 1
    assert sensing._streams["band", "hr"].ring.values.tolist() == [70.0, 71.0, 72.0, 73.0]


def test_a_repeated_pack_is_dropped_by_its_number(sensing: Sensing):
    for _ in range(5):
        send(sensing, "hr", [NOW], [72.0], now=NOW, sequence=9)
    assert sensing.counters["repeated"] == 4
    assert sensing.counters["samples"] == 1


def test_a_repeated_pack_without_a_number_is_dropped_by_its_samples(sensing: Sensing):
    for _ in range(5):
        send(sensing, "rr", [NOW, NOW, NOW + 1.0], [0.8, 0.82, 0.8], now=NOW + 1.0)
        send(sensing, "acc", [NOW, NOW + 0.1], [[0, 0, 9.8], [0, 0, 9.9]], now=NOW + 1.0)
    assert sensing.counters["samples"] == 5
    assert sensing.counters["repeated_samples"] == 20


def test_gaps_in_the_numbers_are_counted(sensing: Sensing):
    for number in (0, 1, 5):
        send(sensing, "hr", [NOW + number], [72.0], now=NOW + number, sequence=number)
    assert sensing.counters["missing"] == 3


def test_a_pack_that_is_refused_for_its_time_is_not_missing(sensing: Sensing):
    for number, ahead in enumerate((0.0, 3600.0, 0.0)):
        send(sensing, "hr", [NOW + number + ahead], [72.0], now=NOW + number, sequence=number)
    assert sensing.counters["future"] == 1
    assert sensing.counters["missing"] == 0


def test_the_better_of_two_wearables_counts_and_the_other_takes_over(sensing: Sensing):
    for second in range(60):
        wear(sensing, NOW + second, 1, wearable="strap", rate=70.0)
        wear(sensing, NOW + second, 1, wearable="watch", rate=90.0)
        if second % 2:
            send(sensing, "rr", [NOW + second + 0.5], [5.0], now=NOW + second + 0.5, wearable="watch")
    assert sensing.sources(NOW + 60)["rr"].wearable == "strap"
    values, _ = sensing.features(NOW + 60)
    assert values[INDEX["heart_rate"]] == pytest.approx(70.0, rel=0.03)
    wear(sensing, NOW + 60, 60, wearable="watch", rate=90.0)
    assert sensing.sources(NOW + 120)["rr"].wearable == "watch"
    values, _ = sensing.features(NOW + 120)
    assert values[INDEX["heart_rate"]] == pytest.approx(90.0, rel=0.03)


def test_a_source_that_wavers_about_the_least_quality_stays_what_it_is(
    sensing: Sensing, monkeypatch: pytest.MonkeyPatch
):
    wear(sensing, NOW, 5)

    def counts(qualities: Sequence[float]) -> list[bool]:
        found = []
        for quality in qualities:
            monkeypatch.setattr("agent.sensing.station._quality", lambda *_, quality=quality: quality)
            found.append("hr" in sensing.sources(NOW + 4))
        return found

    assert counts([0.16, 0.19, 0.16]) == [False, False, False], "not good enough to begin with"
    assert counts([0.21, 0.16, 0.19, 0.16]) == [True, True, True, True]
    assert counts([0.14, 0.16, 0.19, 0.21]) == [False, False, False, True]


def test_two_equal_wearables_do_not_alternate(sensing: Sensing):
    chosen = set()
    for second in range(60):
        for wearable in ("a", "b"):
            wear(sensing, NOW + second, 1, wearable=wearable)
        chosen.add(sensing.sources(NOW + second)["hr"].wearable)
    assert len(chosen) == 1


def test_when_all_is_silent_no_source_and_no_feature_is_left(sensing: Sensing):
    wear(sensing, NOW, 60)
    assert sensing.features(NOW + 60)[1].any()
    assert sensing.sources(NOW + 160) == {}
    assert not sensing.features(NOW + 160)[1].any()
    assert {stream.quality for stream in sensing.streams(NOW + 160)} == {0.0}
    assert sensing.streams(NOW + 4000) == []


def test_there_is_a_bound_on_streams_and_a_silent_one_makes_room(sensing: Sensing):
    for number in range(MOST_STREAMS):
        send(sensing, "hr", [NOW + number], [72.0], now=NOW + number, wearable=f"w{number}")
    assert send(sensing, "hr", [NOW + 99], [72.0], now=NOW + 99, wearable="late").refusal == "too_many_streams"
    assert send(sensing, "hr", [NOW + 999], [72.0], now=NOW + 999, wearable="late").accepted == 1
    assert len(sensing._streams) == MOST_STREAMS


def test_passers_by_do_not_drive_out_what_is_worn_daily(sensing: Sensing):
    for number in range(20):
        send(sensing, "hr", [NOW + number], [72.0], now=NOW + number, wearable="strap", sequence=number)
    for guest in range(3 * MOST_STREAMS):
        now = NOW + 900.0 * (guest + 1)
        assert send(sensing, "batt", [now], [50.0], now=now, wearable=f"guest-{guest}").accepted == 1
    assert len(sensing._streams) == MOST_STREAMS
    back = NOW + 1e5
    send(sensing, "hr", [back], [72.0], now=back, wearable="strap", sequence=120)
    assert sensing.counters["missing"] == 100


def test_skin_conductance_crosses_the_wire_in_siemens_and_is_computed_in_microsiemens(sensing: Sensing):
    times = NOW + np.arange(0, 30, 0.25)
    send(sensing, "eda", times, 2e-6 + 1e-8 * np.sin(times), now=NOW + 30)
    values, present = sensing.features(NOW + 30)
    assert present[INDEX["eda_level"]]
    assert np.exp(values[INDEX["eda_level"]]) == pytest.approx(2.0, rel=0.02)
    assert sensing.streams(NOW + 30)[0].last == pytest.approx(2e-6, rel=0.02)


def test_features_have_the_order_of_the_schema(sensing: Sensing):
    values, present = sensing.features(NOW)
    assert values.shape == present.shape == (len(PHYSIOLOGY),)
    assert values.dtype == np.float32
    assert not present.any()


PAYLOADS = st.one_of(
    st.binary(max_size=300),
    st.binary(max_size=60).map(lambda tail: b"\x81" + tail),
    st.builds(
        lambda quantity, times, value: senml.encode(quantity, times, [value] * len(times)),
        st.sampled_from(["hr", "rr", "eda"]),
        st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=5),
        st.floats(-1e9, 1e9),
    ),
)


@given(
    st.lists(st.tuples(st.sampled_from(["hr", "rr", "eda", "acc", "ppg"]), PAYLOADS, st.floats(-100, 100)), max_size=20)
)
def test_whatever_comes_nothing_is_raised(messages: list[tuple[str, bytes, float]]):
    sensing = Sensing("me")
    for quantity, payload, offset in messages:
        intake = sensing.accept(topic(quantity), payload, now=NOW + offset)
        assert (intake.refusal is None) == (intake.pack is not None)
        values, present = sensing.features(NOW + offset)
        assert np.isfinite(values[present]).all()
        for stream in sensing.streams(NOW + offset):
            assert 0.0 <= stream.quality <= 1.0

import numpy as np
import pytest

from firmware_sim.link import Outgoing
from firmware_sim.wearable.faults import FAULTS, Liar, parse_faults
from firmware_sim.wearable.packs import Draft
from models.errors import Reason, SettingsError, WireError
from models.wire.senml import MAXIMUM_BYTES, Pack, decode, encode

NOW = 1_800_000_000.0


def write(draft: Draft) -> Outgoing:
    payload = encode(draft.quantity, draft.times, draft.values, sequence=draft.sequence)
    return Outgoing(f"attune/1/listener/me/sense/band/{draft.quantity}", payload)


def drafts(count: int) -> list[Draft]:
    times = [NOW + n + np.array([0.0, 0.5]) for n in range(count)]
    return [Draft("temp", t, np.array([30.0 + n, 31.0 + n]), n) for n, t in enumerate(times)]


def told(fault: str, count: int = 1) -> list[Outgoing]:
    liar = Liar({fault: 1.0}, np.random.default_rng(0))
    messages = [message for draft in drafts(count) for message in liar.send(draft, write)]
    assert liar.told == {fault: count}
    return messages


def read(message: Outgoing) -> Pack:
    return decode(message.payload, quantity="temp", now=NOW)


def test_an_honest_wearable_changes_nothing():
    liar = Liar({}, np.random.default_rng(0))
    assert [liar.send(draft, write) for draft in drafts(3)] == [[write(draft)] for draft in drafts(3)]


def test_a_duplicate_comes_twice():
    first, second = told("duplicate")
    assert first == second


def test_out_of_order_packs_change_places_and_none_is_lost():
    liar = Liar({"out-of-order": 0.5}, np.random.default_rng(0))
    messages = [message for draft in drafts(40) for message in liar.send(draft, write)]
    numbers = [read(message).sequence for message in messages]
    assert len(numbers) >= 39
    assert numbers != sorted(numbers)
    assert len(set(numbers)) == len(numbers)


def test_a_future_pack_lies_an_hour_ahead():
    assert read(told("future")[0]).times[0] == pytest.approx(NOW + 3600)


def test_a_clock_that_was_never_set_is_decades_behind():
    times = read(told("1970")[0]).times
    assert 0 < times[0] < 3e8
    assert np.diff(times)[0] == pytest.approx(0.5)


def test_a_frozen_sensor_repeats_its_first_value():
    assert read(told("frozen")[0]).values.tolist() == [30.0, 30.0]


def test_a_fill_value_fills():
    assert set(read(told("fill")[0]).values.tolist()) == {255.0}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("malformed", Reason.MALFORMED),
        ("empty", Reason.MALFORMED),
        ("oversized", Reason.OVERSIZED),
        ("wrong-unit", Reason.WRONG_UNIT),
    ],
)
def test_a_wrong_pack_is_wrong_in_the_way_that_was_asked_for(fault: str, reason: Reason):
    with pytest.raises(WireError) as refusal:
        read(told(fault)[0])
    assert refusal.value.reason == reason


def test_an_oversized_pack_is_just_over_the_limit():
    assert len(told("oversized")[0].payload) == MAXIMUM_BYTES + 1


def test_other_faults_are_in_the_topic_and_the_flags():
    assert told("unknown-quantity")[0].topic.endswith("/aura")
    assert told("retained")[0].retain


def test_a_share_befalls_that_share():
    liar = Liar({"frozen": 0.2, "duplicate": 0.3}, np.random.default_rng(0))
    for draft in drafts(2000):
        liar.send(draft, write)
    assert liar.told["frozen"] == pytest.approx(400, rel=0.15)
    assert liar.told["duplicate"] == pytest.approx(600, rel=0.15)


def test_faults_are_written_with_or_without_a_share():
    assert parse_faults(["future", "1970:0.5"]) == {"future": 0.05, "1970": 0.5}
    assert set(FAULTS) >= set(parse_faults(list(FAULTS)))


@pytest.mark.parametrize("text", ["lies", "future:2", "future:x", "future:-1", "future:nan"])
def test_a_wrong_fault_is_refused(text: str):
    with pytest.raises(SettingsError):
        parse_faults([text])

"""Whatever a wearable sends: an answer or a named refusal, never anything else."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sensing.gateway.profiles import PROFILES, Profile
from agent.sensing.gateway.profiles.fields import LARGEST_PAYLOAD
from models.errors import WireError
from models.wire import senml
from models.wire.quantities import QUANTITIES

NOW = 1_800_000_000.0
CORPUS = {
    "heart_rate": ["00 48", "01 48 00", "10 48 00 04", "1e 48 10 27 00 04 56 03", "1f ff ff ff ff ff ff ff ff"],
    "polar": [
        "00 80 96 98 00 00 00 00 00 00 01 02 03 ff ff ff",
        "01 80 96 98 00 00 00 00 00 00 01 02 03 04 05 06 07 08 09 0a 0b 0c",
        "01 80 96 98 00 00 00 00 00 80 01 02 03 04 05 06 07 08 09 0a 0b 0c 04 02 11 22 33 44",
        "02 80 96 98 00 00 00 00 00 01 01 02 03 04 05 06",
        "02 80 96 98 00 00 00 00 00 81 01 02 03 04 05 06 08 01 01 02 03 03 02 00 00 01",
        "03 00 00 00 00 00 00 00 00 00 3e c8 03 08 00 06 3e 00 00 08 00 06",
    ],
    "oximeter": ["00 61 00 48 00", "1f 61 00 48 00 60 00 50 00 62 00 46 00 20 01 20 00 00 0f e0", "00 ff 07 fe 07"],
    "thermometer": ["00 6e 01 00 ff", "07 da 03 00 ff ea 07 0b 16 07 00 00 01", "00 ff ff 7f 7f", "00 00 00 80 80"],
    "battery": ["57", "64", "65", "ff"],
    "device_information": ["50 6f 6c 61 72", "00", "ff fe fd"],
}
cases = pytest.mark.parametrize("kind", PROFILES, ids=[kind.name for kind in PROFILES])


def feed(kind: type[Profile], payloads: list[bytes]) -> Counter[str]:
    """Hand payloads to a profile as the gateway does; what comes out must be fit for the wire."""
    counts: Counter[str] = Counter()
    profile = kind(lambda name: counts.update((name,)))
    for second, payload in enumerate(payloads):
        for characteristic in profile.notifies or profile.reads:
            try:
                taken = profile.take(characteristic, payload, NOW + second)
            except WireError as error:
                counts[str(error.reason)] += 1
                continue
            for readings in taken:
                assert np.isfinite(readings.times).all()
                assert np.isfinite(readings.values).all()
                assert np.abs(readings.times - NOW).max() < 120.0
                channels = QUANTITIES[readings.quantity].channels
                assert readings.values.shape == (
                    (len(readings.times), len(channels)) if channels else (len(readings.times),)
                )
                pack = senml.encode(readings.quantity, readings.times, readings.values)
                assert len(senml.decode(pack, quantity=readings.quantity, now=NOW).times) == len(readings.times)
    return counts


@cases
def test_the_corpus_holds_something_of_every_profile(kind: type[Profile]) -> None:
    assert len(CORPUS[kind.name]) >= 3


@cases
def test_a_payload_cut_anywhere_is_read_or_refused_by_name(kind: type[Profile]) -> None:
    for text in CORPUS[kind.name]:
        payload = bytes.fromhex(text)
        feed(kind, [payload[:length] for length in range(len(payload) + 1)])


@cases
@given(data=st.data())
def test_a_payload_with_more_behind_it_is_read_or_refused_by_name(kind: type[Profile], data: st.DataObject) -> None:
    payload = bytes.fromhex(data.draw(st.sampled_from(CORPUS[kind.name])))
    feed(kind, [payload + data.draw(st.binary(max_size=64)) for _ in range(3)])


@cases
@given(data=st.data())
def test_a_payload_with_flipped_bits_is_read_or_refused_by_name(kind: type[Profile], data: st.DataObject) -> None:
    payload = bytearray(bytes.fromhex(data.draw(st.sampled_from(CORPUS[kind.name]))))
    for _ in range(data.draw(st.integers(1, 4))):
        payload[data.draw(st.integers(0, len(payload) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    feed(kind, [bytes(payload)])


@cases
@given(payloads=st.lists(st.binary(max_size=LARGEST_PAYLOAD + 8), max_size=8))
def test_random_payloads_are_read_or_refused_by_name(kind: type[Profile], payloads: list[bytes]) -> None:
    feed(kind, payloads)


@cases
def test_a_payload_that_no_attribute_can_hold_is_refused(kind: type[Profile]) -> None:
    assert feed(kind, [bytes(LARGEST_PAYLOAD + 1)])["oversized"] >= 1


@cases
@given(data=st.data())
def test_a_control_point_that_answers_anything_is_survived(kind: type[Profile], data: st.DataObject) -> None:
    counts: Counter[str] = Counter()
    profile = kind(lambda name: counts.update((name,)))
    try:
        dialogue = profile.dialogue(bytes.fromhex("0f 0f") + data.draw(st.binary(max_size=4)))
        next(dialogue)
        for _ in range(200):
            dialogue.send(data.draw(st.none() | st.binary(max_size=24) | st.just(bytes.fromhex("f0 01 00 00 01 00"))))
        raise AssertionError("it never ends")
    except (StopIteration, WireError):
        pass

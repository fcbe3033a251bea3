from __future__ import annotations

import cbor2
import msgspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.errors import Reason, WireError
from models.wire.quantities import QUANTITIES
from models.wire.senml import MAXIMUM_BYTES, decode, encode

NOW = 1_700_000_000.0
times = st.floats(1.6e9, 1.9e9)
numbers = st.floats(-1e6, 1e6, allow_nan=False)


def json(*records: dict[str, object]) -> bytes:
    return msgspec.json.encode(records)


@given(
    quantity=st.sampled_from(sorted(QUANTITIES)),
    start=times,
    gaps=st.lists(st.floats(0.001, 10), min_size=1, max_size=30),
    seed=st.integers(0, 2**32 - 1),
    sequence=st.none() | st.integers(0, 2**40),
    cbor=st.booleans(),
)
def test_what_was_encoded_is_decoded(
    quantity: str, start: float, gaps: list[float], seed: int, sequence: int | None, cbor: bool
) -> None:
    at = start + np.cumsum(gaps)
    shape = (len(at), len(QUANTITIES[quantity].channels)) if QUANTITIES[quantity].channels else len(at)
    values = np.random.default_rng(seed).normal(size=shape)
    pack = decode(encode(quantity, at, values, sequence=sequence, cbor=cbor), quantity=quantity, now=NOW)
    np.testing.assert_allclose(pack.times, at, atol=1e-5, rtol=0)
    np.testing.assert_array_equal(pack.values, values)
    assert (pack.sequence, pack.ignored) == (sequence, 0)


def test_base_fields_are_resolved_as_the_rfc_says() -> None:
    payload = json(
        {"bn": "urn:dev:mac:0024befffe804ff1/", "bt": NOW, "bu": "beat/min", "bv": 60.0, "n": "hr", "v": 1.5},
        {"n": "hr", "v": 2.5, "t": 1.0},
        {"bt": NOW + 100, "bv": 0.0, "n": "hr", "v": 70.0, "t": -2.0},
    )
    pack = decode(payload, quantity="hr", now=NOW)
    assert pack.values.tolist() == [61.5, 62.5, 70.0]
    assert (pack.times - NOW).tolist() == [0.0, 1.0, 98.0]


@pytest.mark.parametrize("time", [0.0, -3.0, 2.0])
def test_a_small_time_is_relative_to_now(time: float) -> None:
    assert decode(json({"v": 60.0, "t": time}), quantity="hr", now=NOW).times.tolist() == [NOW + time]


def test_a_time_from_two_to_the_twenty_eight_on_is_absolute() -> None:
    assert decode(json({"v": 60.0, "t": 2.0**28}), quantity="hr", now=NOW).times.tolist() == [2.0**28]


@pytest.mark.parametrize("name", ["", "hr", "urn:dev:ow:10e2073a01080063:hr", "wrist/hr", "urn:dev:ow:1:"])
def test_only_the_last_part_of_a_name_counts(name: str) -> None:
    assert len(decode(json({"n": name, "v": 60.0}), quantity="hr", now=NOW).times) == 1


def test_a_record_of_another_name_is_ignored_and_counted() -> None:
    pack = decode(json({"n": "eda", "v": 60.0}, {"v": 61.0}), quantity="hr", now=NOW)
    assert pack.values.tolist() == [61.0]
    assert pack.ignored == 1


def test_an_unknown_label_is_ignored_and_counted() -> None:
    assert decode(json({"v": 60.0, "colour": "red"}), quantity="hr", now=NOW).ignored == 1


def test_samples_of_which_a_channel_is_missing_are_left_out_and_counted() -> None:
    payload = json(
        {"bt": NOW, "n": "x", "v": 1.0}, {"n": "y", "v": 2.0}, {"n": "z", "v": 3.0}, {"n": "x", "v": 4.0, "t": 1.0}
    )
    pack = decode(payload, quantity="acc", now=NOW)
    assert pack.values.tolist() == [[1.0, 2.0, 3.0]]
    assert pack.ignored == 1


@pytest.mark.parametrize(
    ("payload", "quantity", "reason"),
    [
        (b"", "hr", Reason.MALFORMED),
        (b"hello", "hr", Reason.MALFORMED),
        (b"{}", "hr", Reason.MALFORMED),
        (b"[]", "hr", Reason.MALFORMED),
        (b"[1]", "hr", Reason.MALFORMED),
        (b"[" * 100_000, "hr", Reason.MALFORMED),
        (b"\x81" * 100_000, "hr", Reason.MALFORMED),
        (b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", "hr", Reason.MALFORMED),
        (cbor2.dumps([{2: 60.0}]) + b"\x00", "hr", Reason.MALFORMED),
        (cbor2.dumps([{2: float("nan")}]), "hr", Reason.MALFORMED),
        (cbor2.dumps([{2: 10**400}]), "hr", Reason.MALFORMED),
        (json({"v": True}), "hr", Reason.MALFORMED),
        (json({"v": "60"}), "hr", Reason.MALFORMED),
        (json({"vs": "sixty"}), "hr", Reason.MALFORMED),
        (json({"n": 5, "v": 60.0}), "hr", Reason.MALFORMED),
        (json({"n": "seq", "v": -1}), "hr", Reason.MALFORMED),
        (json({"v": 60.0, "must_": 1}), "hr", Reason.UNSUPPORTED),
        (json({"bver": 11, "v": 60.0}), "hr", Reason.UNSUPPORTED),
        (json({"u": "Hz", "v": 60.0}), "hr", Reason.WRONG_UNIT),
        (json({"bu": "uS", "v": 0.3}), "eda", Reason.WRONG_UNIT),
        (json({"v": 60.0}), "blood-glucose", Reason.UNKNOWN_QUANTITY),
        (b"[" + b" " * MAXIMUM_BYTES + b"]", "hr", Reason.OVERSIZED),
    ],
)
def test_a_pack_that_is_wrong_is_refused_with_its_reason(payload: bytes, quantity: str, reason: Reason) -> None:
    with pytest.raises(WireError) as caught:
        decode(payload, quantity=quantity, now=NOW)
    assert caught.value.reason is reason
    assert caught.value.remedy


@given(st.binary(max_size=300))
@example(b"\x9f\xff")
@example(b"\x81\xa1\x02\xc4\x82\x00\x00")
def test_any_bytes_are_accepted_or_refused_and_never_crash(payload: bytes) -> None:
    try:
        pack = decode(payload, quantity="ppg", now=NOW)
    except WireError:
        return
    assert np.isfinite(pack.values).all()


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
)
labels = st.sampled_from(["bn", "bt", "bu", "bv", "bver", "n", "u", "v", "t", "s", "vs", "x_"])
integer_labels = st.sampled_from([-2, -3, -4, -5, -1, 0, 1, 2, 6, 5, 3, 99, "y_"])


@given(st.lists(st.dictionaries(labels, json_values, max_size=5) | json_values, max_size=5))
def test_any_json_of_senml_labels_is_accepted_or_refused(records: list[object]) -> None:
    try:
        decode(msgspec.json.encode(records), quantity="acc", now=NOW)
    except WireError as error:
        assert error.reason in {Reason.MALFORMED, Reason.UNSUPPORTED, Reason.WRONG_UNIT}


@given(st.lists(st.dictionaries(integer_labels, json_values, max_size=5), max_size=5))
def test_any_cbor_of_senml_labels_is_accepted_or_refused(records: list[object]) -> None:
    try:
        decode(cbor2.dumps(records), quantity="rr", now=NOW)
    except WireError as error:
        assert error.reason in {Reason.MALFORMED, Reason.UNSUPPORTED, Reason.WRONG_UNIT}


@pytest.mark.parametrize(
    ("quantity", "times", "values"), [("hr", [], []), ("mood", [1.0], [1.0]), ("acc", [1.0], [1.0])]
)
def test_what_is_no_pack_is_not_written(quantity: str, times: list[float], values: list[float]):
    with pytest.raises(WireError, match="cannot write"):
        encode(quantity, times, values)

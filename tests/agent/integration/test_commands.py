"""A command is understood or answered with an error, whatever comes in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.integration.commands import VERBS, parse, refusal
from models.errors import Reason, WireError
from models.wire.messages import Feeling, GoalCommand, Seek, TrackCommand, Volume, encode

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["track", "id", "seconds", "percent", "valence", "arousal", "mode", "minutes", "volume"])
PAYLOADS = st.one_of(
    st.binary(max_size=40),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(KEYS, JSON, max_size=4).map(lambda value: json.dumps(value).encode()),
)


def refused(verb: str, payload: bytes, *, retained: bool = False) -> WireError:
    with pytest.raises(WireError) as caught:
        parse(verb, payload, retained=retained)
    return caught.value


@pytest.mark.parametrize("verb", ["play", "pause", "next", "previous", "like", "dislike"])
@pytest.mark.parametrize("payload", [b"", b"{}", b" \n"])
def test_a_verb_without_arguments_takes_an_empty_payload(verb: str, payload: bytes) -> None:
    assert parse(verb, payload, retained=False).body == TrackCommand()


@pytest.mark.parametrize(
    ("verb", "payload", "body"),
    [
        ("like", b'{"track": "abc", "id": "r-1"}', TrackCommand(track="abc", id="r-1")),
        ("seek", b'{"seconds": 12}', Seek(seconds=12.0)),
        ("volume", b'{"percent": 35.5}', Volume(percent=35.5)),
        ("feeling", b'{"valence": -1, "arousal": 1}', Feeling(valence=-1.0, arousal=1.0)),
        ("goal", b'{"mode": "match"}', GoalCommand(mode="match")),
        (
            "goal",
            b'{"mode": "lead", "valence": 0.6, "arousal": -0.5, "minutes": 20}',
            GoalCommand(mode="lead", valence=0.6, arousal=-0.5, minutes=20.0),
        ),
    ],
)
def test_a_command_of_the_design_is_understood(verb: str, payload: bytes, body: object) -> None:
    command = parse(verb, payload, retained=False)

    assert command.verb == verb
    assert command.body == body


def test_a_retained_command_is_refused_whatever_it_holds() -> None:
    assert refused("pause", b"", retained=True).reason is Reason.RETAINED


def test_an_unknown_verb_is_answered_with_the_nearest_known_one() -> None:
    error = refused("pasue", b"")

    assert error.reason is Reason.UNKNOWN_VERB
    assert error.remedy.startswith("Did you mean pause? Known commands: play, pause,")


@pytest.mark.parametrize(
    ("verb", "payload", "reason"),
    [
        ("play", b"{", Reason.MALFORMED),
        ("play", b"\xff", Reason.MALFORMED),
        ("play", b"[" * 3000, Reason.WRONG_VALUE),
        ("play", b"null", Reason.WRONG_VALUE),
        ("play", b'{"trakc": "a"}', Reason.WRONG_VALUE),
        ("play", b'{"track": 7}', Reason.WRONG_VALUE),
        ("play", b'{"id": "a/b"}', Reason.WRONG_VALUE),
        ("play", b'{"id": "a\\n"}', Reason.WRONG_VALUE),
        ("play", b'{"id": ""}', Reason.WRONG_VALUE),
        ("play", b" " * 5000 + b'{"track": "' + b"a" * 5000 + b'"}', Reason.OVERSIZED),
        ("seek", b"", Reason.WRONG_VALUE),
        ("seek", b'{"seconds": -1}', Reason.WRONG_VALUE),
        ("seek", b'{"seconds": 1e999}', Reason.WRONG_VALUE),
        ("volume", b'{"percent": 101}', Reason.WRONG_VALUE),
        ("volume", b'{"percent": "50"}', Reason.WRONG_VALUE),
        ("feeling", b'{"valence": 2, "arousal": 0}', Reason.WRONG_VALUE),
        ("feeling", b'{"valence": 0}', Reason.WRONG_VALUE),
        ("goal", b'{"mode": "follow"}', Reason.WRONG_VALUE),
        ("goal", b'{"mode": "lead"}', Reason.WRONG_VALUE),
        ("goal", b'{"mode": "lead", "valence": 1}', Reason.WRONG_VALUE),
        ("goal", b'{"mode": "hold", "minutes": 5}', Reason.WRONG_VALUE),
        ("goal", b'{"mode": "lead", "valence": 1, "arousal": 0, "minutes": 0}', Reason.WRONG_VALUE),
    ],
)
def test_a_wrong_payload_is_refused_with_its_reason(verb: str, payload: bytes, reason: Reason) -> None:
    error = refused(verb, payload)

    assert error.reason is reason
    assert error.remedy


@given(st.sampled_from([*VERBS, "sing", ""]), PAYLOADS, st.booleans())
def test_whatever_comes_in_is_a_command_or_a_refusal_that_can_be_answered(
    verb: str, payload: bytes, retained: bool
) -> None:
    try:
        command = parse(verb, payload, retained=retained)
    except WireError as error:
        answer = refusal(error, payload)
    else:
        assert isinstance(command.body, VERBS[verb])
        return
    assert {"code", "error", "remedy"} <= set(json.loads(encode(answer)))


@pytest.mark.parametrize(
    ("payload", "request_id"),
    [
        (b'{"id": "r7", "percent": 900}', "r7"),
        (b'{"id": "R/7"}', None),
        (b'{"id": 7}', None),
        (b"{", None),
        (b"", None),
        (b"[" * 5000, None),
    ],
)
def test_a_refusal_repeats_the_id_where_it_could_stand_in_a_topic(payload: bytes, request_id: str | None) -> None:
    assert refusal(refused("volume", payload), payload).id == request_id

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import Reason, WireError
from models.wire import messages


def test_a_feeling_outside_of_the_plane_is_refused_by_name() -> None:
    with pytest.raises(WireError, match=r"\$\.valence") as caught:
        messages.decode(b'{"valence": 1.5, "arousal": 0}', messages.Feeling)
    assert caught.value.reason is Reason.WRONG_VALUE


def test_a_command_with_an_unknown_key_is_refused() -> None:
    with pytest.raises(WireError, match="loudness"):
        messages.decode(b'{"percent": 50, "loudness": 1}', messages.Volume)


def test_an_empty_payload_is_an_empty_command() -> None:
    assert messages.decode(b"", messages.TrackCommand) == messages.TrackCommand()


def test_a_command_that_is_too_large_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(WireError) as caught:
        messages.decode(b" " * 5000 + b"{}", messages.TrackCommand)
    assert caught.value.reason is Reason.OVERSIZED


@given(st.binary(max_size=200))
def test_any_bytes_are_a_command_or_are_refused(payload: bytes) -> None:
    for kind in (messages.TrackCommand, messages.Seek, messages.Volume, messages.Feeling, messages.GoalCommand):
        try:
            messages.decode(payload, kind)
        except WireError as error:
            assert error.reason in {Reason.WRONG_VALUE, Reason.MALFORMED}


def test_a_queue_written_is_the_queue_read() -> None:
    parts = messages.Parts(audio=0.1, emotion=0.2, context=0.3, collaborative=0.4)
    track = messages.QueueTrack("a", "Title", "Artist", 0.5, 0.1, -0.2, parts, "because", {"fatigue": 0.1})
    cause = messages.Cause("sample", 1.0, 12.5)
    queue = messages.Queue(1.0, messages.Goal("match"), parts, [track], cause)
    assert messages.decode(messages.encode(queue), messages.Queue) == queue

"""What a viewer knows is what it heard, and nothing that it hears can break it."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from agent.commands.live.observed import TRAIL_S, Observed, filters
from models.wire.messages import Affect, encode
from models.wire.topics import DeviceTopics

TOPICS = DeviceTopics("living-room")
T = 1767225600.0


def affect(t: float, valence: float = 0.0) -> bytes:
    return encode(Affect(t, valence, 0.0, (0.2, 0.2), 0.0, 1.0, False, "1", {}))


def test_all_state_of_a_device_is_gathered(observed: Observed) -> None:
    view = observed.view(T)

    assert view.is_online
    assert view.queue is not None
    assert view.now is not None
    assert view.health is not None
    assert view.reranks == 1
    assert observed.is_complete


def test_nothing_is_known_before_anything_was_heard() -> None:
    fresh = Observed(TOPICS, broker="b")

    assert not fresh.is_complete
    assert fresh.view(T).is_online is None


def test_a_retained_queue_is_no_new_ranking(observed: Observed, messages: list[tuple[str, bytes]]) -> None:
    observed.hear(TOPICS.queue, dict(messages)["queue"], retained=True)

    assert observed.view(T).reranks == 1


def test_a_cleared_topic_is_no_longer_known(observed: Observed) -> None:
    observed.hear(TOPICS.affect, b"")

    assert observed.view(T).affect is None


def test_keys_that_a_newer_agent_adds_are_ignored(observed: Observed, messages: list[tuple[str, bytes]]) -> None:
    now = msgspec.json.decode(dict(messages)["now"]) | {"mood": "new"}
    observed.hear(TOPICS.now, msgspec.json.encode(now))

    assert observed.view(T).unread == 0


def test_the_trail_holds_the_last_minutes() -> None:
    heard = Observed(TOPICS, broker="b")
    for second in range(int(TRAIL_S) + 100):
        heard.hear(TOPICS.affect, affect(T + second))

    trail = heard.view(T).trail
    assert trail[-1][0] - trail[0][0] == TRAIL_S


def test_a_clock_set_back_starts_a_new_trail() -> None:
    heard = Observed(TOPICS, broker="b")
    for t in (T, T + 1, T - 1000):
        heard.hear(TOPICS.affect, affect(t))

    assert [t for t, _, _ in heard.view(T).trail] == [T - 1000]


@given(st.sampled_from([*filters(TOPICS), "attune/1/else"]), st.binary(max_size=60))
def test_what_cannot_be_read_is_counted_and_changes_nothing_else(topic: str, payload: bytes) -> None:
    heard = Observed(TOPICS, broker="b")
    heard.hear(TOPICS.affect, affect(T))
    heard.hear(topic, payload)

    view = heard.view(T)
    assert view.unread in (0, 1)
    assert view.affect is None or view.affect.t == T

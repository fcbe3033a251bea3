"""The outbox against a broker that takes and loses as it likes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.integration.link.outbox import Event, Outbox

STEPS = st.lists(
    st.one_of(
        st.just(("append", 0)),
        st.just(("send", 0)),
        st.tuples(st.just("acknowledge"), st.integers(0, 200)),
        st.just(("lose", 0)),
    ),
    max_size=200,
)


@given(STEPS, st.integers(1, 10), st.integers(1, 5))
def test_what_was_not_dropped_arrives_at_least_once_and_first_arrivals_are_in_order(
    steps: list[tuple[str, int]], limit: int, window: int
):
    outbox, arrived, appended, identifier = Outbox(limit=limit, window=window), [], 0, 0
    unacknowledged: list[int] = []

    def send() -> None:
        nonlocal identifier
        event = outbox.take()
        if event is not None:
            identifier += 1
            arrived.append(event.topic)
            unacknowledged.append(identifier)
            outbox.sent(identifier, event)

    for step, choice in steps:
        match step:
            case "append":
                outbox.append(Event(f"{appended:04}", b""))
                appended += 1
            case "send":
                send()
            case "acknowledge" if unacknowledged:
                outbox.acknowledge(unacknowledged.pop(choice % len(unacknowledged)))
            case "lose":
                outbox.connection_lost()
                unacknowledged.clear()
        assert len(outbox) <= limit
        assert len(unacknowledged) <= window
    outbox.connection_lost()
    while len(outbox):
        send()
        outbox.acknowledge(identifier)
    first_arrivals = list(dict.fromkeys(arrived))
    assert first_arrivals == sorted(first_arrivals)
    assert len(first_arrivals) >= appended - outbox.dropped


def test_the_oldest_event_that_was_not_sent_makes_room():
    outbox = Outbox(limit=3, window=1)
    for topic in "abcd":
        outbox.append(Event(topic, b""))
        if topic == "a" and (event := outbox.take()) is not None:
            outbox.sent(1, event)
    assert outbox.dropped == 1
    outbox.connection_lost()
    assert [event.topic for event in outbox._waiting] == ["a", "c", "d"]


def test_acknowledgements_of_other_messages_are_ignored():
    outbox = Outbox(limit=3, window=1)
    outbox.append(Event("a", b""))
    event = outbox.take()
    assert event is not None
    outbox.sent(7, event)
    outbox.acknowledge(8)
    assert len(outbox) == 1

"""The link against real brokers of both kinds."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from brokers import PATIENCE_S, Brokers, eventually, settings_for, take
from paho.mqtt.client import topic_matches_sub

from agent.integration.link import LARGEST_PAYLOAD, Link, LinkSettings
from models.errors import Reason, WireError


async def test_events_and_state_arrive(brokers: Brokers):
    async with Link(settings_for(brokers.broker, "a")) as a, Link(settings_for(brokers.broker, "b")) as b:
        b.subscribe("x/#")
        await b.connected()
        await a.connected()
        a.publish("x/event", b"1", qos=1)
        a.publish("x/dense", b"2")
        a.publish("x/state", "3", qos=1, retain=True)
        arrived = await take(b.messages(), 3)
        assert {(message.topic, message.payload) for message in arrived} == {
            ("x/event", b"1"),
            ("x/dense", b"2"),
            ("x/state", b"3"),
        }
        async with asyncio.timeout(PATIENCE_S):
            await a.drain()
        assert a.status().outbox == 0


async def test_online_is_said_when_commands_are_heard_and_offline_at_the_end(brokers: Brokers):
    async with Link(settings_for(brokers.broker, "watcher")) as watcher:
        watcher.subscribe("d/availability")
        messages = watcher.messages()
        link = Link(settings_for(brokers.broker, "player"), availability="d/availability")
        link.subscribe("d/command/#")
        async with link:
            (online,) = await take(messages, 1)
            assert online.payload == b"online"
            watcher.publish("d/command/play", b"", qos=1)
            (command,) = await take(link.messages(), 1)
            assert command.topic == "d/command/play"
        (offline,) = await take(messages, 1)
        assert offline.payload == b"offline"


async def test_the_will_is_published_when_the_line_is_cut_and_online_when_it_is_back(brokers: Brokers):
    async with Link(settings_for(brokers.broker, "watcher")) as watcher:
        watcher.subscribe("d/availability")
        messages = watcher.messages()
        async with Link(settings_for(brokers.broker, "player"), availability="d/availability") as link:
            assert [message.payload for message in await take(messages, 1)] == [b"online"]
            assert link._connection is not None
            assert link._connection._socket is not None
            link._connection._socket.shutdown(socket.SHUT_RDWR)
            said = [message.payload for message in await take(messages, 2)]
            assert set(said) == {b"offline", b"online"}
            if said[-1] == b"offline":  # amqtt may notice the cut line after the new one is there
                assert [message.payload for message in await take(messages, 1)] == [b"online"]
            assert link.status().connections == 2


async def test_online_is_said_again_after_a_will_that_comes_late(brokers: Brokers):
    async with Link(settings_for(brokers.broker, "watcher")) as watcher:
        watcher.subscribe("d/availability")
        messages = watcher.messages()
        async with Link(settings_for(brokers.broker, "player"), availability="d/availability") as link:
            assert [message.payload for message in await take(messages, 1)] == [b"online"]
            # As amqtt does with the will of a line that was cut before this one was there.
            watcher.publish("d/availability", b"offline", qos=1, retain=True)
            assert [message.payload for message in await take(messages, 2)] == [b"offline", b"online"]
            assert link.status().refused == {}
            assert link.status().received == 0
        assert [message.payload for message in await take(messages, 1)] == [b"offline"], "its own, and the last word"
    async with Link(settings_for(brokers.broker, "newcomer")) as newcomer:
        newcomer.subscribe("d/availability", qos=0)
        (left,) = await take(newcomer.messages(), 1)
        assert (left.payload, left.retain) == (b"offline", True)


async def test_what_was_left_of_an_earlier_connection_is_no_reason_to_say_online_twice(brokers: Brokers):
    async with Link(settings_for(brokers.broker, "watcher")) as watcher:
        watcher.subscribe("d/#")
        messages = watcher.messages()
        watcher.publish("d/availability", b"offline", qos=1, retain=True)
        assert [message.payload for message in await take(messages, 1)] == [b"offline"]
        async with Link(settings_for(brokers.broker, "player"), availability="d/availability") as link:
            await link.connected()
            link.publish("d/event", b"after", qos=1)
            assert [message.payload for message in await take(messages, 2)] == [b"online", b"after"]


async def test_what_is_published_while_the_broker_is_dead_arrives_when_it_is_back(brokers: Brokers):
    connects = []
    link = Link(settings_for(brokers.broker, "a"), on_connect=lambda: connects.append(1))
    link.subscribe("x/#")
    async with link:
        await link.connected()
        link.publish("x/state", b"old", qos=1, retain=True)
        await take(link.messages(), 1)
        await brokers.kill(link)
        for number in range(20):
            link.publish("x/event", str(number), qos=1)
        link.publish("x/dense", b"lost")
        link.publish("x/state", b"between", qos=1, retain=True)
        link.publish("x/state", b"new", qos=1, retain=True)
        await brokers.revive()
        async with asyncio.timeout(PATIENCE_S):
            await link.connected()
        arrived = await take(link.messages(), 21)
        events = [message.payload for message in arrived if message.topic == "x/event"]
        assert events == [str(number).encode() for number in range(20)]
        assert [message.payload for message in arrived if message.topic == "x/state"] == [b"new"]
        status = link.status()
        assert status.dropped == {"qos0": 1}
        assert (status.connections, len(connects)) == (2, 2)
        assert status.last_error == ""


# Not amqtt: it acknowledges before it delivers, and forgets what it had when it ends.
@pytest.mark.parametrize("brokers", ["mosquitto"], indirect=True)
async def test_a_broker_killed_in_the_middle_of_a_stream_loses_no_event(brokers: Brokers):
    link = Link(settings_for(brokers.broker, "a"))
    link.subscribe("x")
    seen: set[bytes] = set()

    async def consume() -> None:
        async for message in link.messages():
            seen.add(message.payload)

    async with link:
        consumer = asyncio.create_task(consume())
        await link.connected()
        for number in range(300):
            link.publish("x", str(number), qos=1)
            if number == 150:
                await eventually(lambda: len(seen) > 20)
                await brokers.kill(link)
                await brokers.revive()
        await eventually(lambda: len(seen) == 300)
        await eventually(lambda: link.status().outbox == 0)
    await asyncio.wait_for(consumer, PATIENCE_S)


async def test_retained_state_is_given_to_a_broker_that_has_forgotten_it_and_stays_cleared(brokers: Brokers):
    async with Link(settings_for(brokers.broker, "a")) as link:
        await link.connected()
        link.publish("x/kept", b"state", qos=1, retain=True)
        link.publish("x/cleared", b"state", qos=1, retain=True)
        link.publish("x/cleared", b"", qos=1, retain=True)
        await brokers.kill(link)
        await brokers.revive()
        async with asyncio.timeout(PATIENCE_S):
            await link.connected()
        link.publish("x/end", b"", qos=1)
        await eventually(lambda: link.status().outbox == 0)
        newcomer = Link(settings_for(brokers.broker, "b"))
        newcomer.subscribe("x/#")
        async with newcomer:
            (message,) = await take(newcomer.messages(), 1)
            assert (message.topic, message.payload, message.retain) == ("x/kept", b"state", True)
            link.publish("x/end", b"", qos=1)
            (message,) = await take(newcomer.messages(), 1)
            assert message.topic == "x/end"


# Not amqtt: it keeps no sessions of anonymous clients.
@pytest.mark.parametrize("brokers", ["mosquitto"], indirect=True)
async def test_an_unhandled_message_is_delivered_again(brokers: Brokers):
    settings = settings_for(brokers.broker, "a", clean_session=False)
    async with Link(settings_for(brokers.broker, "sender")) as sender:
        await sender.connected()
        first = Link(settings)
        first.subscribe("x")
        async with first:
            await first.connected()
            for number in range(3):
                sender.publish("x", str(number), qos=1)
            assert [m.payload for m in await take(first.messages(), 2)] == [b"0", b"1"]
        sender.publish("x", b"3", qos=1)
        second = Link(settings)
        second.subscribe("x")
        async with second:
            again = await take(second.messages(), 3)
            assert [m.payload for m in again] == [b"1", b"2", b"3"]
            assert again[0].duplicate


@pytest.mark.parametrize("qos", [0, 1])
async def test_a_busy_consumer_holds_the_connection_back_and_loses_nothing(brokers: Brokers, qos: int):
    limit, total, size = 10, 500, 2000
    slow = Link(settings_for(brokers.broker, "slow", waiting_messages=limit))
    slow.subscribe("x", qos=qos)
    async with slow, Link(settings_for(brokers.broker, "fast", outbox_messages=total)) as fast:
        await slow.connected()
        await fast.connected()
        for number in range(total):
            fast.publish("x", str(number).rjust(size), qos=1)
        await eventually(lambda: slow.status().held_back == 1)
        async with asyncio.timeout(PATIENCE_S):
            await fast.drain()
        assert slow.status().waiting < limit + 5
        arrived = await take(slow.messages(), total if qos else limit)
        assert [int(message.payload) for message in arrived] == list(range(len(arrived)))
        assert slow.status().refused == {}


async def test_the_bytes_that_wait_are_bounded_too(brokers: Brokers):
    slow = Link(settings_for(brokers.broker, "slow", waiting_bytes=100_000))
    slow.subscribe("x")
    async with slow, Link(settings_for(brokers.broker, "fast")) as fast:
        await slow.connected()
        await fast.connected()
        for _ in range(10):
            fast.publish("x", bytes(60_000), qos=1)
        await eventually(lambda: slow.status().held_back == 1)
        assert slow.status().waiting == 2
        assert len(await take(slow.messages(), 10)) == 10


async def test_an_oversized_message_is_refused_counted_and_does_not_come_again(brokers: Brokers):
    refused: list[tuple[str, int]] = []
    link = Link(settings_for(brokers.broker, "a"), on_refused=lambda topic, size: refused.append((topic, size)))
    link.subscribe("x/#")
    async with link:
        await link.connected()
        link.publish("x/big", bytes(LARGEST_PAYLOAD + 1), qos=1)
        link.publish("x/just", bytes(LARGEST_PAYLOAD), qos=1)
        (message,) = await take(link.messages(), 1)
        assert message.topic == "x/just"
        assert refused == [("x/big", LARGEST_PAYLOAD + 1)]
        assert link.status().refused == {"oversized": 1}


async def test_only_what_was_subscribed_to_is_handed_on(brokers: Brokers):
    """amqtt sends retained messages of others' filters to whoever connects."""
    async with Link(settings_for(brokers.broker, "a")) as a:
        a.subscribe("secret/#")
        await a.connected()
        a.publish("secret/state", b"1", qos=1, retain=True)
        await take(a.messages(), 1)
        b = Link(settings_for(brokers.broker, "b"))
        b.subscribe("open/#")
        async with b:
            await b.connected()
            a.publish("open/event", b"2", qos=1)
            (message,) = await take(b.messages(), 1)
            assert topic_matches_sub("open/#", message.topic)


async def test_a_subscription_made_later_takes_effect_at_once(brokers: Brokers):
    async with Link(settings_for(brokers.broker, "a")) as link:
        await link.connected()
        link.subscribe("x")
        await eventually(lambda: not link._subscribing)
        link.publish("x", b"1", qos=1)
        assert len(await take(link.messages(), 1)) == 1


async def test_what_many_filters_ask_for_at_once_comes_in_their_order(brokers: Brokers):
    topics = [f"x/{number}" for number in range(20)]
    async with Link(settings_for(brokers.broker, "a")) as link:
        for topic in topics:
            link.publish(topic, b"1", qos=1, retain=True)
        await link.connected()
        link.subscribe(*topics)
        assert [message.topic for message in await take(link.messages(), 20)] == topics
        assert not link.status().refused


async def test_the_iteration_ends_when_the_link_is_closed(brokers: Brokers):
    async with Link(settings_for(brokers.broker, "a")) as link:
        await link.connected()
        messages = link.messages()
    async with asyncio.timeout(PATIENCE_S):
        assert [message async for message in messages] == []
        assert [message async for message in link.messages()] == []


async def test_small_packets_leave_at_once(brokers: Brokers):
    async with Link(settings_for(brokers.broker, "a")) as link:
        await link.connected()
        assert link._connection is not None
        assert link._connection._socket is not None
        assert link._connection._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(("topic", "qos"), [("", 0), ("a/+", 1), ("a/#", 0), ("a\0b", 0), ("a" * 70_000, 0), ("a", 2)])
async def test_what_cannot_be_published_is_said_at_once_connected_or_not(topic: str, qos: int):
    link = Link(LinkSettings(host="127.0.0.1", port=1, client_id="a"))
    with pytest.raises(WireError):
        link.publish(topic, b"", qos=qos)


async def test_without_a_broker_it_goes_on_trying_and_names_the_remedy(unused_tcp_port: int):
    delays: list[int] = []
    settings = LinkSettings(host="127.0.0.1", port=unused_tcp_port, client_id="a", reconnect_limit_s=0.001)

    def uniform() -> float:
        delays.append(1)
        return 0.5

    async with Link(settings, uniform=uniform) as link:
        link.publish("x", b"kept", qos=1)
        await eventually(lambda: len(delays) > 3)
        status = link.status()
        assert (status.connected, status.outbox) == (False, 1)
        assert f"127.0.0.1:{unused_tcp_port}" in status.last_error
        assert "[broker]" in status.last_error


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x20\xff\xff\xff\xff\xff", b"\x20\x02\x00\x05"]
)
async def test_something_that_is_no_broker_or_refuses_does_no_harm(answer: bytes):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(answer)
        if not answer:
            await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        settings = LinkSettings(
            host="127.0.0.1", port=port, client_id="a", reconnect_limit_s=0.001, connect_timeout_s=0.05
        )
        async with Link(settings) as link:
            await eventually(lambda: link.status().last_error != "")
            assert not link.status().connected


async def test_credentials_that_cannot_be_read_are_named(tmp_path: Path):
    settings = LinkSettings(host="127.0.0.1", port=1, client_id="a", username="me", password_file=tmp_path / "absent")
    async with Link(settings) as link:
        await eventually(lambda: "absent" in link.status().last_error)
        assert "password_file" in link.status().last_error


async def test_a_password_is_read_anew_at_each_attempt(brokers: Brokers, tmp_path: Path):
    password = tmp_path / "password"
    settings = settings_for(brokers.broker, "a", username="me", password_file=password)
    async with Link(settings) as link:
        await eventually(lambda: link.status().last_error != "")
        await asyncio.to_thread(password.write_text, "secret\n")
        async with asyncio.timeout(PATIENCE_S):
            await link.connected()


async def test_a_refusal_says_why_and_what_to_check():
    from agent.integration.link.connection import Connection

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"\x20\x02\x00\x05")  # CONNACK, 5: not authorised
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        settings = LinkSettings(host="127.0.0.1", port=server.sockets[0].getsockname()[1], client_id="a")
        connection = Connection(settings, will=None, on_message=lambda _: None, on_acknowledged=lambda _: None)
        with pytest.raises(Exception, match="refused: Not authorized") as caught:
            await connection.open()
        assert caught.value.reason is Reason.REFUSED  # type: ignore[attr-defined]

"""Every message leaves on its topic as the wire says, and nothing leaves that the listener keeps at home."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agent.integration.publisher import Publisher
from models.errors import Reason, WireError
from models.wire.messages import (
    Affect,
    BundleStatus,
    Cause,
    Goal,
    Health,
    Now,
    Parts,
    Queue,
    QueueTrack,
    Reply,
    Source,
    StreamHealth,
)
from models.wire.topics import DeviceTopics

D = "attune/1/device/den"
AFFECT = Affect(
    t=1.0,
    valence=0.12,
    arousal=-0.3,
    sd=(0.2, 0.15),
    rho=0.1,
    quality=0.93,
    calibrated=True,
    model="2026.11.3",
    sources={"rr": Source("strap", 0.98, 0.4)},
)
NOW = Now(1.0, "stopped", 0.0, None, "")
PARTS = Parts(0.25, 0.25, 0.25, 0.25)
TRACK = QueueTrack("a", "Title", "Artist", 0.5, 0.1, 0.2, PARTS, "calm")
QUEUE = Queue(1.0, Goal("match"), PARTS, [TRACK] * 12, Cause("start", 1.0, 3.0))
HEALTH = Health(1.0, 2.0, "ok", {}, {}, [StreamHealth("band", "hr", 1.0, 0.9, 0.2, last=61.0, activity="walking")])
BUNDLE = BundleStatus(1.0, "2026.11.3", "e1", "tflite", {"hybrid": "int8"}, "stable")


class Broker:
    """Keeps what was published."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes, int, bool]] = []

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> None:
        self.sent.append((topic, payload, qos, retain))

    def last(self) -> Any:
        return msgspec.json.decode(self.sent[-1][1])


def publisher(broker: Broker, *, embedded: bool = True, affect: bool = False, streams: bool = False) -> Publisher:
    return Publisher(
        DeviceTopics("den"), broker.publish, is_embedded=embedded, publish_affect=affect, publish_streams=streams
    )


@pytest.mark.parametrize(
    ("name", "message", "qos"),
    [("affect", AFFECT, 1), ("now", NOW, 1), ("queue", QUEUE, 1), ("health", HEALTH, 0), ("bundle", BUNDLE, 1)],
)
def test_state_is_retained_on_its_topic(name: str, message: msgspec.Struct, qos: int) -> None:
    broker = Broker()

    getattr(publisher(broker), name)(message)

    assert [(topic, sent_qos, retained) for topic, _, sent_qos, retained in broker.sent] == [(f"{D}/{name}", qos, True)]


def test_the_affect_message_holds_what_the_design_shows() -> None:
    broker = Broker()
    publisher(broker).affect(AFFECT)

    assert broker.last() == {
        "t": 1.0,
        "valence": 0.12,
        "arousal": -0.3,
        "sd": [0.2, 0.15],
        "rho": 0.1,
        "quality": 0.93,
        "calibrated": True,
        "model": "2026.11.3",
        "sources": {"rr": {"wearable": "strap", "quality": 0.98, "age_s": 0.4}},
    }


def test_the_first_ten_tracks_of_the_queue_are_published() -> None:
    broker = Broker()
    publisher(broker).queue(QUEUE)

    assert len(broker.last()["tracks"]) == 10


def test_on_an_external_broker_affect_and_stream_values_stay_at_home() -> None:
    broker = Broker()
    private = publisher(broker, embedded=False)
    private.affect(AFFECT)
    assert broker.sent == [(f"{D}/affect", b"", 1, True)]  # cleared: an earlier run may have had permission

    private.health(HEALTH)
    assert broker.last()["streams"][0] == {
        "wearable": "band",
        "quantity": "hr",
        "rate_hz": 1.0,
        "quality": 0.9,
        "age_s": 0.2,
        "last": None,
        "activity": None,
    }


def test_with_permission_an_external_broker_sees_them() -> None:
    broker = Broker()
    open_hearted = publisher(broker, embedded=False, affect=True, streams=True)

    open_hearted.affect(AFFECT)
    assert broker.last()["valence"] == 0.12
    open_hearted.health(HEALTH)
    assert broker.last()["streams"][0]["last"] == 61.0


def test_a_reply_goes_to_its_id_and_is_not_retained() -> None:
    broker = Broker()
    publisher(broker).reply(Reply("r-1", "like", ok=True, t=1.0))

    assert broker.sent[0][0] == f"{D}/reply/r-1"
    assert broker.sent[0][2:] == (1, False)


def test_a_refused_command_is_answered_with_code_error_remedy_and_id() -> None:
    broker = Broker()
    error = WireError("there is no track 'x'", reason=Reason.UNKNOWN_TRACK, remedy="Take an id from the queue")

    publisher(broker).refuse("like", error, b'{"id": "r-2", "track": "x"}')

    assert broker.sent[0][0] == f"{D}/command/like/error"
    assert broker.sent[0][2:] == (1, False)
    assert broker.last() == {
        "code": "unknown_track",
        "error": "there is no track 'x'",
        "remedy": "Take an id from the queue",
        "id": "r-2",
    }


def test_clearing_empties_every_retained_topic() -> None:
    broker = Broker()
    publisher(broker).clear()

    assert {topic for topic, payload, _, retained in broker.sent if payload == b"" and retained} == {
        f"{D}/{name}" for name in ("affect", "now", "queue", "health", "bundle")
    }

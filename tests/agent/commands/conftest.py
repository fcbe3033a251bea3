"""Messages of a device as they came over the wire."""

from __future__ import annotations

import math

import pytest

from agent.commands.live.observed import Observed
from models.wire.messages import (
    Affect,
    BundleStatus,
    Cause,
    Goal,
    Health,
    Now,
    NowTrack,
    Parts,
    Queue,
    QueueTrack,
    Source,
    StreamHealth,
    encode,
)
from models.wire.topics import DeviceTopics

T = 1767225600.0
TITLES = (
    ("Morning on the Canal", "Ada Finch"),
    ("夜の散歩", "Mika Tanabe"),
    ("The Long Way Down to the Water and Back Again", "The Halyard Ensemble"),
    ("Fjäril", "Lo Sund"),
    ("Paper Lanterns", "Imre Kadar"),
    ("Second Spring", "Ada Finch"),
    ("Undertow", "Nils Brandt"),
    ("Clear", "Saba"),
    ("Northbound", "Orrin Vale"),
    ("Slow Copper Light", "Orrin Vale"),
)


def affect(t: float, valence: float, arousal: float) -> Affect:
    sources = {"rr": Source("strap", 0.98, 0.4), "hr": Source("strap", 0.95, 0.6)}
    return Affect(t, valence, arousal, (0.18, 0.13), 0.3, 0.93, False, "2026.11.3", sources)


def recorded(t: float = T) -> list[tuple[str, bytes]]:
    """Topic below the device and payload, in the order of their coming."""
    parts = Parts(0.2, 0.9, 0.1, 0.6)
    tracks = [
        QueueTrack(str(i), title, artist, 0.86 - 0.03 * i, 0.1 * i - 0.5, 0.3, parts, f"reason {i}")
        for i, (title, artist) in enumerate(TITLES)
    ]
    playing = NowTrack("x", "Harbour at First Light", "Ada Finch", "Tidewater", 214.0, 0.2, 0.3)
    streams = [
        StreamHealth("strap", "hr", 1.0, 0.95, 0.6, 71.2),
        StreamHealth("strap", "rr", 1.18, 0.98, 0.4, 0.842),
        StreamHealth("band", "eda", 4.0, 0.7, 0.2, 3.21e-6),
        StreamHealth("band", "batt", 0.016, 1.0, 42.0, 87.0),
    ]
    counters = {"ranking.evaluations": 688, "sensing.future": 2, "sensing.accepted": 48211}
    health = Health(
        t, 734.0, "ok", {}, counters, streams, {"p50": 8.2, "p99": 21.4}, {"seconds": 733.0, "underruns": 0.0}, 64
    )
    states = [encode(affect(t - 60 + i, math.sin(i / 10), math.cos(i / 10) / 2)) for i in range(61)]
    return [
        ("availability", b"online"),
        *(("affect", state) for state in states),
        ("now", encode(Now(t, "playing", 83.0, playing, "pleasant, close to how you feel", 80.0, "device"))),
        ("queue", encode(Queue(t, Goal("match"), parts, tracks, Cause("sample", t, 8.1)))),
        ("health", encode(health)),
        ("bundle", encode(BundleStatus(t, "2026.11.3", "e1", "tflite", {"hybrid": "int8"}, "stable"))),
    ]


@pytest.fixture
def messages() -> list[tuple[str, bytes]]:
    return recorded()


@pytest.fixture
def observed(messages: list[tuple[str, bytes]]) -> Observed:
    topics = DeviceTopics("living-room")
    heard = Observed(topics, broker="127.0.0.1:1883")
    for name, payload in messages:
        heard.hear(f"{topics.root}/{name}", payload)
    return heard

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playback_by_hand import RATE, MakeRig, ManualClock, Rig, Shelf

from agent.playback import Event, PlaybackSettings, Player, TrackToPlay
from agent.playback.engine import Engine
from agent.playback.outputs import Output


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def rig(shelf: Shelf, make_rig: MakeRig) -> Callable[..., Rig]:
    return lambda *tracks, **settings: make_rig(shelf, *tracks, **settings)


@pytest.fixture(scope="session")
def make_shelf() -> type[Shelf]:
    return Shelf


@pytest.fixture(scope="session")
def make_rig() -> Callable[..., Rig]:
    def make(shelf: Shelf, *tracks: TrackToPlay, rate: int = RATE, ahead_s: float = 4.0):
        queue, events = list(tracks), []
        engine = Engine(
            sample_rate=rate,
            ahead_s=ahead_s,
            next_track=lambda: queue.pop(0) if queue else None,
            on_event=events.append,
            open_audio=shelf.open_audio,
            wall=lambda: 1000.0,
        )
        engine.timeline.switch("test")
        return Rig(engine, queue, events)

    return make


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def player(shelf: Shelf, clock: ManualClock, tmp_path: Path) -> Iterator[Callable[..., Player]]:
    """Makes players that are started, and closes them."""
    made = []

    def make(
        *tracks: TrackToPlay,
        events: list[Event] | None = None,
        output: str = "file",
        sink: Output | None = None,
        volume: float = 100.0,
    ):
        queue = list(tracks)
        made_player = Player(
            PlaybackSettings(output=output, file=tmp_path / "played.wav", sample_rate=RATE, volume_percent=volume),
            next_track=lambda: queue.pop(0) if queue else None,
            on_event=(events if events is not None else []).append,
            open_audio=shelf.open_audio,
            clock=clock,
            output=sink,
            wall=lambda: 1000.0,
        )
        made.append(made_player)
        made_player.start()
        return made_player

    yield make
    for one in made:
        one.close()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("playback")]


@pytest.fixture
def sine() -> Callable[..., np.ndarray]:
    def make(seconds: float, rate: int = RATE, hertz: float = 440.0, level: float = 0.5):
        return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)

    return make

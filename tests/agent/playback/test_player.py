"""The player with its threads, by a clock that is turned by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playback_by_hand import MakePlayer, ManualClock, Shelf, Sine

from agent.playback import Ended, Event, Failed, OutputLost, Started
from agent.playback.outputs.base import Render
from models.errors import PlaybackError, Reason

RATE = 8000


def test_the_file_holds_the_music_that_the_log_says_without_a_gap(
    player: MakePlayer, clock: ManualClock, shelf: Shelf, sine: Sine, tmp_path: Path
):
    whole = sine(9.0)
    cuts = (0, 3 * RATE, 5 * RATE + 17, 9 * RATE)
    tracks = [shelf.put(name, whole[a:b]) for name, a, b in zip("abc", cuts, cuts[1:], strict=False)]
    one = player(*tracks)
    one.play()
    clock.advance(12.0)
    assert one.status().status == "stopped"
    assert one.status().underruns == 0
    one.close()
    read, rate = soundfile.read(tmp_path / "played.wav")
    assert rate == RATE
    assert len(read) == len(whole)
    np.testing.assert_allclose(read[:, 0], whole, atol=0.5 / 32768 + 1e-7)
    log = [json.loads(line) for line in (tmp_path / "played.wav.jsonl").read_text().splitlines()]
    assert [(entry["track_id"], entry["start_frame"], entry["end_frame"], entry["track_frame"]) for entry in log] == [
        (name, a, b, 0) for name, a, b in zip("abc", cuts, cuts[1:], strict=False)
    ]


def test_it_plays_in_real_time(player: MakePlayer, clock: ManualClock, shelf: Shelf, sine: Sine):
    one = player(shelf.put("a", sine(60.0)), output="silent")
    one.play()
    clock.advance(30.0)
    status = one.status()
    assert status.status == "playing"
    assert abs(status.position_s - 30.0) < 0.3
    assert status.frames_played == round(status.position_s * RATE)


def test_commands_from_outside_take_effect_in_order(player: MakePlayer, clock: ManualClock, shelf: Shelf, sine: Sine):
    events = []
    a, b, c = (shelf.put(name, sine(20.0)) for name in "abc")
    one = player(a, b, events=events)
    one.play()
    clock.advance(2.0)
    one.enqueue(c)
    one.next()
    clock.advance(1.0)
    assert one.status().track == c
    one.seek(10.0)
    one.pause()
    clock.advance(5.0)
    status = one.status()
    assert (status.status, status.committed) == ("paused", ())
    assert abs(status.position_s - 10.0) < 0.1
    one.next()
    one.play()
    clock.advance(1.0)
    assert one.status().track == b
    assert [event.track.id for event in events if isinstance(event, Started)] == ["a", "c", "b"]
    kinds = [type(event).__name__ for event in events if not isinstance(event, (Started, Ended))]
    assert kinds == ["Resumed", "Sought", "Paused", "Resumed"]


def test_the_volume_is_felt_evenly(player: MakePlayer, clock: ManualClock, shelf: Shelf, tmp_path: Path):
    one = player(shelf.put("a", np.full(10 * RATE, 0.8)), volume=50.0)
    assert one.status().volume_percent == 50.0
    one.play()
    clock.advance(2.0)
    one.set_volume(140.0)
    assert one.status().volume_percent == 100.0
    clock.advance(2.0)
    one.close()
    read, _ = soundfile.read(tmp_path / "played.wav")
    assert abs(read[1000, 0] - 0.1) < 1e-3
    assert abs(read[-1, 0] - 0.8) < 1e-3


def test_closing_ends_the_track_and_leaves_no_thread(player: MakePlayer, clock: ManualClock, shelf: Shelf, sine: Sine):
    events = []
    one = player(shelf.put("a", sine(20.0)), events=events)
    one.play()
    clock.advance(5.0)
    one.close()
    assert isinstance(events[-1], Ended)
    assert (events[-1].cause, events[-1].completed) == ("closed", False)
    assert all(reader.closed for reader in shelf.readers)


def test_a_player_that_never_played_closes(player: MakePlayer):
    player()


def test_a_lost_output_is_told_and_the_music_goes_on_in_silence(
    player: MakePlayer, clock: ManualClock, shelf: Shelf, sine: Sine
):
    class Vanishing:
        name, underruns, latency_s = "device", 0, 0.2
        lost = False

        def start(self, render: Render):
            pass

        def failure(self):
            return PlaybackError("The sound device is gone", reason=Reason.NO_DEVICE) if self.lost else None

        def stop(self):
            self.lost = True

    events, sink = [], Vanishing()
    one = player(shelf.put("a", sine(60.0)), output="device", sink=sink, events=events)
    one.play()
    clock.advance(1.0)
    assert one.status().position_s == 0.0
    sink.lost = True
    clock.advance(2.0)
    lost = [event for event in events if isinstance(event, OutputLost)]
    assert [event.error.reason for event in lost] == [Reason.NO_DEVICE]
    status = one.status()
    assert (status.output, status.output_degraded) == ("silent", True)
    assert status.position_s > 1.0
    assert {span.output for span in one.played()} == {"silent"}


def test_an_event_handler_that_fails_does_not_end_the_music(
    player: MakePlayer, clock: ManualClock, shelf: Shelf, sine: Sine, caplog: pytest.LogCaptureFixture
):
    class Handler(list):
        def append(self, event: Event):
            if isinstance(event, Failed):
                raise KeyError(event.track.id)
            super().append(event)

    events = Handler()
    one = player(shelf.missing("gone"), shelf.put("a", sine(2.0)), events=events)
    one.play()
    clock.advance(1.0)
    assert one.status().track.id == "a"
    assert "nobody could be told" in caplog.text

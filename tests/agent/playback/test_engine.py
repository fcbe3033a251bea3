"""What is heard, sample by sample, and what is told about it; no threads, no clock."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soxr
from playback_by_hand import MakeRig, Shelf, Sine

from agent.playback import EndCause, Ended, Failed, Stopped

RATE = 8000


def test_two_halves_in_a_row_are_the_whole_sample_for_sample(rig: MakeRig, shelf: Shelf, sine: Sine):
    whole = sine(6.0)
    cut = 17_321
    player = rig(shelf.put("a", whole[:cut]), shelf.put("b", whole[cut:]))
    player.engine.play()
    heard = player.hear(7.0)
    assert np.array_equal(heard, np.repeat(whole[:, np.newaxis], 2, axis=1))
    assert player.engine.renderer.underruns == 0


def test_two_halves_of_another_rate_are_the_resampled_whole_sample_for_sample(rig: MakeRig, shelf: Shelf, sine: Sine):
    whole = sine(6.0, rate=11_025)
    cut = 30_011
    player = rig(shelf.put("a", whole[:cut], 11_025), shelf.put("b", whole[cut:], 11_025))
    player.engine.play()
    heard = player.hear(7.0)
    expected = soxr.resample(np.repeat(whole[:, np.newaxis], 2, axis=1), 11_025, RATE, quality="HQ")
    assert abs(len(heard) - 6 * RATE) <= 1
    np.testing.assert_allclose(heard, expected[: len(heard)], atol=1e-6)
    a, b = player.engine.timeline.played()
    assert (a.start_frame, a.end_frame, b.end_frame) == (0, round(cut * RATE / 11_025), len(heard))
    assert b.start_frame == a.end_frame


def test_a_join_of_two_rates_keeps_time_and_leaves_no_hole(rig: MakeRig, shelf: Shelf, sine: Sine):
    first, second = sine(2.0, rate=11_025), sine(4.0)[2 * RATE :]
    player = rig(shelf.put("a", first, 11_025), shelf.put("b", second))
    player.engine.play()
    heard = player.hear(5.0)[:, 0]
    assert len(heard) == 4 * RATE
    difference = np.abs(heard - sine(4.0))
    assert difference[200 : 2 * RATE - 200].max() < 1e-3
    assert difference[2 * RATE :].max() == 0.0
    assert difference.max() < 0.3  # the filter rings a little where the sound of one rate is cut off
    assert np.abs(heard[2 * RATE - 40 : 2 * RATE + 40]).max() > 0.4


def test_mono_comes_from_both_sides_and_surround_is_mixed_down(rig: MakeRig, shelf: Shelf):
    surround = np.zeros((4000, 6), dtype=np.float32)
    surround[:, 2] = 0.6
    player = rig(shelf.put("mono", np.full(4000, 0.25)), shelf.put("six", surround))
    player.engine.play()
    heard = player.hear(1.5)
    assert np.array_equal(heard[:4000], np.full((4000, 2), 0.25, dtype=np.float32))
    assert np.all(heard[4000:, 0] == heard[4000:, 1])
    assert 0.1 < heard[5000, 0] < 0.3


def test_the_next_track_is_asked_for_shortly_before_the_end_and_not_earlier(rig: MakeRig, shelf: Shelf, sine: Sine):
    player = rig(shelf.put("a", sine(20.0)))
    player.engine.play()
    player.hear(10.0)
    later = shelf.put("b", sine(1.0))
    player.queue.append(later)
    assert shelf.opened == ["a"]
    player.hear(5.0)
    assert player.queue == [later]
    player.hear(2.5)
    assert player.queue == []
    assert player.engine.committed == (later,)


def test_events_tell_what_was_heard(rig: MakeRig, shelf: Shelf, sine: Sine):
    a, b = shelf.put("a", sine(2.0)), shelf.put("b", sine(1.0))
    player = rig(a, b)
    player.engine.play()
    player.hear(4.0)
    assert player.names() == [
        ("Resumed",),
        ("Started", "a"),
        ("Ended", "a"),
        ("Started", "b"),
        ("Ended", "b"),
        ("Stopped",),
    ]
    ended = [event for event in player.events if isinstance(event, Ended)]
    assert ended[0] == Ended(a, 1000.0, 2.0, 2.0, EndCause.COMPLETED)
    assert ended[1].completed


def test_next_leaves_the_track_with_a_short_fade_and_says_how_much_was_heard(rig: MakeRig, shelf: Shelf, sine: Sine):
    player = rig(shelf.put("a", np.full(20 * RATE, 0.5)), shelf.put("b", sine(3.0)))
    player.engine.play()
    player.hear(5.0)
    player.engine.next()
    heard = player.hear(3.5)
    steps = np.abs(np.diff(heard[:200, 0]))
    assert steps.max() < 0.2  # 0.5 at once would be a click
    assert np.array_equal(heard[80:, 0], sine(3.0))
    ended = next(event for event in player.events if isinstance(event, Ended))
    assert (ended.track.id, ended.cause) == ("a", EndCause.NEXT)
    assert ended.played_s == pytest.approx(5.01, abs=0.011)
    assert ended.position_s == ended.played_s
    assert not ended.completed


def test_next_goes_to_the_track_that_was_already_taken(rig: MakeRig, shelf: Shelf, sine: Sine):
    a, b, c = (shelf.put(name, sine(6.0)) for name in "abc")
    player = rig(a, b, c)
    player.engine.play()
    player.hear(4.0)
    assert player.engine.committed == (b,)
    player.engine.next()
    player.hear(1.0)
    assert player.engine.timeline.current.play.track == b
    assert player.queue == [c]


def test_previous_early_in_a_track_goes_back_and_then_returns(rig: MakeRig, shelf: Shelf, sine: Sine):
    a, b, c = (shelf.put(name, sine(6.0)) for name in "abc")
    player = rig(a, b, c)
    player.engine.play()
    player.hear(7.0)
    assert player.engine.timeline.current.play.track == b
    player.engine.previous()
    player.hear(1.0)
    assert player.engine.timeline.current.play.track == a
    player.hear(6.0)
    assert player.engine.timeline.current.play.track == b
    assert [event.cause for event in player.events if isinstance(event, Ended)] == [
        "completed",
        "previous",
        "completed",
    ]


def test_previous_late_in_a_track_starts_it_anew(rig: MakeRig, shelf: Shelf, sine: Sine):
    player = rig(shelf.put("a", sine(10.0)))
    player.engine.play()
    player.hear(5.0)
    player.engine.previous()
    player.hear(1.0)
    assert player.engine.timeline.position == pytest.approx(RATE, abs=500)
    assert player.names("Ended") == []


def test_seeking_goes_on_there_without_a_click_and_is_no_new_play(rig: MakeRig, shelf: Shelf, sine: Sine):
    whole = sine(30.0, hertz=100.0)
    player = rig(shelf.put("a", whole))
    player.engine.play()
    player.hear(2.0)
    player.engine.seek(20.0)
    heard = player.hear(1.0)[:, 0]
    assert np.abs(np.diff(heard)).max() < 0.08
    assert np.array_equal(heard[160:], whole[20 * RATE + 80 :][: len(heard) - 160])
    assert player.names("Started", "Ended") == [("Started", "a")]
    before, after = player.engine.timeline.played()
    assert (before.track_frame, after.track_frame) == (0, 20 * RATE)
    assert before.end_frame == after.start_frame
    assert player.engine.timeline.position == after.track_frame + after.end_frame - after.start_frame


def test_seeking_past_the_end_is_the_end(rig: MakeRig, shelf: Shelf, sine: Sine):
    player = rig(shelf.put("a", sine(5.0)), shelf.put("b", sine(5.0)))
    player.engine.play()
    player.hear(0.5)
    player.engine.seek(60.0)
    player.hear(0.5)
    assert player.engine.timeline.current.play.track.id == "b"
    assert player.names("Failed") == []


def test_pausing_fades_holds_the_place_and_fades_back_in(rig: MakeRig, shelf: Shelf):
    player = rig(shelf.put("a", np.full(10 * RATE, 0.5)))
    player.engine.play()
    player.hear(1.0)
    player.engine.pause()
    fade = player.hear(2.0)[:, 0]
    assert len(fade) == 80
    assert np.all(np.diff(fade) < 0)
    assert fade[-1] == 0.0
    position = player.engine.timeline.position
    player.hear(5.0)
    assert player.engine.timeline.position == position
    player.engine.play()
    heard = player.hear(0.5)[:, 0]
    assert heard[0] < 0.02
    assert np.all(np.diff(heard[:80]) > 0)
    assert np.all(heard[80:] == 0.5)


def test_the_volume_changes_in_a_ramp(rig: MakeRig, shelf: Shelf):
    player = rig(shelf.put("a", np.full(10 * RATE, 0.5)))
    player.engine.play()
    player.hear(1.0)
    player.engine.renderer.volume = 0.25
    heard = player.hear(0.5)[:, 0]
    assert np.abs(np.diff(heard)).max() < 0.01
    assert np.all(heard[80:] == 0.125)


def test_a_track_that_cannot_be_opened_is_told_and_the_music_goes_on_without_a_gap(
    rig: MakeRig, shelf: Shelf, sine: Sine
):
    whole = sine(4.0)
    player = rig(shelf.put("a", whole[: 2 * RATE]), shelf.missing("gone"), shelf.put("b", whole[2 * RATE :]))
    player.engine.play()
    heard = player.hear(5.0)
    assert np.array_equal(heard[:, 0], whole)
    assert player.names("Started", "Failed", "Ended") == [
        ("Started", "a"),
        ("Failed", "gone"),
        ("Ended", "a"),
        ("Started", "b"),
        ("Ended", "b"),
    ]
    assert all(event.completed for event in player.events if isinstance(event, Ended))


def test_a_track_that_breaks_off_is_heard_up_to_there(rig: MakeRig, shelf: Shelf, sine: Sine):
    player = rig(shelf.put("a", sine(4.0), broken_at=20_000), shelf.put("b", sine(1.0)))
    player.engine.play()
    heard = player.hear(5.0)
    assert len(heard) == 20_000 + RATE
    failed = next(event for event in player.events if isinstance(event, Failed))
    ended = next(event for event in player.events if isinstance(event, Ended))
    assert failed.error.reason == "corrupt"
    assert (ended.track.id, ended.cause, ended.played_s) == ("a", EndCause.FAILED, 2.5)


def test_a_track_without_any_sound_is_an_error_and_never_starts(rig: MakeRig, shelf: Shelf, sine: Sine):
    player = rig(shelf.put("empty", np.zeros(0)), shelf.put("b", sine(1.0)))
    player.engine.play()
    player.hear(2.0)
    assert player.names("Started", "Failed") == [("Failed", "empty"), ("Started", "b")]


def test_a_decoder_that_raises_anything_costs_its_track_alone(rig: MakeRig, shelf: Shelf, sine: Sine):
    good = shelf.put("good", sine(1.0))
    player = rig(shelf.put("bad", sine(1.0)), good)
    original = shelf.open_audio

    def open_audio(path: Path):
        if path.name == "bad":
            raise ZeroDivisionError
        return original(path)

    player.engine._open_audio = open_audio
    player.engine.play()
    assert len(player.hear(2.0)) == RATE
    assert "ZeroDivisionError" in str(player.events[1].error)


def test_a_library_that_is_gone_is_given_up_after_ten_tracks_until_play(rig: MakeRig, shelf: Shelf, sine: Sine):
    player = rig(*(shelf.missing(str(number)) for number in range(50)))
    player.engine.play()
    player.hear(30.0)
    assert len(player.names("Failed")) == 10
    assert len(player.queue) == 40
    player.queue[:] = [shelf.put("back", sine(1.0))]
    player.engine.play()
    assert len(player.hear(2.0)) == RATE
    assert player.events[-1] == Stopped(1000.0, gave_up=False)


def test_when_the_last_good_track_ends_among_broken_ones_it_says_that_it_gave_up(
    rig: MakeRig, shelf: Shelf, sine: Sine
):
    player = rig(shelf.put("a", sine(3.0)), *(shelf.missing(str(number)) for number in range(50)))
    player.engine.play()
    assert len(player.hear(5.0)) == 3 * RATE
    assert player.events[-1] == Stopped(1000.0, gave_up=True)


def test_a_track_that_is_offered_late_is_played(rig: MakeRig, shelf: Shelf, sine: Sine):
    player = rig()
    player.engine.play()
    player.hear(3.0)
    player.queue.append(shelf.put("a", sine(1.0)))
    assert len(player.hear(3.0)) == RATE


def test_a_queue_that_raises_does_not_stop_the_player(
    rig: MakeRig, shelf: Shelf, sine: Sine, caplog: pytest.LogCaptureFixture
):
    player = rig()
    answers = iter([ValueError(), shelf.put("a", sine(1.0)), None, None, None])

    def next_track():
        answer = next(answers)
        if isinstance(answer, ValueError):
            raise answer
        return answer

    player.engine._next_track = next_track
    player.engine.play()
    assert len(player.hear(3.0)) == RATE
    assert "no next track" in caplog.text


def test_an_underrun_is_counted_once_and_stands_in_the_log_as_a_gap(rig: MakeRig, shelf: Shelf, sine: Sine):
    player = rig(shelf.put("a", sine(10.0)))
    player.engine.play()
    player.hear(1.0)
    out = np.empty((400, 2), dtype=np.float32)
    silent = sum(player.engine.renderer.render(out) for _ in range(100))
    assert silent == 100 * 400
    player.hear(1.0)
    assert player.engine.renderer.underruns == 1
    before, after = player.engine.timeline.played()
    assert after.start_frame > before.end_frame
    assert after.track_frame == before.end_frame
    assert after.end_frame == RATE + 40_000 + RATE


def test_playing_a_track_at_once_replaces_the_present_one_and_keeps_what_was_taken(
    rig: MakeRig, shelf: Shelf, sine: Sine
):
    a, b, c = (shelf.put(name, sine(5.0)) for name in "abc")
    player = rig(a, b)
    player.engine.play()
    player.hear(3.0)
    player.engine.play(c)
    player.hear(6.0)
    assert player.names("Started") == [("Started", "a"), ("Started", "c"), ("Started", "b")]
    assert next(event for event in player.events if isinstance(event, Ended)).cause is EndCause.REPLACED


def test_next_while_paused_changes_the_track_and_stays_silent(rig: MakeRig, shelf: Shelf, sine: Sine):
    player = rig(shelf.put("a", sine(5.0)), shelf.put("b", sine(5.0)))
    player.engine.play()
    player.hear(1.0)
    player.engine.pause()
    player.hear(1.0)
    player.engine.next()
    assert not len(player.hear(1.0))
    assert player.engine.timeline.current.play.track.id == "b"
    player.engine.play()
    heard = player.hear(1.0)
    assert np.array_equal(heard[:, 0], sine(5.0)[: len(heard)])


def test_all_files_are_closed(rig: MakeRig, shelf: Shelf, sine: Sine):
    player = rig(*(shelf.put(name, sine(2.0)) for name in "abcd"))
    player.engine.play()
    player.hear(1.0)
    player.engine.next()
    player.engine.seek(1.0)
    player.hear(3.0)
    player.engine.close()
    assert all(reader.closed for reader in shelf.readers)
    assert player.events[-1].cause is EndCause.CLOSED

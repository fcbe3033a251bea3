"""A frame fills its terminal exactly and shows what is known, at any size and in any state."""

from __future__ import annotations

import io

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from agent.commands.live.line import line
from agent.commands.live.observed import Observed, View
from agent.commands.live.palette import column, duration, emotion_colour, fit
from agent.commands.live.picture import svg
from agent.commands.live.screen import SMALLEST, screen
from agent.commands.live.summary import summary
from agent.commands.live.words import words_line
from models.wire.messages import Affect, Goal, Queue, TrackWords
from models.wire.topics import DeviceTopics

T = 1767225600.0
SIZES = [(60, 18), (80, 24), (100, 30), (120, 36), (200, 60)]


def frame(view: View, width: int, height: int) -> list[str]:
    console = Console(width=width, height=height, file=io.StringIO(), _environ={})
    assert isinstance(console.file, io.StringIO)
    console.print(screen(view, width, height), end="")
    return console.file.getvalue().rstrip("\n").split("\n")


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_frame_fills_the_terminal_exactly(observed: Observed, width: int, height: int) -> None:
    lines = frame(observed.view(T + 1), width, height)

    assert len(lines) == height
    assert {cell_len(each) for each in lines} == {width}


@pytest.mark.parametrize(("width", "height"), SIZES[1:])
def test_all_ten_tracks_the_streams_and_what_plays_are_seen(observed: Observed, width: int, height: int) -> None:
    text = "\n".join(frame(observed.view(T + 1), width, height))

    assert "Harbour at First Light" in text
    assert "1:24 / 3:34" in text
    for start in ("Morning on", "夜の散歩", "The Long Way", "Fjäril", "Northbound", "Slow Copper"):
        assert start in text
    assert "71 bpm" in text
    assert "688 times" in text
    assert "p99 21 ms" in text


def test_reasons_are_given_from_the_top_as_far_as_there_is_room(observed: Observed) -> None:
    small = "\n".join(frame(observed.view(T), 80, 24))
    large = "\n".join(frame(observed.view(T), 120, 45))

    assert "reason 9" not in small
    assert "reason 9" in large


def test_a_tall_terminal_shows_the_course_of_the_state(observed: Observed) -> None:
    assert "the last 3 minutes" in "\n".join(frame(observed.view(T), 160, 50))


def test_before_anything_is_heard_the_frame_says_so() -> None:
    view = Observed(DeviceTopics("den"), broker="b:1").view(T)
    text = "\n".join(frame(view, 100, 30))

    assert "nothing heard yet" in text
    assert "No wearable is heard." in text


def test_offline_silence_trouble_and_degraded_parts_are_seen(observed: Observed) -> None:
    observed_at = observed.view(T)
    assert observed_at.health is not None
    degraded = msgspec.structs.replace(
        observed_at, health=msgspec.structs.replace(observed_at.health, degraded={"playback": "no sound device"})
    )

    assert "● well" in frame(observed_at, 100, 30)[0]
    assert "offline" in frame(msgspec.structs.replace(observed_at, is_online=False), 100, 30)[0]
    assert "silent for 1:40" in frame(observed.view(T + 100), 100, 30)[0]
    assert "degraded: playback" in frame(degraded, 100, 30)[0]
    assert "▲ playback: no sound device" in "\n".join(frame(degraded, 100, 30))
    troubled = observed.view(T, trouble="cannot be reached")
    assert "no connection" in frame(troubled, 100, 30)[0]
    assert "cannot be reached" in "\n".join(frame(troubled, 100, 30))


def test_the_goal_of_a_lead_is_named_and_marked(observed: Observed) -> None:
    view = observed.view(T)
    assert view.queue is not None
    lead = msgspec.structs.replace(view.queue, goal=Goal("lead", 0.6, -0.5, T + 600))
    text = "\n".join(frame(msgspec.structs.replace(view, queue=lead), 100, 30))

    assert "leading to +0.6, -0.5" in text
    assert "◎" in text


def test_a_terminal_that_is_too_small_is_told() -> None:
    view = Observed(DeviceTopics("den"), broker="b:1").view(T)

    assert f"needs {SMALLEST[0]} columns" in " ".join(frame(view, 40, 10))


def test_without_colour_no_escape_sequence_is_written(observed: Observed) -> None:
    assert "\x1b" not in "".join(frame(observed.view(T), 100, 30))


@settings(deadline=None, max_examples=30)
@given(
    width=st.integers(60, 220),
    height=st.integers(18, 70),
    valence=st.floats(-1, 1),
    arousal=st.floats(-1, 1),
    sd=st.tuples(st.floats(0, 3), st.floats(0, 3)),
    rho=st.floats(-1, 1),
)
def test_any_estimate_is_drawn_at_any_size(
    width: int, height: int, valence: float, arousal: float, sd: tuple[float, float], rho: float
) -> None:
    affect = Affect(T, valence, arousal, sd, rho, 1.0, True, "1", {})
    view = View(device="d", broker="b", clock=T, affect=affect, trail=((T - 1, 0.0, 0.0), (T, valence, arousal)))

    lines = frame(view, width, height)

    assert len(lines) == height
    assert {cell_len(each) for each in lines} == {width}
    assert "●" in "\n".join(lines[1:])


@given(st.text(max_size=30), st.integers(1, 20))
def test_a_text_is_fitted_to_its_cells_and_cannot_steer_the_terminal(text: str, width: int) -> None:
    fitted = fit(text, width)

    assert cell_len(fitted) == width
    assert fitted.isprintable()


def test_a_title_with_escape_sequences_is_shown_harmless(observed: Observed) -> None:
    view = observed.view(T)
    assert view.queue is not None
    evil = msgspec.structs.replace(view.queue.tracks[0], title="\x1b[2Jgone\r\n", why="\x07")
    queue = Queue(T, view.queue.goal, view.queue.weights, [evil], view.queue.cause)
    view = msgspec.structs.replace(view, queue=queue)

    assert "\x1b" not in "".join(frame(view, 100, 30))
    assert line(view).isprintable()
    assert all(each.isprintable() for each in summary(view).split("\n"))


def test_the_picture_holds_the_frame_and_asks_nobody_for_fonts(observed: Observed) -> None:
    drawing = svg(screen(observed.view(T), 100, 30), 100, 30, title="attune-agent watch")

    assert drawing.startswith("<svg")
    assert "Harbour" in drawing
    assert "url(&quot;http" not in drawing
    assert "@font-face" not in drawing


def test_one_line_says_how_it_goes(observed: Observed) -> None:
    text = line(observed.view(T))

    assert "playing Harbour at First Light — Ada Finch 1:23/3:34" in text
    assert "next Morning on the Canal — Ada Finch (0.86: reason 0)" in text


def test_the_summary_names_state_bundle_and_queue(observed: Observed) -> None:
    text = summary(observed.view(T))

    assert "living-room, online" in text
    assert "2026.11.3 from stable, tflite" in text
    assert "next 10" in text


def test_the_summary_tells_what_the_words_of_the_track_say_and_which_lyrics_are_damaged(observed: Observed) -> None:
    view = observed.view(T)
    assert view.now is not None
    assert view.now.track is not None
    assert view.health is not None
    words = TrackWords("lyrics", 0.31, -0.05, 0.12, 143, "en")
    track = msgspec.structs.replace(view.now.track, words=words)
    health = msgspec.structs.replace(view.health, counters={"catalogue.lyrics_refused": 2})
    text = summary(msgspec.structs.replace(view, now=msgspec.structs.replace(view.now, track=track), health=health))

    assert "words     valence +0.31, arousal -0.05, dominance +0.12, by 143 words of its lyrics (en)" in text
    assert "lyrics    of 2 could not be used as a whole" in text
    assert "words " not in summary(view)
    assert words_line(TrackWords("tags", 0.0, 0.0, None, 1, "en")).endswith("+0.00, by 1 word of its genres (en)")


@pytest.mark.parametrize(("seconds", "text"), [(-1, "0:00"), (59.6, "1:00"), (185, "3:05"), (3723, "1:02:03")])
def test_a_duration_is_written_as_people_read_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_shares_and_emotions_beyond_their_range_are_drawn_at_the_edge() -> None:
    assert (column(-1), column(2)) == ("▁", "█")
    assert emotion_colour(3, 3) == emotion_colour(1, 1)

"""What the view says of how sure the player is, and of what a stream is worth now."""

from __future__ import annotations

import msgspec
import pytest

from agent.commands.live.certainty import certainty, certainty_lines, origin
from agent.commands.live.observed import Observed, View
from agent.commands.live.streams import stream_lines, streams_title
from models.wire.messages import Source, StreamHealth

T = 1767225600.0


def felt(observed: Observed, sd: tuple[float, float], *quantities: str, quality: float = 0.9) -> View:
    view = observed.view(T)
    assert view.affect is not None
    sources = {quantity: Source("band", 0.9, 0.5) for quantity in quantities}
    return msgspec.structs.replace(
        view, affect=msgspec.structs.replace(view.affect, sd=sd, sources=sources, quality=quality)
    )


def said(view: View, width: int = 46) -> list[str]:
    return [line.plain for line in certainty_lines(view, width)]


def test_a_smaller_deviation_is_never_said_to_be_less_known():
    words = [certainty(deviation / 100) for deviation in range(100)]
    assert words == sorted(words, key=["well", "roughly", "hardly", "not"].index)


def test_heart_rate_alone_is_said_to_tell_little_about_valence(observed: Observed):
    view = felt(observed, (0.4, 0.25), "hr", "acc", "batt")
    assert said(view) == ["valence not known, arousal roughly", "heart rate tells little of valence"]
    assert said(view, 26) == ["val. not, aro. roughly", "heart rate: not valence"]


def test_without_a_wearable_the_usual_mood_is_all_there_is(observed: Observed):
    assert said(felt(observed, (0.45, 0.45))) == [
        "your mood: a mere guess",
        "no wearable: only your usual mood",
    ]


def test_weak_signals_are_named(observed: Observed):
    assert "weak signals" in said(felt(observed, (0.3, 0.3), "rr", "eda", quality=0.3))[1]


@pytest.mark.parametrize("quantities", [(), ("hr",), ("rr",), ("ecg", "eda"), ("hr", "temp"), ("eda",), ("acc",)])
@pytest.mark.parametrize("quality", [0.2, 0.9])
def test_every_origin_fits_the_narrowest_panel(quantities: tuple[str, ...], quality: float):
    long, short = origin(frozenset(quantities), quality)
    assert len(short) <= 26
    assert len(long) <= 36


def streams(observed: Observed, *found: StreamHealth) -> View:
    view = felt(observed, (0.3, 0.3), "ecg", "eda")
    assert view.health is not None
    return msgspec.structs.replace(view, health=msgspec.structs.replace(view.health, streams=list(found), t=T))


BAND = (
    StreamHealth("band", "ecg", 130.0, 0.9, 0.3, 0.0011),
    StreamHealth("band", "spo2", 1.0, 1.0, 0.8, 97.0),
    StreamHealth("band", "eda", 4.0, 0.4, 75.0, 2e-6),
)


def test_rate_quality_age_and_last_value_of_a_stream_are_shown(observed: Observed):
    view = streams(observed, *BAND)
    assert [line.plain.split() for line in stream_lines(view, 46, 9)] == [
        ["●", "ECG", "━━━", "1.10", "mV", "130", "Hz", "0.3", "s"],
        # The state's source is heard by the state more often than the streams are told.
        ["●", "skin", "cond.", "━──", "2.00", "µS", "4.0", "Hz", "0.5", "s"],
        ["·", "oxygen", "━━━", "97", "%", "1.0", "Hz", "0.8", "s"],
    ]
    assert streams_title(view).startswith("streams of band")


@pytest.mark.parametrize(("activity", "shown"), [("hand moving", "hand"), ("walking", "walking"), (None, "9.9 m/s²")])
@pytest.mark.parametrize("width", [26, 36, 46])
def test_of_a_movement_the_activity_is_shown_where_it_is_known(
    observed: Observed, width: int, activity: str | None, shown: str
):
    view = streams(observed, StreamHealth("band", "acc", 32.0, 0.9, 0.4, 9.9, activity))
    (line,) = stream_lines(view, width, 9)
    assert f" {shown} " in f"{line.plain} "
    assert line.cell_len <= width


@pytest.mark.parametrize("width", [26, 36, 46])
def test_a_stream_that_fell_silent_tells_its_age_at_any_width(observed: Observed, width: int):
    view = streams(observed, StreamHealth("band", "hr", 1.0, 0.0, 75.0, 70.0))
    (line,) = stream_lines(view, width, 9)
    assert "75 s" in line.plain
    assert line.cell_len <= width


@pytest.mark.parametrize("width", [26, 36, 46])
def test_of_many_streams_those_that_count_come_first_and_the_rest_is_counted(observed: Observed, width: int):
    many = [StreamHealth(f"w{n}", "acc", 50.0, 1.0, 0.1, 9.8) for n in range(13)]
    lines = [line.plain for line in stream_lines(streams(observed, *BAND, *many), width, 5)]
    assert len(lines) == 5
    assert [line[0] for line in lines[:2]] == ["●", "●"]
    assert lines[-1].strip() == "and 12 more"
    assert all(len(line) <= width for line in lines)


def test_a_recent_word_of_the_listener_is_named_before_any_sensor(observed: Observed):
    view = felt(observed, (0.12, 0.12), "rr", "eda")
    assert view.affect is not None
    told = msgspec.structs.replace(view, affect=msgspec.structs.replace(view.affect, word_age_s=12.0))
    assert said(told) == ["your mood is well known", "from your own word, 0:12 ago"]
    assert said(told, 26)[1] == "from your own word"
    long_ago = msgspec.structs.replace(view, affect=msgspec.structs.replace(view.affect, word_age_s=3600.0))
    assert said(long_ago)[1] == "from heartbeats and skin"

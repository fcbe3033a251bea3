"""The panels around the plane: header, what plays, what comes, the streams, the agent itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from agent.commands.live.bundle import bundle_line
from agent.commands.live.observed import View
from agent.commands.live.palette import (
    ACCENT,
    ALARM,
    DIM,
    FAINT,
    SIGNAL_COLOURS,
    TEXT,
    WARNING,
    column,
    duration,
    emotion_colour,
    fit,
    hexadecimal,
    shade_of_quality,
)
from models.wire.messages import Goal, Parts, QueueTrack

__all__ = [
    "agent_lines",
    "feeling",
    "goal_words",
    "header",
    "now_lines",
    "plane_legend",
    "queue_lines",
    "weights_legend",
]

_SILENT_AFTER_S: Final = 35.0
"""The wire promises health every 30 s."""

_SHORT: Final = {"audio": "audio", "emotion": "emotion", "context": "context", "collaborative": "collab"}

_ORDINARY: Final = ("accepted", "received", "published", "evaluations", "connections", "plays", "packs", "samples")
"""Counts of what went as it should: the view names the others."""

_STATUS_MARKS: Final = {"playing": "▶", "paused": "⏸", "stopped": "■"}


def header(view: View, width: int) -> Text:
    """One line: who, whether alive, where, with which models, since when."""
    state, colour = _presence(view)
    parts = [
        (f" ♪ {fit(view.device, min(len(view.device), 24))} ", f"bold {ACCENT}"),
        (f" ● {state} ", f"bold {colour}"),
    ]
    parts.append((f" broker {view.broker} ", DIM))
    if view.bundle is not None:
        parts.append((f" bundle {view.bundle.version} · {view.bundle.runtime} ", DIM))
    if view.health is not None:
        parts.append((f" {view.health.tracks} tracks ", DIM))
        parts.append((f" up {duration(view.health.uptime_s)} ", DIM))
    line = Text(no_wrap=True)
    clock = time.strftime(" %H:%M:%S ", time.localtime(view.clock))
    for text, style in parts:
        if line.cell_len + cell_len(text) + len(clock) <= width:
            line.append(text, style)
    line.append(" " * max(width - line.cell_len - len(clock), 0))
    line.append(clock, DIM)
    return line


def _presence(view: View) -> tuple[str, str]:
    """Say in a word or two how the agent is, and in which colour."""
    if view.trouble:
        return "no connection", ALARM
    if view.is_online is None and view.health is None:
        return "nothing heard yet", WARNING
    if view.is_online is False:
        return "offline", ALARM
    silence = view.clock - view.health.t if view.health is not None else 0.0
    if silence > _SILENT_AFTER_S:
        return f"silent for {duration(silence)}", ALARM
    if view.health is not None and view.health.degraded:
        return f"degraded: {', '.join(view.health.degraded)}", WARNING
    return "well", shade_of_quality(1.0)


def feeling(view: View, width: int) -> Text:
    """The state in figures, with its uncertainty."""
    affect = view.affect
    if affect is None:
        return Text("no estimate", style=DIM)
    text = Text(no_wrap=True)
    colour = hexadecimal(emotion_colour(affect.valence, affect.arousal))
    names = ("valence", "arousal") if width >= 44 else ("val", "aro") if width >= 36 else ("v", "a")
    gap = "  " if width >= 36 else " "
    for name, value, deviation in zip(names, (affect.valence, affect.arousal), affect.sd, strict=True):
        text.append(f"{gap}{name} " if text else f"{name} ", DIM)
        text.append(f"{value:+.2f}", f"bold {colour}")
        text.append(f" ±{deviation:.2f}".replace("0.", "."), DIM)
    return text


def plane_legend(width: int) -> str:
    """What the marks on the plane mean, with a heading where there is room."""
    if width < 34:
        return "● you ♪ now ◆• next"
    marks = "● you ♪ now ◆ next • later"
    return f"how you feel   {marks}" if width >= 50 else marks


def now_lines(view: View, width: int) -> Iterator[Text]:
    """What plays, how far it is, and why it was chosen: three lines."""
    playing = view.now
    if playing is None or playing.track is None:
        yield Text("Nothing plays." if playing else "Nothing heard of the player yet.", style=DIM)
        return
    track = playing.track
    title = Text(no_wrap=True)
    title.append(f"{_STATUS_MARKS[playing.status]} ", ACCENT)
    names = f"{track.title} — {track.artist}" + (f" · {track.album}" if track.album else "")
    shown = fit(names, width - 4).rstrip()
    title.append(shown[: len(track.title)], f"bold {TEXT}")
    title.append(shown[len(track.title) :], DIM)
    title.append(" ●", hexadecimal(emotion_colour(track.valence, track.arousal)))
    yield title
    elapsed = playing.position_s + (max(view.clock - playing.t, 0.0) if playing.status == "playing" else 0.0)
    elapsed = min(elapsed, track.duration_s)
    figures = f" {duration(elapsed)} / {duration(track.duration_s)}"
    length = max(width - len(figures), 1)
    done = round(length * elapsed / track.duration_s) if track.duration_s > 0 else 0
    progress = Text("━" * done, style=ACCENT, no_wrap=True)
    progress.append("─" * (length - done), FAINT)
    progress.append(figures, DIM)
    yield progress
    yield Text(fit(playing.why, width), style=f"italic {DIM}", no_wrap=True)


def goal_words(goal: Goal | None) -> str:
    """Say what the listener asked for."""
    if goal is None or goal.mode == "match":
        return "matching how you feel"
    target = "" if goal.valence is None or goal.arousal is None else f" {goal.valence:+.1f}, {goal.arousal:+.1f}"
    return f"leading to{target}" if goal.mode == "lead" else f"holding{target}"


def weights_legend(weights: Parts | None, width: int) -> Text:
    """The four signals in their colours with their weights."""
    legend = Text(no_wrap=True)
    for name, colour in SIGNAL_COLOURS.items():
        legend.append(" ▌" if legend else "▌", colour)
        value = "" if weights is None else f" {getattr(weights, name):.2f}".replace(" 0.", " .")
        short = "" if width >= 60 else _SHORT[name] if width >= 50 else name[:3]
        legend.append(f"{short or name}{value}", DIM)
    return legend


def queue_lines(view: View, width: int, height: int) -> Iterator[Text]:
    """The ten next tracks; as many reasons below them, from the top, as there is room for."""
    tracks = view.queue.tracks if view.queue is not None else []
    if not tracks:
        yield Text("No queue yet.", style=DIM)
        return
    reasons = max(height - len(tracks), 0)
    for place, track in enumerate(tracks[:height]):
        yield _track_line(place, track, width)
        if place < reasons:
            yield Text(f"   {fit(_why(track), width - 3)}", style=f"italic {DIM}", no_wrap=True)


def _track_line(place: int, track: QueueTrack, width: int) -> Text:
    line = Text(no_wrap=True)
    line.append(f"{place + 1:>2} ", DIM)
    room = width - 17
    title = fit(track.title, min(cell_len(track.title), room)).rstrip()
    line.append(title, f"bold {TEXT}" if place == 0 else TEXT)
    line.append(fit(f" — {track.artist}", room - cell_len(title)) if room - cell_len(title) > 5 else "", DIM)
    line.append(" " * max(room + 3 - line.cell_len, 0))
    line.append(" ● ", hexadecimal(emotion_colour(track.valence, track.arousal)))
    line.append(f"{track.score:5.2f} ", TEXT)
    for name, colour in SIGNAL_COLOURS.items():
        line.append(column(getattr(track.parts, name)), colour)
    return line


def _why(track: QueueTrack) -> str:
    penalties = ", ".join(f"{name} −{value:.2f}" for name, value in track.penalties.items() if value)
    return f"{track.why}  ({penalties})" if penalties else track.why


def agent_lines(view: View, width: int) -> Iterator[Text]:
    """How the agent is: re-ranks and their latency, sound, what is degraded, what was refused."""
    health = view.health
    if view.trouble:
        yield Text(fit(f"▲ {view.trouble}", width).rstrip(), style=ALARM, no_wrap=True)
    if health is None:
        yield Text("Nothing heard of its health yet.", style=DIM)
        return
    counted = health.counters.get("ranking.evaluations", view.reranks)
    yield _figures(
        width, ("re-ranked", f"{counted} times"), *((name, f"{ms:.0f} ms") for name, ms in health.latency_ms.items())
    )
    played, underruns = health.playback.get("seconds"), health.playback.get("underruns")
    sound = [("played", duration(played))] if played is not None else []
    sound += [("underruns", f"{underruns:.0f}")] if underruns is not None else []
    if view.now is not None and view.now.output:
        sound += [("output", view.now.output), ("volume", f"{view.now.volume_percent:.0f} %")]
    if sound:
        yield _figures(width, *sound)
    arriving = bundle_line(view.bundle, width)
    if arriving is not None:
        yield arriving
    for part, reason in health.degraded.items():
        line = Text(no_wrap=True)
        line.append(f"▲ {part}: ", WARNING)
        line.append(fit(reason, width - cell_len(part) - 4).rstrip(), TEXT)
        yield line
    refused = {name: number for name, number in health.counters.items() if number and not name.endswith(_ORDINARY)}
    if refused:
        told = ", ".join(f"{name} {number}" for name, number in refused.items())
        yield Text(fit(told, width).rstrip(), style=DIM, no_wrap=True)


def _figures(width: int, *pairs: tuple[str, str]) -> Text:
    """Names and values in a row, as many as there is room for."""
    line = Text(no_wrap=True)
    for name, value in pairs:
        gap = "   " if line else ""
        if line.cell_len + len(gap) + len(name) + 1 + cell_len(value) <= width:
            line.append(f"{gap}{name} ", DIM)
            line.append(value, TEXT)
    return line

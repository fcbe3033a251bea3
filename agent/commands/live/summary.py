"""A view as a few lines of plain text, for people."""

from __future__ import annotations

import time
from collections.abc import Iterator

from agent.commands.live.bundle import bundle_words
from agent.commands.live.certainty import origin
from agent.commands.live.observed import View
from agent.commands.live.palette import duration
from agent.commands.live.panels import goal_words
from agent.commands.live.words import words_line

__all__ = ["summary"]


def summary(view: View) -> str:
    """Say in a few lines how the agent is, what the listener feels, what plays and what comes."""
    text = "\n".join(f"{name:<9} {value}" for name, value in _facts(view))
    return "".join(character if character.isprintable() or character == "\n" else "·" for character in text)


def _facts(view: View) -> Iterator[tuple[str, str]]:
    presence = {True: "online", False: "offline", None: "never heard of"}[view.is_online]
    yield "device", f"{view.device}, {presence}, broker {view.broker}"
    if view.health is not None:
        health = view.health
        told = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(health.t))
        yield "health", f"{health.status}, {health.tracks} tracks, up {duration(health.uptime_s)}, told {told}"
        yield from (("degraded", f"{part}: {reason}") for part, reason in health.degraded.items())
        if damaged := health.counters.get("catalogue.lyrics_refused"):
            yield "lyrics", f"of {damaged} could not be used as a whole; `attune-agent scan` names them"
    if view.bundle is not None:
        bundle = view.bundle
        yield "bundle", f"{bundle.version} from {bundle.channel}, {bundle.runtime}"
        if words := bundle_words(bundle):
            yield "delivery", words
    if view.affect is not None:
        affect = view.affect
        sources = ", ".join(f"{name} ({source.wearable})" for name, source in affect.sources.items()) or "nothing"
        yield "valence", f"{affect.valence:+.2f} ±{affect.sd[0]:.2f}"
        yield "arousal", f"{affect.arousal:+.2f} ±{affect.sd[1]:.2f}, from {sources}"
        yield "rests on", origin(frozenset(affect.sources), affect.quality, affect.word_age_s)[0]
    if view.now is not None:
        track = view.now.track
        place = "" if track is None else f" {duration(view.now.position_s)} / {duration(track.duration_s)}"
        name = "" if track is None else f" {track.title} — {track.artist}"
        yield "now", f"{view.now.status}{name}{place}"
        if track is not None and track.words is not None:
            yield "words", words_line(track.words)
    if view.queue is not None:
        yield "goal", goal_words(view.queue.goal)
        for number, item in enumerate(view.queue.tracks, 1):
            yield f"next {number}", f"{item.score:.2f} {item.title} — {item.artist}: {item.why}"

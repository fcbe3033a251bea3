"""A view in one line of plain text, for logs."""

from __future__ import annotations

import time

from agent.commands.live.bundle import bundle_words
from agent.commands.live.observed import View
from agent.commands.live.palette import duration

__all__ = ["line"]


def line(view: View) -> str:
    """Say how the listener is, what plays and what comes next."""
    parts = [time.strftime("%H:%M:%S", time.localtime(view.clock))]
    if view.affect is not None:
        affect = view.affect
        parts.append(
            f"valence {affect.valence:+.2f} ±{affect.sd[0]:.2f}, arousal {affect.arousal:+.2f} ±{affect.sd[1]:.2f}"
        )
    if view.now is not None and view.now.track is not None:
        now, track = view.now, view.now.track
        place = f"{duration(now.position_s)}/{duration(track.duration_s)}"
        parts.append(f"{now.status} {track.title} — {track.artist} {place}")
    if view.queue is not None and view.queue.tracks:
        first = view.queue.tracks[0]
        parts.append(f"next {first.title} — {first.artist} ({first.score:.2f}: {first.why})")
    if view.bundle is not None and view.bundle.stage != "idle":
        parts.append(bundle_words(view.bundle))
    text = " | ".join(parts)
    return "".join(character if character.isprintable() else "·" for character in text)

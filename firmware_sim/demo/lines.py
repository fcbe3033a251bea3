"""How a demo goes, in a line, for whoever has no terminal for the live view."""

from __future__ import annotations

from firmware_sim.demo.recording import Recording
from models.wire.messages import Now

__all__ = ["line"]


def line(recording: Recording) -> str:
    """State, what plays and what comes next."""
    parts = []
    if recording.affects:
        affect = recording.affects[-1]
        parts.append(f"feels valence {affect.valence:+.2f} arousal {affect.arousal:+.2f} (sd {max(affect.sd):.2f})")
    if recording.truths:
        truth = recording.truths[-1]
        parts.append(f"truly {truth.valence:+.2f} {truth.arousal:+.2f}")
    if recording.plays:
        parts.append(_playing(recording.plays[-1]))
    if recording.queues and recording.queues[-1].tracks:
        first = recording.queues[-1].tracks[0]
        parts.append(f"next {first.title} ({first.why})")
    return " | ".join(parts) or "waiting for the agent"


def _playing(now: Now) -> str:
    if now.track is None:
        return now.status
    return f"{now.status} {now.track.title} by {now.track.artist} at {now.position_s:.0f} s"

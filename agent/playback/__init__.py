"""Playing: decode ahead, join without gaps, and tell what was heard."""

from __future__ import annotations

from agent.playback.messages import (
    EndCause,
    Ended,
    Event,
    Failed,
    OutputLost,
    OutputRestored,
    Paused,
    PlaybackSettings,
    PlaybackStatus,
    PlayedSpan,
    Resumed,
    Sought,
    Started,
    Stopped,
    TrackToPlay,
)
from agent.playback.player import Player

__all__ = [
    "EndCause",
    "Ended",
    "Event",
    "Failed",
    "OutputLost",
    "OutputRestored",
    "Paused",
    "PlaybackSettings",
    "PlaybackStatus",
    "PlayedSpan",
    "Player",
    "Resumed",
    "Sought",
    "Started",
    "Stopped",
    "TrackToPlay",
]

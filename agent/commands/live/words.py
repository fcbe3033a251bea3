"""What the words of a track say, as one line for people."""

from __future__ import annotations

from models.wire.messages import TrackWords

__all__ = ["words_line"]


def words_line(words: TrackWords) -> str:
    """Says what words say, and how many of them it rests on; the state and the queue do not rest on it."""
    named = [("valence", words.valence), ("arousal", words.arousal), ("dominance", words.dominance)]
    values = ", ".join(f"{name} {value:+.2f}" for name, value in named if value is not None)
    origin = "its lyrics" if words.source == "lyrics" else "its genres"
    return f"{values}, by {words.known} word{'s' * (words.known != 1)} of {origin} ({words.language})"

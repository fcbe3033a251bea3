"""What is stored of a track's words as others are told it."""

from __future__ import annotations

from agent.storage.records import WordsRow
from models.wire.messages import TrackWords

__all__ = ["told_words"]


def told_words(words: WordsRow | None) -> TrackWords | None:
    """Returns what the words of a track say, to four digits as all numbers on the wire; None where they say nothing."""
    if words is None or not words.source or words.valence is None or words.arousal is None:
        return None
    return TrackWords(
        source=words.source,
        valence=round(words.valence, 4),
        arousal=round(words.arousal, 4),
        dominance=None if words.dominance is None else round(words.dominance, 4),
        known=words.known,
        language=words.language,
    )

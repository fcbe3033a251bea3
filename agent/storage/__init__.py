"""What the agent remembers: SQLite through aiosqlite."""

from agent.storage.database import Database
from agent.storage.records import (
    AffectRow,
    AnalysisRow,
    Command,
    Feedback,
    KnownFile,
    Play,
    Sample,
    TrackRow,
    TrackTable,
    WordsRow,
)

__all__ = [
    "AffectRow",
    "AnalysisRow",
    "Command",
    "Database",
    "Feedback",
    "KnownFile",
    "Play",
    "Sample",
    "TrackRow",
    "TrackTable",
    "WordsRow",
]

"""What the words of tracks say, as rows of the database and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from agent.storage.records import WordsRow

__all__ = ["FORGET_WORDS", "PUT_WORDS", "WORDS_COLUMNS", "WORDS_OF_TRACK", "words_parameters", "words_row"]

_FIELDS: Final = tuple(name for name in WordsRow.__struct_fields__ if name not in {"track_id", "fingerprint"})
_SQL: Final = ", ".join(f"words.{name}" for name in _FIELDS)
WORDS_COLUMNS: Final = f"words.track_id, {_SQL}"
"""What `words_row` takes, before the track's fingerprint."""
PUT_WORDS: Final = (
    f"INSERT OR REPLACE INTO words (track_id, {', '.join(_FIELDS)})"  # noqa: S608 - names of our own columns
    f" SELECT id, {', '.join(f':{name}' for name in _FIELDS)}"
    " FROM tracks WHERE id = :track_id AND fingerprint = :fingerprint"
)
"""Stores what words say, unless the file has become another one since."""
FORGET_WORDS: Final = "DELETE FROM words WHERE track_id = :id"
WORDS_OF_TRACK: Final = (
    f"SELECT {WORDS_COLUMNS}, tracks.fingerprint FROM words JOIN tracks ON words.track_id = tracks.id"  # noqa: S608
    " WHERE tracks.id = :id"
)


def words_parameters(row: WordsRow) -> dict[str, Any]:
    """Returns the columns for `PUT_WORDS`."""
    return msgspec.structs.asdict(row)


def words_row(row: Sequence[Any]) -> WordsRow | None:
    """Returns `WORDS_COLUMNS` and a fingerprint as what is stored; None where the first is NULL: nothing is."""
    track_id, *columns, fingerprint = row
    if track_id is None:
        return None
    return WordsRow(track_id=track_id, fingerprint=fingerprint, **dict(zip(_FIELDS, columns, strict=True)))

"""What the words of a track say: valence, arousal and dominance of its lyrics, or of its genres where there are none.

Rules:

- Words are read with the tags, apart from the sound: a file of lyrics that changed has no track heard again.
- Dominance is said of `FEWEST_WORDS` known words or more; of fewer it is None, not 0.
- Lyrics that cannot be used, or not as a whole, are told with the reason; the track goes on with what there is.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from agent.catalogue.files import FoundFile, Problem
from agent.catalogue.lyrics import lyrics_path
from agent.catalogue.tags import Tags
from agent.storage.records import WordsRow
from models import metadata
from models.errors import Reason
from models.lyrics.parsing import LINES_LIMIT, LYRICS_LIMIT, Lyrics
from models.lyrics.sentiment import FEWEST_WORDS, Lexicon, sentiment_of_track

__all__ = ["lyrics_problem", "words_of"]


def words_of(track_id: str, file: FoundFile, content: bytes, tags: Tags, lexicon: Lexicon | None) -> WordsRow:
    """Returns what the words of a track say.

    Args:
        track_id: of the track.
        file: as it was found.
        content: fingerprint of the file.
        tags: as they were read from it.
        lexicon: values of words; None where an installation has none, and then nothing is said.
    """
    lyrics = tags.lyrics()
    source: Literal["", "tags", "file"] = "tags" if "lyrics" in tags.others else "file" if tags.beside else ""
    reason, problem = _problem(tags, lyrics)
    size, mtime_ns = file.lyrics or (None, None)
    found = None
    if lexicon is not None:
        found = sentiment_of_track(lyrics.text, tags.others.get("genre", []), lexicon, language=_language(tags))
    row = WordsRow(
        track_id=track_id,
        fingerprint=content,
        lexicon="" if lexicon is None else lexicon.version,
        lyrics=source,
        lyrics_size=size,
        lyrics_mtime_ns=mtime_ns,
        problem=problem,
        problem_reason="" if reason is None else reason.value,
    )
    if found is None:
        return row
    return msgspec.structs.replace(
        row,
        source=found.source,
        valence=found.valence,
        arousal=found.arousal,
        dominance=found.dominance if found.known >= FEWEST_WORDS else None,
        known=found.known,
        language=found.language,
    )


def lyrics_problem(file: FoundFile, words: WordsRow) -> Problem | None:
    """Returns what is wrong with the lyrics of a track, None where nothing is; the path is that of the lyrics."""
    if not words.problem:
        return None
    path = lyrics_path(file.path) if words.lyrics == "file" else file.path
    return Problem(path, Reason(words.problem_reason), f"{path}: {words.problem}")


def _language(tags: Tags) -> str | None:
    """Returns the one language that the tags state, None where they state none or several."""
    stated = metadata.values_of({"language": tags.others.get("language", [])})
    return stated[0][1] if len(stated) == 1 else None


def _problem(tags: Tags, lyrics: Lyrics) -> tuple[Reason | None, str]:
    if tags.beside is not None and tags.beside.reason is not None:
        return tags.beside.reason, tags.beside.problem
    if lyrics.is_cut:
        return Reason.OVERSIZED, f"the lyrics are cut at {LYRICS_LIMIT} characters or {LINES_LIMIT} lines"
    if lyrics.refused:
        return Reason.MALFORMED, f"damaged times or characters of the lyrics are left out: {lyrics.refused}"
    return None, ""

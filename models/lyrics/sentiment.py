"""Valence, arousal and dominance of words: the mean of their values, weighted by how often they occur.

    V(text) = Σ_w n(w) v(w) / Σ_w n(w)          over the words w that the lexicon knows; A and D likewise

Dominance comes from here alone: sound does not tell it. A text of which too few words are known has no sentiment: it is
masked, not neutral. Negation and irony are not understood.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final, Literal

import numpy as np

from models.errors import DataError, Reason
from models.lyrics.words import known_words, languages_of

__all__ = ["FEWEST_WORDS", "Lexicon", "Sentiment", "default_lexicon", "sentiment", "sentiment_of_track"]

FEWEST_WORDS: Final = 8
"""Known words of lyrics from which their mean says something: with fewer, one word decides."""

Values = tuple[float, float, float]


@dataclass(frozen=True)
class Sentiment:
    """What words say.

    Attributes:
        valence, arousal, dominance: -1..1.
        known: how many of the words are known, each as often as it occurs.
        language: in which the words were looked up, ISO 639-1.
        source: whether they are sung, or tags that stand in for what is sung.
    """

    valence: float
    arousal: float
    dominance: float
    known: int
    language: str
    source: Literal["lyrics", "tags"] = "lyrics"


@dataclass(frozen=True)
class Lexicon:
    """Values of words.

    Attributes:
        words: by language, word to (valence, arousal, dominance), each -1..1.
        licence: under which the values may be passed on.
        version: 16 hex digits of the table's text, "" where it was not read from one: what was computed with another
            version is to be computed anew.
    """

    words: Mapping[str, Mapping[str, Values]]
    licence: str = ""
    version: str = field(default="", compare=False)

    @classmethod
    def read(cls, path: Path) -> Lexicon:
        """Reads a gzipped table of `language TAB word TAB valence TAB arousal TAB dominance`; "#" begins a remark.

        Raises:
            DataError: the file is missing or damaged; the message names the line.
        """
        try:
            text = gzip.decompress(path.read_bytes())
            rows = text.decode().splitlines()
        except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
            raise DataError(
                f"cannot read the lexicon {path}: {error}", reason=Reason.UNREADABLE, remedy="Install Attune again"
            ) from error
        words: dict[str, dict[str, Values]] = {}
        licence = ""
        for number, row in enumerate(rows, 1):
            if row.startswith("#"):
                licence = row.removeprefix("# licence:").strip() if row.startswith("# licence:") else licence
                continue
            language, word, values = _entry(row, f"line {number} of {path}")
            words.setdefault(language, {})[word] = values
        return cls(words, licence, hashlib.blake2b(text, digest_size=8).hexdigest())


def sentiment(
    text: str, lexicon: Lexicon, *, language: str | None = None, fewest: int = FEWEST_WORDS
) -> Sentiment | None:
    """Returns what the words of a text say, `None` where fewer than `fewest` are known.

    Args:
        text: as it is sung, repetitions included.
        lexicon: values of words.
        language: ISO 639-1 where a tag states it; else it is told by the letters, and among the languages of Latin
            letters it is the one that knows most words.
        fewest: known words.
    """
    languages = (language,) if language is not None and language in lexicon.words else languages_of(text)
    counted = {
        name: Counter(known_words(text, name, lexicon.words[name].__contains__))
        for name in languages
        if name in lexicon.words
    }
    if not counted:
        return None
    best = max(counted, key=lambda name: counted[name].total())
    if counted[best].total() < max(fewest, 1):
        return None
    known = counted[best]
    values = np.array([lexicon.words[best][word] for word in known])
    valence, arousal, dominance = np.clip(np.average(values, axis=0, weights=list(known.values())), -1.0, 1.0)
    return Sentiment(float(valence), float(arousal), float(dominance), known.total(), best)


def sentiment_of_track(
    lyrics: str, tags: Iterable[str], lexicon: Lexicon, *, language: str | None = None
) -> Sentiment | None:
    """Returns what a track's words say: its lyrics, or its tags ("sad", "mellow") where there are too few lyrics.

    Args:
        lyrics: as they are sung; "" where there are none.
        tags: genres and moods; one known word in them is enough, since somebody chose it for the track.
        lexicon: values of words.
        language: ISO 639-1 of the lyrics where a tag states it; tags are English more often than not.
    """
    found = sentiment(lyrics, lexicon, language=language)
    if found is not None:
        return found
    stood_in = sentiment(" ".join(tags), lexicon, language="en", fewest=1)
    return None if stood_in is None else replace(stood_in, source="tags")


def default_lexicon() -> Lexicon | None:
    """Returns the lexicon that ships, `None` where an installation has none: Attune plays without it."""
    return _default(Path(str(resources.files("models.lyrics") / "words.tsv.gz")))


@cache
def _default(path: Path) -> Lexicon | None:
    return Lexicon.read(path) if path.is_file() else None


def _entry(row: str, where: str) -> tuple[str, str, Values]:
    try:
        language, word, *texts = row.split("\t")
        valence, arousal, dominance = _finite(texts)
    except ValueError as error:
        raise DataError(
            f"{where} is not 'language, word, valence, arousal, dominance' separated by tabs",
            reason=Reason.MALFORMED,
            remedy="Install Attune again",
        ) from error
    return language, word, (valence, arousal, dominance)


def _finite(texts: Iterable[str]) -> list[float]:
    values = [float(text) for text in texts]
    if not all(map(math.isfinite, values)):
        raise ValueError("a value is not finite")
    return values

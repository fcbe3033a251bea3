"""A track's metadata as values of five fields, and the vectors that a bundle knows for them.

The metadata vector of a track is the mean of the vectors of those of its values that the table knows; what is unknown
is left out, and a track of which nothing is known has the zero vector (the drama recommender's M_i, docs/papers).

    language   ISO 639-1 code where there is one ("ko"), from the tag; else from the script of title and artist, where
               the script names one language (Hangul, kana, Thai, Hebrew, Greek …; Han without kana is read as Chinese)
    genre      one value per genre, normalised ("hip hop"); lists are split at "/", ";", "," and "|"
    decade     "1990s", from the original or the release date
    region     ISO 3166-1 alpha-2 code ("kr"), from the release country, else from the ISRC's first two letters
               (ISO 3901: where the registrant sat)
    role       what the piece is for: soundtrack, opening, ending, insert, theme, score, game; from genre, grouping and
               album words ("OST")
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from models import identity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["FIELDS", "METADATA_SIZE", "MetadataTable", "Value", "value_key", "values_of"]

FIELDS: Final = ("language", "genre", "decade", "region", "role")
METADATA_SIZE: Final = 32
"""Length of a metadata vector."""

Value = tuple[str, str]
"""A field and its value: ("genre", "hip hop")."""

_SEPARATORS: Final = re.compile(r"[/;,|\x00]")
_YEAR: Final = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
# ISO 639-2 codes and English names of languages that tags hold; anything else of two letters is taken as it is.
_LANGUAGES: Final = {
    name: code
    for code, names in {
        "ar": "ara arabic",
        "cs": "ces cze czech",
        "da": "dan danish",
        "de": "deu ger german deutsch",
        "el": "ell gre greek",
        "en": "eng english",
        "es": "spa spanish espanol castellano",
        "fi": "fin finnish",
        "fr": "fra fre french francais",
        "he": "heb hebrew",
        "hi": "hin hindi",
        "hu": "hun hungarian",
        "id": "ind indonesian",
        "is": "isl ice icelandic",
        "it": "ita italian italiano",
        "ja": "jpn japanese jp",
        "ko": "kor korean kr",
        "la": "lat latin",
        "nl": "nld dut dutch nederlands",
        "no": "nor norwegian nob nno",
        "pl": "pol polish",
        "pt": "por portuguese portugues",
        "ro": "ron rum romanian",
        "ru": "rus russian",
        "sv": "swe swedish",
        "th": "tha thai",
        "tr": "tur turkish",
        "uk": "ukr ukrainian",
        "vi": "vie vietnamese",
        "zh": "zho chi chinese mandarin cantonese cmn yue cn",
    }.items()
    for name in names.split()
}
# ISO 639-2: no language, several, undetermined, and MusicBrainz' own for instrumental.
_NO_LANGUAGE: Final = frozenset({"zxx", "mul", "und", "xxx", "qqq"})
# Unicode names begin with the script's; only scripts that (nearly) one language writes are listed.
_SCRIPTS: Final = {
    "HANGUL": "ko",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "THAI": "th",
    "HEBREW": "he",
    "GREEK": "el",
    "CJK": "zh",
}
_COUNTRIES: Final = {
    "china": "cn",
    "england": "gb",
    "france": "fr",
    "germany": "de",
    "japan": "jp",
    "korea": "kr",
    "south korea": "kr",
    "taiwan": "tw",
    "uk": "gb",
    "united kingdom": "gb",
    "united states": "us",
    "usa": "us",
}
# Prefixes that the ISRC agency gave out beside the countries' own (ISRC Bulletin); all of these were the USA's.
_ISRC_PREFIXES: Final = {"qm": "us", "qz": "us", "qt": "us", "uk": "gb"}
# Not a country: worldwide, Europe, and the codes for registrants without one.
_NO_REGION: Final = frozenset({"xw", "xe", "zz", "tc", "cp", "dg"})
# The longer phrase first: an "opening theme" is an opening.
_ROLES: Final = (
    ("opening", re.compile(r"\bopening\b")),
    ("ending", re.compile(r"\bending( theme| song)?\b")),
    ("insert", re.compile(r"\binsert (song|track)\b")),
    ("game", re.compile(r"\b(video game|vgm|game (music|soundtrack|score))\b")),
    ("score", re.compile(r"\b(film|movie|original|tv|television) score\b|^score$")),
    ("theme", re.compile(r"\btheme( song)?\b")),
    ("soundtrack", re.compile(r"\b(soundtracks?|ost)\b")),
)


def values_of(tags: Mapping[str, str | Sequence[str]]) -> list[Value]:
    """Returns the values that a track's tags state, each once, in the order of the fields.

    Args:
        tags: by lower-case name, text or several texts: `genre`, `language`, `date`, `original_date`, `country`,
            `isrc`, `title`, `artist`, `album`, `grouping`. Others are ignored, and so is what cannot be understood.
    """
    texts = {name: [value] if isinstance(value, str) else list(value) for name, value in tags.items()}
    values = [
        *(("language", value) for value in _languages(texts)),
        *(("genre", value) for value in _genres(texts)),
        *(("decade", value) for value in _decades(texts)),
        *(("region", value) for value in _regions(texts)),
        *(("role", value) for value in _roles(texts)),
    ]
    return list(dict.fromkeys(values))


def value_key(field: str, value: str) -> int:
    """Returns the key under which the table holds a value's vector."""
    return identity.key("metadata", field, value)


@dataclass(frozen=True)
class MetadataTable:
    """The metadata vectors of a bundle (its table `metadata`).

    Attributes:
        key: uint64[m], sorted, of `value_key`.
        vector: float32[m, 32].
    """

    key: NDArray[np.uint64]
    vector: NDArray[np.float32]

    def vector_of(self, values: Iterable[Value]) -> NDArray[np.float32]:
        """Returns float32[32]: the mean of the vectors of the known values, zeros where none is known."""
        rows = self.rows_of(values)
        if not rows:
            return np.zeros(self.vector.shape[1], dtype=np.float32)
        mean: NDArray[np.float32] = self.vector[rows].mean(axis=0, dtype=np.float32)
        return mean

    def rows_of(self, values: Iterable[Value]) -> list[int]:
        """Returns the rows of those values that the table knows."""
        wanted = np.array([value_key(field, value) for field, value in values], dtype=np.uint64)
        if wanted.size == 0 or self.key.size == 0:
            return []
        rows = np.minimum(np.searchsorted(self.key, wanted), self.key.size - 1)
        return [int(row) for row in rows[self.key[rows] == wanted]]


def _split(texts: Iterable[str]) -> list[str]:
    return [part.strip() for text in texts for part in _SEPARATORS.split(text) if part.strip()]


def _languages(texts: Mapping[str, Sequence[str]]) -> list[str]:
    stated = [identity.normalise(part) for part in _split(texts.get("language", ()))]
    known = [
        _LANGUAGES.get(name, name if len(name) == 2 and name.isascii() else "")
        for name in stated
        if name not in _NO_LANGUAGE
    ]
    if stated:
        return [name for name in known if name]
    return _languages_by_script(" ".join([*texts.get("title", ()), *texts.get("artist", ())]))


def _languages_by_script(text: str) -> list[str]:
    found = {
        _SCRIPTS[script]
        for character in text
        if ord(character) > 0x2FF and (script := unicodedata.name(character, " ").split(" ")[0]) in _SCRIPTS
    }
    # Japanese and (older) Korean mix their own letters with Han characters.
    if found & {"ja", "ko"}:
        found.discard("zh")
    return sorted(found)


def _genres(texts: Mapping[str, Sequence[str]]) -> list[str]:
    return [genre for part in _split(texts.get("genre", ())) if (genre := identity.normalise(part))]


def _decades(texts: Mapping[str, Sequence[str]]) -> list[str]:
    for name in ("original_date", "date"):
        for text in texts.get(name, ()):
            if found := _YEAR.search(text):
                return [f"{found.group()[:3]}0s"]
    return []


def _regions(texts: Mapping[str, Sequence[str]]) -> list[str]:
    stated = [identity.normalise(part) for part in _split(texts.get("country", ()))]
    codes = [_COUNTRIES.get(name, name if len(name) == 2 and name.isascii() else "") for name in stated]
    if not any(codes):
        prefixes = [identity.normalise_isrc(text)[:2].lower() for text in texts.get("isrc", ())]
        codes = [_ISRC_PREFIXES.get(prefix, prefix) for prefix in prefixes]
    return [code for code in codes if code and code not in _NO_REGION]


def _roles(texts: Mapping[str, Sequence[str]]) -> list[str]:
    phrases = _split(texts.get("genre", ())) + _split(texts.get("grouping", ()))
    # An album called "Score" is more often just that; only the unmistakable word counts there.
    albums = [text for text in texts.get("album", ()) if re.search(r"\b(ost|soundtrack)\b", text, re.IGNORECASE)]
    found = []
    for phrase in phrases + albums:
        text = phrase.casefold()
        found += [role for role, pattern in _ROLES if pattern.search(text)][:1]
    return found

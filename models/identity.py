"""What a track is, said in numbers: the keys under which trained tables know recordings, titles, artists and tags.

A key is the 64-bit BLAKE2b hash, read as a big-endian integer, of the UTF-8 text

    kind:part|part|…

where every part is normalised for its kind, so neither ":" nor "|" can occur inside one. The kinds are

    mbid          MusicBrainz recording id, lower case with hyphens
    isrc          ISO 3901, twelve characters without hyphens, upper case
    artist_title  artist and title as `normalise` gives them
    artist        artist as `normalise` gives it
    metadata      field and value, for the table of metadata vectors

Trainer and agent both come through here and nowhere else: a key that is built twice is two keys.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Final, Literal

__all__ = ["Kind", "key", "ladder", "normalise", "normalise_isrc", "normalise_mbid"]

Kind = Literal["mbid", "isrc", "artist_title", "artist", "metadata"]

# Letters that carry their stroke or ligature inside, so that no decomposition takes it off.
_PLAIN: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h", "ı": "i", "&": " and "}
)
# Guests and editions name the same song: "(feat. X)", "[ft. X]", "feat. X" to the end, "(Remastered 2011)",
# "- 2009 Remaster", "- Radio Edit". Live takes, remixes and instrumentals sound different, so they stay.
_GUESTS: Final = re.compile(r"\s*[(\[]\s*(?:feat|ft|featuring|with)\b\.?[^)\]]*[)\]]|\s+(?:feat|ft|featuring)\b\.?.*$")
_EDITION: Final = r"(?:\d{4}\s+)?(?:digital(?:ly)?\s+)?(?:remaster(?:ed)?|radio edit|single version|album version)"
_EDITIONS: Final = re.compile(rf"\s*[(\[]\s*{_EDITION}[^)\]]*[)\]]|\s+[-–—]\s+{_EDITION}\b.*$")
_ARTICLE: Final = re.compile(r"^the\s+|,\s*the$")
# Apostrophes and dots inside words vanish instead of splitting: "don't", "R.E.M.".
_INNER_MARKS: Final = re.compile(r"(?<=\w)['’`´.](?=\w|$|\s)")
_MBID: Final = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")
_ISRC: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{3}\d{7}")


def normalise(text: str) -> str:
    """Returns the text as keys use it: the same for every usual way to write one artist, title or tag.

    In this order: NFKC and case folding; accents of Latin, Greek and Cyrillic letters off (marks that make another
    letter in other scripts stay, as in Japanese kana); "&" is "and"; guests and editions off ("feat. X",
    "(Remastered 2011)"); a leading or trailing "the" off; every run of punctuation and space is one space. A step that
    would leave nothing is left out, so "The" and "!!!" stay names. Repeated until nothing changes, so that normalising
    a result gives the result.
    """
    result = _normalise_once(text)
    while (again := _normalise_once(result)) != result:
        result = again
    return result


def key(kind: Kind, *parts: str) -> int:
    """Returns the 64-bit key of something.

    Args:
        kind: what the parts name.
        parts: as many as the kind has, in its order; they are normalised here.

    Returns:
        An unsigned 64-bit integer.
    """
    normalised = [_NORMALISERS.get(kind, normalise)(part) for part in parts]
    text = f"{kind}:{'|'.join(normalised)}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def ladder(mbid: str | None, isrc: str | None, artist: str | None, title: str | None) -> list[int]:
    """Returns the keys under which a track may be known, the most certain first; what is absent or malformed is not in.

    Recording id, ISRC, artist and title, artist alone.
    """
    keys = []
    if mbid and normalise_mbid(mbid):
        keys.append(key("mbid", mbid))
    if isrc and normalise_isrc(isrc):
        keys.append(key("isrc", isrc))
    if artist and normalise(artist):
        if title and normalise(title):
            keys.append(key("artist_title", artist, title))
        keys.append(key("artist", artist))
    return keys


def normalise_mbid(text: str) -> str:
    """Returns a MusicBrainz id in lower case with hyphens, or "" where the text is none."""
    found = _MBID.fullmatch(text.strip().lower())
    if not found:
        return ""
    digits = found.group().replace("-", "")
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def normalise_isrc(text: str) -> str:
    """Returns an ISRC as twelve upper-case characters, or "" where the text is none."""
    compact = re.sub(r"[\s\-.]", "", text).upper().removeprefix("ISRC")
    return compact if _ISRC.fullmatch(compact) else ""


_NORMALISERS: Final = {"mbid": normalise_mbid, "isrc": normalise_isrc}


def _normalise_once(text: str) -> str:
    folded = _fold(text)
    without_guests = _EDITIONS.sub("", _GUESTS.sub("", folded))
    for candidate in (_ARTICLE.sub("", without_guests.strip()), without_guests, folded):
        if words := _words(candidate):
            return words
    # Nothing but punctuation, as in the names of some bands; the key's own two separators may not stand in a part.
    return " ".join(folded.replace("|", " ").replace(":", " ").split())


def _fold(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_PLAIN)
    decomposed = unicodedata.normalize("NFD", folded)
    # Combining Diacritical Marks, U+0300 to U+036F: the accents of the European alphabets.
    bare = "".join(character for character in decomposed if not "̀" <= character <= "ͯ")
    return unicodedata.normalize("NFKC", bare)


def _words(text: str) -> str:
    # By category, because regular expressions count the vowel signs of Indic scripts (marks) as punctuation.
    spaced = "".join(
        character if unicodedata.category(character)[0] in "LMN" else " " for character in _INNER_MARKS.sub("", text)
    )
    return " ".join(spaced.split())

"""What listeners' tags say about an artist, as values of the metadata fields that the device reads from files.

Decades, languages, regions and roles are listed here; every other frequent word counts as a genre, as it does in the
genre tag of a file. A nationality names a region and, where most of its music is sung in one language, that language.
Words that praise, or say something about the listener, are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from models import identity
from models.metadata import Value

__all__ = ["values_of_tag"]

_DECADE: Final = re.compile(r"(?:(19|20)(\d)0s?|(\d)0 ?s)")
_OLDEST_SHORT_DECADE: Final = 2
"""'20s' to '90s' are of the 20th century in listeners' tags, '00s' and '10s' of the 21st."""

_NATIONS: Final[Mapping[str, tuple[str, str]]] = {
    # word: (region, language), "" where the word names none
    "american": ("us", ""),
    "argentina": ("ar", "es"),
    "australian": ("au", ""),
    "austrian": ("at", "de"),
    "belgian": ("be", ""),
    "brasil": ("br", "pt"),
    "brazil": ("br", "pt"),
    "brazilian": ("br", "pt"),
    "british": ("gb", ""),
    "canadian": ("ca", ""),
    "chinese": ("cn", "zh"),
    "czech": ("cz", "cs"),
    "danish": ("dk", ""),
    "dutch": ("nl", ""),
    "english": ("gb", "en"),
    "finnish": ("fi", ""),
    "france": ("fr", "fr"),
    "french": ("fr", "fr"),
    "german": ("de", "de"),
    "germany": ("de", "de"),
    "greek": ("gr", "el"),
    "hungarian": ("hu", "hu"),
    "icelandic": ("is", ""),
    "irish": ("ie", ""),
    "italian": ("it", "it"),
    "italy": ("it", "it"),
    "japan": ("jp", "ja"),
    "japanese": ("jp", "ja"),
    "korean": ("kr", "ko"),
    "mexico": ("mx", "es"),
    "norwegian": ("no", ""),
    "polish": ("pl", "pl"),
    "portuguese": ("pt", "pt"),
    "russian": ("ru", "ru"),
    "scottish": ("gb", ""),
    "spanish": ("es", "es"),
    "sweden": ("se", ""),
    "swedish": ("se", ""),
    "taiwan": ("tw", "zh"),
    "turkish": ("tr", "tr"),
    "uk": ("gb", ""),
    "us": ("us", ""),
    "usa": ("us", ""),
    # genres that name where they come from
    "j pop": ("jp", "ja"),
    "j rock": ("jp", "ja"),
    "jpop": ("jp", "ja"),
    "jrock": ("jp", "ja"),
    "k pop": ("kr", "ko"),
    "kpop": ("kr", "ko"),
    "mpb": ("br", "pt"),
}
_STILL_GENRES: Final = frozenset({"j pop", "j rock", "jpop", "jrock", "k pop", "kpop", "mpb"})

_ROLES: Final[Mapping[str, str]] = {
    "soundtrack": "soundtrack",
    "soundtracks": "soundtrack",
    "ost": "soundtrack",
    "score": "score",
    "film score": "score",
    "movie score": "score",
    "original score": "score",
    "theme": "theme",
    "theme song": "theme",
    "game": "game",
    "game music": "game",
    "video game music": "game",
    "vgm": "game",
}

_NOT_ABOUT_THE_MUSIC: Final = re.compile(
    r"\b(awesome|amazing|best|brilliant|cool|favou?rites?|favs?|genius|good|great|hot|i|love|loved|me|my|nice|perfect"
    r"|seen|sexy|song|songs|wish|albums i own|under \d+ listeners|wonderful)\b|<3|^\d+$|last ?fm|spotify|check out"
)


def values_of_tag(tag: str) -> list[Value]:
    """Return the metadata values that a tag names; none for a tag that is not about the music."""
    word = identity.normalise(tag)
    if not word or len(word) > 30 or _NOT_ABOUT_THE_MUSIC.search(tag.casefold()):
        return []
    if found := _DECADE.fullmatch(word):
        return [("decade", _decade(found))]
    if word in _ROLES:
        return [("role", _ROLES[word])]
    region, language = _NATIONS.get(word, ("", ""))
    values: list[Value] = [("language", language)] if language else []
    if region:
        values.append(("region", region))
    if not values or word in _STILL_GENRES:
        values.append(("genre", word))
    return values


def _decade(found: re.Match[str]) -> str:
    century, digit, short = found.groups()
    if short is None:
        return f"{century}{digit}0s"
    return f"{'19' if int(short) >= _OLDEST_SHORT_DECADE else '20'}{short}0s"

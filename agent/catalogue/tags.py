"""Reads the tags of a file, whatever family they are of, into one set of names.

    title, artist, album, album_artist      one text each
    mbid, isrc                              MusicBrainz recording id; ISRC
    others                                  by name a list of texts: genre, date, original_date, language, country,
                                            grouping, lyrics (whole, with their line breaks)

Lyrics come from the tags, else from the file beside the track (`agent.catalogue.lyrics`). What is malformed is left
out. Without a title, the file's name gives it ("03 - Artist - Title.mp3").
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from agent.catalogue.lyrics import LyricsFile, lyrics_path, read_lyrics_file
from models import identity, metadata
from models.lyrics.parsing import LYRICS_LIMIT, Lyrics, parse_lyrics

__all__ = ["Tags", "read_tags"]

_log = logging.getLogger(__name__)

# Longer than any title; lyrics may be longer, up to `LYRICS_LIMIT`.
_TEXT_LIMIT: Final = 500
_VALUES_LIMIT: Final = 32
# Control characters draw nonsense on a terminal; a NUL separates the values of ID3v2.4.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_CONTROL_BUT_LINES: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]+")
# "03 Title", "1-03 Title", "12. Title", "12 - Title"; but not "99 Luftballons".
_TRACK_NUMBER: Final = re.compile(r"^\s*(?:(?:\d{1,2}[-.])?0\d{1,2}\s*[-.)]?\s+|\d{1,3}\s*[-.)]\s*)(?=\D)")

# Per name, the keys of: Vorbis comments and APEv2 (compared in lower case), ID3v2, MP4, ASF.
_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "title": ("title", "TIT2", "\xa9nam", "Title"),
    "artist": ("artist", "TPE1", "\xa9ART", "Author"),
    "album": ("album", "TALB", "\xa9alb", "WM/AlbumTitle"),
    "album_artist": ("albumartist", "album artist", "TPE2", "aART", "WM/AlbumArtist"),
    "mbid": (
        "musicbrainz_trackid",
        "UFID:http://musicbrainz.org",
        "----:com.apple.iTunes:MusicBrainz Track Id",
        "MusicBrainz/Track Id",
    ),
    "isrc": ("isrc", "TSRC", "----:com.apple.iTunes:ISRC", "WM/ISRC"),
    "genre": ("genre", "TCON", "\xa9gen", "WM/Genre"),
    "date": ("date", "year", "TDRC", "TYER", "\xa9day", "WM/Year"),
    "original_date": ("originaldate", "originalyear", "TDOR", "TORY", "WM/OriginalReleaseYear"),
    "language": ("language", "TLAN", "----:com.apple.iTunes:LANGUAGE", "WM/Language"),
    "country": (
        "releasecountry",
        "TXXX:MusicBrainz Album Release Country",
        "----:com.apple.iTunes:MusicBrainz Album Release Country",
        "MusicBrainz/Album Release Country",
    ),
    "grouping": ("grouping", "TIT1", "GRP1", "\xa9grp", "WM/ContentGroupDescription"),
    "lyrics": ("lyrics", "unsyncedlyrics", "USLT", "\xa9lyr", "WM/Lyrics"),
}
_SINGLE: Final = ("title", "artist", "album", "album_artist", "mbid", "isrc")


class Tags(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says of itself; texts are clean, empty where nothing is said.

    `beside` is the file of lyrics beside the track, None where there is none or where the tags have lyrics.
    """

    title: str
    artist: str = ""
    album: str = ""
    album_artist: str = ""
    mbid: str = ""
    isrc: str = ""
    others: dict[str, list[str]] = {}
    beside: LyricsFile | None = None

    def identity_keys(self) -> tuple[int, ...]:
        """Returns the keys under which trained tables may know the track, strongest first."""
        return tuple(identity.ladder(self.mbid, self.isrc, self.artist or self.album_artist, self.title))

    def values(self) -> list[metadata.Value]:
        """Returns the metadata values of the track."""
        own = {"title": [self.title], "artist": [self.artist], "album": [self.album], "isrc": [self.isrc]}
        return metadata.values_of({**self.others, **own})

    def lyrics(self) -> Lyrics:
        """Returns the lines that are sung, and how much of the lyrics was damaged."""
        beside = "" if self.beside is None else self.beside.text
        return parse_lyrics("\n".join(self.others.get("lyrics", [])) or beside)


def read_tags(path: Path) -> Tags:
    """Reads the tags of a file; whatever is wrong with them is no error, since the sound may be fine."""
    texts = {name: values for name, values in _read(path).items() if values}
    single = {name: texts[name][0] for name in _SINGLE if name in texts}
    artist_of_name, title_of_name = _from_name(path)
    if "title" not in single:
        single["title"] = title_of_name
        if "artist" not in single:
            single["artist"] = artist_of_name
    others = {name: values for name, values in texts.items() if name not in _SINGLE}
    beside = None if "lyrics" in others else read_lyrics_file(lyrics_path(path))
    return Tags(**single, others=others, beside=beside)


def _read(path: Path) -> dict[str, list[str]]:
    import mutagen

    try:
        file = mutagen.File(path)
    except Exception as error:  # noqa: BLE001 - mutagen's parsers let through whatever a malformed tag makes them trip over
        _log.info("the tags of %s cannot be read: %s", path, error)
        return {}
    if file is None or not file.tags:
        return {}
    return _named(file.tags)


def _named(tags: Any) -> dict[str, list[str]]:  # noqa: ANN401 - the families of tags have no common type
    by_key = _by_key(tags)
    return {
        name: _clean([text for key in keys for value in by_key.get(key, []) for text in _texts(value)], name)
        for name, keys in _KEYS.items()
    }


def _by_key(tags: Any) -> Mapping[str, list[Any]]:  # noqa: ANN401 - as above
    """Returns the values of tags by their key; ID3's frames that carry a language of their own by the bare frame."""
    result: dict[str, list[Any]] = {}
    for key, value in tags.items():
        name = str(key)
        short = "USLT" if name.startswith("USLT:") else name
        values = value if isinstance(value, list) else [value]
        result.setdefault(short, []).extend(values)
        if short.lower() != short:
            result.setdefault(short.lower(), []).extend(values)
    return result


def _texts(value: Any) -> list[str]:  # noqa: ANN401 - a value may be a frame, a text, bytes, or a list of those
    if isinstance(value, str):
        return value.split("\x00")
    if isinstance(value, bytes):
        return [value.decode("utf-8", "replace")]
    for attribute in ("genres", "text", "data", "value"):
        inner = getattr(value, attribute, None)
        if isinstance(inner, list):
            return [text for each in inner for text in str(each).split("\x00")]
        if isinstance(inner, str | bytes):
            return _texts(inner)
    return [str(value)]


def _clean(texts: list[str], name: str) -> list[str]:
    # One character more than is read of lyrics, so that who parses them sees that there was more.
    limit = LYRICS_LIMIT + 1 if name == "lyrics" else _TEXT_LIMIT
    control = _CONTROL_BUT_LINES if name == "lyrics" else _CONTROL
    cleaned = (control.sub(" ", _encodable(text)).strip()[:limit] for text in texts[:_VALUES_LIMIT])
    return list(dict.fromkeys(text for text in cleaned if text))


def _encodable(text: str) -> str:
    """Returns the text without halves of characters, which neither the database nor the wire can hold."""
    return text.encode("utf-8", "replace").decode()


def _from_name(path: Path) -> tuple[str, str]:
    """Returns artist (or "") and title as the file's name gives them."""
    stem = " ".join(_CONTROL.sub(" ", _encodable(path.stem)).replace("_", " ").split())
    bare = _TRACK_NUMBER.sub("", stem).strip() or stem or "untitled"
    artist, dash, title = bare.partition(" - ")
    if dash and artist.strip() and title.strip():
        return artist.strip()[:_TEXT_LIMIT], title.strip()[:_TEXT_LIMIT]
    return "", bare[:_TEXT_LIMIT]

"""Lyrics as text: from a tag (ID3's USLT and its likes) or an .lrc file, both of which may hold either form.

    [ti:Title] [ar:Artist] [offset:+250]      what the file says of itself; the offset is in ms, positive is sooner
    [00:12.00][01:15.30]Words                 a line sung twice: two lines, in the order of time
    [00:12.00]<00:12.20>Words <00:12.90>more  times of words, which are left out
    [Chorus]                                  a heading, which nobody sings: left out

Lyrics come from strangers: whatever the text, there is a result. What looks like a time and is none, what is too long
and what cannot be decoded is left out and counted.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Final

from charset_normalizer import from_bytes

__all__ = ["LINES_LIMIT", "LYRICS_LIMIT", "Line", "Lyrics", "decode_lyrics", "is_text", "parse_lyrics"]

LYRICS_LIMIT: Final = 20_000
"""Characters that are read; a whole book is no song."""
LINES_LIMIT: Final = 2_000
"""Lines that are read."""
_STAMP: Final = re.compile(r"\s*\[(\d{1,3}):([0-5]?\d)(?:[.:](\d{1,3}))?\]")
_STAMP_LIKE: Final = re.compile(r"\s*\[[\d:.,\s-]*\d[\d:.,\s-]*\]")
_WORD_STAMP: Final = re.compile(r"<\d{1,3}:[0-5]?\d(?:[.:]\d{1,3})?>")
_ABOUT: Final = re.compile(r"\s*\[(?:([a-z#]{1,10}):([^\]]*))\]\s*", re.IGNORECASE)
_HEADING: Final = re.compile(r"\s*\[[^\]]*\]\s*:?\s*")
_OFFSET_MS: Final = re.compile(r"\s*([+-]?\d{1,7})\s*")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff]")
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
# The longest first: UTF-32's mark begins with UTF-16's.
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_OLDER_ENCODINGS: Final = ["gb18030", "big5", "cp949", "cp932", "cp1252", "cp1251"]
"""What programs wrote before UTF-8. The bytes of one are letters in the others: only how likely these are tells them
apart."""


@dataclass(frozen=True)
class Line:
    """A sung line.

    Attributes:
        text: without times, not empty.
        time_s: when it begins, seconds from 0; `None` where the lyrics do not say.
    """

    text: str
    time_s: float | None = None


@dataclass(frozen=True)
class Lyrics:
    """What is sung.

    Attributes:
        lines: in the order of time, or of the text where there are no times.
        refused: times, lines and characters that were left out because they are damaged or too many.
        is_cut: whether there was more than is read.
    """

    lines: tuple[Line, ...]
    refused: int = 0
    is_cut: bool = False

    @property
    def text(self) -> str:
        """The lines, as often as they are sung."""
        return "\n".join(line.text for line in self.lines)


def is_text(content: bytes) -> bool:
    """Tells whether a file may be text: without zeros, unless it begins with a mark that says how wide characters are.

    Pictures and sounds have zeros within their first hundred bytes. So has UTF-16 without its mark, which nobody can
    tell from them.
    """
    return b"\0" not in content or any(content.startswith(mark) for mark, _ in _MARKS)


def decode_lyrics(content: bytes) -> str:
    """Returns the text of a file, whatever it is encoded in; what is no text becomes U+FFFD, which parsing counts."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    try:
        return _decoded(content, "utf-8", "strict")
    except UnicodeDecodeError:
        whole_lines = content[: content.rfind(b"\n") + 1] or content
        likely = from_bytes(whole_lines, cp_isolation=_OLDER_ENCODINGS).best()
        return _decoded(content, likely.encoding if likely else "utf-8", "replace")


def _decoded(content: bytes, encoding: str, errors: str) -> str:
    # A file that was read up to a limit may end inside a character.
    return codecs.getincrementaldecoder(encoding)(errors).decode(content, final=False)


def parse_lyrics(text: str) -> Lyrics:
    """Returns the lines of lyrics, timed or plain; never fails."""
    refused = int(len(text) > LYRICS_LIMIT)
    kept = text[:LYRICS_LIMIT]
    refused += kept.count(_REPLACEMENT)
    rows = _CONTROL.sub(" ", kept.replace(_REPLACEMENT, " ")).splitlines()
    refused += int(len(rows) > LINES_LIMIT)
    shift_s, timed, plain = 0.0, [], []
    for row in rows[:LINES_LIMIT]:
        times_s, words, damaged = _stamps(row)
        refused += damaged
        if not times_s and (about := _ABOUT.fullmatch(words)):
            offset = _offset_s(about)
            shift_s = shift_s if offset is None else offset
            continue
        words = " ".join(_WORD_STAMP.sub(" ", words).split())
        if not words or _HEADING.fullmatch(words):
            continue
        timed += [Line(words, time_s) for time_s in times_s]
        plain += [] if times_s else [Line(words)]
    # Lines whose time is damaged or missing are sung all the same: behind the others.
    lines = sorted((_shifted(line, shift_s) for line in timed), key=lambda line: line.time_s or 0.0) + plain
    refused += max(len(lines) - LINES_LIMIT, 0)
    is_cut = len(text) > LYRICS_LIMIT or len(rows) > LINES_LIMIT or len(lines) > LINES_LIMIT
    return Lyrics(tuple(lines[:LINES_LIMIT]), refused, is_cut)


def _stamps(row: str) -> tuple[list[float], str, int]:
    """Returns the times that a row begins with, what follows them, and how many of them are none."""
    times_s, damaged, place = [], 0, 0
    while True:
        if stamp := _STAMP.match(row, place):
            minutes, seconds, fraction = stamp.groups(default="0")
            times_s.append(int(minutes) * 60 + int(seconds) + int(fraction) / 10 ** len(fraction))
        elif stamp := _STAMP_LIKE.match(row, place):
            damaged += 1
        else:
            return times_s, row[place:], damaged
        place = stamp.end()


def _offset_s(about: re.Match[str]) -> float | None:
    if about.group(1).lower() != "offset" or not (stated := _OFFSET_MS.fullmatch(about.group(2))):
        return None
    return int(stated.group(1)) / 1000.0


def _shifted(line: Line, shift_s: float) -> Line:
    return Line(line.text, max((line.time_s or 0.0) - shift_s, 0.0))

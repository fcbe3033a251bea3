"""The file of lyrics beside a track: `Song.lrc` for `Song.mp3`.

It comes from strangers: whatever lies there, reading it ends, soon, and says what is wrong with it.
"""

from __future__ import annotations

import errno
import stat
from pathlib import Path
from typing import Final

import msgspec

from models.errors import Reason
from models.lyrics.parsing import LYRICS_LIMIT, decode_lyrics, is_text

__all__ = ["LYRICS_SUFFIX", "LyricsFile", "lyrics_path", "read_lyrics_file"]

LYRICS_SUFFIX: Final = ".lrc"
_BYTES: Final = 4 * (LYRICS_LIMIT + 1)
"""Four bytes are the most that a character takes; one more than is read of lyrics shows that there was more."""
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
_ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG})


class LyricsFile(msgspec.Struct, frozen=True, kw_only=True):
    """What such a file says.

    Attributes:
        text: decoded, not yet parsed; "" where the file cannot be used.
        reason, problem: why it cannot, the problem as a clause; None and "" where it can.
    """

    text: str = ""
    reason: Reason | None = None
    problem: str = ""


def lyrics_path(track: Path) -> Path:
    """Returns where the lyrics of a track lie if there are any beside it."""
    return track.with_suffix(LYRICS_SUFFIX)


def read_lyrics_file(path: Path) -> LyricsFile | None:
    """Returns what a file of lyrics says, None where there is no such file; never fails."""
    try:
        # A pipe would keep the scan waiting for who writes into it.
        if not stat.S_ISREG(path.stat().st_mode):
            return LyricsFile(reason=Reason.UNREADABLE, problem="the lyrics are no file")
        with path.open("rb") as stream:
            content = stream.read(_BYTES)
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        return LyricsFile(reason=Reason.UNREADABLE, problem=f"the lyrics cannot be read ({error.strerror})")
    text = decode_lyrics(content) if is_text(content) else _REPLACEMENT
    # One character in ten that is none: a picture with another name, not a song with a slip in it.
    if text.count(_REPLACEMENT) * 10 > len(text):
        return LyricsFile(reason=Reason.MALFORMED, problem="the lyrics are no text")
    return LyricsFile(text=text)

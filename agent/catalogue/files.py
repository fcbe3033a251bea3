"""Which files there are, and what has become of those that were there.

Rules:

- A track's id is made once, from where its file lay in its music folder and what was in it, and kept: as long as the
  path stays the file may be retagged or replaced, and as long as the content stays it may be renamed or moved.
- A file whose size and modification time are as stored is not opened; where those of the lyrics beside it are not, its
  words alone are read again.
- Hidden files and folders are left alone. Links are followed; no folder is entered and no file taken twice, so links
  may form loops.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agent.catalogue.lyrics import lyrics_path
from agent.storage.records import KnownFile, WordsRow
from models.errors import Reason

__all__ = [
    "AUDIO_SUFFIXES",
    "FoundFile",
    "Problem",
    "Survey",
    "are_words_stale",
    "find_audio",
    "fingerprint",
    "new_id",
    "survey",
]

AUDIO_SUFFIXES: Final = frozenset(
    f".{name}"
    for name in (
        *("aac", "aif", "aiff", "ape", "au", "caf", "dsf", "flac", "m4a", "m4b", "mka", "mp2", "mp3", "mp4", "mpc"),
        *("oga", "ogg", "opus", "tta", "w64", "wav", "webm", "wma", "wv"),
    )
)
"""What is taken for a music file by its name; what it really is, its content tells."""

# Three samples tell apart even files of one encoder and length; reading whole files would double the time of a scan.
_SAMPLE_BYTES: Final = 16_384


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that looks like music.

    Attributes:
        path: absolute.
        relative: to its music folder, as the file system has it.
        size: bytes.
        mtime_ns: modification time.
        lyrics: size and modification time of the file of lyrics beside it, None where there is none.
    """

    path: Path
    relative: bytes
    size: int
    mtime_ns: int
    lyrics: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """A file or folder that could not be used, and why."""

    path: Path
    reason: Reason
    message: str


@dataclass(slots=True)
class Survey:
    """What a look at the folders says, before any file is opened.

    Attributes:
        new: files at paths that were not known.
        changed: files to examine again, with what was known of them.
        returned: ids of tracks that were missing and are there again, unchanged.
        gone: ids of tracks whose files are not there any more.
        unchanged: how many files need nothing.
        standing: known files that still cannot be used.
        reworded: unchanged files whose words are to be read again, with what was known of them.
        standing_words: unchanged files whose lyrics still cannot be used as a whole, with what was read of them.
    """

    new: list[FoundFile] = field(default_factory=list)
    changed: list[tuple[FoundFile, KnownFile]] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    unchanged: int = 0
    standing: list[KnownFile] = field(default_factory=list)
    reworded: list[tuple[FoundFile, KnownFile]] = field(default_factory=list)
    standing_words: list[tuple[FoundFile, WordsRow]] = field(default_factory=list)


def find_audio(folders: Iterable[Path]) -> Iterator[FoundFile | Problem]:
    """Yields every music file below the folders, in the order of their names, and every folder that cannot be read."""
    entered: set[tuple[int, int]] = set()
    taken: set[tuple[int, int]] = set()
    for folder in folders:
        root = Path(os.path.realpath(folder.expanduser()))
        yield from _find_below(root, root, entered, taken)


def survey(
    found: Collection[FoundFile],
    known: Collection[KnownFile],
    *,
    folders: Collection[Path],
    embedding_space: str,
    lexicon: str | None = None,
    rescan: bool = False,
) -> Survey:
    """Compares what was found with what is known.

    Args:
        found: below `folders`.
        known: of all folders.
        folders: that were looked through; of files elsewhere nothing is said.
        embedding_space: of the bundle in use; what was analysed for another one is to be examined again.
        lexicon: version of the values of words; words that were read with another are to be read again. None leaves
            all words alone.
        rescan: examine everything again.
    """
    result = Survey()
    by_path = {file.path: file for file in known}
    for file in found:
        before = by_path.pop(os.fsencode(file.path), None)
        if before is None:
            result.new.append(file)
        elif rescan or _is_stale(file, before, embedding_space):
            result.changed.append((file, before))
        else:
            result.unchanged += 1
            if before.missing:
                result.returned.append(before.id)
            if before.error:
                result.standing.append(before)
            elif lexicon is not None:
                _survey_words(result, file, before, lexicon)
    roots = [os.fsencode(os.path.realpath(folder.expanduser())).rstrip(b"/") + b"/" for folder in folders]
    result.gone = [
        file.id for path, file in by_path.items() if not file.missing and any(path.startswith(root) for root in roots)
    ]
    return result


def are_words_stale(file: FoundFile, words: WordsRow | None, lexicon: str) -> bool:
    """Tells whether the words of a file whose sound is as it was are to be read, again or at all.

    Args:
        file: as it was found.
        words: that are stored of it.
        lexicon: version of the values of words.
    """
    if words is None or words.lexicon != lexicon:
        return True
    # Permissions change without a trace in the modification time.
    return (words.lyrics_size, words.lyrics_mtime_ns) != (file.lyrics or (None, None)) or (
        words.problem_reason == Reason.UNREADABLE
    )


def fingerprint(path: Path, size: int) -> bytes:
    """Returns eight bytes that are the same for the same content: of the size and of its begin, middle and end.

    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.blake2b(size.to_bytes(8, "big"), digest_size=8)
    with path.open("rb") as file:
        for offset in (0, size // 2, max(size - _SAMPLE_BYTES, 0)):
            file.seek(offset)
            digest.update(file.read(_SAMPLE_BYTES))
    return digest.digest()


def new_id(relative: bytes, content: bytes, taken: Collection[str]) -> str:
    """Returns an id that nobody has: 16 hex digits, the same for the same place and content in an empty catalogue."""
    attempt = 0
    while True:
        text = b"\0".join((relative, content, b"%d" % attempt))
        candidate = hashlib.blake2b(text, digest_size=8).hexdigest()
        if candidate not in taken:
            return candidate
        attempt += 1


def _find_below(
    folder: Path, root: Path, entered: set[tuple[int, int]], taken: set[tuple[int, int]]
) -> Iterator[FoundFile | Problem]:
    pending = [folder]
    while pending:
        here = pending.pop()
        try:
            status = here.stat()
            if (status.st_dev, status.st_ino) in entered:
                continue
            entered.add((status.st_dev, status.st_ino))
            with os.scandir(here) as entries:
                names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
        except OSError as error:
            yield _folder_problem(here, error)
            continue
        below = []
        here_by_name = frozenset(names)
        for name in names:
            path = here / name
            try:
                status = path.stat()
            except OSError:  # a link that leads nowhere, or a file that was deleted just now
                continue
            if stat.S_ISDIR(status.st_mode):
                below.append(path)
            elif path.suffix.lower() in AUDIO_SUFFIXES and (status.st_dev, status.st_ino) not in taken:
                taken.add((status.st_dev, status.st_ino))
                lyrics = _lyrics_beside(path) if lyrics_path(path).name in here_by_name else None
                yield FoundFile(path, os.fsencode(path.relative_to(root)), status.st_size, status.st_mtime_ns, lyrics)
        pending.extend(reversed(below))


def _lyrics_beside(path: Path) -> tuple[int, int] | None:
    """Returns size and modification time of the lyrics beside a track."""
    try:
        status = lyrics_path(path).stat()
    except OSError:  # as above
        return None
    return status.st_size, status.st_mtime_ns


def _survey_words(result: Survey, file: FoundFile, before: KnownFile, lexicon: str) -> None:
    if are_words_stale(file, before.words, lexicon):
        result.reworded.append((file, before))
    elif before.words is not None and before.words.problem:
        result.standing_words.append((file, before.words))


def _folder_problem(folder: Path, error: OSError) -> Problem:
    missing = isinstance(error, FileNotFoundError)
    return Problem(
        folder,
        Reason.MISSING if missing else Reason.UNREADABLE,
        f"{folder} cannot be looked through ({error.strerror})",
    )


def _is_stale(file: FoundFile, before: KnownFile, embedding_space: str) -> bool:
    if (file.size, file.mtime_ns) != (before.size, before.mtime_ns):
        return True
    if before.error:
        # Permissions change without a trace in the modification time; damage does not heal.
        return before.error_reason == Reason.UNREADABLE
    return before.embedding_space != embedding_space

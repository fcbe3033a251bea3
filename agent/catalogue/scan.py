"""Brings the stored catalogue up to date with the music folders.

Rules:

- What was examined is stored in batches, so a scan that is stopped goes on from there the next time.
- A file that cannot be used is stored with the reason, reported at the end, and not opened again until it changes.
- A track whose file is gone is marked, not forgotten; when the file is back, so is all that was known of it.
- Words are read apart from the sound, so that a changed file of lyrics has no track heard again; lyrics that cannot be
  used are reported, and their tracks play all the same.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from agent.catalogue.analysis import Analysis
from agent.catalogue.files import (
    FoundFile,
    Problem,
    Survey,
    are_words_stale,
    find_audio,
    fingerprint,
    new_id,
    survey,
)
from agent.catalogue.tags import Tags, read_tags
from agent.catalogue.words import lyrics_problem, words_of
from agent.storage.database import Database
from agent.storage.records import KnownFile, TrackRow, WordsRow
from models.errors import AudioError, Reason
from models.lyrics.sentiment import Lexicon
from models.metadata import Value, value_key

__all__ = ["ScanProgress", "ScanReport", "TrackAnalyser", "scan"]

# A batch is half a minute's work at most on a slow device, and few enough commits for a memory card.
_BATCH: Final = 16


class TrackAnalyser(Protocol):
    """What hears a file; `agent.catalogue.analysis.Analyser` does."""

    @property
    def embedding_space(self) -> str:
        """Names the space of the embeddings."""
        ...

    def analyse(self, path: Path, values: list[Value]) -> Analysis:
        """Hears a file; raises AudioError where it cannot be used."""
        ...


@dataclass(slots=True)
class ScanReport:
    """What a scan did.

    Attributes:
        found: music files in the folders.
        new, changed, moved, unchanged, returned, gone: how many of each; `changed` counts what was examined again.
        reworded: files whose sound is as it was and whose words were read again; they are among the unchanged or moved.
        unusable: files and folders that could not be used, in the order of their paths.
        lyrics: lyrics that could not be used, or not as a whole, likewise; each once, though several tracks share them.
        audio_s: playing time of what was examined.
    """

    found: int = 0
    new: int = 0
    changed: int = 0
    moved: int = 0
    unchanged: int = 0
    returned: int = 0
    gone: int = 0
    reworded: int = 0
    unusable: list[Problem] = field(default_factory=list)
    lyrics: list[Problem] = field(default_factory=list)
    audio_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ScanProgress:
    """How far a scan is: files done of those that need work, and the one just done."""

    done: int
    total: int
    path: Path


async def scan(
    folders: Collection[Path],
    database: Database,
    analyser: TrackAnalyser,
    *,
    clock: Callable[[], float],
    lexicon: Lexicon | None = None,
    rescan: bool = False,
    on_progress: Callable[[ScanProgress], None] = lambda _: None,
) -> ScanReport:
    """Examines what is new or changed in the folders.

    Args:
        folders: to look through; of tracks elsewhere nothing changes.
        database: where tracks are stored.
        analyser: hears them; its embedding space is noted with every track.
        clock: returns now, in seconds since the epoch.
        lexicon: values of words; without it lyrics are looked at and nothing is said of them.
        rescan: examine every file again.
        on_progress: called after each file.

    Raises:
        StorageError: the disk refuses; what was stored before stays.
        BundleError: the model fails.
    """
    seen = await asyncio.to_thread(lambda: list(find_audio(folders)))
    found = [each for each in seen if isinstance(each, FoundFile)]
    known = await database.known_files(embedding_space=analyser.embedding_space)
    space, version = analyser.embedding_space, "" if lexicon is None else lexicon.version
    plan = survey(found, known, folders=folders, embedding_space=space, lexicon=version, rescan=rescan)
    report = ScanReport(found=len(found), unchanged=plan.unchanged, returned=len(plan.returned), gone=len(plan.gone))
    report.unusable = [each for each in seen if isinstance(each, Problem)]
    report.unusable += [_standing_problem(file) for file in plan.standing]
    report.lyrics = [problem for each in plan.standing_words if (problem := lyrics_problem(*each)) is not None]
    await database.mark_missing(plan.returned, missing=False)
    await database.mark_missing(plan.gone, missing=True)
    work = _Work(database, analyser, clock, report, _Identities(known, found), lexicon=lexicon, rescan=rescan)
    await work.run(plan, on_progress)
    report.unusable.sort(key=lambda problem: problem.path)
    report.lyrics = sorted({problem.path: problem for problem in report.lyrics}.values(), key=lambda each: each.path)
    return report


class _Identities:
    """Gives every file its id: the one that its content had at another place, or a new one."""

    def __init__(self, known: Iterable[KnownFile], found: Iterable[FoundFile]) -> None:
        present = {os.fsencode(file.path) for file in found}
        self.taken = {file.id for file in known}
        self._left: dict[bytes, list[KnownFile]] = {}
        for file in known:
            if file.path not in present:
                self._left.setdefault(file.fingerprint, []).append(file)

    def moved_here(self, content: bytes) -> KnownFile | None:
        """Returns the track whose file had this content at a path where there is none now; each but once."""
        candidates = self._left.get(content, [])
        for candidate in candidates:
            if not os.path.lexists(candidate.path):
                candidates.remove(candidate)
                return candidate
        return None

    def new(self, file: FoundFile, content: bytes) -> str:
        """Returns an id that no track has."""
        track_id = new_id(file.relative, content, self.taken)
        self.taken.add(track_id)
        return track_id


class _Work:
    """The files that a scan examines, and what has been found and not been stored yet."""

    def __init__(
        self,
        database: Database,
        analyser: TrackAnalyser,
        clock: Callable[[], float],
        report: ScanReport,
        identities: _Identities,
        *,
        lexicon: Lexicon | None,
        rescan: bool,
    ) -> None:
        self._database, self._analyser, self._clock = database, analyser, clock
        self._report, self._identities, self._rescan = report, identities, rescan
        self._lexicon = lexicon
        self._gone: set[str] = set()
        self._rows: list[TrackRow] = []
        self._moved: list[tuple[str, FoundFile]] = []
        self._words: list[WordsRow] = []

    async def run(self, plan: Survey, on_progress: Callable[[ScanProgress], None]) -> None:
        """Examines every file of the plan; what is done is stored even when it is cancelled or fails."""
        self._gone = set(plan.gone)
        steps: list[tuple[FoundFile, Callable[[], None]]] = [
            *((file, partial(self._examine, file, None)) for file in plan.new),
            *((file, partial(self._examine, file, before)) for file, before in plan.changed),
            *((file, partial(self._reword, file, track)) for file, track in plan.reworded),
        ]
        steps.sort(key=lambda each: each[0].path)
        try:
            for done, (file, step) in enumerate(steps, start=1):
                await asyncio.to_thread(step)
                if max(len(self._rows) + len(self._moved), len(self._words)) >= _BATCH:
                    await self._store()
                on_progress(ScanProgress(done, len(steps), file.path))
        finally:
            await self._store()

    async def _store(self) -> None:
        rows, moved, words = self._rows, self._moved, self._words
        self._rows, self._moved, self._words = [], [], []
        await self._database.move_tracks(
            [(track_id, os.fsencode(file.path), file.mtime_ns) for track_id, file in moved]
        )
        await self._database.upsert_tracks(rows)
        # Behind the tracks that they are of; cut off here, the next scan finds tracks without words and reads them.
        await self._database.put_words(words)

    def _examine(self, file: FoundFile, before: KnownFile | None) -> None:
        """Examines one file; runs in a thread."""
        try:
            content = fingerprint(file.path, file.size)
        except OSError as error:
            # Without its content there is no id to store it under, unless it has one already.
            problem = Problem(file.path, Reason.UNREADABLE, f"{file.path} cannot be read ({error.strerror})")
            self._report.unusable.append(problem)
            if before is not None:
                self._rows.append(_unusable_row(before.id, file, before.fingerprint, problem))
            return
        track = before or self._identities.moved_here(content)
        is_same = track is not None and self._is_same(track, content)
        self._count(before, track, is_same=is_same)
        if track is not None and is_same:
            self._moved.append((track.id, file))
            if are_words_stale(file, track.words, "" if self._lexicon is None else self._lexicon.version):
                self._reword(file, track)
            elif track.words is not None:
                self._tell(lyrics_problem(file, track.words))
            return
        self._rows.append(self._hear(track.id if track else self._identities.new(file, content), file, content))

    def _count(self, before: KnownFile | None, track: KnownFile | None, *, is_same: bool) -> None:
        report = self._report
        if track is None:
            report.new += 1
        elif before is None:
            report.moved += 1
            report.gone -= track.id in self._gone
        elif is_same:
            report.unchanged += 1
        else:
            report.changed += 1

    def _is_same(self, track: KnownFile, content: bytes) -> bool:
        """Tells whether what is stored of a track still holds for this content, so that only its place is new."""
        is_analysed = not track.error and track.embedding_space == self._analyser.embedding_space
        return not self._rescan and is_analysed and track.fingerprint == content

    def _reword(self, file: FoundFile, track: KnownFile) -> None:
        """Reads the words of a file whose sound is as it was; runs in a thread."""
        self._report.reworded += 1
        self._read_words(track.id, file, track.fingerprint, read_tags(file.path))

    def _read_words(self, track_id: str, file: FoundFile, content: bytes, tags: Tags) -> None:
        words = words_of(track_id, file, content, tags, self._lexicon)
        self._words.append(words)
        self._tell(lyrics_problem(file, words))

    def _tell(self, problem: Problem | None) -> None:
        if problem is not None:
            self._report.lyrics.append(problem)

    def _hear(self, track_id: str, file: FoundFile, content: bytes) -> TrackRow:
        tags = read_tags(file.path)
        values = tags.values()
        try:
            analysis = self._analyser.analyse(file.path, values)
        except AudioError as error:
            problem = Problem(file.path, error.reason, error.message)
            self._report.unusable.append(problem)
            return _unusable_row(track_id, file, content, problem)
        self._report.audio_s += analysis.duration_s
        self._read_words(track_id, file, content, tags)
        return TrackRow(
            id=track_id,
            path=os.fsencode(file.path),
            size=file.size,
            mtime_ns=file.mtime_ns,
            fingerprint=content,
            title=tags.title,
            artist=tags.artist,
            album=tags.album,
            album_artist=tags.album_artist,
            tags={**tags.others, **{name: [text] for name in ("mbid", "isrc") if (text := getattr(tags, name))}},
            identity_keys=tags.identity_keys(),
            value_keys=tuple(value_key(*value) for value in values),
            duration_s=analysis.duration_s,
            valence=analysis.valence,
            arousal=analysis.arousal,
            embedding=analysis.embedding,
            descriptors=analysis.descriptors,
            embedding_space=self._analyser.embedding_space,
            analysed_t=self._clock(),
        )


def _unusable_row(track_id: str, file: FoundFile, content: bytes, problem: Problem) -> TrackRow:
    return TrackRow(
        id=track_id,
        path=os.fsencode(file.path),
        size=file.size,
        mtime_ns=file.mtime_ns,
        fingerprint=content,
        error=_encodable(problem.message),
        error_reason=problem.reason.value,
    )


def _standing_problem(file: KnownFile) -> Problem:
    return Problem(Path(os.fsdecode(file.path)), Reason(file.error_reason or Reason.FAILED), file.error)


def _encodable(text: str) -> str:
    """Returns the text without the escaped bytes of a path that is no text."""
    return text.encode("utf-8", "replace").decode()

"""Writing the demo catalogue into a folder.

Rules that this module keeps:

- A file appears under its name whole, tagged and on the disk, or not at all: it is written beside and then renamed.
- Files that are not ours are never overwritten. Whether one stands in the way is known before anything is written.
- What is there already stays: the same settings again change nothing, and complete what an earlier run left undone.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from firmware_sim.music.emotion import Emotion
from firmware_sim.music.plan import CatalogueSettings, PlannedPiece, plan
from firmware_sim.music.sidecar import SIDECAR_NAME, Intended, encode_intended, load_intended, load_settings
from firmware_sim.music.tags import COMPOSER_VERSION, encode, playing_time_s, tags_of
from firmware_sim.music.workshop import Workshop
from models.errors import Reason, StorageError

__all__ = ["CatalogueSettings", "Summary", "make_file", "write_catalogue"]

_ELSEWHERE = "Choose another folder, or move these files away"


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did.

    Attributes:
        folder: where the catalogue is.
        pieces: how many it has.
        written: how many of them this run made.
        kept: how many were there already.
        audio_s: playing time of all.
        artists, genres: how many different ones.
    """

    folder: str
    pieces: int
    written: int
    kept: int
    audio_s: float
    artists: int
    genres: int

    def as_dict(self) -> dict[str, object]:
        """For `--json`."""
        return asdict(self)

    def sentence(self) -> str:
        """For people."""
        done = f"{self.written} written, {self.kept} already there"
        return (
            f"{self.folder}: {self.pieces} pieces by {self.artists} artists, {self.audio_s / 60:.0f} minutes ({done})"
        )


def write_catalogue(
    folder: Path, settings: CatalogueSettings, *, workers: int = 0, on_piece: Callable[[], None] = lambda: None
) -> Summary:
    """Compose a catalogue into a folder, or complete it.

    Args:
        folder: made if it does not exist.
        settings: what to make.
        workers: processes; 0 takes two where there are two cores, 1 composes in this process.
        on_piece: called once for every piece of the catalogue that is there.

    Raises:
        StorageError: a file or another catalogue stands in the way (`refused`), the disk is full (`disk_full`), the
            folder cannot be written (`read_only`).
        DataError: the folder's sidecar is broken.
    """
    pieces = plan(settings)
    intended = {
        piece.file_name: Intended(piece.title, piece.artist.name, piece.emotion.valence, piece.emotion.arousal)
        for piece in pieces
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lengths_s = _already_there(folder, pieces, settings)
        _write_sidecar(folder, encode_intended(intended, _described(settings)), settings)
        for _ in lengths_s:
            on_piece()
        missing = [piece for piece in pieces if piece.file_name not in lengths_s]
        for piece, length_s in _make(folder, missing, settings, _workers(workers, len(missing))):
            lengths_s[piece.file_name] = length_s
            on_piece()
    except OSError as error:
        raise _storage_error(folder, error) from error
    return Summary(
        folder=str(folder),
        pieces=len(pieces),
        written=len(missing),
        kept=len(pieces) - len(missing),
        audio_s=round(sum(lengths_s.values()), 1),
        artists=len({piece.artist.name for piece in pieces}),
        genres=len({piece.artist.genre for piece in pieces}),
    )


def make_file(folder: Path, piece: PlannedPiece, settings: CatalogueSettings) -> float:
    """Compose, encode and write one piece; its playing time in seconds.

    Raises:
        OSError: the file cannot be written; nothing of it is left then.
    """
    from firmware_sim.music.instruments import SAMPLE_RATE
    from firmware_sim.music.pieces import make_piece

    emotion = Emotion(piece.emotion.valence, piece.emotion.arousal)
    audio = make_piece(emotion, piece.artist, piece.seconds, (settings.seed, piece.number))
    _write_whole(folder / piece.file_name, encode(audio, tags_of(piece, settings)))
    return len(audio) / SAMPLE_RATE


def _described(settings: CatalogueSettings) -> dict[str, object]:
    return {"composer": COMPOSER_VERSION, **asdict(settings)}


def _already_there(folder: Path, pieces: tuple[PlannedPiece, ...], settings: CatalogueSettings) -> dict[str, float]:
    """Playing time of the pieces that are there; refuses if anything else bears their names."""
    lengths_s: dict[str, float] = {}
    foreign = []
    for piece in pieces:
        path = folder / piece.file_name
        if os.path.lexists(path):
            length_s = playing_time_s(path, tags_of(piece, settings)) if path.is_file() else None
            if length_s is None:
                foreign.append(piece.file_name)
            else:
                lengths_s[piece.file_name] = length_s
    if foreign:
        named = ", ".join(foreign[:3]) + (f" and {len(foreign) - 3} more" if len(foreign) > 3 else "")
        raise StorageError(
            f"{folder} holds files that this run would overwrite and did not make: {named}",
            reason=Reason.REFUSED,
            remedy=_ELSEWHERE,
        )
    return lengths_s


def _write_sidecar(folder: Path, content: bytes, settings: CatalogueSettings) -> None:
    path = folder / SIDECAR_NAME
    if os.path.lexists(path):
        load_intended(folder)
        if path.read_bytes() == content:
            return
        made_with = load_settings(folder)
        raise StorageError(
            f"{folder} holds another demo catalogue, made with {made_with}; asked for {_described(settings)}",
            reason=Reason.REFUSED,
            remedy="Repeat the settings that it was made with, or choose another folder",
        )
    _write_whole(path, content)


def _make(
    folder: Path, pieces: list[PlannedPiece], settings: CatalogueSettings, workers: int
) -> Iterator[tuple[PlannedPiece, float]]:
    # Pieces of one artist after another: they share the tones of their instruments.
    queue = sorted(pieces, key=lambda piece: (piece.artist.name, piece.number))
    workshop = _open_workshop(workers) if workers > 1 else None
    if workshop is None:
        for piece in queue:
            yield piece, make_file(folder, piece, settings)
        return
    with workshop:
        jobs = [(piece, (folder, piece, settings)) for piece in queue]
        yield from workshop.run(make_file, jobs)


def _open_workshop(workers: int) -> Workshop | None:
    """Start worker processes; None where the machine has no shared memory for them, as some containers have none."""
    try:
        return Workshop(workers)
    except OSError:
        return None


def _workers(asked: int, pieces: int) -> int:
    # Starting a process costs as much as composing two pieces.
    return asked or (min(2, os.cpu_count() or 1) if pieces > 4 else 1)


def _write_whole(path: Path, content: bytes) -> None:
    """Write beside, flush to the disk, rename; remove what is left of it if that fails."""
    beside = path.with_name(f".{path.name}.part")
    try:
        with beside.open("wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def _storage_error(folder: Path, error: OSError) -> StorageError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StorageError(
            f"no space is left for the demo catalogue in {folder}",
            reason=Reason.DISK_FULL,
            remedy="Free some space (about 4 MB a piece) and run the same command again: it goes on where it stopped",
        )
    if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
        return StorageError(
            f"{error.filename or folder} cannot be written: {error.strerror}",
            reason=Reason.READ_ONLY,
            remedy="Choose a folder that you may write to",
        )
    return StorageError(
        f"{error.filename or folder}: {error.strerror or error}",
        reason=Reason.FAILED,
        remedy="Check that DIR is a folder on a disk that works",
    )

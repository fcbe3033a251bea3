"""The training corpus: log-mel patches of every piece, cached on disk as float16, with labels and auxiliary targets.

A data set is one folder under the work folder: `patches.f16` (flat, `[n, 128, 640]`) and `index.npz`, which is written
last: a folder without it was interrupted and is made anew. Rendering everything takes about two minutes.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.data.pieces import Piece
from cloud_trainer.music_emotion.note_statistics import NOTE_STATISTICS, note_statistics
from cloud_trainer.progress import Progress
from cloud_trainer.rendering.sampler import Sampler, piano_samples
from cloud_trainer.rendering.score import Score, read_midi
from models.audio.log_mel import MELS, SAMPLE_RATE
from models.audio.patches import PATCH_FRAMES, PATCH_SECONDS, FrontEnd, patch_starts, patches
from models.errors import DataError, Reason

__all__ = ["FRONT_END", "Corpus", "build_corpus", "patch_count", "read_audio"]

Floats = npt.NDArray[np.float32]

FRONT_END: Final = FrontEnd()
_PATCH_SPACING_S: Final = 10.0
_MOST_PATCHES: Final = 12
"""Of a piece: two minutes tell enough of it, and the longest pieces must not fill the epoch."""


@dataclass(frozen=True)
class Corpus:
    """Pieces and their patches.

    Attributes:
        pieces: the pieces, in the order of `first`.
        patches: `[n, 128, 640]` float16, normalised log-mel, on disk.
        first: `[pieces + 1]`, the index of each piece's first patch, and n.
        notes: `[n, 8]` note statistics, NaN where there is no score.
    """

    pieces: Sequence[Piece]
    patches: npt.NDArray[np.float16]
    first: npt.NDArray[np.int64]
    notes: Floats

    def rows(self, piece: int) -> npt.NDArray[np.int64]:
        """Return the indices of a piece's patches."""
        return np.arange(self.first[piece], self.first[piece + 1])


def build_corpus(pieces: Sequence[Piece], *, data: Path, folder: Path, progress: Progress) -> list[Corpus]:
    """Return one corpus per data set, rendering what is not cached.

    Args:
        pieces: of any data sets.
        data: root of the data sets, for the piano's samples.
        folder: where patches are cached.
        progress: where progress is shown.

    Raises:
        DataError: a file is missing or damaged.
    """
    by_set: dict[str, list[Piece]] = {}
    for piece in pieces:
        by_set.setdefault(piece.dataset, []).append(piece)
    sampler: Sampler | None = None
    result = []
    for dataset, members in by_set.items():
        target = folder / f"{dataset}-{_content_key(members)}"
        if not (target / "index.npz").is_file():
            if sampler is None and any(piece.member for piece in members):
                sampler = Sampler(piano_samples(data))
            _write(members, sampler=sampler, folder=target, progress=progress)
        result.append(_open(members, target))
    return result


def patch_count(duration_s: float) -> int:
    """Return how many patches a piece of a duration gets: one in ten seconds, at least 1, at most 12."""
    return int(np.clip(round(duration_s / _PATCH_SPACING_S), 1, _MOST_PATCHES))


def read_audio(content: bytes, name: str) -> Floats:
    """Return an audio file as mono sound at 22.05 kHz.

    Raises:
        DataError: the bytes are no audio file; `name` stands in the message.
    """
    import soundfile
    import soxr

    try:
        sound, rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise DataError(
            f"cannot decode {name}: {error}", reason=Reason.CORRUPT, remedy="Run 'attune-trainer data check'"
        ) from error
    mono = sound.mean(axis=1)
    return np.asarray(mono if rate == SAMPLE_RATE else soxr.resample(mono, rate, SAMPLE_RATE), np.float32)


def _content_key(pieces: Sequence[Piece]) -> str:
    """Return a name for the pieces' sound: labels and sides may change without rendering anew."""
    listing = [[piece.name, piece.member, str(piece.file)] for piece in pieces]
    return hashlib.sha256(json.dumps([listing, _PATCH_SPACING_S, _MOST_PATCHES]).encode()).hexdigest()[:12]


def _write(pieces: Sequence[Piece], *, sampler: Sampler | None, folder: Path, progress: Progress) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    counts, notes = [], []
    with (
        (folder / "patches.f16").open("wb") as stream,
        progress.task(f"sound of {pieces[0].dataset}", len(pieces)) as advance,
    ):
        for piece in pieces:
            score = read_midi(piece.content()) if piece.member else None
            sound = _sound(piece, score, sampler)
            count = patch_count(sound.size / SAMPLE_RATE)
            stream.write(patches(sound, count=count, front_end=FRONT_END).astype(np.float16).tobytes())
            counts.append(count)
            notes.append(_note_targets(score, sound.size, count))
            advance(piece.name)
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    np.savez(folder / "index.npz", first=first, notes=np.concatenate(notes))


def _sound(piece: Piece, score: Score | None, sampler: Sampler | None) -> Floats:
    if score is None or sampler is None:
        return read_audio(piece.content(), f"{piece.dataset} {piece.name}")
    return sampler.render(score)


def _note_targets(score: Score | None, sample_count: int, count: int) -> Floats:
    if score is None:
        return np.full((count, len(NOTE_STATISTICS)), np.nan, np.float32)
    starts_s = [start / SAMPLE_RATE for start in patch_starts(sample_count, count)]
    return np.stack([note_statistics(score, start_s, start_s + PATCH_SECONDS) for start_s in starts_s])


def _open(pieces: Sequence[Piece], folder: Path) -> Corpus:
    with np.load(folder / "index.npz") as index:
        columns: Mapping[str, npt.NDArray[np.float32]] = {name: index[name] for name in ("first", "notes")}
    first = columns["first"].astype(np.int64)
    shape = (int(first[-1]), MELS, PATCH_FRAMES)
    mapped = np.memmap(folder / "patches.f16", dtype=np.float16, mode="r", shape=shape)
    return Corpus(pieces=pieces, patches=mapped, first=first, notes=columns["notes"])

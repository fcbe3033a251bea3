"""The training corpus: log-mel patches of every piece, cached on disk as float16, with labels and auxiliary targets.

A data set is one folder under the work folder: `patches.f16` (flat, `[n, 128, 640]`) and `index.npz`, which is written
last: a folder without it was interrupted and is made anew. Rendering everything takes a few minutes.

Scores of the training side are played several times: once as they are, on the piano, and then transposed, half of the
times on a synthetic instrument. Neither key nor timbre is the emotion that listeners rated; what is held out is played
once, as it is.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.data.pieces import Piece
from cloud_trainer.data.sources import fingerprint
from cloud_trainer.music_emotion.note_statistics import NOTE_STATISTICS, note_statistics
from cloud_trainer.progress import Progress
from cloud_trainer.rendering.sampler import Sampler, piano_samples
from cloud_trainer.rendering.score import Score, read_midi
from cloud_trainer.rendering.timbres import TIMBRES, timbre_notes
from models.audio.descriptors import descriptors
from models.audio.log_mel import MELS, SAMPLE_RATE
from models.audio.patches import PATCH_FRAMES, PATCH_SECONDS, FrontEnd, patch_starts, patches
from models.errors import DataError, Reason

__all__ = ["FRONT_END", "RENDERINGS", "Corpus", "Players", "build_corpus", "patch_count", "read_audio"]

Floats = npt.NDArray[np.float32]

FRONT_END: Final = FrontEnd()
RENDERINGS: Final = 3
"""How often a training score is played, the plain rendering included."""
_FARTHEST_TRANSPOSITION: Final = 4
_FORMAT: Final = 3
"""Of the cached folders; a change of what they hold makes them stale."""
_PATCH_SPACING_S: Final = 10.0
_FEWEST_FOR_PROCESSES: Final = 64
"""Below, starting processes takes longer than it saves."""
_DESCRIBED_S: Final = 30.0
"""Descriptors are those of the middle of a piece: half a minute settles them, and they cost more than the patches."""
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
        descriptors: `[pieces, 78]`, of the middle half minute of each piece.
        plain: `[pieces]`, how many of a piece's patches, the first ones, are of its unaltered sound.
    """

    pieces: Sequence[Piece]
    patches: npt.NDArray[np.float16]
    first: npt.NDArray[np.int64]
    notes: Floats
    descriptors: Floats
    plain: npt.NDArray[np.int64]

    def rows(self, piece: int) -> npt.NDArray[np.int64]:
        """Return the indices of all patches of a piece, altered renderings included."""
        return np.arange(self.first[piece], self.first[piece + 1])

    def plain_rows(self, piece: int) -> npt.NDArray[np.int64]:
        """Return the indices of the patches of a piece's unaltered sound."""
        return np.arange(self.first[piece], self.first[piece] + self.plain[piece])


class Players:
    """The instruments that scores are played on.

    Args:
        data: root of the data sets, for the piano's samples.

    Raises:
        DataError: the samples are missing or damaged.
    """

    def __init__(self, data: Path) -> None:
        self.piano = Sampler(piano_samples(data))
        self.synthetic = [Sampler(timbre_notes(timbre, seed=number)) for number, timbre in enumerate(TIMBRES.values())]


def build_corpus(
    pieces: Sequence[Piece], *, data: Path, folder: Path, progress: Progress, processes: int = 1
) -> list[Corpus]:
    """Return one corpus per data set, rendering what is not cached.

    Args:
        pieces: of any data sets.
        data: root of the data sets, for the piano's samples.
        folder: where patches are cached.
        progress: where progress is shown.
        processes: that render at the same time.

    Raises:
        DataError: a file is missing or damaged.
    """
    by_set: dict[str, list[Piece]] = {}
    for piece in pieces:
        by_set.setdefault(piece.dataset, []).append(piece)
    result = []
    for dataset, members in by_set.items():
        target = folder / f"{dataset}-{_content_key(members, data)}"
        if not (target / "index.npz").is_file():
            _write(members, data=data, folder=target, processes=processes, progress=progress)
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


def _content_key(pieces: Sequence[Piece], data: Path) -> str:
    """Return a name for the pieces' sound: labels and sides may change without rendering anew, data may not."""
    listing = [[piece.name, piece.member, piece.file.name, piece.split == "train"] for piece in pieces]
    prints = [fingerprint(data, name) for name in (pieces[0].dataset, "piano-samples")]
    decides = [_FORMAT, listing, prints, _PATCH_SPACING_S, _MOST_PATCHES, RENDERINGS]
    return hashlib.sha256(json.dumps(decides).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class _Rendered:
    """A piece as patches: the plain rendering first."""

    patches: npt.NDArray[np.float16]
    plain: int
    notes: Floats
    descriptors: Floats


def _write(pieces: Sequence[Piece], *, data: Path, folder: Path, processes: int, progress: Progress) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    counts, plain, notes, described = [], [], [], []
    with (
        (folder / "patches.f16").open("wb") as stream,
        progress.task(f"sound of {pieces[0].dataset}", len(pieces)) as advance,
    ):
        for piece, rendered in zip(pieces, _all_rendered(pieces, data, processes), strict=True):
            stream.write(rendered.patches.tobytes())
            counts.append(len(rendered.patches))
            plain.append(rendered.plain)
            notes.append(rendered.notes)
            described.append(rendered.descriptors)
            advance(piece.name)
    np.savez(
        folder / "index.npz",
        first=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        plain=np.array(plain, np.int64),
        notes=np.concatenate(notes),
        descriptors=np.stack(described),
    )


def _all_rendered(pieces: Sequence[Piece], data: Path, processes: int) -> Iterator[_Rendered]:
    if processes == 1 or len(pieces) < _FEWEST_FOR_PROCESSES:
        yield from (_rendered(piece, data) for piece in pieces)
        return
    # A forked child of a process that holds TensorFlow's threads may hang: children start afresh.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_rendered, pieces, repeat(data), chunksize=4)


def _rendered(piece: Piece, data: Path) -> _Rendered:
    cut: list[npt.NDArray[np.float16]] = []
    notes: list[Floats] = []
    described: list[Floats] = []
    for sound, score in _renderings(piece, data):
        count = patch_count(sound.size / SAMPLE_RATE)
        cut.append(patches(sound, count=count, front_end=FRONT_END).astype(np.float16))
        notes.append(_note_targets(score, sound.size, count))
        if not described:
            described.append(descriptors(_middle(sound)))
    return _Rendered(
        patches=np.concatenate(cut), plain=len(cut[0]), notes=np.concatenate(notes), descriptors=described[0]
    )


def _renderings(piece: Piece, data: Path) -> Iterator[tuple[Floats, Score | None]]:
    """Yield the sound of a piece with its score: first as it is, then altered, where it is a score to train on."""
    if not piece.member:
        yield read_audio(piece.content(), f"{piece.dataset} {piece.name}"), None
        return
    players = _players(data)
    score = read_midi(piece.content())
    yield players.piano.render(score), score
    if piece.split != "train":
        return
    random = np.random.default_rng([*piece.name.encode()])
    for number in range(1, RENDERINGS):
        higher = score.transposed(int(random.integers(-_FARTHEST_TRANSPOSITION, _FARTHEST_TRANSPOSITION + 1)))
        instrument = players.synthetic[int(random.integers(len(players.synthetic)))]
        yield (players.piano if number % 2 else instrument).render(higher), higher


@lru_cache(maxsize=1)
def _players(data: Path) -> Players:
    return Players(data)


def _middle(sound: Floats) -> Floats:
    length = int(_DESCRIBED_S * SAMPLE_RATE)
    start = max(sound.size - length, 0) // 2
    return sound[start : start + length]


def _note_targets(score: Score | None, sample_count: int, count: int) -> Floats:
    if score is None:
        return np.full((count, len(NOTE_STATISTICS)), np.nan, np.float32)
    starts_s = [start / SAMPLE_RATE for start in patch_starts(sample_count, count)]
    return np.stack([note_statistics(score, start_s, start_s + PATCH_SECONDS) for start_s in starts_s])


def _open(pieces: Sequence[Piece], folder: Path) -> Corpus:
    with np.load(folder / "index.npz") as index:
        columns = dict(index)
    first = columns.pop("first")
    shape = (int(first[-1]), MELS, PATCH_FRAMES)
    mapped = np.memmap(folder / "patches.f16", dtype=np.float16, mode="r", shape=shape)
    return Corpus(pieces=pieces, patches=mapped, first=first, **columns)

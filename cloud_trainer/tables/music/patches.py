"""Log-mel patches of pieces, small enough to train many networks on: pairs of bands and eight frames are averaged.

The contract's patch is 128 bands and 640 frames; what networks of these tables see is 64 by 80, a frame of 186 ms. The
sound is the build's own: the same rendering, the same cache.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.data.pieces import Piece
from cloud_trainer.music_emotion.corpus import Corpus, build_corpus
from cloud_trainer.progress import LogProgress
from cloud_trainer.tables.music.pieces import Music
from cloud_trainer.tables.provenance import known_data

__all__ = ["BANDS", "FRAMES", "Pooled", "patches_of", "pooled"]

Floats = npt.NDArray[np.float32]

BANDS: Final = 64
FRAMES: Final = 80
_BLOCK: Final = 256
_MOST: Final = 6
"""Patches of a piece: a minute and a half."""


@dataclass(frozen=True)
class Pooled:
    """Patches of the unaltered sound of pieces.

    Attributes:
        patches: `(n, 64, 80)` float16, normalised log-mel.
        piece: `(n,)`, which row each is of.
        notes: `(n, 8)` statistics of the score, standardised over all patches; NaN where there is none.
    """

    patches: npt.NDArray[np.float16]
    piece: npt.NDArray[np.int64]
    notes: Floats

    @cached_property
    def by_piece(self) -> list[npt.NDArray[np.int64]]:
        """The indices of the patches of each row."""
        order = np.argsort(self.piece, kind="stable")
        return np.split(order, np.searchsorted(self.piece[order], np.arange(1, int(self.piece.max()) + 1)))

    def of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the indices of the patches of rows, in the order of the rows."""
        return np.concatenate([self.by_piece[row] for row in rows])


def patches_of(music: Music) -> Pooled:
    """Return the patches of all rows, from the disk where they were cut before.

    Raises:
        DataError: a file is missing or damaged.
    """
    parts: list[tuple[npt.NDArray[np.float16], npt.NDArray[np.int64], Floats]] = []
    for exam in (False, True):
        for dataset in sorted({piece.dataset for piece in music.pieces}):
            rows = [
                number
                for number, piece in enumerate(music.pieces)
                if piece.dataset == dataset and music.exam[number] == exam
            ]
            if rows:
                parts.append(_of_set(music, rows, exam=exam))
    patches, piece, notes = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return Pooled(patches, piece, _standard(notes))


def pooled(batch: npt.NDArray[Any]) -> npt.NDArray[np.float16]:
    """Return patches `(n, 128, 640)` averaged to `(n, 64, 80)`."""
    count, bands, frames = batch.shape
    cells = np.asarray(batch, np.float32).reshape(count, BANDS, bands // BANDS, FRAMES, frames // FRAMES)
    return np.asarray(cells.mean(axis=(2, 4)), np.float16)


def _of_set(
    music: Music, rows: Sequence[int], *, exam: bool
) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.int64], Floats]:
    once = {music.pieces[row].name: music.pieces[row] for row in rows}
    corpus = _corpus(music, list(once.values()), exam=exam)
    chosen = [corpus.plain_rows(number)[:: _step(int(corpus.plain[number]))] for number in range(len(once))]
    small = _small(music, corpus, np.concatenate(chosen))
    starts = np.cumsum([0, *(len(each) for each in chosen)])
    place = {name: number for number, name in enumerate(once)}
    picked, owner = [], []
    for row in rows:
        number = place[music.pieces[row].name]
        picked.append(np.arange(starts[number], starts[number + 1]))
        owner.append(np.full(len(chosen[number]), row))
    index = np.concatenate(picked)
    return small[index], np.concatenate(owner).astype(np.int64), corpus.notes[np.concatenate(chosen)][index]


def _standard(notes: Floats) -> Floats:
    known = notes[np.isfinite(notes).all(axis=1)]
    if not len(known):
        return notes
    return np.asarray((notes - known.mean(axis=0)) / np.maximum(known.std(axis=0), 1e-3), np.float32)


def _step(count: int) -> int:
    return -(-count // _MOST)


def _corpus(music: Music, pieces: list[Piece], *, exam: bool) -> Corpus:
    data = music.roots[0]
    folder = music.folder.parent / "full" / "music_emotion" / "shared" / "patches"
    if exam:
        # Named by what the exam holds: a corpus is told apart by names and by the data alone.
        prints = known_data(music.roots[-1], [pieces[0].dataset]).fingerprints
        folder = music.folder / f"exam-{hashlib.sha256(str(prints).encode()).hexdigest()[:12]}"
        pieces = [replace(piece, split="test") for piece in pieces]
    [corpus] = build_corpus(pieces, data=data, folder=folder, progress=LogProgress())
    return corpus


def _small(music: Music, corpus: Corpus, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float16]:
    source = Path(str(corpus.patches.filename)).parent if isinstance(corpus.patches, np.memmap) else Path()
    name = hashlib.sha256(f"{source} {BANDS} {FRAMES} {_MOST} {len(rows)}".encode()).hexdigest()[:12]
    path = music.folder / f"pooled-{corpus.pieces[0].dataset}-{name}.npy"
    if not path.is_file():
        blocks = [pooled(corpus.patches[rows[start : start + _BLOCK]]) for start in range(0, len(rows), _BLOCK)]
        partial = path.with_suffix(".partial.npy")
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(partial, np.concatenate(blocks))
        partial.replace(path)
    return np.asarray(np.load(path))

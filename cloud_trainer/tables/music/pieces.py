"""Pieces of music as rows of a table: what they express, on which side they stand, what is heard of them.

Rules:

- All clips of a song, all arrangements of a theme, stand on one side.
- What is examined is not trained on, whichever folder it comes from.
- Emotify's scores are divided by the largest of the data's training part, the exam's too: it is one scale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.data import emopia, emotify, vgmidi
from cloud_trainer.data.labels import EMOTIFY_EMOTIONS, emotify_divisor, emotify_scores
from cloud_trainer.data.pieces import Piece
from cloud_trainer.progress import Progress
from cloud_trainer.tables.frame import Floats, Fold, Ints, Problem
from cloud_trainer.tables.learners import group_folds
from cloud_trainer.tables.music.listening import KINDS, features

__all__ = ["BUILD_SEED", "SETS", "Music", "aids_of", "examined", "folded", "heard", "listened", "read"]

SETS: Final[Mapping[str, Callable[..., list[Piece]]]] = {
    "emopia": emopia.load,
    "vgmidi": vgmidi.load,
    "emotify": emotify.load,
}
BUILD_SEED: Final = 1
"""Of the sides that the build trains on, whatever a table's seed: its rendered sound is taken where there is some."""


@dataclass(frozen=True)
class Music:
    """What rivals look at.

    Attributes:
        pieces: of each row.
        felt: valence and arousal `(n, 2)`, signs where a set has no more.
        exam: whether a row is the exam's, `(n,)`.
        kinds: features by kind, `(n, width)` each; empty until they are prepared.
        others: the data's other sets, prepared; rivals may learn from all of them.
        roots: the data's folder and the exam's.
        folder: where features and trained networks are kept.
        answered: what members of a committee have answered already, by rival and fold.
        remembered: what networks read or trained once for all folds.
    """

    pieces: tuple[Piece, ...]
    felt: Floats
    exam: npt.NDArray[np.bool_]
    kinds: Mapping[str, Floats] = field(default_factory=dict)
    others: tuple[Music, ...] = ()
    roots: tuple[Path, ...] = ()
    folder: Path = Path()
    answered: dict[tuple[str, str], tuple[Floats, dict[str, Any]]] = field(default_factory=dict)
    remembered: dict[str, Any] = field(default_factory=dict)

    @property
    def groups(self) -> npt.NDArray[np.str_]:
        """The song or theme of each row, `(n,)`."""
        return np.array([piece.group for piece in self.pieces])


def aids_of(dataset: str) -> tuple[str, ...]:
    """Return what a table of one set reads beside it: the other sets, and the piano."""
    return (*(name for name in SETS if name != dataset), "piano-samples")


def read(dataset: str, data: Path, exam: Path | None) -> Music:
    """Return the pieces of a set, the exam's after the data's.

    Raises:
        DataError: a file is missing or damaged.
    """
    known = SETS[dataset](data, seed=BUILD_SEED)
    new = [] if exam is None else SETS[dataset](exam, seed=BUILD_SEED)
    if dataset == "emotify" and new:
        new = _on_the_scale_of(known, new)
    pieces = (*known, *new)
    return Music(
        pieces=pieces,
        felt=np.array([(piece.valence, piece.arousal) for piece in pieces], np.float64).reshape(-1, 2),
        exam=np.arange(len(pieces)) >= len(known),
    )


def folded(music: Music, truth: Floats, *, folds: int, seed: int) -> Problem[Music]:
    """Return a problem of so many folds that keep groups whole; of one, the exam, where there is one."""
    group = music.groups
    if music.exam.any():
        return Problem(truth=truth, group=group, data=music, folds=[examined(music, seed)])
    split = enumerate(group_folds(group, folds, seed))
    made = [Fold(name=f"fold-{number}", train=train, test=test, seed=seed + number) for number, (train, test) in split]
    return Problem(truth=truth, group=group, data=music, folds=made)


def examined(music: Music, seed: int) -> Fold:
    """Return the fold that trains on all of the data but the groups of the exam, and scores the exam."""
    new = {piece.group for piece, exam in zip(music.pieces, music.exam, strict=True) if exam}
    known = [number for number, piece in enumerate(music.pieces) if not music.exam[number] and piece.group not in new]
    return Fold(name="exam", train=np.array(known, np.int64), test=np.flatnonzero(music.exam), seed=seed)


def listened(problem: Problem[Music], data: Path, exam: Path | None, work: Path, progress: Progress) -> Problem[Music]:
    """Return the problem with the features of all pieces, from the disk where they were computed before.

    Raises:
        DataError: a file is missing or damaged.
    """
    folder = work / "music"
    own = {piece.dataset for piece in problem.data.pieces}
    others = [_heard_of(read(name, data, None), data, None, folder, progress) for name in SETS if name not in own]
    music = _heard_of(problem.data, data, exam, folder, progress)
    return replace(problem, data=replace(music, others=tuple(others)))


def heard(music: Music, kinds: Sequence[str]) -> Floats:
    """Return features of some kinds side by side, `(n, width)`."""
    return np.concatenate([music.kinds[kind] for kind in kinds], axis=1)


def _heard_of(music: Music, data: Path, exam: Path | None, folder: Path, progress: Progress) -> Music:
    columns: dict[str, Floats] = {}
    for root, examines in ((data, False), (exam, True)):
        for dataset in SETS if root is not None else ():
            rows = _rows(music, dataset, exam=examines)
            if root is None or not len(rows):
                continue
            # A piece may stand in several rows; it is listened to once.
            once = {music.pieces[row].name: music.pieces[row] for row in rows}
            found = features(list(once.values()), root=root, data=data, folder=folder, progress=progress)
            place = {name: number for number, name in enumerate(once)}
            picked = [place[music.pieces[row].name] for row in rows]
            for kind in KINDS:
                whole = columns.setdefault(kind, np.full((len(music.pieces), found[kind].shape[1]), np.nan))
                whole[rows] = found[kind][picked]
    return replace(music, kinds=columns, roots=(data,) if exam is None else (data, exam), folder=folder)


def _rows(music: Music, dataset: str, *, exam: bool) -> Ints:
    chosen = [piece.dataset == dataset and own == exam for piece, own in zip(music.pieces, music.exam, strict=True)]
    return np.flatnonzero(chosen)


def _on_the_scale_of(known: Sequence[Piece], new: Sequence[Piece]) -> list[Piece]:
    divisor = emotify_divisor(_scores([piece for piece in known if piece.split == "train"]))
    scores = np.clip(_scores(new) / divisor, -1.0, 1.0)
    return [
        replace(piece, valence=float(valence), arousal=float(arousal))
        for piece, (valence, arousal) in zip(new, scores, strict=True)
    ]


def _scores(pieces: Sequence[Piece]) -> npt.NDArray[np.float32]:
    shares = [[piece.shares[emotion] for emotion in EMOTIFY_EMOTIONS] for piece in pieces]
    return emotify_scores(np.array(shares, np.float32).reshape(-1, len(EMOTIFY_EMOTIONS)))

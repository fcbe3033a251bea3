"""A piece of music with its emotion, whatever data set it comes from, and the splits of such pieces.

Rule: all pieces of one `group` (a song, a game's theme) stand on the same side of every split.
"""

from __future__ import annotations

import csv
import gzip
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from models.errors import DataError, Reason

__all__ = ["LabelKind", "Piece", "Split", "number", "read_rows", "shared_groups", "split_by_group"]

Split = Literal["train", "validation", "test"]
LabelKind = Literal["sign", "value"]


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A piece with its label.

    Attributes:
        dataset: `emopia`, `vgmidi` or `emotify`.
        name: unique in the data set.
        group: pieces of one group are never on two sides of a split.
        split: the side.
        valence: -1..1.
        arousal: -1..1.
        label: `sign` where only the signs of valence and arousal are known.
        file: an audio file, or a zip of MIDI files.
        member: the MIDI file's name in the zip; empty for audio.
        genre: as the data set names it; empty where it does not.
        shares: shares of listeners by induced emotion, empty where there are none.
    """

    dataset: str
    name: str
    group: str
    split: Split
    valence: float
    arousal: float
    label: LabelKind
    file: Path
    member: str = ""
    genre: str = ""
    shares: Mapping[str, float] = field(default_factory=dict)

    def content(self) -> bytes:
        """Return the bytes of the MIDI or audio file.

        Raises:
            DataError: the file is missing, or the zip lacks the member.
        """
        try:
            if not self.member:
                return self.file.read_bytes()
            with zipfile.ZipFile(self.file) as archive:
                return archive.read(self.member)
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise DataError(
                f"cannot read {self.name!r} of {self.dataset} from {self.file}: {error}",
                reason=Reason.UNREADABLE,
                remedy="Run 'attune-trainer data check'",
            ) from error


def split_by_group(
    pieces: Sequence[Piece], *, shares: Mapping[Split, float], seed: int, stratum: Mapping[str, str] | None = None
) -> list[Piece]:
    """Assign pieces to sides by seeded chance, whole groups at a time.

    Args:
        pieces: their `split` is replaced.
        shares: share of pieces per side, in the order in which sides are filled; the rest is `train`.
        seed: the same seed and pieces give the same split.
        stratum: group to stratum; each stratum is split on its own, so that it keeps its share on every side.

    Returns:
        The pieces, in the same order.
    """
    groups: dict[str, dict[str, int]] = {}
    for piece in pieces:
        members = groups.setdefault((stratum or {}).get(piece.group, ""), {})
        members[piece.group] = members.get(piece.group, 0) + 1
    side: dict[str, Split] = {}
    for name in sorted(groups):
        _fill(groups[name], shares=shares, random=np.random.default_rng([seed, len(name), *name.encode()]), side=side)
    return [replace(piece, split=side[piece.group]) for piece in pieces]


def shared_groups(pieces: Sequence[Piece]) -> set[str]:
    """Return the groups that stand on more than one side: a leak, unless empty."""
    sides: dict[str, set[Split]] = {}
    for piece in pieces:
        sides.setdefault(f"{piece.dataset}/{piece.group}", set()).add(piece.split)
    return {group for group, seen in sides.items() if len(seen) > 1}


def read_rows(file: Path, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV file, gzipped or not.

    Raises:
        DataError: the file is missing, damaged, or lacks one of the columns.
    """
    try:
        with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            if lacking := sorted(set(columns) - set(reader.fieldnames or ())):
                raise DataError(
                    f"{file} lacks the columns {', '.join(lacking)}",
                    reason=Reason.MALFORMED,
                    remedy="Run 'attune-trainer data check'",
                )
            yield from reader
    except (OSError, UnicodeDecodeError, EOFError, csv.Error) as error:
        raise DataError(
            f"cannot read {file}: {error}", reason=Reason.UNREADABLE, remedy="Run 'attune-trainer data check'"
        ) from error


def number(row: Mapping[str, str], column: str, file: Path) -> float:
    """Return a finite number of a row.

    Raises:
        DataError: the cell is empty, no number, or not finite; the message names the row.
    """
    try:
        value = float(row[column])
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise DataError(
            f"column {column!r} of {file} is not a finite number in the row {dict(row)}",
            reason=Reason.MALFORMED,
            remedy="Run 'attune-trainer data check'",
        )
    return value


def _fill(
    sizes: Mapping[str, int], *, shares: Mapping[Split, float], random: np.random.Generator, side: dict[str, Split]
) -> None:
    order = [sorted(sizes)[index] for index in random.permutation(len(sizes))]
    total = sum(sizes.values())
    for split, share in shares.items():
        taken = 0
        while order and taken + sizes[order[0]] / 2 <= share * total:
            group = order.pop(0)
            taken += sizes[group]
            side[group] = split
    for group in order:
        side[group] = "train"

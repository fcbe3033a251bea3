"""VGMIDI: piano arrangements of game music with continuous valence and arousal (Ferreira & Whitehead, ISMIR 2019).

A file is named `series_console_game_piece.mid`. Arrangements of one theme share the game and the first words of the
piece's name (`Boggys Igloo Happy`, `Boggys Igloo Sad`): they form one group, which stands on one side.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cloud_trainer.data.pieces import Piece, Split, number, read_rows, split_by_group
from cloud_trainer.data.sources import require

__all__ = ["load", "theme"]

_COLUMNS = ("midi", "valence_mean", "arousal_mean")
_SHARES: Mapping[Split, float] = {"test": 0.2, "validation": 0.1}
_THEME_WORDS = 2


def load(data: Path, *, seed: int) -> list[Piece]:
    """Return the pieces with their mean valence and arousal over listeners and time, and their sides.

    Args:
        data: root of the data sets.
        seed: of the split.

    Raises:
        DataError: a file is missing or damaged.
    """
    labels, midi = require(data / "vgmidi" / "pieces_va.csv"), require(data / "vgmidi" / "midi.zip")
    pieces = [
        Piece(
            dataset="vgmidi",
            name=row["midi"],
            group=theme(row["midi"]),
            split="train",
            valence=number(row, "valence_mean", labels),
            arousal=number(row, "arousal_mean", labels),
            label="value",
            file=midi,
            member=row["midi"],
        )
        for row in read_rows(labels, _COLUMNS)
    ]
    return split_by_group(pieces, shares=_SHARES, seed=seed)


def theme(midi_name: str) -> str:
    """Return the group of a file: its game and the first words of the piece's name, in lower case."""
    *game, piece = midi_name.removesuffix(".mid").split("_")
    words = piece.lower().split()[:_THEME_WORDS]
    return "_".join([*game, " ".join(words)])

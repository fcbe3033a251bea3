"""Deezer mood detection data set: valence and arousal of songs from their Last.fm tags (weak labels)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cloud_trainer.data.labels import deezer
from cloud_trainer.data.tables import read_table

__all__ = ["DeezerMood", "load"]


@dataclass(frozen=True)
class DeezerMood:
    """The songs.

    Attributes:
        artist: artist names, shape `(n,)`.
        title: shape `(n,)`.
        emotion: valence and arousal in [-1, 1], shape `(n, 2)`.
    """

    artist: tuple[str, ...]
    title: tuple[str, ...]
    emotion: npt.NDArray[np.float32]


def load(data: Path) -> DeezerMood:
    """Read the training and validation parts as one.

    Raises:
        DataError: a file is missing or damaged.
    """
    artist: list[str] = []
    title: list[str] = []
    emotion = []
    for part in ("train", "validation"):
        table = read_table(
            data / "deezer-mood" / f"{part}.csv.gz",
            {"artist_name": "text", "track_name": "text", "valence": "float", "arousal": "float"},
        )
        artist.extend(table["artist_name"])
        title.extend(table["track_name"])
        emotion.append(np.stack([table["valence"], table["arousal"]], axis=1))
    return DeezerMood(tuple(artist), tuple(title), deezer(np.concatenate(emotion).astype(np.float32)))

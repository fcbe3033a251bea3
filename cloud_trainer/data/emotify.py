"""Emotify: recordings in four genres with induced emotions (Aljanaki, Wiering, Veltkamp, IP&M 2016).

Audio is paired with annotations by the annotations' numbering of the genres, as the data's documentation repairs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from cloud_trainer.data.labels import EMOTIFY_EMOTIONS, emotify_divisor, emotify_scores
from cloud_trainer.data.pieces import Piece, Split, number, read_rows, split_by_group
from cloud_trainer.data.sources import require

__all__ = ["GENRES", "load"]

GENRES = ("classical", "rock", "electronic", "pop")
_COLUMNS = ("track_id", "genre", *EMOTIFY_EMOTIONS)
_SHARES: Mapping[Split, float] = {"test": 0.2, "validation": 0.1}


def load(data: Path, *, seed: int) -> list[Piece]:
    """Return the tracks with valence and arousal from their induced emotions, and their sides.

    The genre is kept at its share on every side. The scores are divided by the largest absolute value on the training
    part; what lies beyond it on another side is clipped.

    Args:
        data: root of the data sets.
        seed: of the split.

    Raises:
        DataError: a file is missing or damaged.
    """
    labels = require(data / "emotify" / "tracks.csv")
    tracks = [
        Piece(
            dataset="emotify",
            name=f"{int(row['track_id']):03d}",
            group=f"{int(row['track_id']):03d}",
            split="train",
            valence=0.0,
            arousal=0.0,
            label="value",
            file=data / "emotify" / "audio" / f"{int(row['track_id']):03d}.ogg",
            genre=row["genre"],
            shares={emotion: number(row, emotion, labels) for emotion in EMOTIFY_EMOTIONS},
        )
        for row in read_rows(labels, _COLUMNS)
    ]
    tracks = split_by_group(tracks, shares=_SHARES, seed=seed, stratum={track.group: track.genre for track in tracks})
    shares = np.array([[track.shares[emotion] for emotion in EMOTIFY_EMOTIONS] for track in tracks], np.float32)
    scores = emotify_scores(shares.reshape(-1, len(EMOTIFY_EMOTIONS)))
    training = np.array([track.split == "train" for track in tracks], bool)
    scaled = np.clip(scores / emotify_divisor(scores[training]), -1.0, 1.0)
    return [
        replace(track, valence=float(valence), arousal=float(arousal))
        for track, (valence, arousal) in zip(tracks, scaled, strict=True)
    ]

"""HKU956: an Empatica E4 on the wrist while listening, with valence and arousal after each song."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cloud_trainer.data.labels import hku956
from cloud_trainer.data.tables import grouped_rows, read_arrays, read_table
from models.errors import DataError, Reason

__all__ = ["RATES_HZ", "SIGNALS", "Listening", "load"]

Floats = npt.NDArray[np.float32]

RATES_HZ: Mapping[str, float] = {"BVP": 64.0, "EDA": 4.0, "HR": 1.0, "TEMP": 4.0}
"""Sampling rate of the evenly sampled signals."""
SIGNALS = (*RATES_HZ, "IBI")
_REMEDY = "Run 'attune-trainer data check' to see whether the file was changed"


@dataclass(frozen=True)
class Listening:
    """One song heard by one person.

    Attributes:
        person: such as `hku1904`.
        order: place in the person's session, from 0.
        song: Jamendo's track id.
        felt: valence and arousal reported after the song, in [-1, 1], shape `(2,)`.
        seconds: how long it was heard.
        signals: BVP (arbitrary unit, 64 Hz), EDA (µS, 4 Hz), HR (beat/min, 1 Hz), TEMP (°C, 4 Hz), IBI (s, one value
            per beat, gaps not marked).
    """

    person: str
    order: int
    song: int
    felt: Floats
    seconds: float
    signals: Mapping[str, Floats]


def load(data: Path) -> dict[str, list[Listening]]:
    """Return the listenings of each person in their order.

    Raises:
        DataError: a file is missing or damaged, or a listening has no signals.
    """
    folder = data / "hku956"
    table = read_table(
        folder / "ratings.csv",
        {
            "participant_id": "text",
            "song_no": "int",
            "song_id": "int",
            "valence_rating": "float",
            "arousal_rating": "float",
            "play_duration": "float",
        },
    )
    felt = hku956(np.stack([table["valence_rating"], table["arousal_rating"]], axis=1).astype(np.float32))
    people, group = np.unique(table["participant_id"].astype(str), return_inverse=True)
    listenings = {}
    for person, rows in zip(people, grouped_rows(group, len(people)), strict=True):
        path = folder / "signals" / f"{person}.npz"
        recorded = _signals(path)
        ordered = sorted(rows, key=lambda row: int(table["song_no"][row]))
        listenings[str(person)] = [
            Listening(
                person=str(person),
                order=int(table["song_no"][row]),
                song=int(table["song_id"][row]),
                felt=felt[row],
                seconds=float(table["play_duration"][row]),
                signals=_of(recorded, int(table["song_no"][row]), int(table["song_id"][row]), path),
            )
            for row in ordered
        ]
    return listenings


def _signals(path: Path) -> dict[str, Floats]:
    return {name: np.asarray(values, np.float32) for name, values in read_arrays(path).items()}


def _of(recorded: Mapping[str, Floats], order: int, song: int, path: Path) -> dict[str, Floats]:
    prefix = f"{order:02d}_{song}/"
    found = {name: recorded[prefix + name] for name in SIGNALS if prefix + name in recorded}
    missing = [name for name in SIGNALS if name not in found]
    if missing:
        raise DataError(f"{path} lacks {prefix}{missing[0]}", reason=Reason.MALFORMED, remedy=_REMEDY)
    return found

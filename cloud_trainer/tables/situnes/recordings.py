"""SiTunes as tables need it: every listening of daily life with situation, wrist and track, those of an exam marked.

Stages 2 and 3 have one format; a folder may hold either or both. A listening that is examined is never trained on, even
where both folders hold it. What a person reported earlier is known, whichever folder it comes from: as on the device.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.data.sources import require
from cloud_trainer.data.tables import Kind, positions, read_arrays, read_table
from cloud_trainer.tables.frame import Floats, Fold, Ints
from cloud_trainer.tables.learners import without_group
from models.errors import DataError, Reason

__all__ = ["SET", "TRACK_FEATURES", "Lab", "Listenings", "Recordings", "people_left_out", "read"]

SET: Final = "situnes"
TRACK_FEATURES: Final = (
    "popularity",
    "loudness",
    "danceability",
    "energy",
    "key",
    "speechiness",
    "acousticness",
    "instrumentalness",
    "valence",
    "tempo",
    "duration",
    "F0final_sma_amean",
    "F0final_sma_stddev",
    "audspec_lengthL1norm_sma_stddev",
    "pcm_RMSenergy_sma_stddev",
    "pcm_fftMag_psySharpness_sma_amean",
    "pcm_fftMag_psySharpness_sma_stddev",
    "pcm_zcr_sma_amean",
    "pcm_zcr_sma_stddev",
)
_STAGES: Final = (2, 3)
_REMEDY: Final = "Run 'attune-trainer data check' to see whether the file was changed"
_FELT: Final = ("emo_pre_valence", "emo_pre_arousal", "emo_post_valence", "emo_post_arousal")


@dataclass(frozen=True, kw_only=True)
class Listenings:
    """One row per listening, in time order.

    Attributes:
        user, track: numbers; the track's is a row of `Recordings.tracks`.
        time: seconds since the epoch.
        rating: 1..5, given after listening.
        before, after: valence and arousal in [-1, 1], `(n, 2)`.
        wrist: of each of the 30 minutes before: heart rate from the person's own offset (beat/min), intensity of
            movement, steps, kind of activity, `(n, 30, 4)`.
        place: part of the day (1..3), weather (0..2), pressure (hPa), temperature (°C), humidity (%), longitude,
            latitude (scaled), speed, `(n, 8)`; NaN where unknown.
        stage: 2 or 3.
        examined: whether the row is of the exam.
    """

    user: Ints
    track: Ints
    time: Floats
    rating: Floats
    before: Floats
    after: Floats
    wrist: Floats
    place: Floats
    stage: Ints
    examined: npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Lab:
    """Stage 1, in time order: some twenty songs a person in one session, mood and rating after each."""

    user: Ints
    track: Ints
    time: Floats
    rating: Floats
    after: Floats


@dataclass(frozen=True, kw_only=True)
class Recordings:
    """Everything.

    Attributes:
        tracks: `(tracks, len(TRACK_FEATURES))`, NaN where unknown.
        lab: stage 1.
        daily: stages 2 and 3.
    """

    tracks: Floats
    lab: Lab
    daily: Listenings


def read(data: Path, exam: Path | None) -> Recordings:
    """Read a folder, and an exam beside it.

    Raises:
        DataError: a file is missing or damaged, or a cell is not what it should be.
    """
    catalogue = (exam / SET / "music_info.csv") if exam is not None else None
    known = data / SET / "music_info.csv"
    items, tracks = _tracks(known, catalogue if catalogue is not None and catalogue.is_file() else None)
    parts = [_daily(data / SET, items, examined=False)]
    labs = [_lab(data / SET, items)]
    if exam is not None:
        parts.append(_daily(exam / SET, items, examined=True))
        if (exam / SET / "stage1_interactions.csv").is_file():
            labs.append(_lab(exam / SET, items))
    return Recordings(tracks=tracks, lab=_joined_lab(labs), daily=_joined(parts))


def people_left_out(daily: Listenings, seed: int) -> list[Fold]:
    """Return one fold per person; a single one where there is an exam, with all rows of the data to train on."""
    if daily.examined.any():
        return [
            Fold(name="exam", train=np.flatnonzero(~daily.examined), test=np.flatnonzero(daily.examined), seed=seed)
        ]
    return [
        Fold(name=f"without-{person}", train=train, test=test, seed=seed + number)
        for number, (person, train, test) in enumerate(without_group(daily.user))
    ]


def _tracks(path: Path, more: Path | None) -> tuple[Ints, Floats]:
    columns: dict[str, Kind] = {"item_id": "int", **dict.fromkeys(TRACK_FEATURES, "number")}
    tables = [read_table(file, columns) for file in (path, more) if file is not None]
    items = np.concatenate([table["item_id"] for table in tables])
    values = np.concatenate([np.stack([table[name] for name in TRACK_FEATURES], axis=1) for table in tables])
    known, first = np.unique(items, return_index=True)
    return known, np.asarray(values[first], np.float64)


def _lab(folder: Path, items: Ints) -> Lab:
    path = folder / "stage1_interactions.csv"
    names = ("timestamp", "rating", "emo_valence", "emo_arousal")
    table = read_table(path, {"user_id": "int", "item_id": "int", **dict.fromkeys(names, "float")})
    return Lab(
        user=table["user_id"],
        track=positions(table["item_id"], items, path, "item_id"),
        time=table["timestamp"],
        rating=table["rating"],
        after=np.stack([table["emo_valence"], table["emo_arousal"]], axis=1),
    )


def _daily(folder: Path, items: Ints, *, examined: bool) -> Listenings:
    stages = [stage for stage in _STAGES if (folder / f"stage{stage}_interactions.csv").is_file()]
    if not stages:
        require(folder / f"stage{_STAGES[0]}_interactions.csv")
    return _stacked([_stage(folder, stage, items, examined=examined) for stage in stages])


def _stage(folder: Path, stage: int, items: Ints, *, examined: bool) -> Listenings:
    path = folder / f"stage{stage}_interactions.csv"
    columns: dict[str, Kind] = dict.fromkeys(("inter_id", "user_id", "item_id"), "int")
    table = read_table(path, columns | dict.fromkeys((*_FELT, "timestamp", "rating"), "float"))
    felt = np.stack([table[name] for name in _FELT], axis=1)
    beyond = np.flatnonzero(np.any(np.abs(felt) > 1, axis=1))
    if len(beyond):
        raise DataError(
            f"row {beyond[0] + 2} of {path}: a mood of {felt[beyond[0]].tolist()} is outside -1 to 1",
            reason=Reason.WRONG_VALUE,
            remedy=_REMEDY,
        )
    count = len(felt)
    return Listenings(
        user=table["user_id"],
        track=positions(table["item_id"], items, path, "item_id"),
        time=table["timestamp"],
        rating=table["rating"],
        before=felt[:, :2],
        after=felt[:, 2:],
        wrist=_wrist(folder / f"stage{stage}_wrist.npz", table["inter_id"], path),
        place=_places(folder / f"stage{stage}_env.json", table["inter_id"]),
        stage=np.full(count, stage),
        examined=np.full(count, examined),
    )


def _wrist(path: Path, wanted: Ints, named_by: Path) -> Floats:
    recorded = read_arrays(path)
    shapes = {name: recorded[name].shape for name in ("inter_id", "wrist") if name in recorded}
    if len(shapes) < 2 or shapes["wrist"] != (*shapes["inter_id"], 30, 4):
        raise DataError(
            f"{path} holds {shapes}, not inter_id (n,) and wrist (n, 30, 4)", reason=Reason.MALFORMED, remedy=_REMEDY
        )
    if not np.isfinite(recorded["wrist"]).all():
        raise DataError(f"{path} holds a NaN", reason=Reason.WRONG_VALUE, remedy=_REMEDY)
    order = np.argsort(recorded["inter_id"])
    rows = positions(wanted, recorded["inter_id"][order], named_by, "inter_id")
    return np.asarray(recorded["wrist"][order][rows], np.float64)


def _places(path: Path, wanted: Ints) -> Floats:
    try:
        recorded: dict[str, Any] = json.loads(require(path).read_text("utf-8"))
    except ValueError as error:
        raise DataError(f"{path} is no JSON: {error}", reason=Reason.CORRUPT, remedy=_REMEDY) from error
    rows = []
    for identifier in wanted:
        row = recorded.get(str(identifier), {})
        parts = [row.get("time", np.nan), *_padded(row.get("weather"), 4), *_padded(row.get("GPS"), 3)]
        rows.append([np.nan if part is None else float(part) for part in parts])
    return np.array(rows, np.float64).reshape(-1, 8)


def _padded(values: list[Any] | None, length: int) -> list[Any]:
    known = list(values or ())[:length]
    return known + [np.nan] * (length - len(known))


def _stacked(parts: list[Listenings]) -> Listenings:
    return Listenings(
        **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Listenings)}
    )


def _taken(part: Listenings, rows: npt.NDArray[Any]) -> Listenings:
    return replace(part, **{field.name: getattr(part, field.name)[rows] for field in fields(Listenings)})


def _joined(parts: list[Listenings]) -> Listenings:
    """Return all in time order; of a listening that both folders hold, the examined one."""
    if len(parts) > 1:
        examined = {(int(user), float(time)) for user, time in zip(parts[1].user, parts[1].time, strict=True)}
        pairs = zip(parts[0].user, parts[0].time, strict=True)
        kept = np.array([(int(user), float(time)) not in examined for user, time in pairs], bool)
        parts = [_taken(parts[0], np.flatnonzero(kept)), parts[1]]
    whole = _stacked(parts)
    return _taken(whole, np.lexsort((whole.user, whole.time)))


def _joined_lab(parts: list[Lab]) -> Lab:
    stacked = {field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Lab)}
    keys = np.stack([stacked["user"].astype(np.float64), stacked["time"]], axis=1)
    _, first = np.unique(keys, axis=0, return_index=True)
    first = first[np.argsort(stacked["time"][first], kind="stable")]
    return Lab(**{name: values[first] for name, values in stacked.items()})

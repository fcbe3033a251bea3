"""SiTunes: what thirty people listened to in the lab (stage 1) and in daily life (stage 2), how they felt, where.

Valence and arousal are in [-1, 1] already. Spotify's valence and energy of a track (0..1) are mapped to [-1, 1] by
2x − 1; energy stands for arousal.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cloud_trainer.data.sources import require
from cloud_trainer.data.tables import Kind, floats, positions, read_arrays, read_table
from models.errors import DataError, Reason

__all__ = ["Interactions", "SiTunes", "load"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_MISSING_ACTIVITY = 3
# wrist activity type -> the situation's activity: still, to still, walking, (missing), lying, running
_ACTIVITY = np.array([0.0, 0.0, 0.5, np.nan, 0.0, 1.0], np.float32)
# code of the time of day -> hours at its middle: 8-12, 12-18, 18-2 h
_HOUR = {1: 10.0, 2: 15.0, 3: 22.0}
_RAINY = 2
_REMEDY = "Run 'attune-trainer data check' to see whether the file was changed"


@dataclass(frozen=True)
class Interactions:
    """One row per listening, in time order; `NaN` is unknown.

    Attributes:
        user: the person, 1..30.
        track: row of the track table.
        time: seconds since the epoch.
        rating: 1..5.
        before, after: valence and arousal, shape `(n, 2)`; `before` is NaN in stage 1.
        heart_rate: of the 30 minutes before, beats a minute from the person's own offset, shape `(n, 30)`.
        intensity: of movement, in the wristband's own unit, shape `(n, 30)`.
        activity: 0 still, 0.5 walking, 1 running, shape `(n, 30)`.
        hour: local hour at the middle of the part of the day.
        rain: 1 where it rained, 0 where not.
        temperature: degrees Celsius outside.
    """

    user: Ints
    track: Ints
    time: npt.NDArray[np.float64]
    rating: Floats
    before: Floats
    after: Floats
    heart_rate: Floats
    intensity: Floats
    activity: Floats
    hour: Floats
    rain: Floats
    temperature: Floats


@dataclass(frozen=True)
class SiTunes:
    """Tracks and listenings.

    Attributes:
        title, singer: per track; "" where not known.
        emotion: valence and energy of each track in [-1, 1], shape `(tracks, 2)`, NaN where not known.
        popularity: Spotify's, 0..100, NaN where not known.
        lab: stage 1.
        daily: stage 2.
    """

    title: tuple[str, ...]
    singer: tuple[str, ...]
    emotion: Floats
    popularity: Floats
    lab: Interactions
    daily: Interactions


def load(data: Path) -> SiTunes:
    """Read tracks, stage 1 and stage 2.

    Raises:
        DataError: a file is missing or damaged.
    """
    folder = data / "situnes"
    tracks = read_table(
        folder / "music_info.csv",
        {
            "item_id": "int",
            "popularity": "number",
            "valence": "number",
            "energy": "number",
            "music": "text",
            "singer": "text",
        },
    )
    order = np.argsort(tracks["item_id"], kind="stable")
    tracks = {name: values[order] for name, values in tracks.items()}
    emotion = floats(2 * np.stack([tracks["valence"], tracks["energy"]], axis=1) - 1)
    return SiTunes(
        title=tuple(tracks["music"]),
        singer=tuple(tracks["singer"]),
        emotion=emotion,
        popularity=floats(tracks["popularity"]),
        lab=_lab(folder, tracks["item_id"]),
        daily=_daily(folder, tracks["item_id"]),
    )


def _lab(folder: Path, items: Ints) -> Interactions:
    path = folder / "stage1_interactions.csv"
    table = read_table(
        path,
        {
            "user_id": "int",
            "item_id": "int",
            "timestamp": "float",
            "rating": "float",
            "emo_valence": "float",
            "emo_arousal": "float",
        },
    )
    order = np.argsort(table["timestamp"], kind="stable")
    table = {name: values[order] for name, values in table.items()}
    unknown = np.full((len(order), 30), np.nan, np.float32)
    after = floats(np.stack([table["emo_valence"], table["emo_arousal"]], axis=1))
    return Interactions(
        user=table["user_id"],
        track=positions(table["item_id"], items, path, "item_id"),
        time=table["timestamp"],
        rating=floats(table["rating"]),
        before=np.full_like(after, np.nan),
        after=after,
        heart_rate=unknown,
        intensity=unknown,
        activity=unknown,
        hour=unknown[:, 0],
        rain=unknown[:, 0],
        temperature=unknown[:, 0],
    )


def _daily(folder: Path, items: Ints) -> Interactions:
    path = folder / "stage2_interactions.csv"
    emotions = ("emo_pre_valence", "emo_pre_arousal", "emo_post_valence", "emo_post_arousal")
    kinds: dict[str, Kind] = dict.fromkeys(emotions, "float")
    kinds |= {"inter_id": "int", "user_id": "int", "item_id": "int", "timestamp": "float", "rating": "float"}
    table = read_table(path, kinds)
    order = np.argsort(table["timestamp"], kind="stable")
    table = {name: values[order] for name, values in table.items()}
    wrist = _wrist(folder / "stage2_wrist.npz", table["inter_id"], path)
    hour, rain, temperature = _surroundings(folder / "stage2_env.json", table["inter_id"])
    felt = np.stack([table[name] for name in emotions], axis=1)
    kind = wrist[..., 3].astype(np.int64)
    # All zeros is how the file writes minutes that the wristband did not record.
    recorded = (wrist[..., 0] != 0) & (kind != _MISSING_ACTIVITY)
    return Interactions(
        user=table["user_id"],
        track=positions(table["item_id"], items, path, "item_id"),
        time=table["timestamp"],
        rating=floats(table["rating"]),
        before=floats(felt[:, :2]),
        after=floats(felt[:, 2:]),
        heart_rate=floats(np.where(wrist[..., 0] != 0, wrist[..., 0], np.nan)),
        intensity=floats(np.where(recorded, wrist[..., 1], np.nan)),
        activity=floats(np.where(recorded, _ACTIVITY[np.clip(kind, 0, len(_ACTIVITY) - 1)], np.nan)),
        hour=hour,
        rain=rain,
        temperature=temperature,
    )


def _wrist(path: Path, wanted: Ints, named_by: Path) -> Floats:
    recorded = read_arrays(path)
    missing = {"inter_id", "wrist"} - set(recorded)
    if missing:
        raise DataError(f"{path} lacks {', '.join(sorted(missing))}", reason=Reason.MALFORMED, remedy=_REMEDY)
    ids, wrist = recorded["inter_id"].astype(np.int64), recorded["wrist"].astype(np.float32)
    if wrist.shape != (len(ids), 30, 4):
        raise DataError(f"{path} holds {wrist.shape}, not ({len(ids)}, 30, 4)", reason=Reason.MALFORMED, remedy=_REMEDY)
    order = np.argsort(ids)
    return np.asarray(wrist[order][positions(wanted, ids[order], named_by, "inter_id")], np.float32)


def _surroundings(path: Path, wanted: Ints) -> tuple[Floats, Floats, Floats]:
    try:
        environment: dict[str, Any] = json.loads(require(path).read_text("utf-8"))
    except ValueError as error:
        raise DataError(f"{path} is no JSON: {error}", reason=Reason.CORRUPT, remedy=_REMEDY) from error
    rows = []
    for identifier in wanted:
        row = environment.get(str(identifier), {})
        weather = row.get("weather") or []
        rain = float(weather[0] == _RAINY) if weather else np.nan
        rows.append((_HOUR.get(row.get("time"), np.nan), rain, float(weather[2]) if len(weather) > 2 else np.nan))
    hour, rain_column, temperature = np.array(rows, np.float32).reshape(-1, 3).T
    return hour, rain_column, temperature

"""HKU956: an Empatica E4 on the wrist while listening to music, with valence and arousal told after every song.

The set gives no times: the songs are laid one after another, `PAUSE_S` apart, from a made-up moment on. Its beats come
without times and with gaps that nobody marked, so they cannot be placed and are left out; the pulse wave, of which they
were made, is there. Citation: Hu, Li & Liu 2022, Applied Sciences 12(18):9354.
"""

from __future__ import annotations

import csv
import zipfile
import zlib
from pathlib import Path
from typing import Final

import numpy as np

from firmware_sim.recordings.recording import Array, Recording, Series
from firmware_sim.recordings.tables import text_of, wrong
from models.errors import Reason
from models.wire.messages import Truth

__all__ = ["PAUSE_S", "read"]

PAUSE_S: Final = 10.0
"""Between two songs: about what two ratings on a screen take."""
_BEGINNING: Final = 1_600_000_000.0
_LICENCE: Final = "CC BY-NC 4.0"
_SIGNALS: Final = {
    # signal: quantity, rate (Hz), factor to the wire's unit
    "BVP": ("ppg", 64.0, 1.0),
    "EDA": ("eda", 4.0, 1e-6),
    "HR": ("hr", 1.0, 1.0),
    "TEMP": ("temp", 4.0, 1.0),
}
_RATING_RANGE: Final = 10.0
_COLUMNS: Final = ("participant_id", "song_no", "song_id", "valence_rating", "arousal_rating", "play_duration")


def read(folder: Path, participant: str) -> Recording:
    """Read one participant's songs in the order in which they were heard.

    Args:
        folder: of the set, with `ratings.csv` and `signals/`.
        participant: such as `hku1904`.

    Raises:
        DataError: the set or the participant is missing, or a file is damaged or malformed.
    """
    songs = _songs(folder / "ratings.csv", participant)
    path = folder / "signals" / f"{participant}.npz"
    parts: dict[str, list[Series]] = {quantity: [] for quantity, _, _ in _SIGNALS.values()}
    truths = []
    begin = _BEGINNING
    try:
        # Opened here, because NumPy leaves the file of a damaged archive open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as signals:
            for song in songs:
                prefix = f"{int(song['song_no']):02d}_{song['song_id']}/"
                for name, (quantity, rate_hz, factor) in _SIGNALS.items():
                    values: Array = np.asarray(signals[prefix + name], dtype=np.float64) * factor
                    if values.ndim != 1 or not np.isfinite(values).all():
                        raise wrong(path, f"holds what is no finite number in {prefix}{name}")
                    parts[quantity].append(Series.even(begin, rate_hz, values))
                end = begin + float(song["play_duration"])
                truths.append(_truth(song, end))
                begin = end + PAUSE_S
    except FileNotFoundError as error:
        raise wrong(path, "does not exist", Reason.MISSING, "Name the folder of the set with --data") from error
    except KeyError as error:
        raise wrong(path, f"lacks {error.args[0]!r}") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise wrong(path, f"cannot be read ({error})", Reason.CORRUPT) from error
    return Recording(
        source=f"HKU956, {participant}",
        licence=_LICENCE,
        wearable="e4",
        series={quantity: _joined(series) for quantity, series in parts.items()},
        truths=tuple(truths),
    )


def _songs(path: Path, participant: str) -> list[dict[str, str]]:
    rows = list(csv.DictReader(text_of(path).splitlines()))
    missing = [name for name in _COLUMNS if not rows or rows[0].get(name) is None]
    if missing:
        raise wrong(path, f"lacks the column {missing[0]!r}")
    songs = [row for row in rows if row["participant_id"] == participant]
    if not songs:
        people = sorted({row["participant_id"] for row in rows})
        raise wrong(path, f"knows no participant {participant!r}", Reason.MISSING, f"Name one of {', '.join(people)}")
    try:
        for song in songs:
            if not all(np.isfinite(float(song[name])) for name in _COLUMNS[1:]):
                raise wrong(path, f"holds what is no finite number for song {song['song_no']} of {participant}")
    except (ValueError, TypeError) as error:
        raise wrong(path, f"holds what is no number for {participant} ({error})") from error
    return sorted(songs, key=lambda song: int(song["song_no"]))


def _truth(song: dict[str, str], t: float) -> Truth:
    valence, arousal = (
        float(np.clip(float(song[name]) / _RATING_RANGE, -1.0, 1.0)) for name in ("valence_rating", "arousal_rating")
    )
    return Truth(t, valence, arousal)


def _joined(series: list[Series]) -> Series:
    return Series(np.concatenate([s.times for s in series]), np.concatenate([s.values for s in series]))

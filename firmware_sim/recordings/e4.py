"""Empatica E4 recordings: a folder of CSV files, as the E4 manager and E4 connect export them.

Each file begins with its start (seconds since the epoch) and its rate (Hz); what follows are samples. `EDA` is in µS,
`TEMP` in °C, `BVP` in arbitrary units, `ACC` in 1/64 g over ±2 g, `HR` in beats a minute, an average over ten seconds
that Empatica computes. `IBI` has no rate: each row is the moment of a beat, in seconds since the start, and its
distance from the beat before; beats that the wristband doubts are left out (Empatica, "E4 data: IBI expected signal";
the info.txt of every export). `tags` holds the moments at which the wearer pressed the button.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from firmware_sim.recordings.recording import Recording, Series
from firmware_sim.recordings.tables import numbers, text_of, wrong
from models.errors import DataError, Reason

__all__ = ["read"]

_G_MS2: Final = 9.80665
_EVEN: Final = {
    # file: quantity, columns, factor to the wire's unit
    "EDA": ("eda", 1, 1e-6),
    "TEMP": ("temp", 1, 1.0),
    "BVP": ("ppg", 1, 1.0),
    "HR": ("hr", 1, 1.0),
    "ACC": ("acc", 3, _G_MS2 / 64.0),
}
_RATES_HZ: Final = (0.01, 1000.0)


def read(folder: Path, *, source: str = "", licence: str = "") -> Recording:
    """Read what there is of an E4 export; a file that is absent leaves its quantity out.

    Args:
        folder: with `EDA.csv` and its siblings, each also as `.csv.gz`.
        source: for the session's header; the folder's name where empty.
        licence: terms of the recording.

    Raises:
        DataError: there is no E4 file in the folder (MISSING), or one is empty, damaged or malformed.
    """
    series: dict[str, Series] = {}
    for name, (quantity, columns, factor) in _EVEN.items():
        if (path := _file(folder, name)) is not None:
            series[quantity] = _even(path, columns, factor)
    # The file of a wristband that doubted every beat has its first line alone.
    if (path := _file(folder, "IBI")) is not None and len((beats := _beats(path)).times):
        series["rr"] = beats
    if not series:
        raise wrong(folder, "holds no file of an E4", Reason.MISSING, "Name the folder with EDA.csv and the others")
    marks = _file(folder, "tags")
    return Recording(
        source=source or f"Empatica E4, {folder.resolve().name}",
        licence=licence,
        wearable="e4",
        series=series,
        marks=_marks(marks) if marks is not None else (),
    )


def _file(folder: Path, name: str) -> Path | None:
    candidates = (folder / f"{name}.csv", folder / f"{name}.csv.gz")
    return next((path for path in candidates if path.is_file()), None)


def _even(path: Path, columns: int, factor: float) -> Series:
    table = numbers(_content(path), path, columns=columns)
    if len(table) < 3:
        raise wrong(path, "holds no sample", Reason.EMPTY)
    start, rate_hz = float(table[0, 0]), float(table[1, 0])
    if not _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1]:
        raise wrong(path, f"says that it has {rate_hz} samples a second", Reason.WRONG_VALUE)
    values = table[2:] * factor
    return Series.even(start, rate_hz, values if columns > 1 else values[:, 0])


def _beats(path: Path) -> Series:
    text = _content(path)
    begin = text.split("\n", 1)[0].split(",")
    if len(begin) != 2 or begin[1].strip() != "IBI":
        raise wrong(path, "does not begin with its start and the word IBI")
    start = float(numbers(begin[0], path, columns=1)[0, 0])
    table = numbers(text, path, columns=2, skipped=1)
    times = start + table[:, 0]
    if (np.diff(times) < 0.0).any():
        late = int(np.flatnonzero(np.diff(times) < 0.0)[0])
        raise wrong(path, f"goes back in time in line {late + 3}")
    return Series(times, table[:, 1])


def _marks(path: Path) -> tuple[float, ...]:
    return tuple(numbers(text_of(path), path, columns=1)[:, 0].tolist())


def _content(path: Path) -> str:
    text = text_of(path)
    if not text.strip():
        raise DataError(f"{path} is empty", reason=Reason.EMPTY, remedy="Leave the file out, or get it again")
    return text

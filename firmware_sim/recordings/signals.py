"""Single signals with which others test their software: heart, pulse and skin from NeuroKit2, HeartPy and BioSPPy.

They have no wearable and no date; they are sent as if a strap or band had taken them, from a made-up moment on, at the
densest rate that wearables send. Signals in counts of an unknown converter are left out where the wire wants a unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from firmware_sim.recordings import e4
from firmware_sim.recordings.recording import Array, Recording, Series
from firmware_sim.recordings.tables import numbers, text_of, wrong
from models.errors import DataError, Reason

__all__ = ["NAMES", "read"]

_BEGINNING: Final = 1_600_000_000.0
_DENSEST_HZ: Final = 135.0
"""What the fastest open wearable protocol sends: Polar's PPG. Denser signals are thinned to at most that."""
_FACTORS: Final = {"ecg": 1e-3, "eda": 1e-6, "ppg": 1.0}
"""The files' millivolts and microsiemens in volts and siemens."""


class _File(NamedTuple):
    path: str
    rate_hz: float
    columns: Mapping[str, str]
    """Quantity by column name; a file without a line of names has the one column ``""``."""
    licence: str = "MIT"
    skipped: int = 0


_FILES: Final = {
    "bio-resting-5min": _File("neurokit/bio_resting_5min_100hz.csv.gz", 100.0, {"ECG": "ecg", "PPG": "ppg"}),
    "bio-resting-8min": _File("neurokit/bio_resting_8min_100hz.csv.gz", 100.0, {"ECG": "ecg", "EDA": "eda"}),
    "bio-eventrelated": _File("neurokit/bio_eventrelated_100hz.csv.gz", 100.0, {"ECG": "ecg", "EDA": "eda"}),
    "ecg-1000hz": _File("neurokit/ecg_1000hz.csv.gz", 1000.0, {"ECG": "ecg"}),
    "ecg-3000hz": _File("neurokit/ecg_3000hz.csv.gz", 3000.0, {"ECG": "ecg"}),
    "e0103": _File("heartpy/e0103.csv.gz", 250.0, {"": "ecg"}),
    "118e00": _File("heartpy/118e00.csv.gz", 360.0, {"": "ecg"}),
    "118e06": _File("heartpy/118e06.csv.gz", 360.0, {"": "ecg"}),
    "118e24": _File("heartpy/118e24.csv.gz", 360.0, {"": "ecg"}),
    "heartpy-data": _File("heartpy/data.csv.gz", 100.0, {"": "ppg"}),
    "biosppy-ppg": _File("biosppy/ppg.txt.gz", 1000.0, {"": "ppg"}, "BSD-3-Clause", 4),
}
_E4: Final = "flirt-e4"
NAMES: Final = (*_FILES, _E4)
"""What can be read."""


def read(folder: Path, name: str) -> Recording:
    """Read one of `NAMES`.

    Args:
        folder: with `neurokit/`, `heartpy/`, `biosppy/` and `flirt-e4/`.
        name: which signal.

    Raises:
        DataError: the name is unknown, or the file is missing, damaged or malformed.
    """
    if name == _E4:
        return e4.read(folder / _E4, source="flirt, E4 sample", licence="MIT")
    file = _FILES.get(name)
    if file is None:
        raise DataError(f"There is no signal {name!r}", reason=Reason.MISSING, remedy=f"Name one of {', '.join(NAMES)}")
    series = {}
    for quantity, values in _columns(folder / file.path, file).items():
        if not len(values):
            raise wrong(folder / file.path, "holds no sample", Reason.EMPTY)
        thinned, rate_hz = _thinned(values, file.rate_hz)
        series[quantity] = Series.even(_BEGINNING, rate_hz, thinned * _FACTORS[quantity])
    return Recording(source=f"{name} ({file.path})", licence=file.licence, wearable="strap", series=series)


def _columns(path: Path, file: _File) -> dict[str, Array]:
    text = text_of(path)
    if "" in file.columns:
        return {file.columns[""]: numbers(text, path, columns=1, skipped=file.skipped)[:, 0]}
    names = text.split("\n", 1)[0].strip().split(",")
    missing = [name for name in file.columns if name not in names]
    if missing:
        raise wrong(path, f"lacks the column {missing[0]!r}")
    table = numbers(text, path, columns=len(names), skipped=1)
    return {quantity: table[:, names.index(name)] for name, quantity in file.columns.items()}


def _thinned(values: Array, rate_hz: float) -> tuple[Array, float]:
    """Every so many samples, after a low-pass that nothing folds over, so that at most the densest rate remains."""
    every = int(np.ceil(rate_hz / _DENSEST_HZ))
    if every == 1:
        return values, rate_hz
    from scipy.signal import decimate

    thinned: Array = decimate(values, every, ftype="fir", zero_phase=True)
    return thinned, rate_hz / every

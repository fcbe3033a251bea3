"""Breathing from the beats against a breathing belt, beside NeuroKit2's from the same beats."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import neurokit2
import numpy as np
from numpy.typing import NDArray

from benchmarks.parity.recordings import BREATHING, Breathing, breathing, quietly
from benchmarks.parity.table import Row, Section
from models.physiology.beats import beats_of, respiration_per_min

__all__ = ["section"]

Array = NDArray[np.float64]
_WINDOW_S: Final = 60.0
_STEP_S: Final = 10.0
_RATE_HZ: Final = 100
_NEUROKIT: Final = "NeuroKit2, ecg_rsp"


class _Rates(NamedTuple):
    """Breaths a minute in every window, [w]; NaN where there is none."""

    truth: Array
    ours: Array
    theirs: Array


def section(data: Path) -> Section:
    """Compare in windows of a minute."""
    rows: list[Row] = []
    for name in BREATHING:
        rows += _rows(name, _windows(breathing(data, name)))
    return Section(
        title="Respiration from the beats",
        note=(
            "Truth: troughs of the breathing belt. Windows of 60 s every 10 s. We say nothing where the estimates "
            "disagree: the share of windows with an answer stands beside the error, and NeuroKit2's error in those "
            "same windows; it always answers, from the whole recording at once."
        ),
        rows=rows,
    )


def _windows(recording: Breathing) -> _Rates:
    with quietly():
        _, found = neurokit2.rsp_peaks(
            neurokit2.rsp_clean(recording.belt, sampling_rate=_RATE_HZ), sampling_rate=_RATE_HZ
        )
        rate = neurokit2.signal_rate(
            np.round(recording.beats * _RATE_HZ).astype(int),
            sampling_rate=_RATE_HZ,
            desired_length=len(recording.belt),
        )
        derived = neurokit2.ecg_rsp(rate, sampling_rate=_RATE_HZ)
        _, of_beats = neurokit2.rsp_peaks(derived, sampling_rate=_RATE_HZ)
    intervals = np.diff(recording.beats)
    rows = []
    for end in np.arange(_WINDOW_S, recording.beats[-1], _STEP_S):
        inside = (recording.beats[1:] > end - _WINDOW_S) & (recording.beats[1:] <= end)
        beats = beats_of(recording.beats[1:][inside], intervals[inside])
        rows.append((_rate(found, end), respiration_per_min(beats), _rate(of_beats, end)))
    return _Rates(*np.array(rows).T)


def _rate(found: dict[str, Array], end: float) -> float:
    """Breaths a minute from the troughs of a window."""
    troughs = np.asarray(found["RSP_Troughs"], dtype=np.float64) / _RATE_HZ
    inside = troughs[(troughs > end - _WINDOW_S) & (troughs <= end)]
    return 60.0 * (len(inside) - 1) / float(inside[-1] - inside[0]) if len(inside) > 2 else float("nan")


def _rows(name: str, rates: _Rates) -> Iterator[Row]:
    answered = ~np.isnan(rates.ours) & ~np.isnan(rates.truth)
    share = float(answered.mean())
    yield Row(what="windows with an answer, share", on=name, ours=share, peer=1.0, peer_name=_NEUROKIT)
    if answered.any():
        ours = float(np.abs(rates.ours - rates.truth)[answered].mean())
        theirs = float(np.nanmean(np.abs(rates.theirs - rates.truth)[answered]))
        yield Row(
            what="error where answered, breaths a minute",
            on=name,
            ours=ours,
            peer=theirs,
            peer_name=_NEUROKIT,
            promise="below 1",
            held=ours < 1.0,
        )

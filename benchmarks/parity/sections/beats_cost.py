"""What a window of beats costs, beside NeuroKit2 on the same window in the same process, and how cost grows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import neurokit2
import numpy as np
from numpy.typing import NDArray

from benchmarks.parity.recordings import BREATHING, breathing, holters, milliseconds, published, quietly
from benchmarks.parity.table import Row, Section
from models.physiology.beats import beats_of, frequency_domain, respiration, sample_entropy, time_domain

__all__ = ["section"]

Array = NDArray[np.float64]
_TIMES_FASTER: Final = 20.0
_TICKS_HZ: Final = 1000
_REPEATS: Final = 25


def section(data: Path) -> Section:
    """Time windows of one and of five minutes, and a long series."""
    rows = []
    for on, intervals in (
        ("60 s", published(data)[:82]),
        ("300 s", np.diff(breathing(data, BREATHING[0]).beats)),
    ):
        rows += [_row(what, on, ours, theirs) for what, ours, theirs in _calls(intervals)]
    return Section(
        title="Cost of a window of beats",
        note=(
            "Median CPU time, milliseconds, one process, both sides warmed up, NeuroKit2's functions with their default "
            "settings. Sample entropy is quadratic on both sides and no part of the sum; below five minutes we give none."
        ),
        rows=[*rows, _growth(holters(data))],
    )


def _calls(intervals: Array) -> list[tuple[str, Callable[[], object], Callable[[], object]]]:
    peaks = np.round(np.concatenate(([0.0], np.cumsum(intervals))) * _TICKS_HZ).astype(np.int64)
    rr = np.diff(peaks) / _TICKS_HZ
    times = np.cumsum(rr)
    beats = beats_of(times, rr)
    rates = 60.0 / rr

    def everything() -> None:
        corrected = beats_of(times, rr)
        time_domain(corrected)
        frequency_domain(corrected)

    def everything_of_theirs() -> None:
        _, fixed = neurokit2.signal_fixpeaks(peaks, sampling_rate=_TICKS_HZ, method="kubios")
        neurokit2.hrv_time(fixed, sampling_rate=_TICKS_HZ)
        neurokit2.hrv_frequency(fixed, sampling_rate=_TICKS_HZ)

    return [
        (
            "artefact correction",
            lambda: beats_of(times, rr),
            lambda: neurokit2.signal_fixpeaks(peaks, sampling_rate=_TICKS_HZ, method="kubios"),
        ),
        (
            "time domain and Poincaré",
            lambda: time_domain(beats),
            lambda: neurokit2.hrv_time(peaks, sampling_rate=_TICKS_HZ),
        ),
        (
            "frequency domain",
            lambda: frequency_domain(beats),
            lambda: neurokit2.hrv_frequency(peaks, sampling_rate=_TICKS_HZ),
        ),
        (
            "respiration",
            lambda: respiration(beats),
            lambda: neurokit2.rsp_rate(
                neurokit2.ecg_rsp(np.repeat(rates, 10), sampling_rate=10), sampling_rate=10, method="trough"
            ),
        ),
        (
            "sample entropy",
            lambda: sample_entropy(beats),
            lambda: neurokit2.entropy_sample(rr, delay=1, dimension=2),
        ),
        ("correction, time and frequency domain", everything, everything_of_theirs),
    ]


def _row(what: str, on: str, ours: Callable[[], object], theirs: Callable[[], object]) -> Row:
    with quietly():
        mine, other = milliseconds(ours, _REPEATS), milliseconds(theirs, _REPEATS)
    promised = what.startswith("correction,")
    return Row(
        what=f"{what}, ms",
        on=on,
        ours=mine,
        peer=other,
        peer_name=f"NeuroKit2, {other / mine:.0f} times",
        promise=f"{_TIMES_FASTER:.0f} times faster" if promised else "",
        held=not promised or other >= _TIMES_FASTER * mine,
    )


def _growth(people: list[Array]) -> Row:
    """Per beat, a long series costs what a short one does."""
    whole = np.concatenate(people)

    def one(rr: Array) -> Callable[[], object]:
        times = np.cumsum(rr)
        return lambda: time_domain(beats_of(times, rr))

    long = milliseconds(one(whole), 3) / len(whole)
    # The same beats in ten parts: equal artefacts on both sides.
    parts = [one(part) for part in np.array_split(whole, 10)]
    short = sum(milliseconds(part, 3) for part in parts) / len(whole)
    return Row(
        what="correction and time domain, ms a beat",
        on=f"mit_long_term, all {len(whole)} beats at once",
        ours=long,
        peer=short,
        peer_name="ours, a tenth at a time",
        promise="at most twice",
        held=long <= 2.0 * short,
    )

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
_REPEATS: Final = 11
_EVERYTHING: Final = "correction and every feature"
"""The row that the promise is about."""


def section(data: Path) -> Section:
    """Time windows of one and of five minutes, and a long series."""
    series = [np.diff(breathing(data, BREATHING[0]).beats), published(data)]
    rows = []
    for seconds in (60.0, 300.0):
        windows = [window for intervals in series for window in _windows(intervals, seconds)]
        on = f"{seconds:.0f} s, mean of {len(windows)}"
        rows += [_row(what, on, ours, theirs, len(windows)) for what, ours, theirs in _calls(windows)]
    return Section(
        title="Cost of a window of beats",
        note=(
            "CPU time, milliseconds a window, least of the repeats, in turns, both sides warmed up, NeuroKit2's "
            "functions with their default settings. Every feature: to get what we give, Poincaré, CSI, CVI and sample "
            "entropy among it, one has to call `hrv_nonlinear`, which computes more than that; the row above it leaves "
            "these to us for nothing. Below five minutes we give no sample entropy."
        ),
        rows=[*rows, _growth(holters(data))],
    )


def _windows(intervals: Array, seconds: float) -> list[Array]:
    """The series in stretches of that length, the rest left out."""
    ends = np.searchsorted(np.cumsum(intervals), np.arange(seconds, intervals.sum(), seconds))
    return [part for part in np.split(intervals, ends)[:-1] if len(part)]


class _Window:
    """One window, as either side wants it."""

    def __init__(self, intervals: Array) -> None:
        self.peaks = np.round(np.concatenate(([0.0], np.cumsum(intervals))) * _TICKS_HZ).astype(np.int64)
        self.intervals = np.diff(self.peaks) / _TICKS_HZ
        self.times = np.cumsum(self.intervals)
        self.beats = beats_of(self.times, self.intervals)
        self.rates = np.repeat(60.0 / self.intervals, 10)


def _main(window: _Window) -> None:
    corrected = beats_of(window.times, window.intervals)
    time_domain(corrected)
    frequency_domain(corrected)


def _main_of_theirs(window: _Window) -> None:
    _, fixed = neurokit2.signal_fixpeaks(window.peaks, sampling_rate=_TICKS_HZ, method="kubios")
    neurokit2.hrv_time(fixed, sampling_rate=_TICKS_HZ)
    neurokit2.hrv_frequency(fixed, sampling_rate=_TICKS_HZ)


def _everything(window: _Window) -> None:
    _main(window)
    sample_entropy(window.beats)


def _everything_of_theirs(window: _Window) -> None:
    _main_of_theirs(window)
    neurokit2.hrv_nonlinear(window.peaks, sampling_rate=_TICKS_HZ)


_Call = Callable[[_Window], object]
_CALLS: Final[tuple[tuple[str, _Call, _Call], ...]] = (
    (
        "artefact correction",
        lambda window: beats_of(window.times, window.intervals),
        lambda window: neurokit2.signal_fixpeaks(window.peaks, sampling_rate=_TICKS_HZ, method="kubios"),
    ),
    (
        "time domain and Poincaré",
        lambda window: time_domain(window.beats),
        lambda window: neurokit2.hrv_time(window.peaks, sampling_rate=_TICKS_HZ),
    ),
    (
        "frequency domain",
        lambda window: frequency_domain(window.beats),
        lambda window: neurokit2.hrv_frequency(window.peaks, sampling_rate=_TICKS_HZ),
    ),
    (
        "respiration",
        lambda window: respiration(window.beats),
        lambda window: neurokit2.rsp_rate(neurokit2.ecg_rsp(window.rates, sampling_rate=10), sampling_rate=10),
    ),
    (
        "sample entropy",
        lambda window: sample_entropy(window.beats),
        lambda window: neurokit2.entropy_sample(window.intervals, delay=1, dimension=2),
    ),
    ("correction, time and frequency domain", _main, _main_of_theirs),
    (_EVERYTHING, _everything, _everything_of_theirs),
)


def _calls(windows: list[Array]) -> list[tuple[str, Callable[[], object], Callable[[], object]]]:
    """Every call over all the windows."""
    prepared = [_Window(window) for window in windows]

    def over_all(call: _Call) -> Callable[[], object]:
        return lambda: [call(window) for window in prepared]

    return [(what, over_all(ours), over_all(theirs)) for what, ours, theirs in _CALLS]


def _row(what: str, on: str, ours: Callable[[], object], theirs: Callable[[], object], windows: int) -> Row:
    with quietly():
        mine, other = (cost / windows for cost in milliseconds(ours, theirs, repeats=_REPEATS))
    promised = what == _EVERYTHING
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

    # The same beats in ten parts: equal artefacts on both sides.
    parts = [one(part) for part in np.array_split(whole, 10)]
    long, *short_ones = (cost / len(whole) for cost in milliseconds(one(whole), *parts, repeats=3))
    short = sum(short_ones)
    return Row(
        what="correction and time domain, ms a beat",
        on=f"mit_long_term, all {len(whole)} beats at once",
        ours=long,
        peer=short,
        peer_name="ours, a tenth at a time",
        promise="at most twice",
        held=long <= 2.0 * short,
    )

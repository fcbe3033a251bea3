"""Electrodermal activity against NeuroKit2: the split into tonic and phasic, the responses, and what a window costs."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import neurokit2
import numpy as np
from numpy.typing import NDArray

from benchmarks.parity.table import Row, Section
from models.physiology.electrodermal import NO_CONTACT_US, split

__all__ = ["section"]

_NEUROKIT: Final = "NeuroKit2, high-pass"
_SHARE: Final = 0.1
"""Of the largest response, below which NeuroKit2 counts none (`amplitude_min`)."""
_LEAST_US: Final = 0.05
"""Recordings whose largest response is smaller hold none that anybody would mark."""
_TOLERANCE_S: Final = 1.0
_PEOPLE: Final = 24
_TIMES_FASTER: Final = 20.0
_MICROSIEMENS_PER_BIT: Final = 3.3 / 4096 / 0.12
"""BioSPPy's recording is in counts of a 12-bit biosignalsplux sensor."""


class _Recording(NamedTuple):
    rate_hz: float
    values: NDArray[np.float64]


class _Compared(NamedTuple):
    """Two splits of one recording: correlations, and the responses' agreement."""

    phasic: float
    tonic: float
    matched: int
    ours: int
    theirs: int


def section(data: Path) -> Section:
    """Compare on every recording with responses."""
    recordings = list(_recordings(data))
    found = [compared for recording in recordings if (compared := _compare(recording)) is not None]
    agreed = [_compare(recording, their_own=True) for recording in recordings]
    peers = _f1([compared for compared in agreed if compared is not None])
    where = f"{len(found)} recordings with responses"
    tonic = float(np.median([compared.tonic for compared in found]))
    phasic = float(np.median([compared.phasic for compared in found]))
    ours_s, theirs_s = _costs()
    return Section(
        title="Electrodermal activity",
        note=(
            "Responses of at least a tenth of the recording's largest, peaks within a second of each other; NeuroKit2 "
            "cleans, splits at 0.05 Hz and finds peaks with its defaults. There is no annotation: the peer of our "
            "agreement with NeuroKit2 is the agreement of its own two splits (high-pass, median) with each other. "
            "Ours averages over 5/4 s first, so that ripples of one sample are no responses."
        ),
        rows=(
            Row(
                what="correlation of the phasic parts (median)",
                on=where,
                ours=phasic,
                peer=1.0,
                peer_name=_NEUROKIT,
                promise="at least .95",
                held=phasic >= 0.95,
            ),
            Row(
                what="correlation of the tonic parts (median)",
                on=where,
                ours=tonic,
                peer=1.0,
                peer_name=_NEUROKIT,
                promise="at least .98",
                held=tonic >= 0.98,
            ),
            Row(
                what="F1 of the responses",
                on=where,
                ours=_f1(found),
                peer=peers,
                peer_name="NeuroKit2's median split",
                promise="within 0.05 of the peer's or better",
                held=_f1(found) >= peers - 0.05,
            ),
            Row(
                what="a 60 s window, ms",
                on="4 Hz",
                ours=1e3 * ours_s,
                peer=1e3 * theirs_s,
                peer_name=_NEUROKIT,
                promise="20 times faster",
                held=theirs_s >= _TIMES_FASTER * ours_s,
            ),
        ),
    )


def _recordings(data: Path) -> Iterator[_Recording]:
    """Laboratory recordings, and two listenings of each person's wristband."""
    for name in ("bio_eventrelated_100hz", "bio_resting_8min_100hz"):
        with gzip.open(data / "signals" / "neurokit" / f"{name}.csv.gz", "rt") as lines:
            column = lines.readline().strip().split(",").index("EDA")
            yield _Recording(100.0, np.loadtxt(lines, delimiter=",", usecols=column))
    with gzip.open(data / "signals" / "biosppy" / "eda.txt.gz", "rt") as lines:
        yield _Recording(1000.0, np.loadtxt(lines) * _MICROSIEMENS_PER_BIT)
    for path in sorted((data / "hku956" / "signals").glob("*.npz"))[:_PEOPLE]:
        with np.load(path) as archive:
            for name in [name for name in archive.files if name.endswith("/EDA")][:2]:
                yield _Recording(4.0, np.asarray(archive[name], dtype=np.float64))


def _compare(recording: _Recording, *, their_own: bool = False) -> _Compared | None:
    """Compare our split with NeuroKit2's, or NeuroKit2's median split with its high-pass."""
    rate, values = recording.rate_hz, np.maximum(recording.values, NO_CONTACT_US)
    times = np.arange(len(values)) / rate
    ours = split(times, values)
    largest = ours.responses.amplitudes.max(initial=0.0)
    if largest < _LEAST_US:
        return None
    tonic, phasic, peaks = _neurokit(values, rate, "highpass")
    if their_own:
        other_tonic, other_phasic, other_peaks = _neurokit(values, rate, "smoothmedian")
    else:
        other_tonic, other_phasic = np.interp(times, ours.times, ours.tonic), np.interp(times, ours.times, ours.phasic)
        other_peaks = ours.responses.peaks[ours.responses.amplitudes >= _SHARE * largest]
    return _Compared(
        phasic=float(np.corrcoef(phasic, other_phasic)[0, 1]),
        tonic=float(np.corrcoef(tonic, other_tonic)[0, 1]),
        matched=_matches(other_peaks, peaks),
        ours=len(other_peaks),
        theirs=len(peaks),
    )


def _neurokit(
    values: NDArray[np.float64], rate_hz: float, method: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Tonic part, phasic part, and the responses' peaks in seconds."""
    # Below 7 Hz it cleans nothing, and warns.
    clean = neurokit2.eda_clean(values, sampling_rate=int(rate_hz)) if rate_hz >= 7.0 else values
    parts = neurokit2.eda_phasic(clean, sampling_rate=int(rate_hz), method=method)
    phasic = parts["EDA_Phasic"].to_numpy()
    peaks = neurokit2.eda_findpeaks(phasic, sampling_rate=int(rate_hz), amplitude_min=_SHARE)["SCR_Peaks"]
    return parts["EDA_Tonic"].to_numpy(), phasic, np.asarray(peaks, dtype=np.float64) / rate_hz


def _matches(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> int:
    """How many of ours have one of theirs within the tolerance, each used once."""
    free = theirs.tolist()
    count = 0
    for peak in ours.tolist():
        nearest = min(free, key=lambda other: abs(other - peak), default=None)
        if nearest is not None and abs(nearest - peak) <= _TOLERANCE_S:
            free.remove(nearest)
            count += 1
    return count


def _f1(found: list[_Compared]) -> float:
    return 2.0 * sum(each.matched for each in found) / sum(each.ours + each.theirs for each in found)


def _costs() -> tuple[float, float]:
    """Seconds that a 60 s window at 4 Hz costs ours and NeuroKit2."""
    times = np.arange(0.0, 60.0, 0.25)
    values = 2.0 + 0.2 * np.sin(0.6 * times) + 0.01 * np.sin(5.0 * times)

    def theirs() -> None:
        _neurokit(values, 4.0, "highpass")

    def ours() -> None:
        split(times, values)

    return _quickest(ours, 200), _quickest(theirs, 20)


def _quickest(run: Callable[[], None], times: int) -> float:
    """The fastest of several runs: what the work costs when nothing else wants the machine."""
    best = np.inf
    for _ in range(times):
        started = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - started)
    return float(best)

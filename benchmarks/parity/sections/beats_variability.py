"""Variability: every feature against NeuroKit2 and hrv-analysis, on the same intervals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import neurokit2
import numpy as np
from numpy.typing import NDArray

from benchmarks.parity.recordings import BREATHING, breathing, holters, published, quietly, untouched
from benchmarks.parity.table import Row, Section
from models.physiology.beats import frequency_domain, sample_entropy, time_domain

__all__ = ["section"]

Array = NDArray[np.float64]
_PROMISED: Final = 0.01
_TICKS_HZ: Final = 10_000
_WINDOW_S: Final = 300.0
_NEUROKIT: Final = "NeuroKit2"
_TIME: Final = {
    "mean_nn_ms": "MeanNN",
    "median_nn_ms": "MedianNN",
    "min_nn_ms": "MinNN",
    "max_nn_ms": "MaxNN",
    "sdnn_ms": "SDNN",
    "cvnn": "CVNN",
    "mad_nn_ms": "MadNN",
    "iqr_nn_ms": "IQRNN",
    "rmssd_ms": "RMSSD",
    "sdsd_ms": "SDSD",
    "cvsd": "CVSD",
    "pnn50_percent": "pNN50",
    "pnn20_percent": "pNN20",
}
_POINCARE: Final = {"sd1_ms": "SD1", "sd2_ms": "SD2", "csi": "CSI", "cvi": "CVI", "csi_modified": "CSI_Modified"}
_FREQUENCY: Final = {
    "vlf_ms2": "VLF",
    "lf_ms2": "LF",
    "hf_ms2": "HF",
    "vhf_ms2": "VHF",
    "total_ms2": "TP",
    "lf_hf": "LFHF",
    "lf_share": "LFn",
    "hf_share": "HFn",
    "ln_hf": "LnHF",
}
_OF_TOTAL: Final = {"total_ms2", "lf_share", "hf_share"}
_PUBLISHED: Final = {
    "mean_nn_ms": ("time_domain", "mean_nni"),
    "median_nn_ms": ("time_domain", "median_nni"),
    "mean_rate_bpm": ("time_domain", "mean_hr"),
    "sd_rate_bpm": ("time_domain", "std_hr"),
    "sdnn_ms": ("time_domain", "sdnn"),
    "cvnn": ("time_domain", "cvnni"),
    "rmssd_ms": ("time_domain", "rmssd"),
    "sdsd_ms": ("time_domain", "sdsd"),
    "cvsd": ("time_domain", "cvsd"),
    "pnn50_percent": ("time_domain", "pnni_50"),
    "pnn20_percent": ("time_domain", "pnni_20"),
    "sd1_ms": ("poincare", "sd1"),
    "sd2_ms": ("poincare", "sd2"),
    "csi": ("csi_cvi", "csi"),
    "cvi": ("csi_cvi", "cvi"),
    "csi_modified": ("csi_cvi", "modified_csi"),
}


def section(data: Path) -> Section:
    """Compare on the published series, five-minute windows of five recordings, and two hours."""
    rows = [*_against_published(data)]
    for name in BREATHING:
        rows += _against_neurokit(np.diff(breathing(data, name).beats), f"{name}, first 300 s")
    people = holters(data)
    for number, intervals in enumerate(people[:2]):
        rows += _against_neurokit(intervals, f"mit_long_term {number}, first 300 s")
    rows += _whole(people[0], "mit_long_term 0, two hours")
    return Section(
        title="Heart rate variability",
        note=(
            "Formulas alone: both sides get the same intervals, artefacts and all. NeuroKit2 divides pNNx by the "
            "number of intervals, we and hrv-analysis by the number of differences. hrv-analysis divides SDSD, SD1 "
            "and SD2 by n, we and NeuroKit2 by n − 1. NeuroKit2's spectrum is asked for the 4 Hz that it names as "
            "Kubios' rate; at its own default of 100 Hz a bin at a band's edge may fall on the other side of it: those "
            "rows are for information. A measure that needs a longer recording than this one has no row, nor has the "
            "total of two hours, into which NeuroKit2 counts ULF."
        ),
        rows=rows,
    )


def _row(what: str, on: str, ours: float, peer: float, name: str, *, promised: bool = True) -> Row:
    if not promised:
        return Row(what=what, on=on, ours=ours, peer=peer, peer_name=name)
    row = Row(what=what, on=on, ours=ours, peer=peer, peer_name=name, promise="within 1 %")
    return Row(
        what=what,
        on=on,
        ours=ours,
        peer=peer,
        peer_name=name,
        promise=row.promise,
        held=abs(row.difference) <= _PROMISED,
    )


def _against_published(data: Path) -> Iterator[Row]:
    beats = untouched(published(data))
    expected = json.loads((data / "signals" / "hrv-analysis" / "expected.json").read_text(encoding="utf-8"))
    found = time_domain(beats)._asdict()
    for ours, (group, name) in _PUBLISHED.items():
        yield _row(ours, "hrv-analysis", found[ours], float(expected[group][name]), "hrv-analysis")
    yield _row("sample_entropy", "hrv-analysis", sample_entropy(beats), float(expected["sampen"]), "hrv-analysis")


def _against_neurokit(intervals: Array, on: str) -> Iterator[Row]:
    window = intervals[: int(np.searchsorted(np.cumsum(intervals), _WINDOW_S))]
    peaks = np.round(np.concatenate(([0.0], np.cumsum(window))) * _TICKS_HZ)
    beats = untouched(np.diff(peaks) / _TICKS_HZ)
    found = time_domain(beats)._asdict() | frequency_domain(beats)._asdict()
    with quietly():
        time = neurokit2.hrv_time(peaks, sampling_rate=_TICKS_HZ)
        nonlinear = neurokit2.hrv_nonlinear(peaks, sampling_rate=_TICKS_HZ)
        options = {"sampling_rate": _TICKS_HZ, "normalize": False}
        frequency = neurokit2.hrv_frequency(peaks, interpolation_rate=4, **options)
        default = neurokit2.hrv_frequency(peaks, **options)
    for table, names in ((time, _TIME), (nonlinear, _POINCARE), (frequency, _FREQUENCY)):
        for ours, name in names.items():
            # What we call too short is no comparison: a recording of 150 s has no VLF.
            if not np.isnan(found[ours]):
                yield _row(ours, on, found[ours], float(table[f"HRV_{name}"].iloc[0]), _NEUROKIT)
    if not np.isnan(entropy := sample_entropy(beats)):
        yield _row("sample_entropy", on, entropy, float(nonlinear["HRV_SampEn"].iloc[0]), _NEUROKIT)
    for ours in ("lf_ms2", "hf_ms2", "lf_hf"):
        theirs = float(default[f"HRV_{_FREQUENCY[ours]}"].iloc[0])
        yield _row(ours, on, found[ours], theirs, f"{_NEUROKIT}, 100 Hz", promised=False)


def _whole(intervals: Array, on: str) -> Iterator[Row]:
    peaks = np.round(np.concatenate(([0.0], np.cumsum(intervals))) * _TICKS_HZ)
    beats = untouched(np.diff(peaks) / _TICKS_HZ)
    found = time_domain(beats)._asdict() | frequency_domain(beats)._asdict()
    with quietly():
        time = neurokit2.hrv_time(peaks, sampling_rate=_TICKS_HZ)
        frequency = neurokit2.hrv_frequency(peaks, sampling_rate=_TICKS_HZ, interpolation_rate=4, normalize=False)
    for table, names in ((time, _TIME), (frequency, _FREQUENCY)):
        for ours, name in names.items():
            if ours not in _OF_TOTAL:
                yield _row(ours, on, found[ours], float(table[f"HRV_{name}"].iloc[0]), _NEUROKIT)

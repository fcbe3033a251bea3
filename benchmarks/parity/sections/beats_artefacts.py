"""Artefact correction: the classes beside NeuroKit2's, and what is left of an inserted artefact's harm."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import neurokit2
import numpy as np
from neurokit2.signal.signal_fixpeaks import _find_artifacts
from numpy.typing import NDArray

from benchmarks.parity.recordings import BREATHING, breathing, holters, published, quietly, untouched
from benchmarks.parity.table import Row, Section
from models.physiology.beats import Kind, beats_of, classify, rmssd_ms, sdnn_ms

__all__ = ["section"]

Array = NDArray[np.float64]
_TICKS_HZ: Final = 1_000_000
_NEUROKIT: Final = "NeuroKit2, kubios"
_BEATS: Final = 75
_WINDOWS: Final = 12
_EDGE: Final = 4
_APART: Final = 5
_KINDS: Final = ("none", "premature, full pause", "premature, no pause", "missed", "extra", "misplaced")
_CLASSES: Final = (("ectopic", Kind.ECTOPIC), ("missed", Kind.MISSED), ("extra", Kind.EXTRA), ("longshort", Kind.LONG))


def section(data: Path) -> Section:
    """Compare classes on inserted artefacts and on Holter recordings, and restoration in windows of a minute."""
    series = {name: np.diff(breathing(data, name).beats) for name in BREATHING}
    series["hrv-analysis"] = published(data)
    return Section(
        title="Artefacts of the beats",
        note=(
            "Classes: share of the intervals to which both give the same (ectopic, missed, extra, long or short), "
            "with an artefact of any kind every 12 beats, and in seven Holter recordings as they are. Restoration: "
            f"artefacts are put into windows of {_BEATS} beats in which NeuroKit2 finds none before; the figure is the "
            "mean error of ln RMSSD (ln SDNN) after correction, 0.1 being ten per cent. NeuroKit2 moves the beat after "
            "an ectopic one, which leaves much of it in place. `none` is the price of correcting what was no artefact."
        ),
        rows=[*_classes(series), *_holter_classes(data), *_restoration(series)],
    )


def _insert(rr: list[float], kind: str, at: int, rng: np.random.Generator) -> None:
    """Spoil a series in place."""
    if kind.startswith("premature"):
        shift = rng.uniform(0.1, 0.35) * rr[at]
        rr[at] -= shift
        rr[at + 1] += shift if "full" in kind else 0.0
    elif kind == "missed":
        rr[at : at + 2] = [rr[at] + rr[at + 1]]
    elif kind == "extra":
        share = rng.uniform(0.2, 0.8)
        rr[at : at + 1] = [share * rr[at], (1.0 - share) * rr[at]]
    elif kind == "misplaced":
        shift = rng.uniform(-0.2, 0.2) * rr[at]
        rr[at : at + 2] = [rr[at] - shift, rr[at + 1] + shift]


def _neurokit_classes(intervals: Array) -> NDArray[np.int8]:
    peaks = np.round(np.concatenate(([0.0], np.cumsum(intervals))) * _TICKS_HZ)
    with quietly():
        found, _ = _find_artifacts(peaks, sampling_rate=_TICKS_HZ)
    kind = np.zeros(len(intervals), dtype=np.int8)
    for name, value in _CLASSES:
        kind[np.array(found[name], dtype=np.int64) - 1] = value
    return kind


def _agreement(intervals: Array) -> tuple[int, int, int]:
    """Intervals of the same class, all, and those that NeuroKit2 calls an artefact."""
    ours, theirs = classify(intervals), _neurokit_classes(intervals)
    ours[ours == Kind.SHORT] = Kind.LONG
    # NeuroKit2 does not judge the newest two.
    return int((ours[:-2] == theirs[:-2]).sum()), len(ours) - 2, int(np.count_nonzero(theirs))


def _classes(series: dict[str, Array]) -> Iterator[Row]:
    rng = np.random.default_rng(0)
    for name, intervals in series.items():
        rr = intervals.tolist()
        for at in range(len(rr) - 20, 20, -12):
            _insert(rr, str(rng.choice(_KINDS[1:])), at, rng)
        yield _same_class(f"{name}, every 12th beat spoiled", [_agreement(np.array(rr))])


def _holter_classes(data: Path) -> Iterator[Row]:
    yield _same_class("mit_long_term, 7 people", [_agreement(intervals) for intervals in holters(data)])


def _same_class(on: str, found: list[tuple[int, int, int]]) -> Row:
    same, count, artefacts = (sum(column) for column in zip(*found, strict=True))
    share = same / count
    return Row(
        what=f"same class, share of {count} ({artefacts} artefacts)",
        on=on,
        ours=share,
        peer=1.0,
        peer_name=_NEUROKIT,
        promise="at least 0.995",
        held=share >= 0.995,
    )


def _by_us(intervals: Array) -> tuple[float, float]:
    beats = beats_of(np.cumsum(intervals), intervals)
    return rmssd_ms(beats), sdnn_ms(beats)


def _by_neurokit(intervals: Array) -> tuple[float, float]:
    peaks = np.round(np.concatenate(([0.0], np.cumsum(intervals))) * _TICKS_HZ).astype(np.int64)
    with quietly():
        _, fixed = neurokit2.signal_fixpeaks(peaks, sampling_rate=_TICKS_HZ, method="kubios", iterative=True)
    beats = untouched(np.diff(fixed) / _TICKS_HZ)
    return rmssd_ms(beats), sdnn_ms(beats)


def _restoration(series: dict[str, Array]) -> Iterator[Row]:
    for count in (1, 3):
        for kind in _KINDS:
            if kind == "none" and count > 1:
                continue
            ours, theirs = (_errors(series, kind, count, by) for by in (_by_us, _by_neurokit))
            for i, measure in enumerate(("ln RMSSD", "ln SDNN")):
                yield Row(
                    what=f"error of {measure}",
                    on=f"{count} × {kind}" if kind != "none" else kind,
                    ours=float(ours[i]),
                    peer=float(theirs[i]),
                    peer_name=_NEUROKIT,
                    promise="at most NeuroKit2's, or 0.03",
                    held=bool(ours[i] <= max(theirs[i], 0.03)),
                )


def _clean_windows(intervals: Array, rng: np.random.Generator) -> list[Array]:
    """Stretches of a series in which NeuroKit2 finds no artefact."""
    firsts = np.flatnonzero(
        np.convolve(_neurokit_classes(intervals) > 0, np.ones(_BEATS, dtype=np.int64), mode="valid") == 0
    )
    chosen = rng.choice(firsts, min(_WINDOWS, len(firsts)), replace=False)
    return [intervals[first : first + _BEATS] for first in chosen.tolist()]


def _errors(
    series: dict[str, Array], kind: str, count: int, by: Callable[[Array], tuple[float, float]]
) -> NDArray[np.float64]:
    """Mean absolute errors of ln RMSSD and ln SDNN, [2]."""
    errors = []
    for intervals in series.values():
        rng = np.random.default_rng(1)
        for truth in _clean_windows(intervals, rng):
            spoiled = truth.tolist()
            places = rng.choice(np.arange(_EDGE, _BEATS - _EDGE, _APART), count, replace=False)
            for at in sorted(places.tolist(), reverse=True):
                _insert(spoiled, kind, at, rng)
            whole = untouched(truth)
            wanted = np.array([rmssd_ms(whole), sdnn_ms(whole)])
            errors.append(np.abs(np.log(np.array(by(np.array(spoiled))) / wanted)))
    return np.asarray(np.mean(errors, axis=0))

"""Variability from the PPG of a wrist, by the point of the wave from which its intervals are measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.parity.table import Row, Section
from benchmarks.parity.waveforms import HELD_OUT, find, listenings, their_pulses
from models.physiology.beats import beats_of, rmssd_ms
from models.physiology.features import CLEAR_PULSE
from models.physiology.pulse import PulseBeats
from models.physiology.waveforms.detector import Peak
from models.physiology.waveforms.filters import gaussian
from models.physiology.waveforms.offsets import crest_offset
from models.physiology.waveforms.tracker import Settled

__all__ = ["section"]

Array = NDArray[np.float64]
_NEUROKIT: Final = "NeuroKit2's peaks"
_CLASSES: Final = ((0.85, 1.01), (0.6, 0.85), (0.3, 0.6))
"""Share of a song that the E4's own intervals cover."""
_SPREAD_S: Final = 0.05
_RISE_S: Final = 0.35
_FOOT_S: Final = 0.25
_LEAST_R: Final = 0.9


class _AtPeaks(PulseBeats):
    """Intervals between systolic peaks."""

    def _peak(self, settled: Settled) -> Peak:
        return super()._peak(settled)._replace(mark=None)


class _AtUpstrokes(PulseBeats):
    """Intervals between the steepest points before the peaks, of a wave smoothed by a Gaussian of 50 ms."""

    def _peak(self, settled: Settled) -> Peak:
        peak = super()._peak(settled)
        kernel = gaussian(_SPREAD_S * self.rate_hz)
        half, rise = len(kernel) // 2, round((_RISE_S + _FOOT_S) * self.rate_hz)
        first = max(round(peak.place) - rise, half)
        values = self._values.between(first - half, round(peak.place) + half + 1)
        if len(values) < len(kernel) + rise // 2:
            return peak._replace(mark=np.nan)
        return peak._replace(mark=first + self._mark(np.correlate(values, kernel, "valid")))

    def _mark(self, wave: Array) -> float:
        slopes = np.diff(wave)
        steepest = self._steepest(slopes)
        return steepest + 0.5 + crest_offset(slopes, steepest)

    def _steepest(self, slopes: Array) -> int:
        since = max(len(slopes) - round(_RISE_S * self.rate_hz), 0)
        return since + int(slopes[since:].argmax())


class _AtFeet(_AtUpstrokes):
    """Intervals between the lowest points before those."""

    def _mark(self, wave: Array) -> float:
        steepest = self._steepest(np.diff(wave))
        since = max(steepest - round(_FOOT_S * self.rate_hz), 0)
        foot = since + int(wave[since : steepest + 1].argmin())
        return foot + crest_offset(-wave, foot)


_POINTS: Final[dict[str, type[PulseBeats]]] = {
    "": PulseBeats,
    "our peaks": _AtPeaks,
    "our steepest upstrokes": _AtUpstrokes,
    "our feet": _AtFeet,
}


class _Song(NamedTuple):
    """A song's coverage, RMSSD by the E4's own intervals and by ours (by point, and NeuroKit2's), and qualities."""

    coverage: float
    reference: float
    found: dict[str, float]
    quality: dict[str, float]


def section(data: Path) -> Section:
    """Compare on the wristbands of HKU956."""
    songs = list(_songs(data))
    rows = [row for least, most in _CLASSES for row in _class(songs, least, most)]
    return Section(
        title="Variability from the PPG of a wrist",
        note=(
            f"HKU956, {HELD_OUT} people on whom nothing was set: RMSSD of a song by the pulse against RMSSD by the "
            "E4's own intervals, which count in steps of 16 ms (of themselves these make an RMSSD of 11 ms, so a ratio "
            "below 1 is right), by the share of the song that the E4 covers. Ours are measured where the pulse rises "
            "through its local mean; beside it the same detector with other points: its peaks, the steepest points "
            "before them, and the feet before those. `share of songs`: of those that RMSSD is taken from, with a "
            f"quality of {CLEAR_PULSE:g} and more."
        ),
        rows=[*rows, *_shares(songs)],
    )


def _songs(data: Path) -> Iterator[_Song]:
    for listening in listenings(data):
        if listening.coverage <= _CLASSES[-1][0]:
            continue
        found: dict[str, float] = {}
        quality: dict[str, float] = {}
        for name, point in _POINTS.items():
            beats, _ = find(point(listening.pulse.rate_hz, judged_s=np.inf), listening.pulse)
            found[name] = _rmssd(beats.times, beats.intervals)
            quality[name] = beats.quality
        theirs = their_pulses(listening.pulse)
        found[_NEUROKIT] = _rmssd(theirs[1:], np.diff(theirs))
        own = listening.intervals
        yield _Song(listening.coverage, _rmssd(np.cumsum(own), own), found, quality)


def _rmssd(times: Array, intervals: Array) -> float:
    known = ~np.isnan(intervals)
    return rmssd_ms(beats_of(times[known], intervals[known]))


def _class(songs: list[_Song], least: float, most: float) -> Iterator[Row]:
    chosen = [song for song in songs if least < song.coverage <= most]
    names = list(chosen[0].found)
    table = np.log([[song.reference, *(song.found[name] for name in names)] for song in chosen])
    table = table[np.isfinite(table).all(axis=1)]
    r = dict(zip(names, np.corrcoef(table.T)[0, 1:].tolist(), strict=True))
    ratio = dict(zip(names, np.exp(np.median(table[:, 1:] - table[:, :1], axis=0)).tolist(), strict=True))
    on = f"covered {least:g} to {min(most, 1.0):g}, {len(table)} songs"
    promised = least == _CLASSES[0][0]
    for name in names[1:]:
        row = Row(what="r of ln RMSSD", on=on, ours=r[""], peer=r[name], peer_name=name)
        if promised and name == _NEUROKIT:
            row = replace(row, promise="above 0.9, and the peer's", held=r[""] >= max(_LEAST_R, r[name]))
        yield row
    for name in names[1:]:
        yield Row(what="median ratio of RMSSD to the E4's", on=on, ours=ratio[""], peer=ratio[name], peer_name=name)


def _shares(songs: list[_Song]) -> Iterator[Row]:
    for least, most in _CLASSES:
        chosen = [song.quality for song in songs if least < song.coverage <= most]
        clear = {name: float(np.mean([one[name] >= CLEAR_PULSE for one in chosen])) for name in _POINTS}
        for name in list(_POINTS)[1:]:
            on = f"covered {least:g} to {min(most, 1.0):g}, {len(chosen)} songs"
            yield Row(what="share of songs with a clear pulse", on=on, ours=clear[""], peer=clear[name], peer_name=name)

"""What beat detection costs: a second of a stream, beside NeuroKit2 on the window that it would have to see again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import neurokit2
import numpy as np
from numpy.typing import NDArray

from benchmarks.parity.recordings import milliseconds, quietly
from benchmarks.parity.table import Row, Section
from benchmarks.parity.waveforms import Recording, ecg, ppg
from models.physiology.ecg import EcgBeats
from models.physiology.pulse import PulseBeats

__all__ = ["section"]

Array = NDArray[np.float64]
_NEUROKIT: Final = "NeuroKit2"
_TIMES_FASTER: Final = 20.0
_WINDOW_S: Final = 60
_REPEATS: Final = 7
_STREAMED_S: Final = 180
_RESTING: Final = "NeuroKit2, resting 5 min"


def section(data: Path) -> Section:
    """Time both sensors of the wearables that stream the most."""
    return Section(
        title="Cost of beat detection",
        note=(
            "Least CPU time, milliseconds, one process. A window of a minute that moves on by a second: we take "
            "the second's samples, NeuroKit2 (clean, peaks, quality: what we give with every packet) the whole "
            "minute again; without its quality beside it. `whole minute at once` is `analyse`, which training "
            "uses. The share of a core is that of a stream in packets of half a second."
        ),
        rows=[*_ecg(ecg(data, "NeuroKit2, resting 8 min")), *_ppg(ppg(data, _RESTING))],
    )


def _ecg(recording: Recording) -> Iterator[Row]:
    stream = _resampled(recording, 130)
    window = stream.values[: 130 * _WINDOW_S]

    def beats() -> tuple[Array, Array]:
        clean = neurokit2.ecg_clean(window, sampling_rate=130)
        _, found = neurokit2.ecg_peaks(clean, sampling_rate=130)
        return clean, found["ECG_R_Peaks"]

    def everything() -> None:
        clean, peaks = beats()
        neurokit2.ecg_quality(clean, rpeaks=peaks, sampling_rate=130)

    return _rows("ECG, 130 Hz", stream, lambda: EcgBeats(130.0), beats, everything)


def _ppg(recording: Recording) -> Iterator[Row]:
    stream = _resampled(recording, 135)
    window = stream.values[: 135 * _WINDOW_S]

    def beats() -> tuple[Array, Array]:
        clean = neurokit2.ppg_clean(window, sampling_rate=135)
        _, found = neurokit2.ppg_peaks(clean, sampling_rate=135)
        return clean, found["PPG_Peaks"]

    def everything() -> None:
        clean, peaks = beats()
        neurokit2.ppg_quality(clean, peaks=peaks, sampling_rate=135)

    return _rows("PPG, 135 Hz", stream, lambda: PulseBeats(135.0), beats, everything)


def _resampled(recording: Recording, rate_hz: int) -> Recording:
    times = np.arange(_STREAMED_S * rate_hz) / rate_hz
    return Recording(np.interp(times, np.arange(len(recording.values)) / recording.rate_hz, recording.values), rate_hz)


def _rows(
    on: str,
    stream: Recording,
    detector: Callable[[], EcgBeats | PulseBeats],
    beats: Callable[[], object],
    everything: Callable[[], object],
) -> Iterator[Row]:
    whole = Recording(stream.values[: int(_WINDOW_S * stream.rate_hz)], stream.rate_hz)
    with quietly():
        second, half, at_once, peer, peer_beats = milliseconds(
            lambda: _feed(stream, detector(), 1.0),
            lambda: _feed(stream, detector(), 0.5),
            lambda: _feed(whole, detector(), _WINDOW_S),
            everything,
            beats,
            repeats=_REPEATS,
        )
    second, half = second / stream.seconds, half / stream.seconds
    what = "a minute's window, one second on"
    yield Row(
        what=f"{what}: beats and quality",
        on=on,
        ours=second,
        peer=peer,
        peer_name=_NEUROKIT,
        promise="20 times faster",
        held=peer >= _TIMES_FASTER * second,
    )
    yield Row(what=f"{what}: without its quality", on=on, ours=second, peer=peer_beats, peer_name=_NEUROKIT)
    yield Row(what="a minute at once: beats and quality", on=on, ours=at_once, peer=peer, peer_name=_NEUROKIT)
    yield Row(what="share of a core, %", on=on, ours=0.1 * half, peer=10.0, peer_name="limit of 16 streams")


def _feed(stream: Recording, detector: EcgBeats | PulseBeats, packet_s: float) -> None:
    times = np.arange(len(stream.values)) / stream.rate_hz
    size = int(packet_s * stream.rate_hz)
    for first in range(0, len(times), size):
        detector.add(times[first : first + size], stream.values[first : first + size])

"""The features `PHYSIOLOGY` of one moment, from the streams that led up to it: one code for training and device."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.physiology import electrodermal, motion, temperature
from models.physiology.beats import (
    Beats,
    beats_of,
    clean_rate,
    heart_rate_bpm,
    heart_rate_slope,
    newest,
    respiration_per_min,
    rmssd_ms,
    sdnn_ms,
)
from models.physiology.pulse import Pulse, amplitude, analyse
from models.physiology.schema import PHYSIOLOGY
from models.physiology.windows import Floats, mean, slope_per_minute, window

__all__ = ["CLEAR_PULSE", "FAINT_PULSE", "LONGEST_WINDOW_S", "features_of_windows"]

LONGEST_WINDOW_S: Final = max(feature.window_s for feature in PHYSIOLOGY)
"""Seconds of a stream that any feature looks back."""

Stream = tuple[Floats, Floats]
_NAN: Final = float("nan")
_POSITION: Final = {feature.name: i for i, feature in enumerate(PHYSIOLOGY)}
_WINDOW_S: Final = {feature.name: feature.window_s for feature in PHYSIOLOGY}
CLEAR_PULSE: Final = 0.6
"""Pulse quality from which the distances between its beats are taken for RR intervals.

On twelve people of HKU956 the RMS error of ln RMSSD is .28, .24 and .33 in the tenths of quality from here on (97
songs; the band's own steps of 16 ms are part of it), and .39, .44, .52, .56 and .81 in those below, where people differ
by .53 and one person's songs by .21. On the other twelve it is .25 from here on, and .53 in the tenth below. A finger's
pulse beside its ECG, with the motion of wrists added, errs by .54 at .6 and by .09 above .8.
"""
FAINT_PULSE: Final = 0.3
"""Pulse quality from which a heart rate is taken where nothing else tells one: a mean bears more than a spread.

HKU956, 1892 half minutes of 24 people: off the Empatica E4's own rate by no more than (half of them, nine of ten) 1.8
and 5.7 beat/min above .6; 2.5 and 7.2 from .3 to .6; 2.8 and 9.2 from .2 to .3; 5.1 and 14.2 below. The population's
scale is 8. A slope of so faint a pulse is not taken.
"""


def features_of_windows(streams: Mapping[str, Stream], at: float, *, pulse: Pulse | None = None) -> NDArray[np.float64]:
    """Compute every physiological feature at one moment.

    Args:
        streams: per quantity of the wire its times (float64 [n], seconds, ascending) and values: `hr` beat/min [n],
            `rr` s [n], one value per beat, `ppg` [n], `eda` **microsiemens** [n], `temp` °C [n], `acc` m/s² [n, 3].
            Whatever is absent, empty or implausible makes its features NaN. Streams may be longer than the windows.
        at: the moment, on the streams' clock. Later samples are not looked at.
        pulse: `analyse` of the last minute of `ppg`, where the caller has it; else it is computed.

    Returns:
        float64 [len(PHYSIOLOGY)] in the schema's order and units (logarithms taken, not normalised); NaN is absent.
    """
    values = np.full(len(PHYSIOLOGY), _NAN)
    found = _heart(streams, at, pulse) | _skin(streams, at) | _temperature(streams, at) | _motion(streams, at)
    for name, value in found.items():
        values[_POSITION[name]] = value
    return values


def _cut(streams: Mapping[str, Stream], quantity: str, feature: str, at: float) -> Stream | None:
    stream = streams.get(quantity)
    if stream is None:
        return None
    times, values = window(*stream, at=at, seconds=_WINDOW_S[feature])
    return (times, values) if len(times) else None


def _log(value: float) -> float:
    return math.log(value) if value > 0.0 else _NAN


def _heart(streams: Mapping[str, Stream], at: float, seen: Pulse | None) -> dict[str, float]:
    """Everything that the heart tells: from RR intervals, else from a clear pulse; a rate from hr or a faint one."""
    found: dict[str, float] = {}
    beats = _beats(_cut(streams, "rr", "rmssd", at))
    if seen is None and (ppg := _cut(streams, "ppg", "rmssd", at)) is not None:
        seen = analyse(*ppg)
    if seen is not None:
        if seen.quality > 0.0:
            found["pulse_amplitude"] = _log(amplitude(seen, since=at - _WINDOW_S["pulse_amplitude"]))
        if beats is None and seen.quality >= CLEAR_PULSE:
            beats = _pulse_beats(seen)
    if beats is not None:
        found |= {
            "heart_rate": heart_rate_bpm(newest(beats, since=at - _WINDOW_S["heart_rate"])),
            "heart_rate_slope": heart_rate_slope(beats),
            "rmssd": _log(rmssd_ms(beats)),
            "sdnn": _log(sdnn_ms(beats)),
            "respiration_rate": respiration_per_min(beats),
        }
    found = _rate_at_last(found, streams, at)
    if math.isnan(found.get("heart_rate", _NAN)) and seen is not None and seen.quality >= FAINT_PULSE:
        found["heart_rate"] = heart_rate_bpm(newest(_pulse_beats(seen), since=at - _WINDOW_S["heart_rate"]))
    return found


def _pulse_beats(seen: Pulse) -> Beats:
    known = ~np.isnan(seen.intervals)
    return beats_of(seen.times[known], seen.intervals[known])


def _beats(stream: Stream | None) -> Beats | None:
    beats = beats_of(*stream) if stream is not None else None
    return beats if beats is not None and len(beats.times) else None


def _rate_at_last(found: dict[str, float], streams: Mapping[str, Stream], at: float) -> dict[str, float]:
    """Fill rate and slope from the hr stream where beats did not give them."""
    for name in ("heart_rate", "heart_rate_slope"):
        if not math.isnan(found.get(name, _NAN)) or (cut := _cut(streams, "hr", name, at)) is None:
            continue
        times, rates = clean_rate(*cut)
        found[name] = mean(rates) if name == "heart_rate" else slope_per_minute(times, rates, least=8, span_s=30.0)
    return found


def _skin(streams: Mapping[str, Stream], at: float) -> dict[str, float]:
    found: dict[str, float] = {}
    if (cut := _cut(streams, "eda", "eda_level", at)) is not None:
        found["eda_level"] = _log(electrodermal.level_us(*cut))
    if (cut := _cut(streams, "eda", "eda_slope", at)) is not None:
        found["eda_slope"] = electrodermal.slope_us_per_min(*cut)
    if (cut := _cut(streams, "eda", "eda_responses", at)) is not None:
        found["eda_responses"] = electrodermal.responses_per_min(*cut)
    return found


def _temperature(streams: Mapping[str, Stream], at: float) -> dict[str, float]:
    found: dict[str, float] = {}
    if (cut := _cut(streams, "temp", "skin_temperature", at)) is not None:
        found["skin_temperature"] = temperature.skin_temperature(cut[1])
    if (cut := _cut(streams, "temp", "skin_temperature_slope", at)) is not None:
        found["skin_temperature_slope"] = temperature.skin_temperature_slope(*cut)
    return found


def _motion(streams: Mapping[str, Stream], at: float) -> dict[str, float]:
    cut = _cut(streams, "acc", "motion", at)
    return {"motion": _log(motion.motion(*cut))} if cut is not None else {}

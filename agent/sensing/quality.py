"""Signal quality in [0, 1] from physics: range, flat lines, dropouts, age, motion, contact.

Every part is a share of trust and the parts multiply, so one fatal flaw is enough. The numbers say how far a stream may
drive the affect state, not how good the wearable is.

Range:      values that no sensor can mean (0 and 255 bpm, lead off) cost their share, and by the age of the last good
            one.
Flat lines: one value for longer than the quantity can stand still costs its share of the stretch.
Frozen:     one heart rate for 20 s costs much, and nearly all while its owner moves.
Leaps:      a rate that changes faster than a sinus node does costs a share for each.
Dropout:    fewer samples than the stream's own rate promises cost what is missing.
Overlap:    beats that take more time than has passed are copies of one another; they cost what is too many.
Motion:     shakes the light path of a PPG, and less what is derived from it: 1 / (1 + (motion / half)²) is left.
Contact:    what comes from an empty strap counts for nothing (`agent.sensing.contact`); a temperature that still comes
            to that of its place counts little.
Doubt:      a heart rate counts as far as the wearable tells the beats that it was made of, or as it is steady on
            skin; beats as far as they cover the time of that rate.
Age:        no sample for longer than is usual, down to nothing.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.sensing.contact import OFF, ON
from models.physiology import beats, electrodermal, temperature
from models.physiology.windows import Floats, window
from models.wire.quantities import QUANTITIES

__all__ = ["JUDGED_S", "NOWHERE", "Surroundings", "coverage", "freshness", "plausible", "signal_quality", "steadiness"]

JUDGED_S: Final = {
    "hr": 60.0,
    "rr": 30.0,
    "ppg": 10.0,
    "ecg": 10.0,
    "eda": 15.0,
    "temp": 60.0,
    "acc": 5.0,
    "spo2": 30.0,
    "batt": 600.0,
}
"""Seconds of a stream that are judged: long enough for a flat line to be told from rest."""


class _Patience(NamedTuple):
    """Seconds of silence that are normal, and after which nothing is left to trust."""

    fresh: float
    gone: float


_PATIENCE: Final = {
    "hr": _Patience(5.0, 20.0),
    "rr": _Patience(5.0, 20.0),
    "ppg": _Patience(3.0, 12.0),
    "ecg": _Patience(3.0, 12.0),
    "eda": _Patience(4.0, 15.0),
    "temp": _Patience(15.0, 60.0),
    "acc": _Patience(3.0, 12.0),
    "spo2": _Patience(5.0, 20.0),
    "batt": _Patience(900.0, 3600.0),
}
_SLOWEST_S: Final = 45.0
"""However rarely a wearable sends, a sample of this age says nothing about now."""
_HALF_TRUST_MS2: Final = {"ppg": 1.5, "spo2": 1.5, "hr": 4.0, "rr": 4.0, "ecg": 8.0, "eda": 6.0}
"""Standard deviation of the acceleration at which half of the trust is left. Walking shakes a wrist by 2–4 m/s², which
a PPG does not survive; the rate and the beats that a wearable derives are filtered by it already. Electrodes that stick
to the skin bear more, until a run lifts them."""
_STANDS_STILL_S: Final = {"rr": 12.0, "ppg": 1.0, "ecg": 1.0, "eda": 5.0, "acc": 1.0}
"""Longest time that the quantity of a living body can keep one value, as finely as wearables tell it."""
_FROZEN_S: Final = (20.0, 50.0)
"""A steady heart may show the same rate for so long at rest; after the second no rate of a beating heart is left."""
_FROZEN_TRUST: Final = (0.6, 0.25)
_MOVING_MS2: Final = 1.0
_MOVING_TRUST: Final = 0.1
_LEAP_BPM: Final = 25.0
"""Between samples no further than three seconds apart: standing up or a start raises a rate by 10 to 20 (Borst et al.
1982, J Appl Physiol 52:676)."""
_LEAP_S: Final = 3.0
_LEAP_COST: Final = 0.15
_OVERLAP: Final = 1.15
"""Beats may come early by a pack, not by a sixth of the stretch."""
_LEAST_SATURATION: Final = 70.0
"""Below, no pulse oximeter is tested (ISO 80601-2-61); a resting listener reads 94 and more."""
_NEEDS_SKIN: Final = frozenset({"hr", "rr", "ppg", "eda", "temp", "spo2"})
_NEEDS_WEARER: Final = frozenset({"ecg", "acc"})
"""Electrodes hold where a thermometer in the case feels the room, and a loose band moves with its wearer: doubt alone
does not matter to them."""
_SETTLING: Final = 0.4
_SURE_COVERAGE: Final = 0.8
"""A wearable leaves out beats that it doubts, and averages over them in its rate. On 3240 worn half-minutes of 24 exams
(exam-stress) the rate of an Empatica E4 was off that of its own beats by 18 to 25 bpm in one of ten where these covered
less than a fifth of the time, by 20 up to a half, by 12 up to .8, and by 5.5 above."""
_DOUBTED: Final = (0.4, 0.8)
_STEADY_BPM: Final = (5.0, 1.5)
"""Trust in a rate without beats, where its standard deviation over the minute is the first or above, and the second or
below. In the same exams, where beats covered less than a fifth of the time but over .8 within a minute and a half, the
rate was off that of the latter by (half of the times, nine of ten) 2.0, 7.9 bpm where it was steady to 1.5; 3.6, 9.4 to
3; 7.6, 19 to 5; 12, 17 beyond. Where beats cover .5 to .8 a steady one is off by 2.0, 7.4. The noise of a band on a
table is as steady at times, so this holds where the wearable feels skin."""
_STEADY_S: Final = 30.0
"""A rate that is steady for less has not had the time to change."""
_NAN: Final = float("nan")


class Surroundings(NamedTuple):
    """What else is known of a wearable when one of its streams is judged.

    Attributes:
        motion_ms2: of the wearable itself; NaN where unknown.
        body_ms2: of whatever wearable of the listener moves most; NaN where unknown.
        contact: trust that it is worn, of `agent.sensing.contact`.
        felt: whether anything that it measures says so; else the contact is taken for granted.
        told: share of the time of the wearable's heart rate that its beats cover; NaN where it sends none.
        beats: for `ppg` and `ecg`, what their beats say of the waveform; NaN where too little came to say.
    """

    motion_ms2: float = _NAN
    body_ms2: float = _NAN
    contact: float = ON
    felt: bool = False
    told: float = _NAN
    beats: float = _NAN


NOWHERE: Final = Surroundings()


def freshness(quantity: str, *, age_s: float, pack_interval_s: float) -> float:
    """Trust left after `age_s` without a sample: 1 while that is usual for the stream, then falling to 0.

    Args:
        quantity: decides what is usual.
        age_s: since the newest sample.
        pack_interval_s: usual time between the stream's packs; senders that batch are not late.
    """
    usual = _PATIENCE[quantity]
    stretch = max(1.0, 2.5 * pack_interval_s / usual.fresh)
    if quantity != "batt":
        stretch = min(stretch, max(1.0, _SLOWEST_S / usual.gone))
    fresh, gone = usual.fresh * stretch, usual.gone * stretch
    return float(min(1.0, max(0.0, (gone - age_s) / (gone - fresh))))


def steadiness(quantity: str, motion_ms2: float) -> float:
    """Trust that motion leaves to a stream; 1 where the motion is unknown (NaN) or does not matter."""
    half = _HALF_TRUST_MS2.get(quantity)
    if half is None or not motion_ms2 > 0.0:
        return 1.0
    return 1.0 / (1.0 + (motion_ms2 / half) ** 2)


def coverage(quantity: str, times: Floats, values: Floats) -> float:
    """Share of the stretch that samples cover: received against expected from the stream's own rate.

    Beats that cover more than the whole are copies, or another heart's: the surplus costs as much as a lack.
    """
    if len(times) < 3:
        return 1.0 if len(times) else 0.0
    span = float(times[-1] - times[0])
    if not span > 0.0:
        return 0.0
    if quantity == "rr":
        covered = float(np.add.reduce(values[1:], dtype=np.float64)) / span
        return min(1.0, covered) if covered <= _OVERLAP else 1.0 / covered
    # Not the median: where every third sample is missing, half of the distances are single and half are double, and the
    # median would be now the one, now the other.
    distances = np.diff(times)
    usual = float(np.partition(distances, place := 2 * len(distances) // 5)[place])
    return min(1.0, usual * (len(times) - 1) / span) if usual > 0.0 else 0.5


def plausible(quantity: str, values: Floats) -> NDArray[np.bool_]:
    """Which samples can be what they claim to be: bool [n]. `eda` in microsiemens, all else in the wire's unit."""
    if quantity == "temp":
        return temperature.on_skin(values)
    spec = QUANTITIES[quantity]
    low, high = spec.low, spec.high
    if quantity == "eda":
        low, high = electrodermal.NO_CONTACT_US, 1e6 * high
    elif quantity == "rr":
        low, high = beats.SHORTEST_S, beats.LONGEST_S
    elif quantity == "spo2":
        low = _LEAST_SATURATION
    good: NDArray[np.bool_] = (values >= low) & (values <= high)
    return good if good.ndim == 1 else good.all(axis=1)


def signal_quality(quantity: str, times: Floats, values: Floats, around: Surroundings = NOWHERE) -> float:
    """Quality of the newest `JUDGED_S` of a stream, without its age.

    Args:
        quantity: of the wire.
        times: [n], seconds, ascending.
        values: [n] or [n, channels], in the wire's units but for `eda`, which is in microsiemens.
        around: what else is known of the wearable.
    """
    if not len(times):
        return 0.0
    times, values = window(times, values, at=float(times[-1]), seconds=JUDGED_S[quantity])
    trust = _covered(quantity, times, values, around) * steadiness(quantity, around.motion_ms2)
    trust *= _range(quantity, times, values) * _contact(quantity, times, values, around)
    trust *= _alive(quantity, times, values, around) * _doubt(quantity, times, values, around)
    if quantity in {"ppg", "ecg"}:
        # Too short to find beats in: some trust, so that the stream is not hidden for its first seconds.
        trust *= 0.5 if np.isnan(around.beats) else around.beats
    return float(trust)


def _covered(quantity: str, times: Floats, values: Floats, around: Surroundings) -> float:
    """Share of the time that samples cover; of beats, of the time of the rate beside them: a lone one covers little."""
    covered = coverage(quantity, times, values)
    if quantity != "rr" or np.isnan(around.told):
        return covered
    return min(covered, around.told / _SURE_COVERAGE)


def _range(quantity: str, times: Floats, values: Floats) -> float:
    """Share of the samples that can be what they claim to be, less what has passed since the last of them."""
    good = plausible(quantity, values)
    share = np.count_nonzero(good) / len(good)
    if quantity == "rr":
        # A single beat out of place is no fill value, but as little a heartbeat.
        share = beats.normal_share(times, values)
    if share in {0.0, 1.0}:
        return float(share)
    stale = float(times[-1] - times[np.flatnonzero(good)[-1]])
    return float(share * freshness(quantity, age_s=stale, pack_interval_s=0.0))


def _contact(quantity: str, times: Floats, values: Floats, around: Surroundings) -> float:
    """Trust that the contact with the skin leaves."""
    trust = 1.0
    if quantity in _NEEDS_SKIN:
        trust = around.contact
    elif quantity in _NEEDS_WEARER and around.contact <= OFF:
        trust = OFF
    settled = quantity != "temp" or temperature.has_settled(times, values)
    return trust if settled else trust * _SETTLING


def _doubt(quantity: str, times: Floats, values: Floats, around: Surroundings) -> float:
    """Trust that the wearable itself has in its heart rate, or that a steady one on skin deserves without it."""
    if quantity != "hr" or np.isnan(around.told):
        return 1.0
    doubted, steady = _DOUBTED
    if around.felt and times[-1] - times[0] >= _STEADY_S:
        doubted = float(np.interp(np.std(values), _STEADY_BPM[::-1], (steady, doubted)))
    return doubted + (1.0 - doubted) * min(1.0, around.told / _SURE_COVERAGE)


def _alive(quantity: str, times: Floats, values: Floats, around: Surroundings) -> float:
    """Trust that flat lines and leaps leave."""
    if quantity == "hr":
        return _not_frozen(times, values, around) * _no_leaps(times, values)
    limit = _STANDS_STILL_S.get(quantity)
    if limit is None or len(times) < 8:
        return 1.0
    flat = _flat_share(times, values, limit)
    if quantity == "acc":
        # A coarse sensor on a resting arm may repeat itself, but gravity never stops.
        return 1.0 - 0.5 * flat if 5.0 < float(np.linalg.norm(values[-1])) < 15.0 or flat < 1.0 else 0.0
    return 1.0 - flat


def _flat_share(times: Floats, values: Floats, limit_s: float) -> float:
    """Share of the stretch in runs of one value that last `limit_s` and longer."""
    same = values[1:] == values[:-1]
    if same.ndim > 1:
        same = same.all(axis=1)
    if not same.any():
        return 0.0
    ends = np.concatenate(([0], np.flatnonzero(~same) + 1, [len(times)]))
    lengths = times[ends[1:] - 1] - times[ends[:-1]]
    return float(lengths[lengths >= limit_s].sum() / (times[-1] - times[0]))


def _not_frozen(times: Floats, values: Floats, around: Surroundings) -> float:
    """Trust in a rate that has not changed for a while."""
    others = np.flatnonzero(values != values[-1])
    since = float(times[-1] - times[others[-1] + 1 if len(others) else 0])
    if since < _FROZEN_S[0]:
        return 1.0
    if max(around.motion_ms2, around.body_ms2, key=lambda ms2: -1.0 if np.isnan(ms2) else ms2) > _MOVING_MS2:
        return _MOVING_TRUST
    return _FROZEN_TRUST[since >= _FROZEN_S[1]]


def _no_leaps(times: Floats, values: Floats) -> float:
    """Trust that changes faster than a sinus node's leave; fill values are judged by the range."""
    good = plausible("hr", values)
    leaps = (np.abs(np.diff(values[good])) > _LEAP_BPM) & (np.diff(times[good]) <= _LEAP_S)
    return float((1.0 - _LEAP_COST) ** np.count_nonzero(leaps))

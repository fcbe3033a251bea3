"""Signal quality in [0, 1] from physics: range, flat lines, dropouts, age, motion, contact.

Every part is a share of trust and the parts multiply, so one fatal flaw is enough. The numbers say how far a stream may
drive the affect state, not how good the wearable is.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from models.physiology import electrodermal, heart, temperature
from models.physiology.windows import Floats, window
from models.wire.quantities import QUANTITIES

__all__ = ["JUDGED_S", "coverage", "freshness", "signal_quality", "steadiness"]

JUDGED_S: Final = {
    "hr": 30.0,
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
_HALF_TRUST_MS2: Final = {"ppg": 1.5, "hr": 4.0, "rr": 4.0}
"""Standard deviation of the acceleration at which half of the trust is left. Walking shakes a wrist by 2–4 m/s², which
a PPG does not survive; the rate and the beats that a wearable derives are filtered by it already."""
_FROZEN_S: Final = 20.0


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
    return float(np.clip((gone - age_s) / (gone - fresh), 0.0, 1.0))


def steadiness(quantity: str, motion_ms2: float) -> float:
    """Trust that motion leaves to heart and pulse; 1 where the motion is unknown (NaN)."""
    half = _HALF_TRUST_MS2.get(quantity)
    if half is None or not motion_ms2 > 0.0:
        return 1.0
    return 1.0 / (1.0 + (motion_ms2 / half) ** 2)


def coverage(quantity: str, times: Floats, values: Floats) -> float:
    """Share of the stretch that samples cover: received against expected from the stream's own rate."""
    if len(times) < 3 or not (span := float(times[-1] - times[0])) > 0.0:
        return 1.0 if len(times) else 0.0
    if quantity == "rr":
        return min(1.0, float(np.add.reduce(values[1:], dtype=np.float64)) / span)
    usual = float(np.partition(distances := np.diff(times), len(distances) // 2)[len(distances) // 2])
    return min(1.0, usual * (len(times) - 1) / span) if usual > 0.0 else 1.0


def signal_quality(quantity: str, times: Floats, values: Floats, *, pulse: float, motion_ms2: float) -> float:
    """Quality of the newest `JUDGED_S` of a stream, without its age.

    Args:
        quantity: of the wire.
        times: [n], seconds, ascending.
        values: [n] or [n, channels], in the wire's units but for `eda`, which is in microsiemens.
        pulse: for `ppg`, how clear the pulse is, [0, 1]; NaN where too little came to say.
        motion_ms2: of the same wearable; NaN where unknown.
    """
    if not len(times):
        return 0.0
    times, values = window(times, values, at=float(times[-1]), seconds=JUDGED_S[quantity])
    trust = coverage(quantity, times, values) * steadiness(quantity, motion_ms2)
    return float(trust * _plausible(quantity, times, values, pulse) * _alive(quantity, times, values, motion_ms2))


def _plausible(quantity: str, times: Floats, values: Floats, pulse: float) -> float:
    """Share of the samples that can be what they claim to be."""
    if quantity == "rr":
        return len(heart.clean(times, values).times) / len(times)
    if quantity == "temp":
        return float(np.mean(temperature.on_skin(values)))
    if quantity == "eda":
        return float(np.mean((values >= electrodermal.NO_CONTACT_US) & (values <= 1e6 * QUANTITIES["eda"].high)))
    if quantity == "ppg":
        # Too short to find beats in: some trust, so that the stream is not hidden for its first seconds.
        return 0.5 if np.isnan(pulse) else pulse
    spec = QUANTITIES[quantity]
    return float(np.mean((values >= spec.low) & (values <= spec.high)))


def _alive(quantity: str, times: Floats, values: Floats, motion_ms2: float) -> float:
    """Trust that a flat line leaves."""
    if quantity in {"temp", "batt"} or len(times) < 8 or np.ptp(values, axis=0).max() > 0.0:
        return 1.0
    if quantity == "hr":
        # A steady heart may show the same rate for half a minute, but not while its owner moves.
        frozen = times[-1] - times[0] >= _FROZEN_S
        return (0.1 if motion_ms2 > 1.0 else 0.6) if frozen else 1.0
    if quantity == "acc":
        # A coarse sensor on a resting arm may repeat itself, but gravity never stops.
        return 0.5 if 5.0 < float(np.linalg.norm(values[-1])) < 15.0 else 0.0
    return 0.0

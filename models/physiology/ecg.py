"""Beats of an electrocardiogram (ECG), found while it streams.

The activity is the local energy of the signal at the frequencies of the QRS complex, whatever its phase: the root of
the squared slope plus the squared curvature, both of a narrow Gaussian. One complex makes one crest, upright or not.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.physiology.waveforms.detector import BeatDetector, Peak
from models.physiology.waveforms.filters import Filter, bump, curvature, gaussian, slope
from models.physiology.waveforms.offsets import crest_offset
from models.physiology.waveforms.quality import JUDGED_S, Clarity
from models.physiology.waveforms.tracker import USUAL, Settled

__all__ = ["LEAST_RATE_HZ", "EcgBeats"]

LEAST_RATE_HZ: Final = 80.0
"""Below this a QRS complex has fewer than eight samples."""
_ENOUGH_HZ: Final = 200.0
_SPREAD_S: Final = 0.010
"""The energy's band is then about 8 to 25 Hz, where QRS complexes stand out (Thakor et al. 1984, IEEE TBME 31:702)."""
_COMPLEX_S: Final = 0.08
_FINE_S: Final = 0.004
_REFRACTORY_S: Final = 0.27
_SHAPE_S: Final = (0.1, 0.1)
_NEAR_S: Final = 0.08
"""The R peak lies this near the middle of the complex's energy."""
_CLIMB_S: Final = 0.02
_INVERTED: Final = 1.3
"""How much sharper the complex's trough must be than its crest for the trough to be its peak."""
_SLOWLY: Final = 0.1
_CLARITY: Final = Clarity(likeness=(0.3, 0.9), rivalry=(0.3, 1.5))


class EcgBeats(BeatDetector):
    """Finds R peaks in one pass.

    A beat is reported about 2.7 s after it came, for what follows it tells whether it was one.

    Args:
        rate_hz: samples a second as the wearable states it, at least `LEAST_RATE_HZ`; 130 to 1000 are usual.
        judged_s: seconds that the quality looks back.

    Raises:
        ValueError: the rate is lower.
    """

    def __init__(self, rate_hz: float, *, judged_s: float = JUDGED_S) -> None:
        if not rate_hz >= LEAST_RATE_HZ:
            raise ValueError(f"an electrocardiogram needs at least {LEAST_RATE_HZ} samples a second, not {rate_hz}")
        super().__init__(
            rate_hz,
            enough_hz=_ENOUGH_HZ,
            rhythm=USUAL._replace(refractory_s=_REFRACTORY_S),
            shape_s=_SHAPE_S,
            clarity=_CLARITY,
            judged_s=judged_s,
        )
        rate = self.rate_hz
        self._slope = Filter(slope(_SPREAD_S * rate))
        self._curvature = Filter(curvature(_SPREAD_S * rate))
        self._energy = Filter(bump(_COMPLEX_S * rate))
        self._fine = gaussian(max(_FINE_S * rate, 0.5))
        self._curvatures = self._memory()
        self._up = self._down = 0.0

    def _activity(self, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        slopes, curvatures = self._slope.push(values), self._curvature.push(values)
        self._curvatures.push(curvatures)
        return slopes, self._energy.push(np.hypot(slopes, curvatures))

    def _rest_of_activity(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        slopes, curvatures = self._slope.finish(), self._curvature.finish()
        self._curvatures.push(curvatures)
        return slopes, np.concatenate((self._energy.push(np.hypot(slopes, curvatures)), self._energy.finish()))

    def _peak(self, settled: Settled) -> Peak:
        place, near = settled.candidate.place, round(_NEAR_S * self.rate_hz)
        first = max(place - near, 0)
        bends = self._curvatures.between(first, place + near + 1)
        crest, trough = float(bends.max()), -float(bends.min())
        self._up += _SLOWLY * (crest - self._up)
        self._down += _SLOWLY * (trough - self._down)
        if self._down > _INVERTED * self._up:
            return Peak(self._top(first + int(bends.argmin()), -1.0), trough)
        return Peak(self._top(first + int(bends.argmax()), 1.0), crest)

    def _top(self, sharpest: int, sign: float) -> float:
        """The highest point of the wave near its sharpest one."""
        half = len(self._fine) // 2
        climb = max(2, round(_CLIMB_S * self.rate_hz))
        first = max(sharpest - climb - half, 0)
        values = self._values.between(first, sharpest + climb + half + 1)
        if len(values) < len(self._fine) + 2:
            return float(sharpest)
        wave = sign * np.correlate(values, self._fine, "valid")
        best = int(wave.argmax())
        return first + half + best + crest_offset(wave, best)
